"""Requests evictions and interprets the answers: accepted, later, or refused for good.

Each drain and each refresh has its own `Evictions`. It remembers for which pods an eviction was accepted, so
that none is requested twice, and when a pod is due again for which it was not. Whatever may pass is requested
again, with growing pauses, until the caller's time is up: closed budgets, webhooks that deny or do not
answer, an API server that is away or too busy.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from eks_cilium.clients.evictions import NO_ANSWER, EvictionAnswer
from eks_cilium.errors import RefusedError
from eks_cilium.runtime.errors import StoppedError
from eks_cilium.troubleshooting import Topic

if TYPE_CHECKING:
    from collections.abc import Mapping

    from eks_cilium.migration.plan.model import PodPlan
    from eks_cilium.migration.run import Run

_BUDGET_PAUSE = 5.0
"""Where nothing shows that the budget is open again; see `closed_budgets`."""
_LONGEST_PAUSE = 15.0
_LONGEST_ADVISED = 60.0
"""Of the pauses that a server asks for."""
_CARRIED_OUT = 20.0
"""Seconds after which an accepted eviction is requested again where the pod is not terminating.

Webhooks of some operators turn evictions into dry runs and delete the pod themselves, or never do
(foriequal0/pod-graceful-drain).
"""


@dataclass
class _Attempt:
    accepted: bool = False
    """The API server has accepted it: the pod only has to terminate."""
    due: float = 0.0
    by_budget: bool = False
    """Whether it was a budget that refused it last."""
    failures: int = 0
    answer: str = ""


class Evictions:
    """The evictions of one drain or one refresh; `about` goes into every journal line."""

    def __init__(self, run: Run, *, about: Mapping[str, str]) -> None:
        self._run, self._about = run, about
        self._attempts: dict[str, _Attempt] = {}
        self.evicted = self.deleted = 0
        self._counting = threading.Lock()

    def is_due(self, uid: str) -> bool:
        """Whether to request the eviction of a pod now, given that it is not terminating."""
        attempt = self._attempts.get(uid)
        return attempt is None or self._run.world.time.monotonic() >= attempt.due

    def is_accepted(self, uid: str) -> bool:
        """Whether the API server has accepted the eviction or deletion of a pod."""
        attempt = self._attempts.get(uid)
        return attempt is not None and attempt.accepted

    def is_refused_for_now(self, uid: str) -> bool:
        """Whether an eviction was requested that the API server has not accepted yet."""
        attempt = self._attempts.get(uid)
        return attempt is not None and not attempt.accepted

    def is_refused_by_budget(self, uid: str) -> bool:
        """Whether the last request for a pod was refused by its budget."""
        return self.is_refused_for_now(uid) and self._attempts[uid].by_budget

    def answer(self, uid: str) -> str:
        """The API server's last answer about a pod; empty where it accepted or was not asked."""
        attempt = self._attempts.get(uid)
        return attempt.answer if attempt else ""

    def delete(self, plan: PodPlan) -> None:
        """Delete a pod whose budget the user excepted in `migration.allow.budgets`."""
        pod = plan.pod
        try:
            found = self._run.world.api.delete(
                f"/api/v1/namespaces/{pod.namespace}/pods/{pod.name}", uid=plan.uid
            )
        except RefusedError as error:
            self._refused(plan, EvictionAnswer(error.status, str(error)), "deletion")
            return
        if self._accepted(plan) and found:
            with self._counting:
                self.deleted += 1
            self._run.world.note("deleted", **self._about, pod=name_of(plan), reason=plan.reason)

    def evict(self, plan: PodPlan) -> None:
        """Request one eviction. Raises StoppedError when it is refused for good."""
        answer = self._run.world.api.evict(plan.pod.namespace, plan.pod.name, uid=plan.uid)
        if not answer.accepted:
            self._refused(plan, answer, "eviction")
        elif self._accepted(plan):
            with self._counting:
                self.evicted += 1
            self._run.world.note("evicted", **self._about, pod=name_of(plan))

    def _accepted(self, plan: PodPlan) -> bool:
        """Note that the pod is deleted now; returns whether that is new."""
        attempt = self._attempts.setdefault(plan.uid, _Attempt())
        new, attempt.accepted, attempt.answer = not attempt.accepted, True, ""
        attempt.due = self._run.world.time.monotonic() + _CARRIED_OUT
        return new

    def _refused(self, plan: PodPlan, answer: EvictionAnswer, what: str) -> None:
        attempt = self._attempts.setdefault(plan.uid, _Attempt())
        attempt.by_budget = answer.cause("DisruptionBudget") is not None
        if answer.status in (404, 409):  # deleted, or another pod of that name: the next reading shows it
            pause = self._run.limits.poll_interval
        elif (budget := answer.cause("DisruptionBudget")) is not None:
            attempt.failures, attempt.answer = 0, budget or answer.message
            pause = _BUDGET_PAUSE
        elif answer.final:
            words = f"was refused with HTTP {answer.status}: {answer.message}"
            raise StoppedError(Topic.EVICTION_REFUSED, f"the {what} of pod {name_of(plan)} {words}")
        else:
            attempt.failures, attempt.answer = attempt.failures + 1, _words(answer)
            pause = min(2.0 ** (attempt.failures - 1), _LONGEST_PAUSE)
        advised = min(answer.retry_after or 0.0, _LONGEST_ADVISED)
        attempt.due = self._run.world.time.monotonic() + max(pause, advised)


def _words(answer: EvictionAnswer) -> str:
    if answer.status == NO_ANSWER:
        return f"no answer: {answer.message}"
    return f"{answer.message} (HTTP {answer.status})".strip()


def name_of(plan: PodPlan) -> str:
    """The namespace and name of a pod."""
    return f"{plan.pod.namespace}/{plan.pod.name}"
