"""Which nodes are replaced, which are left alone, and which cannot be replaced by this program."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from eks_cilium.cluster.names import AWS_CNI, CNI_LABEL, NAMESPACE
from eks_cilium.cluster.objects import Reference
from eks_cilium.migration.plan.model import Code
from eks_cilium.migration.plan.network import data_path, policies
from eks_cilium.migration.plan.order import in_progress
from eks_cilium.settings.model.migration import Target

if TYPE_CHECKING:
    from collections.abc import Mapping

    from eks_cilium.migration.facts.model import Facts, Group, Node
    from eks_cilium.migration.options import CiliumChoices, Recorded
    from eks_cilium.migration.plan.findings import Findings
    from eks_cilium.settings.model.migration import MigrationOptions

COMPUTE_TYPE = "eks.amazonaws.com/compute-type"
_KARPENTER_LABELS = ("karpenter.sh/nodepool", "karpenter.sh/provisioner-name")
_OS = "kubernetes.io/os"
_AGENT = ("k8s-app", "cilium")


@dataclass(frozen=True, slots=True)
class SortedNodes:
    """The nodes of a cluster, by what happens to them."""

    replaceable: tuple[tuple[Node, Group], ...]
    staying: tuple[Node, ...]
    """Nodes that have the new CNI already."""
    leaving: tuple[Reference, ...]
    """Nodes whose instance is terminating or terminated."""
    left_alone: tuple[Reference, ...]
    impossible: tuple[Reference, ...]


def sort(facts: Facts, options: MigrationOptions, recorded: Recorded, findings: Findings) -> SortedNodes:
    """Sort all nodes; adds a finding for each that is not replaced, and for unusual ones."""
    group_of = {instance.id: group for group in facts.groups for instance in group.instances}
    terminating = {member.id for group in facts.groups for member in group.instances if member.leaving}
    wanted = outgoing(facts, options.target, recorded)
    replaceable: list[tuple[Node, Group]] = []
    leaving: list[Reference] = []
    left_alone: list[Reference] = []
    impossible: list[Reference] = []
    for node in facts.nodes:
        if node.name not in wanted:
            continue
        about = Reference("Node", "", node.name)
        code, group = _hindrance(node, group_of), group_of.get(node.instance or "")
        if node.instance in terminating or (code is Code.NO_GROUP and in_progress(node)):
            leaving.append(about)
        elif code is None and group is not None:
            replaceable.append((node, group))
            _note_state(node, findings)
        elif code is not None and _left_alone(code, options):
            left_alone.append(about)
            findings.add(Code.LEFT_ALONE, about, detail=f"{code}", node=node.name)
        elif code is not None:
            impossible.append(about)
            _note(code, node, facts.cluster.name, findings)
    staying = tuple(node for node in facts.nodes if node.name not in wanted)
    return SortedNodes(tuple(replaceable), staying, tuple(leaving), tuple(left_alone), tuple(impossible))


def outgoing(facts: Facts, target: Target, recorded: Recorded) -> frozenset[str]:
    """Names of the nodes to be replaced.

    An inventory has them. Without one they are found by their labels: in a migration to Cilium those with the
    label of the AWS CNI and, while aws-node still exists, those without a Cilium agent, or with a chained
    one; in a rollback those without the label, where Cilium is installed.
    """
    if recorded.outgoing is not None:
        return recorded.outgoing & {node.name for node in facts.nodes}
    labelled = {node.name for node in facts.nodes if node.labels.get(CNI_LABEL) == AWS_CNI}
    everything = {node.name for node in facts.nodes}
    if target is Target.AWS_VPC_CNI:
        return frozenset(everything - labelled) if _with_agent(facts) else frozenset()
    if facts.aws_node is None:
        return frozenset(labelled)
    return frozenset(labelled | (everything if facts.chained else everything - _with_agent(facts)))


def _with_agent(facts: Facts) -> set[str]:
    label, value = _AGENT
    return {
        pod.node
        for pod in facts.pods
        if pod.namespace == NAMESPACE and not pod.terminal and pod.labels.get(label) == value
    }


def check_cluster(facts: Facts, options: MigrationOptions, cilium: CiliumChoices, findings: Findings) -> None:
    """Add what blocks the whole migration, or has to be known about it."""
    cluster = Reference("Cluster", "", facts.cluster.name)
    if facts.cluster.status != "ACTIVE":
        findings.add(Code.CLUSTER_NOT_ACTIVE, cluster, detail=facts.cluster.status)
    automatic = [node.name for node in facts.nodes if node.labels.get(COMPUTE_TYPE) == "auto"]
    if facts.cluster.auto_mode or automatic:
        findings.add(
            Code.AUTO_MODE, cluster, detail=f"{len(automatic)} of {len(facts.nodes)} nodes belong to it"
        )
    if facts.nodes and all(node.labels.get(COMPUTE_TYPE) == "fargate" for node in facts.nodes):
        findings.add(Code.FARGATE_ONLY, cluster, detail=f"{len(facts.nodes)} nodes")
    if options.target is Target.CILIUM:
        if not options.allow.security_group_policies:
            for policy in facts.security_group_policies:
                findings.add(Code.SECURITY_GROUP_POLICY, policy)
        data_path.check(facts, options.allow, cilium, findings)
        policies.check(facts, options.allow, findings)
    if facts.autoscaler:
        findings.add(Code.AUTOSCALER, facts.autoscaler)


def _hindrance(node: Node, group_of: Mapping[str, Group]) -> Code | None:
    """Why an Auto Scaling group cannot replace a node. Nodes of Auto Mode have a NodePool as well."""
    kind = node.labels.get(COMPUTE_TYPE)
    reasons = (
        (Code.FARGATE_NODE, kind == "fargate"),
        (Code.AUTO_MODE, kind == "auto"),
        (Code.KARPENTER_NODE, _pool(node) is not None),
        (Code.WINDOWS_NODE, node.labels.get(_OS) == "windows"),
        (Code.NO_INSTANCE, not node.instance),
        (Code.NO_GROUP, node.instance not in group_of),
    )
    return next((code for code, holds in reasons if holds), None)


def _note(code: Code, node: Node, cluster: str, findings: Findings) -> None:
    """Add a finding about what can be changed: the NodePool, the cluster, or the node itself."""
    about = Reference("Node", "", node.name)
    if code is Code.KARPENTER_NODE:
        about = Reference("NodePool", "", _pool(node) or "")
    elif code is Code.FARGATE_NODE:
        about = Reference("Cluster", "", cluster)
    elif code is Code.AUTO_MODE:  # one blocker for the whole cluster
        return
    findings.add(code, about, detail=node.instance or "its provider id names no instance", node=node.name)


def _pool(node: Node) -> str | None:
    return next((node.labels[label] for label in _KARPENTER_LABELS if label in node.labels), None)


def _left_alone(code: Code, options: MigrationOptions) -> bool:
    return (code is Code.FARGATE_NODE and options.allow.fargate_nodes) or (
        code is Code.KARPENTER_NODE and options.allow.karpenter_nodes
    )


def _note_state(node: Node, findings: Findings) -> None:
    about = Reference("Node", "", node.name)
    if not node.ready:
        findings.add(Code.NODE_NOT_READY, about, node=node.name)
    if node.unschedulable and not in_progress(node):
        findings.add(Code.NODE_CORDONED, about, node=node.name)
