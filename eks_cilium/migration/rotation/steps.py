"""Replaces one node: reads its stage, does what this stage needs, and reads again until the node is gone.

Called for each resource `NodeRotation`, and by `restore` for a surplus node. A node's stage is derived from
EC2, its Auto Scaling group and Kubernetes alone (`rotation.stages`), so a run that was killed at any point
continues with the stage it finds:

    SERVING    wait for spare capacity in its group, then cordon; also where the user had cordoned it
    CORDONED   by this program: drain, wait for load balancers and volumes, terminate by id
    NODELESS   an instance without a node: terminate
    LEAVING    wait until the node's object is deleted
    GONE       wait until workloads are as healthy as before, or let them settle beside the next nodes
    UNCLEAR    the three disagree: read again until they agree

When a drain is given up, the node is uncordoned: a run that stops leaves no node cordoned. A request without
an answer stops nothing: the stage is read again when the API server and AWS answer.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from eks_cilium.cluster.objects import is_cordoned
from eks_cilium.errors import ProgramError, UserError
from eks_cilium.migration.agents import enforcement
from eks_cilium.migration.agents.cni_gate import CniGate
from eks_cilium.migration.aws_node import rewrites
from eks_cilium.migration.capacity import spare, termination
from eks_cilium.migration.capacity.stopped import GroupStoppedError
from eks_cilium.migration.control.phases import RecordedPhases
from eks_cilium.migration.eviction import blocked, drain
from eks_cilium.migration.eviction.reading import forget_pods_on, pods_seen_on
from eks_cilium.migration.inventory import marks, recording, returned
from eks_cilium.migration.placement import gate as placement
from eks_cilium.migration.rotation import before as records
from eks_cilium.migration.rotation import detach, pending
from eks_cilium.migration.rotation.beginning import refuse_to_begin
from eks_cilium.migration.rotation.health import as_before, settling
from eks_cilium.migration.rotation.health.recovery import Recovery
from eks_cilium.migration.rotation.health.unready import refuse_where_unready
from eks_cilium.migration.rotation.stages import READINGS, Reading, Stage
from eks_cilium.runtime.errors import LeaseHeldError, StoppedError, TimedOutError
from eks_cilium.runtime.fleet import AT_LEISURE, NOW, SOON
from eks_cilium.texts import named
from eks_cilium.troubleshooting import Topic

if TYPE_CHECKING:
    from eks_cilium.migration.inventory.model import Outgoing
    from eks_cilium.migration.run import MigrationRun

_ENDING = frozenset({Stage.NODELESS, Stage.LEAVING, Stage.GONE})
_SETTLING = 120.0
"""Seconds for which Auto Scaling and EC2 may still show an instance as it was before it was terminated."""


def rotate_node(run: MigrationRun, name: str, *, to_the_end: bool = True) -> dict[str, Any]:
    """Replace a node of the inventory. Raises StoppedError when the inventory has no such node.

    Unless it is waited for `to_the_end`, the instance of a node that was empty may still be ending
    afterwards: `ending` waits for it, and the next node need not. Without `migration.waitUntilHealthy` its
    workloads need not be healthy again either: `settling` judges them beside the next nodes.

    Returns {"instance", "group", "evicted", "deleted", "decremented", "seconds": {phase: seconds}}, and
    {"instance", "group", "skipped": reason} for a node whose group cannot grow, or on which a pod
    must not be evicted.
    """
    returned.label_returned(run)
    inventory = recording.required(run.world, run.options.target)
    node = inventory.node(name)
    if node is None:
        raise StoppedError(Topic.NOT_RECORDED, f"node {name} is not in the inventory of this migration")
    try:
        return _Rotation(run, node, None, inventory.taken, to_the_end=to_the_end).complete()
    except GroupStoppedError as error:
        return _skipped(run, node, error.problem, error.reason)
    except blocked.NodeBlockedError as error:
        return _skipped(run, node, error.problem, named(error.pods))


def _skipped(run: MigrationRun, node: Outgoing, problem: str, reason: str) -> dict[str, Any]:
    """Leave a node for the next run; the nodes after it go on."""
    run.report(f"skipped {node.name}: {problem}")
    run.world.note("skipped", node=node.name, group=node.group, reason=reason)
    return {"instance": node.instance, "group": node.group, "skipped": reason}


def rotate(run: MigrationRun, node: Outgoing, *, shrink: bool | None = None) -> dict[str, Any]:
    """Replace a node, from whatever stage it is in.

    `shrink` says whether its group is decremented by it; None: the plan's arithmetic decides.
    """
    return _Rotation(run, node, shrink, "", to_the_end=True).complete()


class _Rotation:
    def __init__(
        self,
        run: MigrationRun,
        node: Outgoing,
        shrink: bool | None,
        migration: str,
        *,
        to_the_end: bool,
    ) -> None:
        self._run, self._node = run, node
        self._shrink, self._to_the_end = shrink, to_the_end
        self._has_pods = True
        """Whether pods may end with the instance, whose workloads are healthy only after it is gone."""
        self._phases = RecordedPhases(run, node.name, migration)
        self._began = run.world.time.monotonic()
        self._evicted = self._deleted = 0
        self._decremented = False
        self._terminated: float | None = None
        self._unsuited: placement.Unsuited | None = None
        """The first of its pods that no other node suits."""
        self._recovery: Recovery | None = None
        """Of its workloads, from its drain on."""
        self._grew = False
        """Whether a node was added for them."""
        self._is_cordoned = False
        """By this program, and not terminated yet: what has to be undone when it is given up."""

    def complete(self) -> dict[str, Any]:
        """Replace the node, and begin again where an answer failed that may pass."""
        with self._phases.whole():
            try:
                return self._run.persist(self.run)
            except LeaseHeldError:
                raise
            except ProgramError as error:
                if self._is_cordoned:
                    self._give_up(error)
                raise

    def run(self) -> dict[str, Any]:
        self._run.world.guard()
        rewrites.hold(self._run)
        while (stage := self._stage()) is not Stage.GONE and not self._is_over(stage):
            match stage:
                case Stage.SERVING:
                    self._cordon()
                    if self._is_cordoned:
                        self._drain()
                case Stage.CORDONED:
                    self._drain()
                case Stage.NODELESS:
                    self._terminate()
                case Stage.LEAVING:
                    self._await_gone()
        if self._to_the_end or not settling.begin(self._run, self._node, self._phases.of_whole_rotation):
            with self._phases.phase("health"):
                (self._recovery or Recovery(self._run, self._node)).wait()
            with records.finished(self._run.world, self._node.name) as values:
                self._phases.finish(values, is_gone=stage is Stage.GONE)
        return self._finished()

    def _is_over(self, stage: Stage) -> bool:
        """Whether nothing is left to do for this node: only its instance, which has no pods, has to end."""
        return stage is Stage.LEAVING and not self._has_pods and not self._to_the_end

    def _stage(self) -> Stage:
        """The stage, once it is certain: an answer that may be stale has to be repeated."""
        if self._terminated is not None and self._is_over(Stage.LEAVING):
            return Stage.LEAVING  # AWS has accepted it, and there is nothing to wait for
        seen: list[Stage] = []

        def doubtful() -> str:
            # What is in doubt is asked of AWS again: the same answer twice would prove nothing.
            # So is the node, except after its termination: AWS says then whether it is still there.
            reading = self._read(NOW if seen else SOON, fresh=self._terminated is None)
            seen.append(reading.stage)
            agree = seen[-READINGS:].count(reading.stage) >= READINGS
            certain = reading.stage is not Stage.UNCLEAR and (agree or reading.is_plain)
            certain = certain and not self._contradicts_termination(reading.stage)
            return "" if certain else f"node {self._node.name} is read again: {reading}"

        self._run.wait(
            doubtful,
            waited_for=f"EC2, Auto Scaling and Kubernetes to agree about node {self._node.name}",
            seconds=self._run.limits.termination,
            topic=Topic.READINGS_DISAGREE,
        )
        return seen[-1]

    def _contradicts_termination(self, stage: Stage) -> bool:
        """Whether a reading is older than the termination this run asked for, once and for all."""
        ended = self._terminated
        since = self._run.world.time.monotonic() - ended if ended is not None else _SETTLING
        return since < _SETTLING and stage not in (Stage.LEAVING, Stage.GONE)

    def _read(self, max_age: float, *, fresh: bool = True) -> Reading:
        """Read the node; of AWS by answers that are at most `max_age` seconds old."""
        world, node = self._run.world, self._node
        obj = returned.node_of(world, node, fresh=fresh)
        if obj is not None and obj["metadata"]["uid"] != node.uid:
            self._node = replace(node, name=obj["metadata"]["name"], uid=obj["metadata"]["uid"])
            returned.label_returned(self._run)
        self._is_cordoned = obj is not None and is_cordoned(obj) and marks.is_ours(obj)
        group = world.groups_seen([node.group], max_age).get(node.group)
        member = group.member(node.instance) if group else None
        reading = Reading(obj, world.state_seen(node.instance, max_age), member)
        self._is_cordoned = self._is_cordoned and reading.stage not in _ENDING
        return reading

    def _cordon(self) -> None:
        """Wait for spare capacity, then cordon under the group's lock, so that no other node uses it too."""
        world, node = self._run.world, self._node
        blocked.await_drainable(self._run, node, may_wait=partial(refuse_to_begin, self._run))
        enforcement.keep_paused(self._run)

        def missing() -> str:
            refuse_to_begin(self._run)
            rewrites.refuse(self._run)
            if self._shrink is None and (sentence := settling.missing(self._run, node)):
                return sentence
            with world.lock(node.group):
                gate = CniGate(world, self._run.options.target)
                if self._shrink is None and (sentence := spare.missing(self._run, node, gate)):
                    return sentence
                sentence, unsuited = self._cordon_if_pods_fit(), self._unsuited
                if unsuited and unsuited.wants_zone and self._shrink is None and not self._grew:
                    self._grew = spare.add_where_none_suits(self._run, node, gate)
                return sentence

        with self._phases.phase("capacity"):
            try:
                self._run.wait(
                    missing,
                    waited_for=f"spare capacity for the pods of node {node.name}",
                    seconds=self._run.options.replacement_timeout_seconds
                    + self._run.options.drain_timeout_seconds,
                    topic=Topic.NO_SPARE_CAPACITY,
                    wakes=True,
                )
            except TimedOutError as error:
                spare.give_up_if_it_cannot_grow(self._run, node, error)
                raise

    def _cordon_if_pods_fit(self) -> str:
        """Rotations of other groups may count on the same nodes, so only one cordons at a time."""
        with self._run.world.lock("cordons"):
            self._unsuited = placement.missing(self._run, self._node)
            if self._unsuited:
                return self._unsuited.sentence
            return pending.missing(self._run) or self._cordon_now()

    def _cordon_now(self) -> str:
        world, node = self._run.world, self._node
        obj = world.api.get(marks.path(node.name))
        if obj is None or obj["metadata"]["uid"] != node.uid:
            return ""  # deleted meanwhile: the next reading shows it
        refuse_where_unready(self._run)
        as_before.record(self._run, node, pods_seen_on(world, node.name))
        if not marks.has_soft_taint(obj):
            marks.soft_taint(world.api, node.name, obj)
        self._is_cordoned = True
        marks.cordon(world.api, obj)
        world.note("cordoned", node=node.name)
        self._run.report(f"cordoned {node.name}")
        return ""

    def _drain(self) -> None:
        run, world, node = self._run, self._run.world, self._node
        rewrites.refuse(run)
        cordoned = world.time.monotonic()
        with self._phases.phase("drain"):
            drained = drain.drain(run, node, watcher=self._watcher())
        self._evicted += drained.evicted
        self._deleted += drained.deleted
        if drained.ended is not drain.Ended.EMPTY:
            world.note("drain-interrupted", node=node.name, reason=drained.ended.name)
            return
        self._has_pods = drained.has_pods
        with self._phases.phase("release") as waiting:
            detach.await_released(waiting, node, cordoned=cordoned)
        forget_pods_on(world, node.name)
        self._terminate()

    def _watcher(self) -> drain.Watcher:
        """What reads workloads during the drain: those of this node, or those that settle beside it."""
        if not self._to_the_end and settling.is_beside(self._run, self._node):
            return lambda _: settling.look(self._run)
        self._recovery = Recovery(self._run, self._node)
        return self._recovery.look

    def _terminate(self) -> None:
        with self._phases.phase("terminate"):
            self._run.world.guard()
            self._decremented = termination.terminate(self._run, self._node, shrink=self._shrink)
            self._terminated = self._run.world.time.monotonic()
            self._is_cordoned = False
        how = ", its group is decremented" if self._decremented else ""
        self._run.report(f"terminated {self._node.instance}{how}")

    def _await_gone(self) -> None:
        def missing() -> str:
            # The node is deleted after its instance has ended, so until then AWS has no news.
            is_there = returned.node_of(self._run.world, self._node, fresh=False) is not None
            reading = self._read(2 * AT_LEISURE if is_there else SOON, fresh=False)
            return str(reading) if reading.stage is Stage.LEAVING else ""

        with self._phases.phase("gone"):
            self._run.wait(
                missing,
                waited_for=f"node {self._node.name} to be gone",
                seconds=self._run.limits.termination,
                topic=Topic.NOT_TERMINATED,
                wakes=True,
            )

    def _give_up(self, error: ProgramError) -> None:
        """Uncordon, so that nothing is left half done, as often as it takes; else the next run does it."""
        world, name = self._run.world, self._node.name
        world.note("gave-up", node=name, reason=str(error))
        try:
            self._run.wait(
                self._uncordoned, waited_for=f"node {name} to be uncordoned", seconds=self._run.limits.answer
            )
            state = f"Node {name} is uncordoned."
        except ProgramError as second:
            world.note("still-cordoned", node=name, reason=str(second))
            why = second.missing if isinstance(second, TimedOutError) else str(second)
            state = f"Node {name} is still cordoned ({why}): `kubectl uncordon {name}` where it should serve."
        if isinstance(error, StoppedError):
            error.add(state)

    def _uncordoned(self) -> str:
        """Uncordon the node, if it is still there; why that is not possible now."""
        world, node = self._run.world, self._node
        try:
            obj = world.api.get(marks.path(node.name))
            if obj is not None and obj["metadata"]["uid"] == node.uid:
                marks.uncordon(world.api, obj)
                self._run.report(f"uncordoned {node.name}")
        except UserError as error:
            return str(error)
        return ""

    def _finished(self) -> dict[str, Any]:
        seconds = self._phases.seconds
        total = round(self._run.world.time.monotonic() - self._began, 3)
        self._run.world.note("replaced", node=self._node.name, seconds=seconds, total=total)
        self._run.report(f"replaced {self._node.name} in {total:.0f} s")
        return {
            "instance": self._node.instance,
            "group": self._node.group,
            "evicted": self._evicted,
            "deleted": self._deleted,
            "decremented": self._decremented,
            "seconds": seconds,
        }
