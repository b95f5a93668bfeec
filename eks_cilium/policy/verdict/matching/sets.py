"""Sets of small numbers, each the bits of one integer: a union or an intersection is one operation."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator

_Item = TypeVar("_Item", bound="Hashable")


class Sets(NamedTuple):
    """Rules that certainly match, and those that match or of which it is not known whether they do."""

    certain: int
    possible: int

    def __or__(self, other: Sets) -> Sets:
        return Sets(self.certain | other.certain, self.possible | other.possible)

    def __and__(self, other: Sets) -> Sets:
        return Sets(self.certain & other.certain, self.possible & other.possible)


def members(numbers: int) -> Iterator[int]:
    """The numbers of a set, in ascending order."""
    while numbers:
        lowest = numbers & -numbers
        yield lowest.bit_length() - 1
        numbers ^= lowest


def union(sets: Iterable[int]) -> int:
    """All numbers of several sets."""
    found = 0
    for each in sets:
        found |= each
    return found


def grouped(items: Iterable[tuple[_Item, int]]) -> dict[_Item, int]:
    """For each different item the union of the sets that come with it."""
    found: dict[_Item, int] = defaultdict(int)
    for item, numbers in items:
        found[item] |= numbers
    return found
