"""Records the inventory: labels every node of the old CNI, then writes the nodes into the record, once.

Called for the resource `NodeInventory`. The plan decides which nodes can be replaced and in which order.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from eks_cilium.cluster.names import CNI_LABEL
from eks_cilium.migration.agents import rollout
from eks_cilium.migration.cni import new_cni, old_cni
from eks_cilium.migration.facts.nodes import has_agents
from eks_cilium.migration.facts.nodes import node as known_node
from eks_cilium.migration.facts.reading import facts_of
from eks_cilium.migration.inventory import marks
from eks_cilium.migration.inventory.model import Inventory, Outgoing
from eks_cilium.migration.plan.planner import plan
from eks_cilium.runtime.errors import StoppedError
from eks_cilium.runtime.record import NODES, Record
from eks_cilium.texts import named
from eks_cilium.troubleshooting import Topic

if TYPE_CHECKING:
    from collections.abc import Collection

    from eks_cilium.cluster.objects import Object
    from eks_cilium.migration.plan.model import LeftOut, NodePlan, Plan
    from eks_cilium.migration.run import MigrationRun
    from eks_cilium.runtime.context import World
    from eks_cilium.settings.model.migration import Target


def inventory(record: Record, target: Target) -> Inventory | None:
    """The inventory of a migration in this direction, if it is recorded."""
    text = record.text(NODES)
    found = _parsed(text) if text else None
    return found if found and found.target is target else None


@lru_cache(maxsize=4)
def _parsed(text: str) -> Inventory:
    """Of 5,000 nodes it is long, and each rotation asks for it several times."""
    return Inventory.from_json(json.loads(text))


def read(world: World, target: Target) -> Inventory | None:
    """The inventory of a migration in this direction, once it is recorded. It takes no Lease."""
    return inventory(world.record, target)


def required(world: World, target: Target) -> Inventory:
    """The inventory of this direction. Raises StoppedError where none is recorded."""
    found = inventory(world.record, target)
    if found is None:
        raise StoppedError(
            Topic.NOT_RECORDED, f"no inventory of a migration to {target} is recorded in this cluster yet"
        )
    return found


def record_inventory(run: MigrationRun, planned: Plan | None = None) -> dict[str, Any]:
    """Label the nodes and record them; where they are recorded already, restore missing labels only.

    `planned` is the plan made just before; None: it is made here. Raises StoppedError for nodes that cannot
    be replaced, and when not all nodes got the label.
    """
    run.world.guard()
    record, target = run.world.record, run.options.target
    known = inventory(record, target)
    if known is not None:
        return _label_again(run, known)
    planned = planned or plan(facts_of(run.world, run.report), run.options, limits=run.limits)
    if planned.impossible:
        names = named([node.name for node in planned.impossible])
        raise StoppedError(
            Topic.PLAN_BLOCKED, f"this program cannot replace {names}: see the plan's blockers"
        )
    known = Inventory(target, run.world.time.now().isoformat(timespec="seconds"), _nodes(planned))
    labelled, already = _label(run, planned.outgoing)
    _check_count(run.world, target)
    record.put(NODES, known.to_json())
    run.report(f"{len(known.nodes)} nodes are to be replaced, in {len(known.groups)} Auto Scaling groups")
    return _summary(known, labelled, already)


def _label_again(run: MigrationRun, known: Inventory) -> dict[str, Any]:
    """Label nodes of the inventory that lost their label; nodes that joined since get none."""
    instances = {node.instance for node in known.nodes}
    wanted = {
        node["metadata"]["name"]
        for node in run.world.api.list("/api/v1/nodes")
        if known_node(node, {}).instance in instances
    }
    labelled, already = _label(run, wanted)
    return _summary(known, labelled, already)


def _label(run: MigrationRun, wanted: Collection[str]) -> tuple[list[str], list[str]]:
    """Label nodes; returns the names of those labelled now and of those that had the label."""
    label = old_cni(run.options.target).label
    labelled: list[str] = []
    already: list[str] = []
    nodes = [node for node in run.world.api.list("/api/v1/nodes") if node["metadata"]["name"] in wanted]
    _refuse_strange_labels(nodes, run.options.target)
    for node in nodes:
        name = node["metadata"]["name"]
        run.world.guard()
        (labelled if marks.label(run.world.api, node, CNI_LABEL, label) else already).append(name)
    if already:
        run.report(f"{len(already)} nodes have the label {CNI_LABEL}={label} already: {named(already)}")
    run.report(f"labelled {len(labelled)} nodes {CNI_LABEL}={label}")
    return labelled, already


def _refuse_strange_labels(nodes: list[Object], target: Target) -> None:
    # Another value of the label was set outside this program and may be in use.
    known = {None, old_cni(target).label, new_cni(target).label}
    for node in nodes:
        name, value = node["metadata"]["name"], (node["metadata"].get("labels") or {}).get(CNI_LABEL)
        if value not in known:
            raise StoppedError(
                Topic.FOREIGN_LABEL,
                f"node {name} has the label {CNI_LABEL}={value}, which this program did not set",
                f"Remove it if nothing needs it: kubectl label node {name} {CNI_LABEL}-",
            )


def _check_count(world: World, target: Target) -> None:
    """Check that all nodes are labelled: some may have joined or changed meanwhile.

    Nodes on which an agent of the new CNI runs need no label, nor do nodes that have no agents at all.
    """
    nodes = [node for node in world.api.list("/api/v1/nodes") if has_agents(node)]
    new = {pod["spec"].get("nodeName") for pod in rollout.pods(world, new_cni(target))}
    labels = (old_cni(target).label, new_cni(target).label)
    without = sorted(
        node["metadata"]["name"]
        for node in nodes
        if (node["metadata"].get("labels") or {}).get(CNI_LABEL) not in labels
        and node["metadata"]["name"] not in new
    )
    if without:
        done = len(nodes) - len(without)
        raise StoppedError(
            Topic.NODES_CHANGED,
            f"{done} of {len(nodes)} nodes have the label {CNI_LABEL}={labels[0]}; without it: "
            f"{named(without)}",
            "They joined or changed while the others were labelled. Run `pulumi up` again.",
        )


def _nodes(planned: Plan) -> tuple[Outgoing, ...]:
    """All nodes in the order of work, those that are left out for now included."""
    node_groups = {group.name: group.node_group or "" for group in planned.groups}
    found = [
        *((node.position, _outgoing(node, node_groups[node.group])) for node in planned.nodes),
        *((node.position, _outgoing(node, node.node_group)) for node in planned.left_out),
    ]
    return tuple(node for _, node in sorted(found, key=lambda pair: pair[0]))


def _outgoing(node: NodePlan | LeftOut, node_group: str) -> Outgoing:
    return Outgoing(
        name=node.node,
        uid=node.uid,
        instance=node.instance,
        zone=node.zone,
        group=node.group,
        node_group=node_group,
        cordoned=node.cordoned,
    )


def _summary(known: Inventory, labelled: list[str], already: list[str]) -> dict[str, Any]:
    return {
        "target": known.target.value,
        "labelled": sorted(labelled),
        "already": sorted(already),
        "nodes": [node.name for node in known.nodes],
    }
