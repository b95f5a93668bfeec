"""What a program finds when it starts: the cluster, its nodes in the order of work, and the plan.

The nodes come from the inventory that the first run wrote into the cluster, so that a later run counts on the
same ones however many are gone by then. Before that they come from the plan. Only reads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from eks_cilium.cluster.existing import image_families
from eks_cilium.migration.capacity import groups
from eks_cilium.migration.facts.reading import facts_of
from eks_cilium.migration.inventory import recording
from eks_cilium.migration.options import Recorded
from eks_cilium.migration.plan.planner import plan

if TYPE_CHECKING:
    from eks_cilium.cilium.masquerade import ImageFamily
    from eks_cilium.migration.plan.model import Plan
    from eks_cilium.migration.run import MigrationRun


@dataclass(frozen=True, slots=True)
class Beginning:
    """Where a migration stands when a program starts."""

    nodes: tuple[str, ...]
    """All nodes that are or were to be replaced, in the order of work."""
    left: int
    """How many of them are still there."""
    image_families: frozenset[ImageFamily]
    """Of all nodes in the cluster."""
    plan: Plan | None
    """Made when no inventory is there yet."""


def begin(run: MigrationRun) -> Beginning:
    """Look at the nodes, and plan where nothing was begun."""
    nodes = run.world.api.list("/api/v1/nodes")
    families = image_families(nodes)
    inventory = recording.read(run.world, run.options.target)
    if inventory is None:
        made = plan_now(run)
        names = tuple(node.node for node in made.nodes)
        return Beginning(names, left=len(names), image_families=families, plan=made)
    there = {node["metadata"]["uid"] for node in nodes}
    return Beginning(
        nodes=tuple(node.name for node in inventory.nodes),
        left=sum(node.uid in there for node in inventory.nodes),
        image_families=families,
        plan=None,
    )


def plan_now(run: MigrationRun) -> Plan:
    """The plan of what is left to do, from facts read now."""
    recorded = _recorded(run)
    return plan(facts_of(run.world, run.report), run.options, recorded=recorded, limits=run.limits)


def _recorded(run: MigrationRun) -> Recorded:
    inventory = recording.read(run.world, run.options.target)
    if inventory is None:
        return Recorded()
    before = {
        name: group.sizes(len(inventory.of_group(name))) for name, group in groups.recorded(run.world).items()
    }
    return Recorded(inventory.names, before)
