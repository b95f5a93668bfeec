"""Replaces one node: looks where it stands, does the next thing, and looks again until it is gone.

A node's stage is read off EC2, its Auto Scaling group and Kubernetes alone, so a run that was killed at any
point goes on with the stage it finds:

    SERVING    room in its group, then cordon; also where somebody else had cordoned it
    CORDONED   by us: drain, let load balancers and volumes go, terminate by id
    NODELESS   an instance without a node: terminate
    LEAVING    wait until the node's object is gone
    GONE       workloads as healthy as before, then done

When a drain is given up, the node is uncordoned: a stop leaves no node that nobody works on cordoned.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

from eks_cilium.clients.ec2 import GONE
from eks_cilium.errors import ProgramError
from eks_cilium.migration.capacity import surge
from eks_cilium.migration.eviction import drain
from eks_cilium.migration.facts.nodes import node as known_node
from eks_cilium.migration.inventory import marks, recording
from eks_cilium.migration.rotation import detach, health
from eks_cilium.runtime.errors import DrainRefusedError, LeaseHeldError, StoppedError
from eks_cilium.runtime.journal import Phases

if TYPE_CHECKING:
    from eks_cilium.clients.autoscaling import Member
    from eks_cilium.cluster.objects import Object
    from eks_cilium.migration.inventory.model import Outgoing
    from eks_cilium.migration.run import MigrationRun


class Stage(Enum):
    """Where a node stands."""

    SERVING = auto()
    CORDONED = auto()
    NODELESS = auto()
    LEAVING = auto()
    GONE = auto()


@dataclass(frozen=True)
class Seen:
    """One look at a node, from all three sides."""

    node: Object | None
    """The node's object; None when it is gone, or when another instance has taken its name."""
    state: str
    """Of the instance, as EC2 has it."""
    member: Member | None
    """Of the instance, as its group has it."""

    @property
    def stage(self) -> Stage:
        """What that amounts to."""
        ended = self.state in GONE
        leaving = self.member is None or self.member.leaving
        if ended and self.node is None and leaving:
            return Stage.GONE
        if (ended and leaving) or (self.member is not None and self.member.leaving):
            return Stage.LEAVING
        if ended or self.node is None:
            return Stage.NODELESS
        ours = marks.is_cordoned(self.node) and marks.is_ours(self.node)
        return Stage.CORDONED if ours else Stage.SERVING

    def __str__(self) -> str:
        group = f", {self.member.lifecycle} in its group" if self.member else ""
        return f"the instance is {self.state}{group}, the node {'is still there' if self.node else 'is gone'}"


def rotate_node(run: MigrationRun, name: str) -> dict[str, Any]:
    """Replace a node of the inventory. Raises StoppedError when the inventory has no such node.

    Returns {"node", "instance", "group", "evicted", "deleted", "decremented", "seconds": {phase: seconds}}.
    """
    node = recording.required(run.world, run.options.target).node(name)
    if node is None:
        raise StoppedError(f"node {name} is not in the inventory of this migration")
    return rotate(run, node)


def rotate(run: MigrationRun, node: Outgoing, *, shrink: bool | None = None) -> dict[str, Any]:
    """Replace a node, from whatever stage it is in. `shrink` says whether its group gets smaller by it."""
    return _Rotation(run, node, shrink).run()


