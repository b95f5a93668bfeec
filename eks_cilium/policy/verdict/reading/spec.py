"""The parts of a NetworkPolicy's spec, each with the keys that lead to it.

For what judges each part by itself: what agents refuse and what an API server refuses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Path: TypeAlias = "tuple[str | int, ...]"
Written: TypeAlias = "Mapping[str, Any]"

SECTIONS = (("ingress", "from"), ("egress", "to"))
"""The two lists of entries, and the key of the peers in an entry of each."""
SELECTORS = ("podSelector", "namespaceSelector")
"""Of a peer."""


def peers_of(spec: Written) -> Iterator[tuple[Path, Written]]:
    """All peers of all entries."""
    for path, entry, word in _entries(spec):
        for place, peer in enumerate(entry.get(word) or ()):
            yield (*path, word, place), peer


def ports_of(spec: Written) -> Iterator[tuple[Path, Written]]:
    """All ports of all entries."""
    for path, entry, _ in _entries(spec):
        for place, port in enumerate(entry.get("ports") or ()):
            yield (*path, "ports", place), port


def selectors_of(spec: Written) -> Iterator[tuple[Path, Written | None]]:
    """All selectors; None where one is not written."""
    yield ("spec", "podSelector"), spec.get("podSelector")
    for path, peer in peers_of(spec):
        for name in SELECTORS:
            yield (*path, name), peer.get(name)


def _entries(spec: Written) -> Iterator[tuple[Path, Written, str]]:
    for section, word in SECTIONS:
        for index, entry in enumerate(spec.get(section) or ()):
            yield ("spec", section, index), entry, word
