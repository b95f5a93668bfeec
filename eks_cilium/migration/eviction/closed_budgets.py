"""Which budgets are asked for now: those that may allow something, and the others once in a while.

The API server answers each eviction that a budget does not allow with a refusal. A budget says itself when
it is open again, and the view of the process has it. So drains and restarts ask a closed budget for none of
the pods it covers, until its status changes. Statuses may be out of date, so it is asked all the same after a
while.

What was asked is known to all threads of a process: of one disruption that a status allows, only the first of
many drains makes use, until the status of after that eviction has arrived.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from eks_cilium.migration.facts import pods

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eks_cilium.cluster.objects import Object, Reference
    from eks_cilium.migration.plan.model import PodPlan
    from eks_cilium.runtime.context import World

_ASKED_ALL_THE_SAME = 15.0
"""Seconds after the last request."""


class _Asked(NamedTuple):
    at: float
    version: str
    """Of the budget's object when it was asked."""
    accepted: int
    """Evictions that it allowed since it has this version."""
    refused: bool


class ClosedBudgets:
    """What the threads of a process know of the budgets of one cluster."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._asked: dict[Reference, _Asked] = world.locks.asked
        self._versions: dict[Reference, str] = {}
        """Of each budget when it was looked at last: the next version may follow an answer at once."""

    @contextmanager
    def turn(self, plan: PodPlan, *, ready: bool) -> Iterator[bool]:
        """Whether to ask for a pod now; no other thread asks the same budget inside the block."""
        if plan.budget is None:
            yield True
            return
        with self._world.lock(f"budget {plan.budget.namespace}/{plan.budget.name}"):
            yield not self.is_closed(plan, ready=ready)

    def is_closed(self, plan: PodPlan, *, ready: bool) -> bool:
        """Whether the budget of a pod would refuse its eviction now, as far as is known.

        A pod that is not `ready` is asked for: its budget may let it go while it allows no disruption.
        """
        if plan.budget is None or not ready:
            return False
        asked, found = self._asked.get(plan.budget), self._budget(plan.budget)
        self._versions[plan.budget] = _version(found)
        if asked is None or found is None:
            return False
        if self._world.time.monotonic() - asked.at >= _ASKED_ALL_THE_SAME:
            return False
        budget = pods.budget(found)
        is_same = asked.version == _version(found)
        allowed = budget.disruptions_allowed - (asked.accepted if is_same else 0)
        says_no = allowed <= 0 and budget.observed_generation >= budget.generation
        return says_no or (is_same and asked.refused)

    def is_open_again(self, plan: PodPlan) -> bool:
        """Whether a budget that refused an eviction has said since that it allows a disruption."""
        asked = self._asked.get(plan.budget) if plan.budget else None
        found = self._budget(plan.budget) if plan.budget and asked else None
        if asked is None or found is None or asked.version == _version(found):
            return False
        return pods.budget(found).disruptions_allowed > 0

    def note(self, plan: PodPlan, *, accepted: bool) -> None:
        """Note that an eviction was asked for after `is_closed`, and whether it was accepted."""
        version = self._versions.get(plan.budget, "") if plan.budget else ""
        if plan.budget is None or not version:
            return
        before = self._asked.get(plan.budget)
        count = before.accepted if before and before.version == version else 0
        now = self._world.time.monotonic()
        self._asked[plan.budget] = _Asked(now, version, count + accepted, refused=not accepted)

    def _budget(self, budget: Reference) -> Object | None:
        path = f"/apis/policy/v1/namespaces/{budget.namespace}/poddisruptionbudgets/{budget.name}"
        return self._world.seen.get(path)


def _version(obj: Object | None) -> str:
    return str(obj["metadata"].get("resourceVersion") or "") if obj else ""
