"""The CNI of a running cluster replaced, node by node, after the new CNI is installed beside the old one.

`stacks/replacement.py` registers `CniMigration` to Cilium, or `CniRollback` to the AWS VPC CNI. Both are the
same chain: a gate, surge capacity, one resource for each node, the node groups' original sizes. So a preview
shows the plan, and an interrupted update continues with the next resource.
"""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, NotRequired, TypedDict

import pulumi

from components.naming import token
from components.order import after, of_one_of_many
from eks_cilium.dynamic.policy_enforcement import PolicyPause, PolicyResume
from eks_cilium.dynamic.replacement.agent_gates import AgentGate, AgentsGone
from eks_cilium.dynamic.replacement.aws_node_affinity import AwsNodeAffinity
from eks_cilium.dynamic.replacement.aws_node_removal import AwsNodeRemoval
from eks_cilium.dynamic.replacement.canary_check import CanaryCheck
from eks_cilium.dynamic.replacement.node_batch import (
    AT_ONCE,
    MOST_RESOURCES,
    NodeBatch,
    batch_part,
    cut,
    names_of,
)
from eks_cilium.dynamic.replacement.node_rotation import NodeRotation, node_part
from eks_cilium.dynamic.replacement.surge import CapacityRestore, Surge, group_sizes
from eks_cilium.dynamic.shell.planning import previewed
from eks_cilium.migration.lanes import Lanes
from eks_cilium.texts import counted, named

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from eks_cilium.dynamic.replacement.canary_check import CanaryCheckArgs
    from eks_cilium.dynamic.replacement.node_batch import NodeBatchArgs
    from eks_cilium.dynamic.replacement.node_rotation import NodeRotationArgs
    from eks_cilium.dynamic.replacement.surge import CapacityRestoreArgs, SurgeArgs
    from eks_cilium.dynamic.shell.operation import OperationArgs
    from eks_cilium.dynamic.shell.planning import TriedAgain
    from eks_cilium.migration.part import Part
    from eks_cilium.migration.plan.model import Plan


class CniMigrationArgs(TypedDict):
    """The arguments of a migration in either direction."""

    operation: OperationArgs
    """The inputs that all its resources share: cluster, rules, and the migration they belong to."""
    nodes: Sequence[str]
    """Names of all nodes to replace, in the order of work."""
    part: NotRequired[Part | None]
    """The nodes that are replaced for now; all where it is None. A rollback always replaces all."""
    left: int
    """How many of the nodes that are replaced now still exist."""
    given_up: Sequence[str]
    """Auto Scaling groups that could not grow in an earlier run: `Surge` tries them again."""
    again: NotRequired[frozenset[str]]
    """Names of nodes that still exist although the migration has begun: none where it is left out."""
    parallel: int | str
    """How many nodes are replaced at the same time: a number, or a percentage of each group as in `10%`."""
    groups: NotRequired[Mapping[str, str]]
    """The Auto Scaling group of each node. Without it the nodes count as those of one group."""
    plan: Plan | None
    """The plan that a preview has just made; None in an update, or once the migration has begun."""
    policy_mode: str | None
    """How agents enforce policies in the end; None for as they did before, or by Cilium's default."""


