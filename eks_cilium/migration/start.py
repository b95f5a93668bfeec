"""What a program reads when it starts: the nodes to replace, in order, and the plan.

The nodes come from the inventory that the first run recorded in the cluster, so that a later run registers
the same nodes however many were replaced since. Before the first run they come from the plan.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from eks_cilium.clients.pages.decoding import Shaped
from eks_cilium.cluster.existing import image_families
from eks_cilium.migration.capacity import groups, stopped
from eks_cilium.migration.control import stop
from eks_cilium.migration.facts import shapes
from eks_cilium.migration.facts.reading import facts_of
from eks_cilium.migration.inventory import recording
from eks_cilium.migration.options import Recorded
from eks_cilium.migration.part import Member, Part, part_of, selected
from eks_cilium.migration.plan.planner import plan

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from eks_cilium.cilium.masquerade import ImageFamily
    from eks_cilium.cluster.objects import Object
    from eks_cilium.migration.control.stop import StopRequest
    from eks_cilium.migration.plan.model import Plan
    from eks_cilium.migration.run import MigrationRun


@dataclass(frozen=True, slots=True)
class MigrationStart:
    """The state of a migration when a program starts."""

    nodes: tuple[str, ...]
    """Names of all nodes that are or were to be replaced, in order."""
    left: int
    """How many of them still exist and are not left out."""
    image_families: frozenset[ImageFamily]
    """The image families of all nodes in the cluster."""
    plan: Plan | None
    """The plan where no inventory is recorded yet."""
    again: frozenset[str] = frozenset()
    """Names of nodes that still exist once the migration has begun; what has its resource was skipped."""
    given_up: tuple[str, ...] = ()
    """Auto Scaling groups that could not grow, and are tried again."""
    part: Part | None = None
    """The nodes that are replaced for now; None where that is all of them."""
    groups: tuple[str, ...] = ()
    """Names of the Auto Scaling groups of all these nodes, and of the managed node groups behind them."""
    group_of: Mapping[str, str] = field(default_factory=dict)
    """The Auto Scaling group of each of these nodes."""
    stop: StopRequest | None = None
    """Who asked runs on this cluster to begin no further node."""


def read_start(run: MigrationRun) -> MigrationStart:
    """Read the nodes; plan where the migration was not started yet."""
    nodes = run.world.api.each("/api/v1/nodes", Shaped(shapes.Node, _as_it_is))
    families = image_families(nodes)
    asked = stop.requested(run.world.api)
    inventory = recording.read(run.world, run.options.target)
    if inventory is None:
        return _planned(plan_now(run), families, asked)
    left = {node.name for node in inventory.left(nodes)}
    part = part_of(inventory.members, run.options.part, replaced=inventory.names - left)
    still = frozenset(left.intersection(part.nodes))
    return MigrationStart(
        nodes=tuple(node.name for node in inventory.nodes),
        left=len(still),
        again=still,
        image_families=families,
        plan=None,
        given_up=tuple(sorted(stopped.reasons(run))),
        part=None if part.is_whole else part,
        groups=_groups(inventory.members),
        group_of={member.name: member.group for member in inventory.members},
        stop=asked,
    )


def _as_it_is(obj: Object) -> Object:
    return obj


def _planned(planned: Plan, families: frozenset[ImageFamily], asked: StopRequest | None) -> MigrationStart:
    """The state before the first run: the plan has all there is to know."""
    node_groups = {group.name: group.node_group or "" for group in planned.groups}
    chosen = [Member(node.node, node.group, node_groups[node.group]) for node in planned.nodes]
    names = tuple(member.name for member in chosen)
    later = [Member(node.node, node.group, node.node_group) for node in planned.left_out]
    groups = {member.group for member in chosen}
    part = Part(
        nodes=names,
        groups=tuple(sorted(groups)),
        left_out=tuple(member.name for member in later),
        finished=tuple(sorted(groups - {member.group for member in later})),
    )
    return MigrationStart(
        nodes=(*names, *part.left_out),
        left=len(names),
        image_families=families,
        plan=planned,
        part=None if part.is_whole else part,
        groups=_groups([*chosen, *later]),
        group_of={member.name: member.group for member in (*chosen, *later)},
        stop=asked,
    )


def _groups(members: Iterable[Member]) -> tuple[str, ...]:
    names = {name for member in members for name in (member.group, member.node_group) if name}
    return tuple(sorted(names))


def plan_now(run: MigrationRun) -> Plan:
    """The plan of what is left to do, from facts read now."""
    recorded, cilium = _recorded(run), run.cilium
    facts = facts_of(run.world, run.report, subnets=cilium.subnets if cilium else ())
    return plan(facts, run.options, recorded=recorded, limits=run.limits, cilium=cilium)


def _recorded(run: MigrationRun) -> Recorded:
    inventory = recording.read(run.world, run.options.target)
    if inventory is None:
        return Recorded()
    chosen = selected(inventory.members, run.options.part)
    order = tuple(node.name for node in inventory.nodes)
    return Recorded(inventory.names, order, chosen, groups.sizes_before(run.world, inventory))
