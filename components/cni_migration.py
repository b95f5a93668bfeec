"""The CNI of a running cluster replaced, node by node: everything after the new CNI is installed beside it.

`CniMigration` is the way to Cilium, `CniRollback` the way back. Both are the same chain: a gate, room, one
resource a node, the groups' own sizes again. What is registered is the plan itself, so a preview shows it and
an interrupted update goes on with the next resource.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, TypedDict

import pulumi

from components.naming import token
from eks_cilium.dynamic.policy_enforcement import PolicyPause, PolicyResume
from eks_cilium.dynamic.replacement.agent_gates import AgentGate, AgentsGone
from eks_cilium.dynamic.replacement.aws_node_affinity import AwsNodeAffinity
from eks_cilium.dynamic.replacement.aws_node_removal import AwsNodeRemoval
from eks_cilium.dynamic.replacement.node_rotation import NodeRotation, of_node
from eks_cilium.dynamic.replacement.surge import CapacityRestore, Surge, of_groups
from eks_cilium.dynamic.shell.planning import part_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eks_cilium.dynamic.replacement.node_rotation import NodeRotationArgs
    from eks_cilium.dynamic.shell.operation import OperationArgs
    from eks_cilium.migration.plan.model import Plan


class CniMigrationArgs(TypedDict):
    """What a migration in either direction is made from."""

    operation: OperationArgs
    """What all its resources share, with the migration they belong to."""
    nodes: Sequence[str]
    """Names of the nodes to replace, in the order of work."""
    left: int
    """How many of them are still there."""
    parallel: int
    plan: Plan | None
    """What a preview has planned, where nothing was begun."""


class CniMigration(pulumi.ComponentResource):
    """All nodes on Cilium, aws-node and its add-on gone, policies enforced again."""

    def __init__(self, name: str, args: CniMigrationArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(token("CniMigration"), name, {}, opts)
        operation = args["operation"]
        paused = PolicyPause(name, operation, _after(self))
        gate = AgentGate(name, operation, _after(self, paused))
        restored = _replace_nodes(self, name, args, gate)
        gone = AgentsGone(name, operation, _after(self, restored))
        removed = AwsNodeRemoval(name, operation, _after(self, gone))
        PolicyResume(name, operation, _after(self, removed))
        self.register_outputs({"nodes": list(args["nodes"])})


class CniRollback(pulumi.ComponentResource):
    """All nodes on the AWS VPC CNI again, and no agent of Cilium's left, so that it can be uninstalled."""

    def __init__(self, name: str, args: CniMigrationArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(token("CniRollback"), name, {}, opts)
        operation = args["operation"]
        bound = AwsNodeAffinity(f"{name}-back", operation, _after(self))
        paused = PolicyPause(f"{name}-back", operation, _after(self, bound))
        gate = AgentGate(f"{name}-back", operation, _after(self, paused))
        restored = _replace_nodes(self, f"{name}-back", args, gate)
        AgentsGone(f"{name}-back", operation, _after(self, restored))
        self.register_outputs({"nodes": list(args["nodes"])})


def _replace_nodes(
    parent: pulumi.Resource, name: str, args: CniMigrationArgs, gate: AgentGate
) -> CapacityRestore:
    """Room, then every node after the one that is `parallel` places before it, then the room goes."""
    operation, plan = args["operation"], args["plan"]
    room = part_of(plan, of_groups)
    surge = Surge(name, {**operation, "left": args["left"], **room}, _after(parent, gate))
    rotations: list[NodeRotation] = []
    for index, (short, node) in enumerate(short_names(args["nodes"]).items()):
        before = rotations[index - args["parallel"]] if index >= args["parallel"] else surge
        drain: NodeRotationArgs = {**operation, "node": node, **part_of(plan, partial(of_node, name=node))}
        rotations.append(NodeRotation(f"{name}-{short}", drain, _after(parent, surge, before)))
    return CapacityRestore(name, operation, _after(parent, surge, *rotations))


def short_names(nodes: Sequence[str]) -> dict[str, str]:
    """Nodes by the part of their name before the domain; by the whole name where that is not unique."""
    short = [node.partition(".")[0] for node in nodes]
    return {part if short.count(part) == 1 else node: node for part, node in zip(short, nodes, strict=True)}


def _after(parent: pulumi.Resource, *others: pulumi.Resource) -> pulumi.ResourceOptions:
    return pulumi.ResourceOptions(parent=parent, depends_on=list(others))
