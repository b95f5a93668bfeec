"""Drains one node through the Eviction API, until two readings in a row find it empty.

Each poll reads the node's pods, gets the verdict on each from the plan's rules, and sends the evictions that
are due. The view of the process has the pods; that the node is empty is asked of the API server once more.
Only this is kept between polls: for which pods an eviction was accepted, and which pods came back. So no pod
is evicted twice, and no pod is deleted because its eviction failed. Called by the rotation of each node.

The time limit counts from the last progress, and pods that are stopping have their own grace period on top.
A pod that must not be evicted is waited for as well, and no other is evicted meanwhile: it may be gone soon,
as pods of a debugging session or of a CI job are, or its budget may open.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING

from eks_cilium.cluster.objects import is_cordoned, moment
from eks_cilium.migration import beside
from eks_cilium.migration.eviction.closed_budgets import ClosedBudgets
from eks_cilium.migration.eviction.pace import Pace
from eks_cilium.migration.eviction.reading import NodeReader, Reading
from eks_cilium.migration.eviction.requests import Evictions, name_of
from eks_cilium.migration.facts.nodes import is_silent
from eks_cilium.migration.inventory import marks
from eks_cilium.migration.plan.model import Verdict
from eks_cilium.migration.replicas.custom_owners import is_ready
from eks_cilium.runtime.errors import DrainRefusedError, TimedOutError
from eks_cilium.texts import named
from eks_cilium.troubleshooting import Topic

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from eks_cilium.cluster.objects import Object
    from eks_cilium.migration.inventory.model import Outgoing
    from eks_cilium.migration.plan.model import PodPlan
    from eks_cilium.migration.run import MigrationRun
    from eks_cilium.runtime.errors import StoppedError
    from eks_cilium.runtime.waiting import Polls

    Watcher = Callable[[Sequence[Object]], None]

_READINGS = 2
"""Readings in a row that have to find the node empty."""
_SHORTEST_DRAIN = 1.0
"""Seconds after which the last reading is made at the earliest.

The scheduler may have bound a pod to the node just before it was cordoned, and the pod is seen later.
"""
_BETWEEN_READINGS = 0.1
_ON_A_SILENT_NODE = 30.0
"""Seconds after its grace period in which a pod may still end on a node whose kubelet does not answer.

