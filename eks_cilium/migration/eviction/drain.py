"""Drains one node through the Eviction API, until two readings in a row find it empty.

Each poll lists the node's pods, gets the verdict on each from the plan's rules, and sends the evictions that
are due. Only one fact is kept between polls: for which pods an eviction was accepted. So no pod is evicted
twice, and no pod is deleted because its eviction failed. Called by the rotation of each node.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum, auto
from typing import TYPE_CHECKING

from eks_cilium.cluster.objects import is_cordoned, moment
from eks_cilium.migration.eviction.judging import LiveVerdicts
from eks_cilium.migration.eviction.requests import Evictions, name_of
from eks_cilium.migration.facts.nodes import is_silent
from eks_cilium.migration.inventory import marks
from eks_cilium.migration.plan.model import Verdict
from eks_cilium.runtime.errors import DrainRefusedError, TimedOutError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from eks_cilium.cluster.objects import Object
    from eks_cilium.migration.inventory.model import Outgoing
    from eks_cilium.migration.plan.model import PodPlan
    from eks_cilium.migration.run import MigrationRun
    from eks_cilium.runtime.context import World

_READINGS = 2
"""Readings in a row that have to agree: that the node is empty, or that a pod must not be evicted."""
_ON_A_SILENT_NODE = 30.0
"""Seconds after its grace period in which a pod may still end on a node whose kubelet does not answer.

