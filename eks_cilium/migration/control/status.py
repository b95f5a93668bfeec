"""Where a migration or a refresh stands, from the record, the Lease and the nodes of a cluster.

`eks-cilium status` prints it, and nothing is written. Its identity needs `get` of the record's ConfigMap and
of the Lease in kube-system, and `list` of nodes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from eks_cilium.migration.control import progress, stop
from eks_cilium.migration.inventory import recording
from eks_cilium.runtime.lease import holding
from eks_cilium.runtime.record import POLICY, REFRESH, RESTARTS, Record
from eks_cilium.settings.model.migration import Target

if TYPE_CHECKING:
    from datetime import datetime

    from eks_cilium.clients.kubernetes import KubernetesApi, Object
    from eks_cilium.migration.control.progress import Failure, InWork, Progress
    from eks_cilium.migration.control.stop import StopRequest
    from eks_cilium.migration.inventory.model import Inventory
    from eks_cilium.runtime.lease import Holding


@dataclass(frozen=True, slots=True)
class Standing:
    """How many nodes of a migration are done, in work and left."""

    target: Target
    recorded: str
    """When its inventory was recorded, as an ISO time."""
    nodes: int
    done: int
    in_work: tuple[InWork, ...]
    """As the last run recorded them; a run that was killed leaves its nodes here."""
    left: int
    """Nodes that were not begun."""
    seconds_left: float | None
    """By the nodes that were measured on this cluster; None where none was, or none is left."""
    failures: tuple[Failure, ...]
    """Rotations that ended in an error, the oldest first, of nodes that are still to be replaced."""


@dataclass(frozen=True, slots=True)
class Refresh:
    """The workloads whose pods mode `chaining` restarts, so that Cilium manages them."""

    recorded: str
    """When their list was recorded, as an ISO time."""
    workloads: int
    in_work: tuple[str, ...]
    """Workloads that are being restarted, or were when a run was stopped."""


@dataclass(frozen=True, slots=True)
class Status:
    """Where the work on a cluster stands."""

    cluster: str
    standing: Standing | None
    """None where no migration is recorded."""
    refresh: Refresh | None
    """None where no list of workloads is recorded."""
    run: Holding | None
    """Who is at work; None where no Lease says so."""
    stop: StopRequest | None
    policies_paused: bool

    @property
    def is_running(self) -> bool:
        """Whether a run is at work, by a Lease that did not expire."""
        return self.run is not None and not self.run.is_expired

    @property
    def is_clear(self) -> bool:
        """Whether nothing holds the migration up that a person has to know of."""
        return self.stop is None and not (self.standing and self.standing.failures)


def read(cluster: str, api: KubernetesApi, now: datetime) -> Status:
    """Read where a migration stands, in either direction."""
    record = Record(api)
    found = (recording.inventory(record, target) for target in Target)
    inventory = next((each for each in found if each is not None), None)
    return Status(
        cluster=cluster,
        standing=_standing(api, record, inventory) if inventory else None,
        refresh=_refresh(record),
        run=holding(api, now),
        stop=stop.requested(api),
        policies_paused=record.get(POLICY) is not None,
    )


def _refresh(record: Record) -> Refresh | None:
    found = record.get(REFRESH)
    if found is None:
        return None
    in_work = sorted(str(kept["workload"]) for kept in record.each(RESTARTS).values())
    return Refresh(found["taken"], len(found["workloads"]), tuple(in_work))


def _standing(api: KubernetesApi, record: Record, inventory: Inventory) -> Standing:
    existing = inventory.left(api.each("/api/v1/nodes", _identity))
    names = {node.name for node in existing}
    in_work = tuple(
        each
        for each in progress.in_work(record)
        if each.node in (names if each.phase == progress.GONE else inventory.names)
    )
    begun = {each.node for each in in_work}
    left, done = len(names - begun), len(inventory.nodes) - len(names | begun)
    known = progress.read(record)
    known = known if known.migration == inventory.taken else progress.Progress()
    failures = (each for each in known.failures if each.node in names | begun)
    return Standing(
        target=inventory.target,
        recorded=inventory.taken,
        nodes=len(inventory.nodes),
        done=done,
        in_work=in_work,
        left=left,
        seconds_left=_seconds_left(known, left + len(in_work)),
        failures=tuple(failures),
    )


def _identity(node: Object) -> Object:
    """What tells a node from another, so that 5,000 whole nodes are not kept in memory."""
    return {
        "metadata": {"uid": node["metadata"]["uid"]},
        "spec": {"providerID": node["spec"].get("providerID", "")},
    }


def _seconds_left(known: Progress, nodes: int) -> float | None:
    if not known.measured or not nodes:
        return None
    return known.seconds / known.measured * nodes / min(known.parallel, nodes)
