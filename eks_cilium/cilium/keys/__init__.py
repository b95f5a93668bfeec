"""The keys that each chart knows, so that `eks_cilium.settings` refuses a value that the chart would ignore.

A chart silently accepts unknown and removed keys. `<minor>.txt` beside this file holds the tree of the newest
chart of that minor that was tried: one dotted path a line, with `.*` where any key may follow.
`python -m lab.toolchain release` writes it; a test compares it with the real chart.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from eks_cilium.cilium.versions import minor_text

ANYTHING = "*"
"""Last part of a path below which the chart accepts any key."""


@dataclass(frozen=True)
class UnknownKey:
    """A key that the chart does not know, and the nearest known key."""

    path: tuple[str, ...]
    value: Any
    nearest: str | None


@cache
def chart_keys(version: str) -> frozenset[tuple[str, ...]]:
    """The paths that the chart of that version knows."""
    return frozenset(tuple(line.split(".")) for line in file_of(version).read_text().split())


def file_of(version: str) -> Path:
    """Where the keys of a version's minor are kept."""
    return Path(__file__).parent / f"{minor_text(version)}.txt"


def write(file: Path, keys: Sequence[str]) -> None:
    """Write the keys of a chart, one dotted path a line."""
    file.write_text("".join(f"{key}\n" for key in keys))


@cache
def _with_branches(version: str) -> frozenset[tuple[str, ...]]:
    """The known paths and every path above them."""
    return frozenset(path[:length] for path in chart_keys(version) for length in range(1, len(path) + 1))


def unknown_keys(version: str, values: Mapping[str, Any]) -> list[UnknownKey]:
    """The keys in `values` that the chart would silently ignore."""
    known = chart_keys(version)
    tree = _with_branches(version)
    return [
        UnknownKey(path, value, _nearest(path, tree)) for path, value in _unknown(values, (), known, tree)
    ]


def _unknown(
    values: Mapping[str, Any],
    above: tuple[str, ...],
    known: frozenset[tuple[str, ...]],
    tree: frozenset[tuple[str, ...]],
) -> Iterator[tuple[tuple[str, ...], Any]]:
    for key, value in values.items():
        path = (*above, str(key))
        if path not in tree:
            yield path, value
        elif isinstance(value, Mapping) and (*path, ANYTHING) not in known:
            if path in known and value:
                yield path, value  # the chart expects a plain value there, not an object
            else:
                yield from _unknown(value, path, known, tree)


def _nearest(path: tuple[str, ...], tree: frozenset[tuple[str, ...]]) -> str | None:
    siblings = [other[-1] for other in tree if other[:-1] == path[:-1] and other[-1] != ANYTHING]
    near = difflib.get_close_matches(path[-1], siblings, n=1, cutoff=0.6)
    return ".".join((*path[:-1], near[0])) if near else None