Without a kubelet it never ends by itself, and the API server keeps it until the node is deleted. Its
containers may still run, so a StatefulSet does not replace it before. It is never deleted by force: it ends
with the instance, which is terminated next.
Source: kubernetes.io/docs/tasks/run-application/force-delete-stateful-set-pod.
"""


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
    has_pods: bool = False
    """Whether pods that run elsewhere afterwards end with the instance, besides those of DaemonSets."""


def unwatched(_: Sequence[Object]) -> None:
    """The watcher of a drain that has none."""


def drain(run: MigrationRun, node: Outgoing, *, watcher: Watcher = unwatched) -> Drained:
    """Evict the pods of a node and wait until they are deleted; each reading shows `watcher` those left.

    Raises DrainRefusedError when a pod must not be evicted for the whole drain timeout, TimedOutError with
    every pod that is left, its budget and its numbers, and StoppedError when an eviction is refused for good.
    """
    return _Drain(run, node, watcher).run()


class _Drain:
    def __init__(self, run: MigrationRun, node: Outgoing, watcher: Watcher) -> None:
        self._run, self._node, self._watcher = run, node, watcher
        self._evictions = Evictions(run, about={"node": node.name})
        self._pace, self._budgets = Pace(run), ClosedBudgets(run.world)
        self._reader = NodeReader(run, node.name, self._evictions.is_accepted)
        self._reading = Reading()
        self._closed: set[str] = set()
        """Pods whose budget was not asked, since its status allows no disruption."""
        self._first: frozenset[str] | None = None
        self._progress = (0, 0)
        self._empty = 0
        self._reported = ""
        self._is_silent = False
        self._began = run.world.time.monotonic()

    def run(self) -> Drained:
        polls = self._run.polls(seconds=self._timeout, wakes=True)
        for _ in polls:
            with polls.asking():
                if ended := self._step(polls, fresh=self._empty >= _READINGS - 1):
                    return Drained(
                        ended,
                        evicted=self._evictions.evicted,
                        deleted=self._evictions.deleted,
                        has_pods=self._reading.has_pods,
                    )
            if polls.unanswered:
                self._report(polls.unanswered)
        raise self._given_up(polls.unanswered)

    @property
    def _moved(self) -> int:
        return self._evictions.evicted + self._evictions.deleted

    @property
    def _timeout(self) -> float:
        return self._run.options.drain_timeout_seconds

    def _step(self, polls: Polls, *, fresh: bool) -> Ended | None:
        """Read the node once and request what is due; returns how the drain ended.

        A `fresh` reading is asked of the API server: the last one, after which the instance is terminated.
        """
        if ended := self._interrupted(fresh=fresh):
            return ended
        limit = _ON_A_SILENT_NODE if self._is_silent else None
        self._reading = self._reader.read(terminating_limit=limit, fresh=fresh)
        if not self._reading.blocked:
            self._request_evictions()
        self._count_time(polls)
        self._report_progress()
        self._watcher([self._reading.pods[uid] for uid in self._reading.left])
        self._empty = 0 if self._reading.left or self._reading.blocked else self._empty + 1
        if self._empty:
            since = self._run.world.time.monotonic() - self._began
            polls.hurry(max(_SHORTEST_DRAIN - since, _BETWEEN_READINGS))
        return Ended.EMPTY if self._empty >= _READINGS else None

    def _interrupted(self, *, fresh: bool) -> Ended | None:
        source = self._run.world.api if fresh else self._run.world.seen
        node = source.get(marks.path(self._node.name))
        if node is None or node["metadata"]["uid"] != self._node.uid:
            return Ended.NODE_GONE
        if is_silent(node) and not self._is_silent:
            self._run.report(f"{self._node.name} does not answer: what does not end there ends with it")
        self._is_silent = is_silent(node)
        return None if is_cordoned(node) else Ended.UNCORDONED

    def _request_evictions(self) -> None:
        due = [uid for uid in self._reading.next if self._is_due(uid)]
        beside.each(self._run.world, due, self._request_in_turn)

    def _request_in_turn(self, uid: str) -> None:
        plan = self._reading.verdicts[uid]
        with self._pace.turn(self._reading.pods[uid], plan) as may_go:
            if may_go:
                self._request(plan)

    def _is_due(self, uid: str) -> bool:
        if self._evictions.is_due(uid):
            return True
        plan = self._reading.verdicts[uid]
        return self._evictions.is_refused_by_budget(uid) and self._budgets.is_open_again(plan)

    def _request(self, plan: PodPlan) -> None:
        self._run.world.guard()
        if plan.verdict is Verdict.DELETE:
            if self._reader.still_says(Verdict.DELETE, plan):
                self._evictions.delete(plan)
            return
        with self._budgets.turn(plan, ready=is_ready(self._reading.pods[plan.uid])) as may_ask:
            if may_ask:
                self._closed.discard(plan.uid)
                self._evictions.evict(plan)
                self._budgets.note(plan, accepted=self._evictions.is_accepted(plan.uid))
            else:
                self._closed.add(plan.uid)

    def _count_time(self, polls: Polls) -> None:
        """Each pod that was evicted or is gone is progress. What is stopping has its grace period besides.

        Only of the pods that were there at first: else pods that come and go would keep the drain for ever.
        """
        if self._first is None:
            self._first = frozenset(self._reading.pods)
        left = {
            uid for uid in self._first & self._reading.pods.keys() if not self._evictions.is_accepted(uid)
        }
        gone = len(self._first - self._reading.pods.keys())
        progress = (len(self._first) - len(left), gone)
        if progress > self._progress:
            polls.restart()
            self._progress = progress
        polls.seconds = self._timeout + min(self._reading.longest_grace, self._run.limits.grace)

    def _report_progress(self) -> None:
        reading = self._reading
        if reading.blocked:
            self._report(f"evicted {self._moved}, waiting for {named(reading.blocked, 1)}")
        elif left := [reading.verdicts[uid] for uid in reading.left]:
            waiting = [plan for plan in left if self._why_waiting(plan.uid)]
            first = (waiting or left)[0]
            why = self._why_waiting(first.uid)
            self._report(
                f"evicted {self._moved}, {len(left)} left: {name_of(first)}{f' ({why})' if why else ''}"
            )

    def _why_waiting(self, uid: str) -> str:
        return self._pace.why(uid) or self._evictions.answer(uid) or self._why_not_asked(uid)

    def _why_not_asked(self, uid: str) -> str:
        plan = self._reading.verdicts.get(uid)
        if uid not in self._closed or plan is None or plan.budget is None:
            return ""
        return f"the disruption budget {plan.budget.name} allows no disruption"

    def _report(self, line: str) -> None:
        if line != self._reported:
            self._run.report(line)
            self._reported = line

    def _given_up(self, unanswered: str) -> StoppedError:
        if self._reading.blocked and not unanswered:
            return DrainRefusedError(
                self._node.name, self._reading.blocked, moved=self._moved, waited=self._timeout
            )
        lines = [*([unanswered] if unanswered else []), *map(self._why_left, self._reading.left)]
        return TimedOutError(
            f"node {self._node.name} to be drained (evicted {self._moved})",
            self._timeout,
            "".join(f"\n  - {line}" for line in lines) or "it was not empty in two readings in a row",
            "Fix what is named and run `pulumi up` again: it continues here.",
            topic=Topic.DRAIN_TIMED_OUT,
        )

    def _why_left(self, uid: str) -> str:
        metadata, plan = self._reading.pods[uid]["metadata"], self._reading.verdicts[uid]
        if since := metadata.get("deletionTimestamp"):
            finalizers = metadata.get("finalizers") or []
            held = f", held by the finalizers {', '.join(finalizers)}" if finalizers else ""
            return f"{name_of(plan)}: terminating{self._lateness(since)}{held}"
        budget = f" (budget {plan.budget.namespace}/{plan.budget.name})" if plan.budget else ""
        return f"{name_of(plan)}{budget}: {self._why_waiting(uid) or plan.reason}"

    def _lateness(self, until: str) -> str:
        ends = moment(until)
        late = (self._run.world.time.now() - ends).total_seconds() if ends else 0.0
        return f", overdue by {late:.0f} s" if late > 0 else f", {-late:.0f} s of its grace period left"
