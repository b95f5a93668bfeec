"""The list of workloads to restart, written once, so that every later run finds the same ones.

Pods that came after the list was written, and before Cilium was on their node, are found by the gate in the
end; their workloads are added then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eks_cilium.cluster.objects import Reference
from eks_cilium.migration.refresh.model import Listed, WorkloadList
from eks_cilium.runtime.record import REFRESH, Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from eks_cilium.migration.refresh.model import RefreshPlan
    from eks_cilium.runtime.context import World


def read(world: World, number: int) -> WorkloadList | None:
    """The list of a round; None before it was written, or when it is that of an earlier round."""
    kept = Record(world.api).get(REFRESH)
    found = _from_json(kept) if kept else None
    return found if found and found.round == number else None


def write(world: World, plan: RefreshPlan, number: int) -> WorkloadList:
    """Write down what a plan restarts."""
    listed = tuple(Listed(one.workload, one.uid) for one in plan.workloads)
    made = WorkloadList(world.time.now().isoformat(timespec="milliseconds"), number, listed)
    _put(world, made)
    return made


def add(world: World, known: WorkloadList, more: Iterable[Listed]) -> WorkloadList:
    """Add workloads at the end."""
    there = set(known.references)
    new = tuple(one for one in more if one.workload not in there)
    made = WorkloadList(known.taken, known.round, (*known.workloads, *new))
    _put(world, made)
    return made


def _put(world: World, made: WorkloadList) -> None:
    workloads = [one.to_json() for one in made.workloads]
    Record(world.api).put(REFRESH, {"taken": made.taken, "round": made.round, "workloads": workloads})


def _from_json(kept: Mapping[str, Any]) -> WorkloadList:
    listed = tuple(
        Listed(Reference(one["kind"], one["namespace"], one["name"]), one["uid"]) for one in kept["workloads"]
    )
    return WorkloadList(kept["taken"], int(kept["round"]), listed)
