"""Sets of small numbers, each the bits of one integer: a union or an intersection is one operation."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator


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
