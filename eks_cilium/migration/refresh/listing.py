"""The list of workloads to restart, recorded once in the cluster, so that every later run has the same list.

The gate at the end finds pods that were created after the list was recorded and before Cilium was on their
node. It adds their workloads to the list.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eks_cilium.cluster.objects import Reference
from eks_cilium.migration.refresh.model import Listed, WorkloadList
from eks_cilium.runtime.record import REFRESH

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from eks_cilium.migration.refresh.model import RefreshPlan
    from eks_cilium.runtime.context import World


def read(world: World, number: int) -> WorkloadList | None:
    """The list of a round; None while none is recorded, or only that of an earlier round."""
    recorded = world.record.get(REFRESH)
    found = _from_json(recorded) if recorded else None
    return found if found and found.round == number else None


def write(world: World, plan: RefreshPlan, number: int) -> WorkloadList:
    """Record the workloads that a plan restarts."""
    listed = tuple(Listed(planned.workload, planned.uid) for planned in plan.workloads)
    new = WorkloadList(world.time.now().isoformat(timespec="milliseconds"), number, listed)
    _put(world, new)
    return new


def add(world: World, known: WorkloadList, more: Iterable[Listed]) -> WorkloadList:
    """Append workloads that are not in the list yet."""
    late = tuple(listed for listed in more if not known.has(listed.workload))
    longer = WorkloadList(known.recorded_at, known.round, (*known.workloads, *late))
    _put(world, longer)
    return longer


def _put(world: World, new: WorkloadList) -> None:
    workloads = [listed.to_json() for listed in new.workloads]
    world.record.put(REFRESH, {"taken": new.recorded_at, "round": new.round, "workloads": workloads})


def _from_json(recorded: Mapping[str, Any]) -> WorkloadList:
    listed = tuple(Listed(_reference(entry), entry["uid"]) for entry in recorded["workloads"])
    return WorkloadList(recorded["taken"], int(recorded["round"]), listed)


def _reference(entry: Mapping[str, Any]) -> Reference:
    """The workload of an entry. Earlier versions recorded no API group."""
    return Reference(entry["kind"], entry["namespace"], entry["name"], entry.get("group", ""))
