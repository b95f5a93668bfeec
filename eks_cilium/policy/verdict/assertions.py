"""Compares verdicts with what the user asserts, and names the policies to change where they differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from eks_cilium.policy.verdict.model import Decision, Pod
from eks_cilium.policy.verdict.wording import direction_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eks_cilium.policy.verdict.model import DirectionVerdict, Endpoint, Verdict

Expected = Literal[Decision.ALLOWED, Decision.DENIED]


@dataclass(frozen=True)
class FailedAssertion:
    """A flow whose verdict is not the expected one."""

    verdict: Verdict
    expected: Expected
    fix: str
    """Which policies to change, and how."""

    @property
    def found(self) -> str:
        """The verdict, and what the policies of each direction say."""
        egress, ingress = direction_text(self.verdict.egress), direction_text(self.verdict.ingress)
        return f"{self.verdict.decision} (egress {egress}; ingress {ingress})"

    def __str__(self) -> str:
        must = "must be allowed" if self.expected is Decision.ALLOWED else "must be denied"
        return f"{self.verdict.flow} {must} and is {self.found}; fix: {self.fix}"


def failed_assertion(verdict: Verdict, expected: Expected) -> FailedAssertion | None:
    """Compare a verdict with the expected decision.

    Args:
        verdict: The verdict on a flow.
        expected: Allowed or denied. An undecided flow is neither.

    Returns:
        The difference with its fix, or None where the decision is as expected.
    """
    if verdict.decision is expected:
        return None
    fixes = _to_allow(verdict) if expected is Decision.ALLOWED else _to_deny(verdict)
    return FailedAssertion(verdict, expected, "; ".join(fixes))


def _directions(verdict: Verdict) -> tuple[tuple[str, Endpoint, DirectionVerdict], ...]:
    flow = verdict.flow
    return ("egress", flow.source, verdict.egress), ("ingress", flow.destination, verdict.ingress)


def _to_allow(verdict: Verdict) -> Iterator[str]:
    for direction, subject, found in _directions(verdict):
        if found.decision is Decision.UNDECIDED:
            yield f"{found.reason}: say what that is, or allow it by a rule that does not ask for it"
        if found.decision is not Decision.DENIED:
            continue
        if found.hints:
            yield found.hints[0]
        elif found.reason == "denied":
            yield f"take it out of {', '.join(map(str, found.rules))} in {_cluster(subject)}"
        else:
            yield f"allow it on {direction} in {_cluster(subject)}, or write an intent for it"


def _to_deny(verdict: Verdict) -> Iterator[str]:
    # One direction that denies is enough, so these are alternatives.
    fixes = []
    for direction, subject, found in _directions(verdict):
        if found.decision is Decision.NOT_ASKED or not isinstance(subject, Pod):
            continue
        if found.rules:
            fixes.append(f"narrow {', '.join(map(str, found.rules))} in {subject.cluster}")
        else:
            fixes.append(f"deny {direction} by default in {subject.cluster}/{subject.namespace}")
    yield " or ".join(fixes) or "nothing here can deny it: neither endpoint is a pod"


def _cluster(endpoint: Endpoint) -> str:
    return endpoint.cluster if isinstance(endpoint, Pod) else "-"
