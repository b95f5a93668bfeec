"""Which budgets are asked for now: those that may allow something, and the others once in a while.

The API server answers each eviction that a budget does not allow with a refusal. A budget says itself when
it is open again, and the view of the process has it. So a restart asks a closed budget for none of the pods
it covers, until its status changes. Statuses may be out of date, so it is asked all the same after a while.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from eks_cilium.migration.facts import pods

if TYPE_CHECKING:
    from eks_cilium.cluster.objects import Object, Reference
    from eks_cilium.migration.plan.model import PodPlan
    from eks_cilium.runtime.context import World

_ASKED_ALL_THE_SAME = 15.0
"""Seconds after the last request."""


class _Asked(NamedTuple):
    at: float
    version: str
    """Of the budget's object when it refused; empty where it allowed the eviction."""


class ClosedBudgets:
    """The budgets of one workload that is restarted."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._asked: dict[Reference, _Asked] = {}

    def is_closed(self, plan: PodPlan, *, ready: bool) -> bool:
        """Whether the budget of a pod would refuse its eviction now, as far as is known.

        A pod that is not `ready` is asked for: its budget may let it go while it allows no disruption.
        """
        if plan.budget is None or not ready:
            return False
        asked, found = self._asked.get(plan.budget), self._budget(plan.budget)
        if asked is None or found is None:
            return False
        if self._world.time.monotonic() - asked.at >= _ASKED_ALL_THE_SAME:
            return False
        budget = pods.budget(found)
        says_no = budget.disruptions_allowed == 0 and budget.observed_generation >= budget.generation
        return says_no or asked.version == _version(found)

    def note(self, plan: PodPlan, *, accepted: bool) -> None:
        """Note that an eviction was asked for, and whether it was accepted."""
        if plan.budget is None:
            return
        found = None if accepted else self._budget(plan.budget)
        version = _version(found) if found else ""
        self._asked[plan.budget] = _Asked(self._world.time.monotonic(), version)

    def _budget(self, budget: Reference) -> Object | None:
        path = f"/apis/policy/v1/namespaces/{budget.namespace}/poddisruptionbudgets/{budget.name}"
        return self._world.seen.get(path)


def _version(obj: Object) -> str:
    return str(obj["metadata"].get("resourceVersion") or "")
