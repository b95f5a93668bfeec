"""What `dynamic/` may ask of a migration: one function per dynamic resource, each safe to call again.

Every function looks at the cluster first and does only what is left to do, so calling it again after any
interruption finishes what was begun. All of them take a `World` (`World.of_eks(...)`, closed by its user),
report progress line by line, and return plain facts that can be stored as JSON. Errors are those of `errors`:
what a user reads is the message alone.

The order of a replacement: take_inventory, restrict_aws_node, (Cilium is installed), pause_policies,
await_agent_count, prepare_capacity, rotate_node for every node, restore_capacity, remove_aws_node,
resume_policies. A rollback (`Target.AWS_VPC_CNI`) is the same with the two agents' places exchanged:
take_inventory, restrict_aws_node (which brings aws-node back first where it was removed), (Cilium's agents
are bound to the nodes labelled `cni-plugin=cilium`), await_agent_count, prepare_capacity, rotate_node,
restore_capacity, await_no_agents, (Cilium is uninstalled), release_aws_node, forget.

`read_inventory` only reads: a program calls it when it starts, to know its nodes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eks_cilium.cluster.names import CNI_LABEL
from eks_cilium.migration.agents import enforcement, rollout
from eks_cilium.migration.aws_node import affinity, removal
from eks_cilium.migration.capacity import surge
from eks_cilium.migration.cni import AWS, CILIUM
from eks_cilium.migration.inventory import marks, recording
from eks_cilium.migration.inventory.model import Inventory
from eks_cilium.migration.options import Before, Capacity, Exceptions, Limits, Options, Rules, Target
from eks_cilium.migration.rotation import restore, steps
from eks_cilium.runtime.errors import StoppedError
from eks_cilium.runtime.record import NODES, Record

if TYPE_CHECKING:
    from eks_cilium.migration.run import Run
    from eks_cilium.runtime.context import World

Facts = dict[str, Any]
"""Plain values: str, int, float, bool, None, and lists and dicts of them."""

__all__ = ["Capacity", "Exceptions", "Facts", "Inventory", "Limits", "Options", "Rules", "Target"]


def take_inventory(run: Run) -> Facts:
    """Label every node that runs the CNI to be replaced, and record the nodes once, in the order of work.

    Nodes that an exception leaves alone (Fargate's, Karpenter's) are labelled too, so that they keep their
    CNI, and are not in the list. Returns {"target", "labelled": [...], "already": [...], "nodes": [...]}.
    """
    return recording.take(run)


def read_inventory(world: World, target: Target) -> Inventory | None:
    """The inventory of a migration in this direction, once there is one. Only reads; takes no lease."""
    return recording.inventory(Record(world.api), target)


def read_groups(world: World, target: Target) -> dict[str, Before]:
    """The groups before the first change, as a plan's options take them. Only reads; takes no lease."""
    inventory = read_inventory(world, target)
    return {
        name: group.sizes(len(inventory.of_group(name)) if inventory else 0)
        for name, group in surge.befores(world).items()
    }


def restrict_aws_node(run: Run) -> Facts:
    """Bind aws-node to its nodes by its node affinity, as a managed add-on or self-managed.

    For a rollback, aws-node is brought back first where it was removed.
    Returns {"managed": bool, "version": str, "terms": nodeSelectorTerms}.
    """
    if run.options.target is Target.AWS_VPC_CNI:
        removal.bring_back(run)
    return affinity.restrict(run)


def release_aws_node(run: Run) -> Facts:
    """Give aws-node exactly the affinity back that it had. Returns {"restored": bool}."""
    return affinity.release(run)


def pause_policies(run: Run) -> Facts:
    """Have Cilium enforce no policy while pods of both CNIs run. Returns {"before", "agents"}."""
    return enforcement.pause(run)


def resume_policies(run: Run) -> Facts:
    """Have Cilium enforce policies as its configuration said, and roll its agents. {"restored", "agents"}."""
    return enforcement.resume(run)


def await_agent_count(run: Run, *, readings: int = 2, seconds: float = 300.0) -> Facts:
    """The gate before capacity is touched: the new CNI wants exactly the nodes without the old one's label.

    Returns {"daemonSet", "desired", "unlabelled"}.
    """
    return rollout.await_count(run, readings=readings, seconds=seconds)


def await_no_agents(run: Run, *, readings: int = 2, seconds: float = 300.0) -> Facts:
    """The gate before the old CNI is removed: its agents are wanted on no node. {"daemonSet", "desired"}."""
    return rollout.await_none(run, readings=readings, seconds=seconds)


def prepare_capacity(run: Run) -> Facts:
    """Record the groups, suspend what would disturb them, soft-taint the old nodes, raise the sizes.

    Returns when the extra nodes are through the CNI gate: {"groups": {name: {"minimum", "maximum",
    "desired", "before", "suspended"}}, "ready": [new nodes]}.
    """
    return surge.prepare(run)


def restore_capacity(run: Run) -> Facts:
    """Give the groups their sizes and processes back, and take the soft taints off.

    Surplus nodes, and nodes that AWS would move to even out zones, are drained first.
    Returns {"groups": {name: {"minimum", "maximum", "desired", "suspended"}}}.
    """
    return restore.settle(run)


def rotate_node(run: Run, name: str) -> Facts:
    """Replace one node of the inventory.

    Returns {"node", "instance", "group", "evicted", "deleted", "decremented", "seconds": {phase: seconds}}.
    """
    node = recording.required(run.world, run.options.target).node(name)
    if node is None:
        raise StoppedError(f"node {name} is not in the inventory of this migration")
    return steps.rotate(run, node)


def remove_aws_node(run: Run) -> Facts:
    """Remove the vpc-cni add-on and what belongs to aws-node; refused while aws-node wants a node.

    Returns {"managed": bool, "removed": [...], "kept": [...]}.
    """
    return removal.remove(run)


def forget(run: Run) -> Facts:
    """The end of a rollback: take the labels off the nodes and delete the record. {"unlabelled": [...]}.

    Only the inventory of the way back is kept, so that a program that runs again finds its nodes.
    """
    run.world.guard()
    unlabelled = []
    for node in run.world.api.list("/api/v1/nodes"):
        if (node["metadata"].get("labels") or {}).get(CNI_LABEL) in (AWS.label, CILIUM.label):
            marks.label(run.world.api, node, CNI_LABEL, None)
            unlabelled.append(node["metadata"]["name"])
    record = Record(run.world.api)
    if recording.inventory(record, Target.AWS_VPC_CNI) is None:
        record.delete()
    else:
        record.drop_all_but(NODES)
    run.report(f"took the label {CNI_LABEL} off {len(unlabelled)} nodes")
    return {"unlabelled": sorted(unlabelled)}


def forget_way_back(world: World) -> None:
    """Delete what is left of the record of a rollback; that of a migration to Cilium stays."""
    record = Record(world.api)
    if recording.inventory(record, Target.AWS_VPC_CNI) is not None:
        world.guard()
        record.delete()
