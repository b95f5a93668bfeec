"""The CNI of a running cluster replaced, node by node, after the new CNI is installed beside the old one.

`stacks/replacement.py` registers `CniMigration` to Cilium, or `CniRollback` to the AWS VPC CNI. Both are the
same chain: a gate, surge capacity, one resource for each node, the node groups' original sizes. So a preview
shows the plan, and an interrupted update continues with the next resource.
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
from eks_cilium.dynamic.replacement.node_rotation import NodeRotation, node_part
from eks_cilium.dynamic.replacement.surge import CapacityRestore, Surge, group_sizes
from eks_cilium.dynamic.shell.planning import previewed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eks_cilium.dynamic.replacement.node_rotation import NodeRotationArgs
    from eks_cilium.dynamic.replacement.surge import SurgeArgs
    from eks_cilium.dynamic.shell.operation import OperationArgs
    from eks_cilium.migration.plan.model import Plan


class CniMigrationArgs(TypedDict):
    """The arguments of a migration in either direction."""

    operation: OperationArgs
    """The inputs that all its resources share: cluster, rules, and the migration they belong to."""
    nodes: Sequence[str]
    """Names of the nodes to replace, in the order of work."""
    left: int
    """How many of these nodes still exist."""
    given_up: Sequence[str]
    """Auto Scaling groups that could not grow in an earlier run: `Surge` tries them again."""
    parallel: int
    """How many nodes are replaced at the same time."""
    plan: Plan | None
    """The plan that a preview has just made; None in an update, or once the migration has begun."""
    policy_mode: str | None
    """How agents enforce policies in the end; None for as they did before, or by Cilium's default."""


class CniMigration(pulumi.ComponentResource):
    """Moves every node to Cilium, then removes aws-node with its add-on and enforces policies again.

    Creates, each after the one before: `PolicyPause`, `AgentGate`, `Surge`, a `NodeRotation` for every node,
    `CapacityRestore`, `AgentsGone`, `AwsNodeRemoval` and `PolicyResume`. An update stops with an error when
    an operation is blocked or cannot finish in time; the next update continues there.
    """

    def __init__(self, name: str, args: CniMigrationArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(token("CniMigration"), name, {}, opts)
        operation = args["operation"]
        paused = PolicyPause(name, operation, _after(self))
        gate = AgentGate(name, operation, _after(self, paused))
        restored = _replace_nodes(self, name, args, gate)
        gone = AgentsGone(name, operation, _after(self, restored))
        removed = AwsNodeRemoval(name, operation, _after(self, gone))
        PolicyResume(name, {**operation, "mode": args["policy_mode"]}, _after(self, removed))
        self.register_outputs({"nodes": list(args["nodes"])})


class CniRollback(pulumi.ComponentResource):
    """Moves every node back to the AWS VPC CNI, until no agent of Cilium runs and it can be uninstalled.

    Creates, each after the one before: `AwsNodeAffinity`, `PolicyPause`, `AgentGate`, `Surge`, a
    `NodeRotation` for every node, `CapacityRestore` and `AgentsGone`. Names end in `-back`, so that they
    differ from those of `CniMigration`. Errors are as there.
    """

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
    """Surge capacity, every node after the node `parallel` places before it, then the original sizes."""
    operation, plan = args["operation"], args["plan"]
    groups = previewed(plan, group_sizes)
    capacity: SurgeArgs = {**operation, "left": args["left"], "given_up": args["given_up"], **groups}
    surge = Surge(name, capacity, _after(parent, gate))
    rotations: list[NodeRotation] = []
    for index, (short, node) in enumerate(short_names(args["nodes"]).items()):
        before = rotations[index - args["parallel"]] if index >= args["parallel"] else surge
        drain: NodeRotationArgs = {
            **operation,
            "node": node,
            **previewed(plan, partial(node_part, name=node)),
        }
        rotations.append(NodeRotation(f"{name}-{short}", drain, _after(parent, surge, before)))
    return CapacityRestore(name, operation, _after(parent, surge, *rotations))


def short_names(nodes: Sequence[str]) -> dict[str, str]:
    """Node names by a short name: the part before the domain, or the whole name where that is not unique."""
    short = [node.partition(".")[0] for node in nodes]
    return {part if short.count(part) == 1 else node: node for part, node in zip(short, nodes, strict=True)}


def _after(parent: pulumi.Resource, *others: pulumi.Resource) -> pulumi.ResourceOptions:
    return pulumi.ResourceOptions(parent=parent, depends_on=list(others))
