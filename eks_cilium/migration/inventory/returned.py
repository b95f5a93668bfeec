"""Nodes of the inventory that registered anew: the same instance, a new Node object without our label.

A kubelet creates its Node object again when that was deleted. Labels that others set are lost with it, so
the node would get an agent of the new CNI on top of the old one. Called before every step that relies on the
label. Source: kubernetes.io/docs/concepts/architecture/nodes, "Self-registration of Nodes".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eks_cilium.cluster.names import CNI_LABEL
from eks_cilium.migration.cni import new_cni, old_cni
from eks_cilium.migration.facts.nodes import node as known_node
from eks_cilium.migration.inventory import marks, recording
from eks_cilium.texts import named

if TYPE_CHECKING:
    from eks_cilium.cluster.objects import Object
    from eks_cilium.migration.inventory.model import Outgoing
    from eks_cilium.migration.run import MigrationRun
    from eks_cilium.runtime.context import World


def node_of(world: World, node: Outgoing, *, fresh: bool = True) -> Object | None:
    """The Node object of a node's instance, perhaps a later one; None where there is none.

    It has another UID when it registered anew, and another name when its host name has changed. Without
    `fresh` it is as the view of this process has it.
    """
    found = world.api.get(marks.path(node.name)) if fresh else None
    if found is not None and known_node(found, {}).instance == node.instance:
        return found
    nodes = world.seen.list("/api/v1/nodes")
    return next((obj for obj in nodes if known_node(obj, {}).instance == node.instance), None)


def label_returned(run: MigrationRun) -> tuple[str, ...]:
    """Label nodes of the inventory again that lost the label; returns their names."""
    world, target = run.world, run.options.target
    inventory = recording.read(world, target)
    if inventory is None:
        return ()
    label, instances = old_cni(target).label, {node.instance for node in inventory.nodes}
    names: list[str] = []
    for obj in world.seen.list("/api/v1/nodes"):
        node = known_node(obj, {})
        if node.instance not in instances or node.labels.get(CNI_LABEL) == label:
            continue
        world.guard()
        marks.label(world.api, obj, CNI_LABEL, label)
        marks.soft_taint(world.api, node.name)
        names.append(node.name)
    if names:
        run.report(
            f"registered anew and had lost the label {CNI_LABEL}={label}: {named(names)}; labelled again, so "
            f"that agents of {old_cni(target).daemon_set} return and those of {new_cni(target).daemon_set} go"
        )
        world.note("labelled-again", nodes=names)
    return tuple(names)
