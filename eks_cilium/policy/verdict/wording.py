"""Words for one direction of a verdict, shared by reports and assertions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eks_cilium.policy.verdict.model import Decision

if TYPE_CHECKING:
    from eks_cilium.policy.verdict.model import DirectionVerdict


def direction_text(found: DirectionVerdict) -> str:
    """The decision of one direction and the rules behind it: `allowed by my-client/allow egress[0]`."""
    if found.decision is Decision.NOT_ASKED:
        return "-"
    return _decision(found) + (f", then {', '.join(found.layer7)}" if found.layer7 else "")


def _decision(found: DirectionVerdict) -> str:
    names = ", ".join(rule.short for rule in found.rules)
    policies = ", ".join(dict.fromkeys(rule.short_policy for rule in found.rules))
    match found.decision:
        case Decision.ALLOWED if names:
            return f"allowed by {names}"
        case Decision.DENIED if names and found.reason == "denied":
            return f"denied by {names}"
        case Decision.DENIED if names:
            return f"denied by default of {policies}"
        case Decision.ALLOWED | Decision.DENIED:
            return f"{found.decision}: {found.reason}"
        case _:
            return f"undecided: {found.reason}" + (f" ({names})" if names else "")
