"""Requests evictions and interprets the answers: accepted, later, never, or a failure that may pass.

Each drain and each refresh has its own `Evictions`. It remembers for which pods an eviction was accepted, so
that none is requested twice, and when a pod whose budget said *not now* is due again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from eks_cilium.clients.evictions import NO_ANSWER
from eks_cilium.errors import TransientError
from eks_cilium.runtime.errors import StoppedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from eks_cilium.clients.evictions import EvictionAnswer
    from eks_cilium.migration.plan.model import PodPlan
    from eks_cilium.migration.run import Run

_BUDGET_PAUSE = 5.0
_MOST_FAILURES = 6
_TWO_BUDGETS = "more than one poddisruptionbudget"
_NAMESPACE_TERMINATING = "NamespaceTerminating"


@dataclass
class _Attempt:
    accepted: bool = False
    """The API server has accepted it: the pod only has to terminate."""
    due: float = 0.0
    failures: int = 0
    answer: str = ""


class Evictions:
    """The evictions of one drain or one refresh."""

    def __init__(
        self,
        run: Run,
        *,
        about: Mapping[str, str],
        refuse: Callable[[Sequence[str]], StoppedError],
    ) -> None:
        # `about` goes into every journal line; `refuse` creates the error for pods that can never be evicted.
        self._run, self._about, self._refuse = run, about, refuse
        self._attempts: dict[str, _Attempt] = {}
        self.evicted = self.deleted = 0

    def is_due(self, uid: str) -> bool:
        """Whether to request the eviction of a pod now."""
        attempt = self._attempts.get(uid)
        return attempt is None or not (attempt.accepted or self._run.world.time.monotonic() < attempt.due)

    def is_refused_for_now(self, uid: str) -> bool:
        """Whether an eviction was requested that the API server has not accepted yet."""
        attempt = self._attempts.get(uid)
        return attempt is not None and not attempt.accepted

    def answer(self, uid: str) -> str:
        """The API server's last answer about a pod; empty where it accepted or was not asked."""
        attempt = self._attempts.get(uid)
        return attempt.answer if attempt else ""

    def delete(self, plan: PodPlan) -> None:
        """Delete a pod whose budget the user excepted in `migration.allow.budgets`."""
        pod, attempt = plan.pod, self._attempts.setdefault(plan.uid, _Attempt())
        if self._run.world.api.delete(f"/api/v1/namespaces/{pod.namespace}/pods/{pod.name}", uid=plan.uid):
            self.deleted += 1
            self._run.world.note("deleted", **self._about, pod=name_of(plan), reason=plan.reason)
        attempt.accepted = True

    def evict(self, plan: PodPlan) -> None:
        """Request one eviction. Raises the error of `refuse`, a StoppedError or a TransientError."""
        attempt = self._attempts.setdefault(plan.uid, _Attempt())
        answer = self._run.world.api.evict(plan.pod.namespace, plan.pod.name, uid=plan.uid)
        attempt.answer = answer.message
        now = self._run.world.time.monotonic()
        if 200 <= answer.status < 300:
            attempt.accepted = True
            self.evicted += 1
            self._run.world.note("evicted", **self._about, pod=name_of(plan))
        elif answer.status in (404, 409):  # deleted, or another pod of that name: the next reading shows it
            attempt.due = now + self._run.limits.poll_interval
        elif answer.status == 429:
            attempt.failures = 0
            attempt.answer = answer.cause("DisruptionBudget") or answer.message
            attempt.due = now + max(answer.retry_after or 0.0, _BUDGET_PAUSE)
        elif _is_two_budgets(answer):
            raise self._refuse([f"{name_of(plan)}: {answer.message}"])
        elif _is_final(answer):
            raise StoppedError(
                f"the eviction of pod {name_of(plan)} was refused with HTTP {answer.status}: {answer.message}"
            )
        else:
            _failed(plan, attempt, answer, now)


def name_of(plan: PodPlan) -> str:
    """The namespace and name of a pod."""
    return f"{plan.pod.namespace}/{plan.pod.name}"


def _failed(plan: PodPlan, attempt: _Attempt, answer: EvictionAnswer, now: float) -> None:
    """Schedule another attempt, each time later; raises TransientError after the last attempt."""
    attempt.failures += 1
    if attempt.failures >= _MOST_FAILURES and answer.status != 403:
        how = f"HTTP {answer.status}" if answer.status != NO_ANSWER else "no answer"
        raise TransientError(
            f"the eviction of pod {name_of(plan)} failed {attempt.failures} times, last with {how}: "
            f"{answer.message}"
        )
    attempt.due = now + min(2.0 ** (attempt.failures - 1), _BUDGET_PAUSE)


def _is_two_budgets(answer: EvictionAnswer) -> bool:
    return answer.status == 500 and _TWO_BUDGETS in answer.message.lower()


def _is_final(answer: EvictionAnswer) -> bool:
    # A pod of a namespace that is being deleted is deleted with it.
    if answer.status == 403:
        return answer.cause(_NAMESPACE_TERMINATING) is None
    return 400 <= answer.status < 500