class _Rotation:
    def __init__(self, run: MigrationRun, node: Outgoing, shrink: bool | None) -> None:
        self._run, self._node = run, node
        self._shrink = shrink
        self._phases = Phases(run.world.time.monotonic)
        self._began = run.world.time.monotonic()
        self._evicted = self._deleted = 0
        self._decremented = False

    def run(self) -> dict[str, Any]:
        self._run.world.guard()
        while (seen := self._look()).stage is not Stage.GONE:
            match seen.stage:
                case Stage.SERVING:
                    self._cordon()
                case Stage.CORDONED:
                    self._empty_and_end()
                case Stage.NODELESS:
                    self._terminate()
                case Stage.LEAVING:
                    self._await_gone()
        with self._phases.phase("health"):
            health.await_as_before(self._run, self._node)
        health.forget(self._run.world, self._node)
        return self._finished()

    def _look(self) -> Seen:
        """A node that registered anew under the same name and instance is still this one."""
        world, node = self._run.world, self._node
        thing = world.api.get(marks.path(node.name))
        if thing is not None:
            if known_node(thing, {}).instance != node.instance:
                thing = None
            elif thing["metadata"]["uid"] != node.uid:
                self._node = replace(node, uid=thing["metadata"]["uid"])
        group = world.groups.groups([node.group]).get(node.group)
        member = group.member(node.instance) if group else None
        return Seen(thing, world.instances.state(node.instance), member)

    def _cordon(self) -> None:
        """Wait for room, then cordon while no other rotation of the group counts on the same room."""
        world, node = self._run.world, self._node
        if refused := drain.blockers(self._run, node):
            raise DrainRefusedError(node.name, refused)

        def missing() -> str:
            with surge.lock(world, node.group):
                if self._shrink is None and (sentence := surge.room(self._run, node)):
                    return sentence
                return self._cordon_now()

        with self._phases.phase("room"):
            self._run.wait(
                missing,
                waited_for=f"room for the pods of node {node.name}",
                seconds=self._run.options.replacement_timeout_seconds
                + self._run.options.drain_timeout_seconds,
            )

    def _cordon_now(self) -> str:
        world, node = self._run.world, self._node
        thing = world.api.get(marks.path(node.name))
        if thing is None or thing["metadata"]["uid"] != node.uid:
            return ""  # gone meanwhile: the next look tells
        health.note_before(self._run, node, drain.pods_on(world, node.name))
        marks.soft_taint(world.api, node.name)
        marks.cordon(world.api, thing)
        world.note("cordoned", node=node.name)
        self._run.report(f"cordoned {node.name}")
        return ""

    def _empty_and_end(self) -> None:
        try:
            self._empty()
        except LeaseHeldError:
            raise
        except ProgramError as error:
            self._give_up(error)
            raise

    def _empty(self) -> None:
        run, world, node = self._run, self._run.world, self._node
        cordoned = world.time.monotonic()
        with self._phases.phase("drain"):
            drained = drain.drain(run, node)
        self._evicted += drained.evicted
        self._deleted += drained.deleted
        if drained.ended is not drain.Ended.EMPTY:
            world.note("drain-interrupted", node=node.name, reason=drained.ended.name)
            return
        with self._phases.phase("release"):
            detach.await_load_balancers(run, node, cordoned=cordoned)
            detach.await_volumes(run, node)
        self._terminate()

    def _terminate(self) -> None:
        with self._phases.phase("terminate"):
            self._run.world.guard()
            self._decremented = surge.terminate(self._run, self._node, shrink=self._shrink)
        how = ", its group gets smaller" if self._decremented else ""
        self._run.report(f"terminated {self._node.instance}{how}")

    def _await_gone(self) -> None:
        def missing() -> str:
            seen = self._look()
            return str(seen) if seen.stage is Stage.LEAVING else ""

        with self._phases.phase("gone"):
            self._run.wait(
                missing, waited_for=f"node {self._node.name} to be gone", seconds=self._run.limits.termination
            )

    def _give_up(self, error: ProgramError) -> None:
        """Uncordon, so that nothing is left half done; if even that fails, the next run has to."""
        world, node = self._run.world, self._node
        world.note("gave-up", node=node.name, reason=str(error))
        try:
            thing = world.api.get(marks.path(node.name))
            if thing is not None and thing["metadata"]["uid"] == node.uid:
                marks.uncordon(world.api, thing)
                self._run.report(f"uncordoned {node.name}")
        except ProgramError as second:
            world.note("still-cordoned", node=node.name, reason=str(second))

    def _finished(self) -> dict[str, Any]:
        seconds = self._phases.seconds
        total = round(self._run.world.time.monotonic() - self._began, 3)
        self._run.world.note("replaced", node=self._node.name, seconds=seconds, total=total)
        self._run.report(f"replaced {self._node.name} in {total:.0f} s")
        return {
            "node": self._node.name,
            "instance": self._node.instance,
            "group": self._node.group,
            "evicted": self._evicted,
            "deleted": self._deleted,
            "decremented": self._decremented,
            "seconds": seconds,
        }
