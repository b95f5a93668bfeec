"""Workloads whose pods had to move are as healthy as before, before the next node is touched.

Before a node is cordoned, the ready replicas of everything that has pods there are written down; when the
node is gone, the same workloads have to have them again, several readings in a row, since a pod may be ready
for a moment and crash then. What a workload wants by now counts where that is less.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eks_cilium.cluster.objects import Reference
from eks_cilium.migration.facts import pods, workloads
from eks_cilium.migration.facts.on_demand import BackingReader
from eks_cilium.runtime.record import Record, of_node
from eks_cilium.texts import named

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from eks_cilium.cluster.objects import Object
    from eks_cilium.migration.facts.model import Owner
    from eks_cilium.migration.inventory.model import Outgoing
    from eks_cilium.migration.run import MigrationRun
    from eks_cilium.runtime.context import World

_MOST_NAMED = 5


def note_before(run: MigrationRun, node: Outgoing, things: Sequence[Object]) -> None:
    """Write down how healthy the workloads of a node are. What a run that was stopped wrote stands."""
    record = Record(run.world.api)
    kept = record.get(of_node(node.name))
    if kept is None or kept["uid"] != node.uid:
        record.put(of_node(node.name), {"uid": node.uid, "ready": _ready(run, things)})


def await_as_before(run: MigrationRun, node: Outgoing) -> None:
    """Wait until the workloads that had pods on a node are as healthy as before."""
    kept = Record(run.world.api).get(of_node(node.name))
    before: dict[str, int] = kept["ready"] if kept and kept["uid"] == node.uid else {}
    if not before:
        return
    run.wait(
        lambda: _missing(run.world, before),
        waited_for=f"the workloads of node {node.name} to be as healthy as before",
        seconds=run.options.health_timeout_seconds,
        readings=run.options.settle_readings,
    )


def forget(world: World, node: Outgoing) -> None:
    """The node is done with."""
    Record(world.api).drop(of_node(node.name))


def _ready(run: MigrationRun, things: Sequence[Object]) -> dict[str, int]:
    backing = BackingReader(run.world.api).of(things)
    found = {}
    for pod in (pods.pod(thing) for thing in things):
        if pod is None or pod.terminal or pod.owner is None:
            continue
        owner = backing.owners.get(backing.workload_of(pod))
        if owner is not None and owner.desired is not None:
            found[_key(owner.reference)] = min(owner.ready, owner.desired)
    return found


def _missing(world: World, before: Mapping[str, int]) -> str:
    worse = [line for key, ready in sorted(before.items()) if (line := _worse(world, key, ready))]
    return named(worse, _MOST_NAMED, separator="; ")


def _worse(world: World, key: str, before: int) -> str:
    """How a workload is worse off, in one sentence; one that was deleted is not."""
    reference = _reference(key)
    path = workloads.path_of(reference)
    thing = world.api.get(path) if path else None
    owner: Owner | None = workloads.owner(reference.kind, thing) if thing else None
    if owner is None or owner.desired is None:
        return ""
    wanted = min(before, owner.desired)
    return "" if owner.ready >= wanted else f"{reference} has {owner.ready} of {wanted} pods ready"


def _key(reference: Reference) -> str:
    return f"{reference.kind}/{reference.namespace}/{reference.name}"


def _reference(key: str) -> Reference:
    return Reference(*key.split("/"))
