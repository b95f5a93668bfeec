"""Renders an overview: rows for a table, and a JSON document that holds every verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eks_cilium.policy.report import endpoint_document
from eks_cilium.policy.verdict.model import Decision
from eks_cilium.texts import named

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from eks_cilium.policy.overview.building import Overview, Row
    from eks_cilium.policy.overview.places import Directory

SCHEMA = "eks-cilium/verdict-overview/v1"
HEADER = ("TO", "PORT", "OPEN", "FROM")
_MOST_NAMED = 6
_MOST_PORTS = 4


def cells(rows: Sequence[Row], directory: Directory) -> Iterator[tuple[str, ...]]:
    """The cells of rows under the titles of `HEADER`."""
    for row in rows:
        ports = named(row.ports, _MOST_PORTS)
        open_to = f"{row.openness[0]} of {row.among}"
        yield directory.text(row.destinations, _MOST_NAMED), ports, open_to, _sources(row, directory)


def _sources(row: Row, directory: Directory) -> str:
    itself = row.destinations[0] if len(row.destinations) == 1 else None
    parts = []
    if row.allowed:
        parts.append(directory.text(row.allowed, _MOST_NAMED, besides=itself))
    if row.partly:
        parts.append(f"in part {directory.text(row.partly, _MOST_NAMED, besides=itself)}")
    return "; ".join(parts) or "none"


def summary(found: Overview) -> str:
    """The number of flows, in a line."""
    counts = {decision: found.counts.get(decision, 0) for decision in Decision}
    shown = (Decision.ALLOWED, Decision.DENIED, Decision.UNDECIDED)
    parts = ", ".join(f"{counts[decision]} {decision}" for decision in shown)
    return f"{sum(counts.values())} flows: {parts}"


def document(found: Overview) -> dict[str, Any]:
    """Every verdict as a value that `json.dumps` takes. Its keys are a contract: they are only added to.

    Endpoints are listed once; each entry of `reached` names a destination and its sources by their indexes.
    """
    return {
        "schema": SCHEMA,
        "endpoints": [
            {**endpoint_document(endpoint), "place": str(place)}
            for endpoint, place in zip(found.endpoints, found.places, strict=True)
        ],
        "reached": [
            {
                "to": each.to,
                "port": each.port,
                **{str(decision): list(indexes) for decision, indexes in each.sources.items()},
            }
            for each in found.judged
        ],
        "counts": {str(decision): count for decision, count in found.counts.items()},
    }
