"""Renders explanations as lines of text, and as part of a JSON document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from eks_cilium.policy.verdict.model import Decision
from eks_cilium.policy.verdict.wording import direction_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eks_cilium.policy.why.model import Entry, Explanation, Side


def lines(explanation: Explanation) -> Iterator[str]:
    """An explanation for people: the verdict, a paragraph for each side, and the change with its YAML."""
    verdict = explanation.verdict
    yield f"{verdict.flow}: {verdict.decision}"
    for side in (explanation.egress, explanation.ingress):
        if side.found.decision is not Decision.NOT_ASKED:
            yield from _side(side)
    opposite = "allow" if verdict.decision is Decision.DENIED else "deny"
    if explanation.changes:
        yield f"  to {opposite} it:"
    for change in explanation.changes:
        yield f"    {change.says}{':' if change.policy else ''}"
        if change.policy:
            yield from (f"      {line}" for line in manifest(change.policy.object).splitlines())


def manifest(written: Any) -> str:
    """An object of the Kubernetes API as YAML, its keys in the order in which they are written."""
    return str(yaml.safe_dump(written, sort_keys=False))


def document(explanation: Explanation) -> dict[str, Any]:
    """An explanation as a value that `json.dumps` takes. Its keys are a contract: they are only added to."""
    return {
        "egress": _side_document(explanation.egress),
        "ingress": _side_document(explanation.ingress),
        "changes": [
            {
                "cluster": change.cluster,
                "says": change.says,
                "object": change.policy.object if change.policy else None,
            }
            for change in explanation.changes
        ],
    }


def _side(side: Side) -> Iterator[str]:
    yield f"  {side.direction} of {side.endpoint}: {direction_text(side.found)}"
    for selecting in side.selecting:
        denies = "denies what no rule allows" if selecting.default_deny else "denies nothing by default"
        yield f"    {selecting.policy} selects it by {selecting.selector}, and {denies}"
    for entry in side.entries:
        yield f"    {_entry(entry)}"
    if side.left_off:
        yield f"    and {side.left_off} more entries that do not allow it"


def _entry(entry: Entry) -> str:
    verb = "deny" if entry.deny else "allow"
    because = ", ".join(entry.because)
    if entry.meant is None:
        return f"{entry.rule} may {verb} it: {because}"
    if entry.meant:
        return f"{entry.rule} {'denies' if entry.deny else 'allows'} it: {because}"
    return f"{entry.rule} does not allow it: {because}"


def _side_document(side: Side) -> dict[str, Any]:
    return {
        "decision": str(side.found.decision),
        "selectedBy": [
            {"policy": each.policy, "selector": each.selector, "defaultDeny": each.default_deny}
            for each in side.selecting
        ],
        "entries": [
            {
                "policy": each.rule.policy,
                "rule": each.rule.section,
                "deny": each.deny,
                "meant": each.meant,
                "because": list(each.because),
            }
            for each in side.entries
        ],
        "entriesLeftOff": side.left_off,
    }
