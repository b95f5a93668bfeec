"""The pairs of clusters, and the routes that each pair needs: in both directions, in every table in use.

The checks and `stacks/mesh_resources.py` use them.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from eks_cilium.mesh.model import Member


@dataclass(frozen=True, order=True)
class NeededRoute:
    """A route from a cluster's table to a network of another cluster."""

    cluster: str
    table: str
    destination: str
    to: str
    """Name of the other cluster."""


def pairs(members: Sequence[Member]) -> list[tuple[Member, Member]]:
    """Every two clusters once, ordered by name, so that the name of a pair never changes."""
    return list(combinations(sorted(members, key=lambda member: member.name), 2))


def needed(here: Member, there: Member) -> tuple[NeededRoute, ...]:
    """The routes from `here` to every network of `there`."""
    return tuple(
        NeededRoute(here.name, table.id, cidr, there.name)
        for table in here.network.tables_in_use
        for cidr in there.network.cidrs
    )


def both_ways(members: Sequence[Member]) -> Iterator[tuple[Member, Member]]:
    """Every pair in both directions, as (from, to)."""
    for first, second in pairs(members):
        yield first, second
        yield second, first
