"""Renders verdicts as a table for terminals and previews, as Markdown for reviews, and as a JSON document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eks_cilium.policy.verdict.model import Address, Entity, Pod
from eks_cilium.policy.verdict.wording import direction_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from eks_cilium.policy.verdict.changes import SelectorChange
    from eks_cilium.policy.verdict.model import DirectionVerdict, Endpoint, Verdict
    from eks_cilium.policy.verdict.reading.rule import NotEvaluated

SCHEMA = "eks-cilium/verdicts/v1"
HEADER = ("FROM", "TO", "PORT", "VERDICT", "EGRESS", "INGRESS")


def table(verdicts: Sequence[Verdict]) -> str:
    """Render verdicts as a table of text.

    Args:
        verdicts: The verdicts, in the order of the rows.

    Returns:
        A header and one line for each flow. Below a denied flow come the rules that are close to allowing it.
    """
    if not verdicts:
        return "No traffic to judge."
    header, *rows = aligned(HEADER, list(map(cells_of, verdicts)))
    lines = [header]
    for verdict, row in zip(verdicts, rows, strict=True):
        lines.append(row)
        lines += [f"    {hint}" for hint in _hints(verdict)]
    return "\n".join(lines)


def aligned(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A table of text: a line for the header and for each row, in columns as wide as their widest cell."""
    cells = [header, *rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header) - 1)]
    return [_aligned(row, widths) for row in cells]


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table of Markdown, line by line."""
    return [_cells(header), _cells(["---"] * len(header)), *map(_cells, rows)]


def markdown(verdicts: Sequence[Verdict]) -> str:
    """Render verdicts as a Markdown table.

    Args:
        verdicts: The verdicts, in the order of the rows.

    Returns:
        The table, and below it a list of the rules that are close to allowing a denied flow.
    """
    header = [title.capitalize() for title in HEADER]
    rows = map(cells_of, verdicts)
    lines = markdown_table(header, rows)
    hints = [f"- {verdict.flow}: {hint}" for verdict in verdicts for hint in _hints(verdict)]
    return "\n".join([*lines, *(["", *map(_escaped, hints)] if hints else [])]) + "\n"


def document(
    verdicts: Sequence[Verdict],
    not_evaluated: Iterable[NotEvaluated] = (),
    changed: Iterable[SelectorChange] = (),
) -> Any:
    """Render verdicts as a JSON document. Its keys are a contract: keys may be added, none is renamed.

    Args:
        verdicts: The verdicts, in their order.
        not_evaluated: Policies that no verdict takes into account.
        changed: Selectors that mean other pods from Cilium 1.19 on.

    Returns:
        A value that `json.dumps` takes, with the keys schema, verdicts, notRead and changesWith119.
    """
    return {
        "schema": SCHEMA,
        "verdicts": [
            {
                "from": endpoint_document(verdict.flow.source),
                "to": endpoint_document(verdict.flow.destination),
                "port": str(verdict.flow.port),
                "verdict": str(verdict.decision),
                "egress": _direction(verdict.egress),
                "ingress": _direction(verdict.ingress),
            }
            for verdict in verdicts
        ],
        "notRead": [
            {"cluster": each.cluster, "policy": each.policy, "why": each.why} for each in not_evaluated
        ],
        "changesWith119": [
            {"cluster": each.cluster, "policy": each.policy, "path": each.path, "selector": each.selector}
            for each in changed
        ],
    }


def not_evaluated_lines(not_evaluated: Iterable[NotEvaluated]) -> Iterator[str]:
    """One line for each policy that no verdict takes into account, with the reason."""
    for each in not_evaluated:
        yield f"{each.cluster}: {each.policy}: {each.why}"


def cells_of(verdict: Verdict) -> tuple[str, ...]:
    """The cells of a verdict's row in the table, under the titles of `HEADER`."""
    flow = verdict.flow
    return (
        str(flow.source),
        str(flow.destination),
        str(flow.port),
        str(verdict.decision),
        direction_text(verdict.egress),
        direction_text(verdict.ingress),
    )


def _hints(verdict: Verdict) -> tuple[str, ...]:
    return (*verdict.egress.hints, *verdict.ingress.hints)


def _aligned(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = [cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=True)]
    return "  ".join([*cells, row[-1]]).rstrip()


def _cells(cells: Iterable[str]) -> str:
    return f"| {' | '.join(map(_escaped, cells))} |"


def _escaped(text: str) -> str:
    # In Markdown a bar would end the cell and an asterisk would begin emphasis.
    return text.replace("|", "\\|").replace("*", "\\*")


def endpoint_document(endpoint: Endpoint) -> dict[str, Any]:
    """An endpoint of a flow as part of a JSON document."""
    match endpoint:
        case Pod():
            place = {
                "cluster": endpoint.cluster,
                "namespace": endpoint.namespace,
                "labels": dict(endpoint.labels),
            }
            return {**place, "title": endpoint.title} if endpoint.title else place
        case Address():
            return {"address": endpoint.address}
        case Entity(name, address):
            return {"entity": name, "address": address} if address else {"entity": name}


def _direction(found: DirectionVerdict) -> dict[str, Any]:
    rules = [{"cluster": name.cluster, "policy": name.policy, "rule": name.section} for name in found.rules]
    return {
        "decision": str(found.decision),
        "reason": found.reason,
        "rules": rules,
        "layer7": list(found.layer7),
        "hints": list(found.hints),
    }
