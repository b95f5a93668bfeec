"""Which pairs there are, and which routes each needs: both ways, in every table that is in use."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from eks_cilium.mesh.model import Member


@dataclass(frozen=True, order=True)
class NeededRoute:
    """A route from a cluster's table to a network of another cluster's."""

    cluster: str
    table: str
    destination: str
    to: str
    """Name of the other cluster."""


def pairs(members: Sequence[Member]) -> list[tuple[Member, Member]]:
    """Every two clusters once, in the order of their names, so that a pair's name never changes."""
    return list(combinations(sorted(members, key=lambda member: member.name), 2))


def needed(here: Member, there: Member) -> tuple[NeededRoute, ...]:
    """The routes of `here` to every network of `there`."""
    return tuple(
        NeededRoute(here.name, table.id, cidr, there.name)
        for table in here.network.tables_in_use
        for cidr in there.network.cidrs
    )


def both_ways(members: Sequence[Member]) -> Iterator[tuple[Member, Member]]:
    """Every direction of every pair."""
    for one, other in pairs(members):
        yield one, other
        yield other, one
