"""What is recorded of a node before its cordon, for the checks after its drain.

Kept in the cluster's record until the node is replaced, so that a run that continues compares with the same
state. Written by the rotation; read by the health gate and by the waits for volumes and load balancers.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Self

from eks_cilium.cluster.objects import Reference
from eks_cilium.migration.control import progress
from eks_cilium.migration.replicas.custom_owners import CustomOwner
from eks_cilium.runtime.record import MOVED, of_node

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from eks_cilium.migration.inventory.model import Outgoing
    from eks_cilium.runtime.context import World

_MOST_MOVED = 500


@dataclass(frozen=True, slots=True)
class CustomReady:
    """A controller of a kind that this program does not know, and how many of its pods were ready."""

    owner: CustomOwner
    ready: int


@dataclass(frozen=True, slots=True)
class Before:
    """A node before its cordon."""

    uid: str
    """Of the node: another one may have its name later."""
    ready: Mapping[str, int]
    """Ready replicas of the workloads that had pods on the node, by `kind/namespace/name`."""
    custom: tuple[CustomReady, ...] = ()
    attachments: tuple[str, ...] = ()
    """Names of the VolumeAttachments of the node."""
    addresses: tuple[str, ...] = ()
    """Of the pods that were to move: targets of load balancers that send to pods directly."""
    pending: tuple[str, ...] = ()
    """UIDs of pods that the scheduler had found no node for."""
    working: tuple[str, ...] = ()
    """Workloads whose pods work until they are done, in the form of the keys of `ready`."""
    pods: Mapping[str, int] = field(default_factory=dict)
    """How many pods of the workloads in `ready` were on the node."""
    terminated: str = ""
    """ISO time since when its workloads are judged while other nodes are replaced; else empty."""
    seconds: float = 0.0
    """How long the node had its place by then, where one run did all of it."""

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Self:
        """From the record; one of an earlier release has the first two fields only."""
        custom = tuple(
            CustomReady(CustomOwner(**each["owner"]), each["ready"]) for each in kept.get("custom", ())
        )
        known: dict[str, Any] = {
            name: tuple(kept.get(name, ())) for name in ("attachments", "addresses", "pending", "working")
        }
        known |= {name: kept[name] for name in ("pods", "terminated", "seconds") if name in kept}
        return cls(kept["uid"], kept["ready"], custom, **known)


def of(world: World, node: Outgoing) -> Before | None:
    """What was recorded of this node; None where nothing was."""
    found = world.record.load(of_node(node.name), Before.from_json)
    return found if found and found.uid == node.uid else None


def by_node(world: World) -> dict[str, Before]:
    """What was recorded of each node that is being replaced, by its name."""
    kept = world.record.each(of_node(""))
    return {key.removeprefix(of_node("")): Before.from_json(value) for key, value in kept.items()}


def key(workload: Reference) -> str:
    """The name of a workload in `Before.ready`."""
    return f"{workload.kind}/{workload.namespace}/{workload.name}"


def reference(key: str) -> Reference:
    """The workload that such a name is of."""
    return Reference(*key.split("/"))


def keep(world: World, node: Outgoing, before: Before, phase: str = progress.DRAIN) -> None:
    """Record a node and the phase it comes to: it is drained from now on, or its workloads are judged."""
    entered = progress.entered(world, node.name, phase)
    progress.write(world, {of_node(node.name): asdict(before)}, entered)


@contextmanager
def finished(world: World, node: str) -> Iterator[dict[str, Any]]:
    """What has to be recorded of a node that is replaced; it is written inside the block.

    The node is forgotten, and its workloads are kept among those that moved.

    What is kept of a workload is the state before its first move in this run; the last `_MOST_MOVED` to move
    are kept.
    """
    with world.lock(MOVED):
        kept = world.record.several(of_node(node), MOVED)
        if of_node(node) not in kept:
            yield {}  # it was written by an earlier run, which was stopped right after
            return
        earlier = kept.get(MOVED)
        known = _moved(earlier if earlier and earlier["run"] == world.run_id else None)
        merged = _merged(Before.from_json(kept[of_node(node)]), known)
        yield {of_node(node): None, MOVED: {"run": world.run_id, **merged}}


def _merged(before: Before, known: Before) -> dict[str, Any]:
    """The workloads of a node in front of those that moved earlier, as lists: their order says when."""
    ready = {name: known.ready.get(name, count) for name, count in before.ready.items()}
    ready |= {name: count for name, count in known.ready.items() if name not in ready}
    custom = {each.owner.uid: each for each in before.custom}
    earlier = {each.owner.uid: each for each in known.custom}
    found = [earlier.get(uid, each) for uid, each in custom.items()]
    found += [each for uid, each in earlier.items() if uid not in custom]
    return {
        "ready": [list(pair) for pair in ready.items()][:_MOST_MOVED],
        "custom": [asdict(each) for each in found][:_MOST_MOVED],
    }


def moved(world: World, *, of_this_run: bool = False) -> Before:
    """The workloads that moved in the last run that moved any, the latest first, as they were before."""
    kept = world.record.get(MOVED)
    return _moved(None if of_this_run and kept and kept["run"] != world.run_id else kept)


def _moved(kept: Mapping[str, Any] | None) -> Before:
    found = kept or {"ready": (), "custom": ()}
    return Before.from_json({"uid": "", "ready": dict(found["ready"]), "custom": found["custom"]})
