"""What a program reads when it starts: the nodes to replace, in order, and the plan.

The nodes come from the inventory that the first run recorded in the cluster, so that a later run registers
the same nodes however many were replaced since. Before the first run they come from the plan.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from eks_cilium.cluster.existing import image_families
from eks_cilium.migration.capacity import groups, stopped
from eks_cilium.migration.facts.nodes import node as known_node
from eks_cilium.migration.facts.reading import facts_of
from eks_cilium.migration.inventory import recording
from eks_cilium.migration.options import Recorded
from eks_cilium.migration.plan.planner import plan

if TYPE_CHECKING:
    from eks_cilium.cilium.masquerade import ImageFamily
    from eks_cilium.migration.plan.model import Plan
    from eks_cilium.migration.run import MigrationRun


@dataclass(frozen=True, slots=True)
class MigrationStart:
    """The state of a migration when a program starts."""

    nodes: tuple[str, ...]
    """Names of all nodes that are or were to be replaced, in order."""
    left: int
    """How many of them still exist."""
    image_families: frozenset[ImageFamily]
    """The image families of all nodes in the cluster."""
    plan: Plan | None
    """The plan where no inventory is recorded yet."""
    given_up: tuple[str, ...] = ()
    """Auto Scaling groups that could not grow, and are tried again."""


def read_start(run: MigrationRun) -> MigrationStart:
    """Read the nodes; plan where the migration was not started yet."""
    nodes = run.world.api.list("/api/v1/nodes")
    families = image_families(nodes)
    inventory = recording.read(run.world, run.options.target)
    if inventory is None:
        planned = plan_now(run)
        names = tuple(node.node for node in planned.nodes)
        return MigrationStart(names, left=len(names), image_families=families, plan=planned)
    existing = {known_node(node, {}).instance for node in nodes}
    return MigrationStart(
        nodes=tuple(node.name for node in inventory.nodes),
        left=sum(node.instance in existing for node in inventory.nodes),
        image_families=families,
        plan=None,
        given_up=tuple(sorted(stopped.reasons(run.world))),
    )


def plan_now(run: MigrationRun) -> Plan:
    """The plan of what is left to do, from facts read now."""
    recorded = _recorded(run)
    return plan(facts_of(run.world, run.report), run.options, recorded=recorded, limits=run.limits)


def _recorded(run: MigrationRun) -> Recorded:
    inventory = recording.read(run.world, run.options.target)
    if inventory is None:
        return Recorded()
    return Recorded(inventory.names, groups.sizes_before(run.world, inventory))
