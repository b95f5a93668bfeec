"""Verdicts put into words: a table for terminals and previews, Markdown for reviews, JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eks_cilium.policy.verdict.model import Address, Entity, Pod
from eks_cilium.policy.verdict.wording import side

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from eks_cilium.policy.verdict.changes import SelectorChange
    from eks_cilium.policy.verdict.model import DirectionVerdict, Endpoint, Verdict
    from eks_cilium.policy.verdict.rule import NotEvaluated

SCHEMA = "eks-cilium/verdicts/v1"
_HEADER = ("FROM", "TO", "PORT", "VERDICT", "EGRESS", "INGRESS")


def table(verdicts: Sequence[Verdict]) -> str:
    """One line a flow; below a denied one, the rules that come near and what keeps them from allowing it."""
    if not verdicts:
        return "No traffic to judge."
    rows = [_HEADER, *map(_row, verdicts)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADER) - 1)]
    lines = [_aligned(_HEADER, widths)]
    for verdict, row in zip(verdicts, rows[1:], strict=True):
        lines.append(_aligned(row, widths))
        lines += [f"    {hint}" for hint in _hints(verdict)]
    return "\n".join(lines)


def markdown(verdicts: Sequence[Verdict]) -> str:
    """The same for a review or a change record."""
    header = [title.capitalize() for title in _HEADER]
    lines = [_cells(header), _cells(["---"] * len(header)), *(_cells(_row(one)) for one in verdicts)]
    near = [f"- {one.flow}: {hint}" for one in verdicts for hint in _hints(one)]
    return "\n".join([*lines, *(["", *map(_escaped, near)] if near else [])]) + "\n"


def document(
    verdicts: Sequence[Verdict], unread: Iterable[NotEvaluated] = (), changed: Iterable[SelectorChange] = ()
) -> Any:
    """The same as a JSON document. Its keys are a contract: they are added to, never renamed."""
    return {
        "schema": SCHEMA,
        "verdicts": [
            {
                "from": _end(one.flow.source),
                "to": _end(one.flow.destination),
                "port": str(one.flow.port),
                "verdict": str(one.decision),
                "egress": _side(one.egress),
                "ingress": _side(one.ingress),
            }
            for one in verdicts
        ],
        "notRead": [{"cluster": one.cluster, "policy": one.policy, "why": one.why} for one in unread],
        "changesWith119": [
            {"cluster": one.cluster, "policy": one.policy, "path": one.path, "selector": one.selector}
            for one in changed
        ],
    }


def not_evaluated_lines(unread: Iterable[NotEvaluated]) -> Iterator[str]:
    """Policies that say nothing here, and why."""
    for one in unread:
        yield f"{one.cluster}: {one.policy}: {one.why}"


def _row(verdict: Verdict) -> tuple[str, ...]:
    flow = verdict.flow
    return (
        str(flow.source),
        str(flow.destination),
        str(flow.port),
        str(verdict.decision),
        side(verdict.egress),
        side(verdict.ingress),
    )


def _hints(verdict: Verdict) -> tuple[str, ...]:
    return (*verdict.egress.hints, *verdict.ingress.hints)


def _aligned(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = [cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=True)]
    return "  ".join([*cells, row[-1]]).rstrip()


def _cells(cells: Iterable[str]) -> str:
    return f"| {' | '.join(map(_escaped, cells))} |"


def _escaped(text: str) -> str:
    """Text in which neither a cell ends nor an asterisk begins something."""
    return text.replace("|", "\\|").replace("*", "\\*")


def _end(end: Endpoint) -> dict[str, Any]:
    match end:
        case Pod():
            place = {"cluster": end.cluster, "namespace": end.namespace, "labels": dict(end.labels)}
            return {**place, "title": end.title} if end.title else place
        case Address():
            return {"address": end.address}
        case Entity():
            return {"entity": end.name}


def _side(one: DirectionVerdict) -> dict[str, Any]:
    rules = [{"cluster": name.cluster, "policy": name.policy, "rule": name.section} for name in one.rules]
    return {
        "decision": str(one.decision),
        "reason": one.reason,
        "rules": rules,
        "layer7": list(one.layer7),
        "hints": list(one.hints),
    }
