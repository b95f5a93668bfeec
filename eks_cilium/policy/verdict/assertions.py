"""Traffic that has to be allowed or denied, and what to change where it is not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from eks_cilium.policy.verdict.model import Decision, Pod
from eks_cilium.policy.verdict.wording import side

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eks_cilium.policy.verdict.evaluation import Evaluator
    from eks_cilium.policy.verdict.model import DirectionVerdict, Endpoint, Flow, Verdict

Wanted = Literal[Decision.ALLOWED, Decision.DENIED]


@dataclass(frozen=True)
class FailedAssertion:
    """A flow that does not come out as it has to."""

    verdict: Verdict
    wanted: Wanted
    fix: str

    @property
    def found(self) -> str:
        """What was found: the verdict, and who says what."""
        both = f"egress {side(self.verdict.egress)}; ingress {side(self.verdict.ingress)}"
        return f"{self.verdict.decision} ({both})"

    def __str__(self) -> str:
        must = "must be allowed" if self.wanted is Decision.ALLOWED else "must be denied"
        return f"{self.verdict.flow} {must} and is {self.found}; fix: {self.fix}"


def failed_assertion(world: Evaluator, flow: Flow, wanted: Wanted) -> FailedAssertion | None:
    """What is wrong with a flow, or None if it is as wanted. Undecided is neither allowed nor denied."""
    verdict = world.evaluate(flow)
    if verdict.decision is wanted:
        return None
    fixes = _to_allow(verdict) if wanted is Decision.ALLOWED else _to_deny(verdict)
    return FailedAssertion(verdict, wanted, "; ".join(fixes))


def _sides(verdict: Verdict) -> tuple[tuple[str, Endpoint, DirectionVerdict], ...]:
    flow = verdict.flow
    return ("egress", flow.source, verdict.egress), ("ingress", flow.destination, verdict.ingress)


def _to_allow(verdict: Verdict) -> Iterator[str]:
    for direction, end, one in _sides(verdict):
        if one.decision is Decision.UNDECIDED:
            yield f"{one.reason}: say what that is, or allow it by a rule that does not ask for it"
        if one.decision is not Decision.DENIED:
            continue
        if one.hints:
            yield one.hints[0]
        elif one.reason == "denied":
            yield f"take it out of {', '.join(map(str, one.rules))} in {_cluster(end)}"
        else:
            yield f"allow it on {direction} in {_cluster(end)}, or write an intent for it"


def _to_deny(verdict: Verdict) -> Iterator[str]:
    """One side that denies is enough, so the ways are alternatives."""
    ways = []
    for direction, end, one in _sides(verdict):
        if one.decision is Decision.NOT_ASKED or not isinstance(end, Pod):
            continue
        if one.rules:
            ways.append(f"narrow {', '.join(map(str, one.rules))} in {end.cluster}")
        else:
            ways.append(f"deny {direction} by default in {end.cluster}/{end.namespace}")
    yield " or ".join(ways) or "nothing here can deny it: neither end is a pod"


def _cluster(end: Endpoint) -> str:
    return end.cluster if isinstance(end, Pod) else "-"
