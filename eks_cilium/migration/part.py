"""Which nodes a run replaces: all of them, or the part that `migration.only` names.

The inventory always has all nodes, so that the rest goes on in the same order when the option is removed. The
program registers resources for the part; the plan and the surge are made for it alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from eks_cilium.settings.model.migration import Only


@dataclass(frozen=True, slots=True)
class Member:
    """A node of a migration, with the groups it belongs to."""

    name: str
    group: str
    """Its Auto Scaling group."""
    node_group: str = ""
    """EKS managed node group behind that; empty where there is none."""


@dataclass(frozen=True, slots=True)
class Part:
    """The nodes that a run replaces."""

    nodes: tuple[str, ...]
    """Their names in the order of work, with those that are replaced already."""
    groups: tuple[str, ...]
    """Auto Scaling groups with such nodes."""
    left_out: tuple[str, ...] = ()
    """Names of the nodes that stay as they are for now."""
    finished: tuple[str, ...] = ()
    """Groups without a node that is left out; their capacity is restored at the end of the part."""

    @property
    def is_whole(self) -> bool:
        """Whether no node is left out: then the migration is brought to its end."""
        return not self.left_out


def selected(members: Sequence[Member], only: Only | None) -> frozenset[str]:
    """Names of the nodes that `only` names, of all nodes in the order of work."""
    if only is None:
        return frozenset(member.name for member in members)
    if only.nodes is not None:
        return frozenset(member.name for member in members[: only.nodes])
    return frozenset(member.name for member in members if _is_named(member, only.groups))


def part_of(members: Sequence[Member], only: Only | None, *, replaced: Collection[str] = ()) -> Part:
    """The part that a run replaces, of all nodes in the order of work.

    Nodes that are `replaced` belong to every part: their resources are in the stack's state.
    """
    names = selected(members, only) | frozenset(replaced)
    inside = [member for member in members if member.name in names]
    outside = [member for member in members if member.name not in names]
    groups = {member.group for member in inside}
    return Part(
        nodes=tuple(member.name for member in inside),
        groups=tuple(sorted(groups)),
        left_out=tuple(member.name for member in outside),
        finished=tuple(sorted(groups - {member.group for member in outside})),
    )


def groups_of(members: Sequence[Member], only: Only | None) -> frozenset[str]:
    """Auto Scaling groups with nodes that `only` names."""
    names = selected(members, only)
    return frozenset(member.group for member in members if member.name in names)


def unmatched(only: Only, groups: Collection[str]) -> tuple[str, ...]:
    """Patterns of `only` that no group of the migration has the name of."""
    return tuple(pattern for pattern in only.groups if not any(fnmatchcase(name, pattern) for name in groups))


def _is_named(member: Member, patterns: Sequence[str]) -> bool:
    names = [name for name in (member.group, member.node_group) if name]
    return any(fnmatchcase(name, pattern) for name in names for pattern in patterns)
