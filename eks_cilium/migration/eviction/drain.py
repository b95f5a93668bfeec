"""Drains one node through the Eviction API, look by look, until it has been seen empty twice.

Every look lists the node's pods, asks the plan's judge about each, and asks for the evictions that are due.
Nothing is remembered that the API server does not know, but which pods were asked for already: no pod is
evicted twice, none is deleted where its eviction failed, and the node counts as drained only when it is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum, auto
from typing import TYPE_CHECKING

from eks_cilium.cluster.objects import moment
from eks_cilium.migration.eviction.judging import LiveVerdicts
from eks_cilium.migration.eviction.requests import Evictions, name_of
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

_LOOKS = 2
"""Looks in a row that have to agree: that the node is empty, or that a pod must stay."""
_CRITICAL = "system-"
"""What the priority classes of Kubernetes' own critical pods begin with."""


class Ended(Enum):
    """How a drain ended."""

    EMPTY = auto()
    NODE_GONE = auto()
    UNCORDONED = auto()
    """Somebody uncordoned the node meanwhile, so pods may come back to it."""


@dataclass
class Drained:
    """What a drain did."""

    ended: Ended
    evicted: int = 0
    deleted: int = 0


@dataclass
class _Look:
    """One list of a node's pods with the verdicts on them."""

    things: dict[str, Object]
    verdicts: Mapping[str, PodPlan]
    refused: list[str] = field(default_factory=list)

    def of(self, *verdicts: Verdict) -> list[str]:
        return [uid for uid, plan in self.verdicts.items() if plan.verdict in verdicts]

    @property
    def left(self) -> list[str]:
        """The pods the drain still has to get rid of."""
        return self.of(Verdict.EVICT, Verdict.DELETE, Verdict.WAIT)


def drain(run: MigrationRun, node: Outgoing) -> Drained:
    """Evict what has to go and wait until it is gone.

    Raises DrainRefusedError before the first eviction when a pod must not go or never can, TimedOutError
    with every pod that is left, its budget and its numbers when time is up.
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
        self._said = ""

    def run(self) -> Drained:
        empty = 0
        refused: list[str] = []
        look = _Look({}, {})
        for _ in self._run.polls(seconds=self._run.options.drain_timeout_seconds):
            if ended := self._interrupted():
                return self._drained(ended)
            look = self._look()
            if look.refused and refused:
                raise DrainRefusedError(self._node.name, look.refused)
            refused = look.refused
            empty = 0 if look.left or refused else empty + 1
            if empty >= _LOOKS:
                return self._drained(Ended.EMPTY)
            if not refused:
                self._act(look)
        raise self._out_of_time(look)

    def _drained(self, ended: Ended) -> Drained:
        return Drained(ended, evicted=self._evictions.evicted, deleted=self._evictions.deleted)

    def _interrupted(self) -> Ended | None:
        node = self._run.world.api.get(marks.path(self._node.name))
        if node is None or node["metadata"]["uid"] != self._node.uid:
            return Ended.NODE_GONE
        return None if marks.is_cordoned(node) else Ended.UNCORDONED

    def _look(self) -> _Look:
        things = {thing["metadata"]["uid"]: thing for thing in pods_on(self._run.world, self._node.name)}
        look = _Look(things, self._verdicts.on(list(things.values())))
        look.refused = [
            f"{plan.pod.namespace}/{plan.pod.name}: {plan.reason}"
            for plan in look.verdicts.values()
            if plan.verdict.stands_in_the_way
        ]
        return look

    def _act(self, look: _Look) -> None:
        """Ask for what is due. Critical pods wait until all others are gone: those may need them to end."""
        moving = look.of(Verdict.EVICT, Verdict.DELETE)
        ordinary = [uid for uid in look.left if not _is_critical(look.things[uid])]
        for uid in moving:
            held_back = bool(ordinary) and _is_critical(look.things[uid])
            if held_back or not self._evictions.is_due(uid):
                continue
            self._run.world.guard()
            if look.verdicts[uid].verdict is Verdict.DELETE:
                self._evictions.delete(look.verdicts[uid])
            else:
                self._evictions.evict(look.verdicts[uid])
        self._tell(look)

    def _tell(self, look: _Look) -> None:
        left = [look.verdicts[uid] for uid in look.left]
        if not left:
            return
        waiting = [plan for plan in left if self._evictions.is_refused_for_now(plan.uid)]
        first = (waiting or left)[0]
        why = self._evictions.answer(first.uid) if waiting else ""
        done = self._evictions.evicted + self._evictions.deleted
        line = f"evicted {done}, {len(left)} left: {name_of(first)}{f' ({why})' if why else ''}"
        if line != self._said:
            self._run.report(line)
            self._said = line

    def _out_of_time(self, look: _Look) -> TimedOutError:
        lines = [self._still_there(look, uid) for uid in look.left]
        return TimedOutError(
            f"node {self._node.name} to be drained",
            self._run.options.drain_timeout_seconds,
            "".join(f"\n  - {line}" for line in lines) or "it was not empty twice in a row",
            "The node is uncordoned again. Fix what is named and run `pulumi up` again: it goes on here.",
        )

    def _still_there(self, look: _Look, uid: str) -> str:
        thing, plan = look.things[uid], look.verdicts[uid]
        metadata = thing["metadata"]
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


def _is_critical(thing: Object) -> bool:
    return str(thing["spec"].get("priorityClassName") or "").startswith(_CRITICAL)


def blockers(run: MigrationRun, node: Outgoing) -> list[str]:
    """Why a node could not be drained, known before it is touched."""
    things = pods_on(run.world, node.name)
    verdicts = LiveVerdicts(run).on(things)
    return [f"{name_of(plan)}: {plan.reason}" for plan in verdicts.values() if plan.verdict.stands_in_the_way]


def pods_on(world: World, node: str) -> list[Object]:
    """All pods that are bound to a node."""
    return world.api.list("/api/v1/pods", fieldSelector=f"spec.nodeName={node}")