class CniMigration(pulumi.ComponentResource):
    """Moves every node to Cilium, then removes aws-node with its add-on and enforces policies again.

    Creates, each after the one before: `PolicyPause`, `AgentGate`, `Surge`, a `NodeRotation` for every node
    (of more than 200 nodes a `NodeBatch` for several),
    `CapacityRestore`, `AgentsGone`, `AwsNodeRemoval` and `PolicyResume`. An update stops with an error when
    an operation is blocked or cannot finish in time; the next update continues there.

    With a `part` it ends after the nodes of the part: `CapacityRestore` of the groups that are finished, and
    `CanaryCheck`. Without it, later, the rest is created.
    """

    def __init__(self, name: str, args: CniMigrationArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(token("CniMigration"), name, {}, opts)
        operation = args["operation"]
        paused = PolicyPause(name, operation, after(self))
        gate = AgentGate(name, operation, after(self, paused))
        replaced, part = _replace_nodes(self, name, args, gate), args.get("part")
        if part is None:
            self._finish(name, args, replaced)
        else:
            self._stop(name, operation, part, replaced)
        self.register_outputs({"nodes": len(part.nodes if part else args["nodes"])})

    def _finish(self, name: str, args: CniMigrationArgs, replaced: Sequence[pulumi.Resource]) -> None:
        operation = args["operation"]
        restored = CapacityRestore(name, {**operation, "groups": None}, after(self, *replaced))
        gone = AgentsGone(name, operation, after(self, restored))
        removed = AwsNodeRemoval(name, operation, after(self, gone))
        PolicyResume(name, {**operation, "mode": args["policy_mode"]}, after(self, removed))

    def _stop(
        self, name: str, operation: OperationArgs, part: Part, replaced: Sequence[pulumi.Resource]
    ) -> None:
        """After the last node of a part: groups without old nodes get their sizes back, then a check."""
        last = [*replaced]
        if part.finished:
            groups: CapacityRestoreArgs = {**operation, "groups": list(part.finished)}
            last = [CapacityRestore(name, groups, after(self, *replaced))]
        check: CanaryCheckArgs = {**operation, "nodes": list(part.nodes), "stays": what_stays(part)}
        CanaryCheck(name, check, after(self, *last))


class CniRollback(pulumi.ComponentResource):
    """Moves every node back to the AWS VPC CNI, until no agent of Cilium runs and it can be uninstalled.

    Creates, each after the one before: `AwsNodeAffinity`, `PolicyPause`, `AgentGate`, `Surge`, a
    `NodeRotation` for every node, `CapacityRestore` and `AgentsGone`. Names end in `-back`, so that they
    differ from those of `CniMigration`. Errors are as there.
    """

    def __init__(self, name: str, args: CniMigrationArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(token("CniRollback"), name, {}, opts)
        operation = args["operation"]
        bound = AwsNodeAffinity(f"{name}-back", operation, after(self))
        paused = PolicyPause(f"{name}-back", operation, after(self, bound))
        gate = AgentGate(f"{name}-back", operation, after(self, paused))
        replaced = _replace_nodes(self, f"{name}-back", args, gate)
        restored = CapacityRestore(f"{name}-back", {**operation, "groups": None}, after(self, *replaced))
        AgentsGone(f"{name}-back", operation, after(self, restored))
        self.register_outputs({"nodes": len(args["nodes"])})


def _replace_nodes(
    parent: pulumi.Resource, name: str, args: CniMigrationArgs, gate: AgentGate
) -> list[pulumi.Resource]:
    """Surge capacity, then every node after the one before it in its lane; returns the last ones."""
    operation, plan = args["operation"], args["plan"]
    groups = previewed(plan, group_sizes)
    capacity: SurgeArgs = {**operation, "left": args["left"], "given_up": args["given_up"], **groups}
    surge = Surge(name, capacity, after(parent, gate))
    if len(args["nodes"]) > MOST_RESOURCES:
        return _batches(parent, name, args, surge)[-AT_ONCE:] or [surge]
    part, rotations = args.get("part"), dict[str, NodeRotation]()
    # Names do not depend on the part, so that the same resources are found when the rest goes on.
    names = {node: short for short, node in short_names(args["nodes"]).items()}
    nodes, lanes = part.nodes if part else args["nodes"], _lanes(args)
    for node in nodes:
        before = rotations.get(lanes.before(node), surge)
        drain: NodeRotationArgs = {
            **of_one_of_many(operation),
            "node": node,
            **_again(args, [node]),
            **previewed(plan, partial(node_part, name=node)),
        }
        rotations[node] = NodeRotation(f"{name}-{names[node]}", drain, after(parent, before))
    followed = {lanes.before(node) for node in nodes}
    return [last for node, last in rotations.items() if node not in followed] or [surge]


def _lanes(args: CniMigrationArgs) -> Lanes:
    """The lanes of the nodes that are replaced for now."""
    part, group_of = args.get("part"), args.get("groups") or {}
    nodes = part.nodes if part else args["nodes"]
    return Lanes({node: group_of.get(node, "") for node in nodes}, args["parallel"])


def _again(args: CniMigrationArgs, nodes: Iterable[str]) -> TriedAgain:
    """The input of a resource with nodes that are left; none for others, to keep states small."""
    return {"again": True} if args.get("again", frozenset()).intersection(nodes) else {}


def _batches(
    parent: pulumi.Resource, name: str, args: CniMigrationArgs, surge: Surge
) -> list[pulumi.Resource]:
    """Batches of all nodes, so that they stay the same when the rest of a part goes on."""
    part, plan, batches = args.get("part"), args["plan"], list[pulumi.Resource]()
    replaced = frozenset(part.nodes if part else args["nodes"])
    for first, count in cut(len(args["nodes"]), _lanes(args).in_all):
        nodes = replaced.intersection(names_of(args["nodes"], first, count))
        if not nodes:
            continue
        before = batches[-AT_ONCE] if len(batches) >= AT_ONCE else surge
        inputs: NodeBatchArgs = {
            **of_one_of_many(args["operation"]),
            "first": first,
            "count": count,
            "nodes": len(nodes),
            **_again(args, nodes),
            **previewed(plan, partial(batch_part, first=first, count=count)),
        }
        numbers = f"{first}-{first + count - 1}"
        batches.append(NodeBatch(f"{name}-nodes-{numbers}", inputs, after(parent, before)))
    return batches


def what_stays(part: Part) -> list[str]:
    """What stays as it is after a part, until the rest goes on."""
    waiting = [group for group in part.groups if group not in part.finished]
    lines = [
        f"{counted(len(part.left_out), 'node')} left for later: {named(part.left_out)}",
        "aws-node stays, on these nodes only",
        "policies stay paused: Cilium enforces none until the migration is over",
    ]
    if waiting:
        lines.append(f"extra nodes and suspended processes stay in {', '.join(waiting)}")
    return lines


def short_names(nodes: Sequence[str]) -> dict[str, str]:
    """Node names by a short name: the part before the domain, or the whole name where that is not unique."""
    short = [node.partition(".")[0] for node in nodes]
    count = Counter(short)
    return {part if count[part] == 1 else node: node for part, node in zip(short, nodes, strict=True)}