Without a kubelet it never ends by itself, and the API server keeps it until the node is deleted. Its
containers may still run, so a StatefulSet does not replace it before. It is never deleted by force: it ends
with the instance, which is terminated next.
Source: kubernetes.io/docs/tasks/run-application/force-delete-stateful-set-pod.
"""
_CRITICAL = "system-"
"""Prefix of the priority classes of critical pods, `system-node-critical` and `system-cluster-critical`."""


class Ended(Enum):
    EMPTY = auto()
    NODE_GONE = auto()
    UNCORDONED = auto()
    """The node was uncordoned meanwhile, so pods may be scheduled to it again."""


@dataclass
class Drained:
    ended: Ended
    evicted: int = 0
    deleted: int = 0


@dataclass
class _Reading:
    """The pods of a node by UID, with the verdicts on them."""

    pods: dict[str, Object]
    verdicts: Mapping[str, PodPlan]
    blocked: list[str] = field(default_factory=list)

    def of(self, *verdicts: Verdict) -> list[str]:
        return [uid for uid, plan in self.verdicts.items() if plan.verdict in verdicts]

    @property
    def left(self) -> list[str]:
        """UIDs of the pods that the drain still has to move."""
        return self.of(Verdict.EVICT, Verdict.DELETE, Verdict.WAIT)


def drain(run: MigrationRun, node: Outgoing) -> Drained:
    """Evict the pods of a node and wait until they are deleted.

    Raises DrainRefusedError before the first eviction when a pod must not or can never be evicted, and
    TimedOutError with every pod that is left, its budget and its numbers after the drain timeout.
    """
    return _Drain(run, node).run()


class _Drain:
    def __init__(self, run: MigrationRun, node: Outgoing) -> None:
        self._run, self._node = run, node
        self._verdicts = LiveVerdicts(run)
        self._evictions = Evictions(
            run,
            about={"node": node.name},
            refuse=lambda pods: DrainRefusedError(node.name, pods),
        )
        self._reported = ""
        self._is_silent = False

    def run(self) -> Drained:
        empty = 0
        blocked: list[str] = []
        reading = _Reading({}, {})
        for _ in self._run.polls(seconds=self._run.options.drain_timeout_seconds):
            if ended := self._interrupted():
                return self._drained(ended)
            reading = self._read()
            if reading.blocked and blocked:
                raise DrainRefusedError(self._node.name, reading.blocked)
            blocked = reading.blocked
            empty = 0 if reading.left or blocked else empty + 1
            if empty >= _READINGS:
                return self._drained(Ended.EMPTY)
            if not blocked:
                self._request_evictions(reading)
        raise self._out_of_time(reading)

    def _drained(self, ended: Ended) -> Drained:
        return Drained(ended, evicted=self._evictions.evicted, deleted=self._evictions.deleted)

    def _interrupted(self) -> Ended | None:
        node = self._run.world.api.get(marks.path(self._node.name))
        if node is None or node["metadata"]["uid"] != self._node.uid:
            return Ended.NODE_GONE
        if is_silent(node) and not self._is_silent:
            self._run.report(f"{self._node.name} does not answer: what does not end there ends with it")
        self._is_silent = is_silent(node)
        return None if is_cordoned(node) else Ended.UNCORDONED

    def _read(self) -> _Reading:
        pods = {pod["metadata"]["uid"]: pod for pod in pods_on(self._run.world, self._node.name)}
        limit = _ON_A_SILENT_NODE if self._is_silent else None
        reading = _Reading(pods, self._verdicts.on(list(pods.values()), terminating_limit=limit))
        reading.blocked = [
            f"{plan.pod.namespace}/{plan.pod.name}: {plan.reason}"
            for plan in reading.verdicts.values()
            if plan.verdict.blocks_drain
        ]
        return reading

    def _request_evictions(self, reading: _Reading) -> None:
        """Request the evictions that are due; critical pods last: others may need them to terminate."""
        moving = reading.of(Verdict.EVICT, Verdict.DELETE)
        ordinary = [uid for uid in reading.left if not _is_critical(reading.pods[uid])]
        for uid in moving:
            held_back = bool(ordinary) and _is_critical(reading.pods[uid])
            if held_back or not self._evictions.is_due(uid):
                continue
            self._run.world.guard()
            if reading.verdicts[uid].verdict is Verdict.DELETE:
                self._evictions.delete(reading.verdicts[uid])
            else:
                self._evictions.evict(reading.verdicts[uid])
        self._report_progress(reading)

    def _report_progress(self, reading: _Reading) -> None:
        left = [reading.verdicts[uid] for uid in reading.left]
        if not left:
            return
        waiting = [plan for plan in left if self._evictions.is_refused_for_now(plan.uid)]
        first = (waiting or left)[0]
        why = self._evictions.answer(first.uid) if waiting else ""
        done = self._evictions.evicted + self._evictions.deleted
        line = f"evicted {done}, {len(left)} left: {name_of(first)}{f' ({why})' if why else ''}"
        if line != self._reported:
            self._run.report(line)
            self._reported = line

    def _out_of_time(self, reading: _Reading) -> TimedOutError:
        lines = [self._why_left(reading, uid) for uid in reading.left]
        return TimedOutError(
            f"node {self._node.name} to be drained",
            self._run.options.drain_timeout_seconds,
            "".join(f"\n  - {line}" for line in lines) or "it was not empty in two readings in a row",
            "The node is uncordoned again. Fix what is named and run `pulumi up` again: it continues here.",
        )

    def _why_left(self, reading: _Reading, uid: str) -> str:
        metadata, plan = reading.pods[uid]["metadata"], reading.verdicts[uid]
        if since := metadata.get("deletionTimestamp"):
            finalizers = metadata.get("finalizers") or []
            held = f", held by the finalizers {', '.join(finalizers)}" if finalizers else ""
            overdue = self._overdue(since)
            return f"{name_of(plan)}: terminating{overdue}{held}"
        budget = f" (budget {plan.budget.namespace}/{plan.budget.name})" if plan.budget else ""
        return f"{name_of(plan)}{budget}: {self._evictions.answer(uid) or plan.reason}"

    def _overdue(self, since: str) -> str:
        ends = moment(since)
        late = self._run.world.time.now() - ends if ends else timedelta(0)
        return f", overdue by {late.total_seconds():.0f} s" if late > timedelta(0) else ""


def _is_critical(pod: Object) -> bool:
    return str(pod["spec"].get("priorityClassName") or "").startswith(_CRITICAL)


def blockers(run: MigrationRun, node: Outgoing) -> list[str]:
    """Why a node could not be drained, read before the node is changed."""
    verdicts = LiveVerdicts(run).on(pods_on(run.world, node.name))
    return [f"{name_of(plan)}: {plan.reason}" for plan in verdicts.values() if plan.verdict.blocks_drain]


def pods_on(world: World, node: str) -> list[Object]:
    """All pods that are bound to a node."""
    return world.api.list("/api/v1/pods", fieldSelector=f"spec.nodeName={node}")
