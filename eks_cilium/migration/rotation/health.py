"""The health gate of a rotation: workloads whose pods moved are as healthy as before.

Before a node is cordoned, the ready replicas of every workload with pods on it are recorded. When the node is
deleted, the same workloads must have as many ready replicas again before the next node is touched: in several
readings in a row, since a pod may be ready for a moment and crash then. Where a workload wants fewer replicas
by now, that number counts.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

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


@dataclass(frozen=True, slots=True)
class _Before:
    uid: str
    """Of the node: another one may have its name later."""
    ready: dict[str, int]
    """Ready replicas of the workloads that had pods on the node."""

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Self:
        return cls(kept["uid"], kept["ready"])


def record_before(run: MigrationRun, node: Outgoing, objects: Sequence[Object]) -> None:
    """Record how healthy the workloads of a node are; what an earlier run recorded is kept."""
    record = Record(run.world.api)
    before = record.load(of_node(node.name), _Before.from_json)
    if before is None or before.uid != node.uid:
        record.put(of_node(node.name), asdict(_Before(node.uid, _ready(run, objects))))


def await_as_before(run: MigrationRun, node: Outgoing) -> None:
    before = Record(run.world.api).load(of_node(node.name), _Before.from_json)
    if before is None or before.uid != node.uid or not before.ready:
        return
    ready = before.ready
    run.wait(
        lambda: _missing(run.world, ready),
        waited_for=f"the workloads of node {node.name} to be as healthy as before",
        seconds=run.options.health_timeout_seconds,
        readings=run.options.settle_readings,
    )


def forget(world: World, node: Outgoing) -> None:
    Record(world.api).drop(of_node(node.name))


def _ready(run: MigrationRun, objects: Sequence[Object]) -> dict[str, int]:
    backing = BackingReader(run.world.api).of(objects)
    found = {}
    for pod in (pods.pod(obj) for obj in objects):
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
    # A workload that was deleted meanwhile is not worse off.
    reference = _reference(key)
    path = workloads.path_of(reference)
    obj = world.api.get(path) if path else None
    owner: Owner | None = workloads.owner(reference.kind, obj) if obj else None
    if owner is None or owner.desired is None:
        return ""
    wanted = min(before, owner.desired)
    return "" if owner.ready >= wanted else f"{reference} has {owner.ready} of {wanted} pods ready"


def _key(reference: Reference) -> str:
    return f"{reference.kind}/{reference.namespace}/{reference.name}"


def _reference(key: str) -> Reference:
    return Reference(*key.split("/"))
