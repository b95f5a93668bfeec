"""Small pieces of text that reports and assertions share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eks_cilium.policy.verdict.model import Decision

if TYPE_CHECKING:
    from eks_cilium.policy.verdict.model import DirectionVerdict


def side(one: DirectionVerdict) -> str:
    """What one side says, and by which rules: `allowed by my-client/allow egress[0]`."""
    if one.decision is Decision.NOT_ASKED:
        return "-"
    names = ", ".join(rule.short for rule in one.rules)
    policies = ", ".join(dict.fromkeys(rule.short_policy for rule in one.rules))
    match one.decision:
        case Decision.ALLOWED if names:
            told = f"allowed by {names}"
        case Decision.ALLOWED:
            told = f"allowed: {one.reason}"
        case Decision.DENIED if names:
            told = f"denied by {names}" if one.reason == "denied" else f"denied by default of {policies}"
        case Decision.DENIED:
            told = f"denied: {one.reason}"
        case _:
            told = f"undecided: {one.reason}" + (f" ({names})" if names else "")
    return told + (f", then {', '.join(one.layer7)}" if one.layer7 else "")
