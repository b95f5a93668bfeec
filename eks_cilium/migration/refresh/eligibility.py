"""What blocks a refresh, or Cilium on top of the VPC CNI altogether, regardless of the pods."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eks_cilium.cilium.chaining import OLDEST_VPC_CNI
from eks_cilium.cilium.values import COMPUTE_TYPE
from eks_cilium.cluster.names import NAMESPACE
from eks_cilium.cluster.objects import Reference
from eks_cilium.migration.plan.model import Code
from eks_cilium.migration.plan.network import data_path, policies

if TYPE_CHECKING:
    from eks_cilium.migration.plan.findings import Findings
    from eks_cilium.migration.refresh.model import RefreshFacts
    from eks_cilium.settings.model.migration import RefreshOptions

AWS_NODE = Reference("DaemonSet", NAMESPACE, "aws-node")


def check(known: RefreshFacts, options: RefreshOptions, vpc_cni_version: str, findings: Findings) -> None:
    """Add findings about the cluster, its nodes and its VPC CNI."""
    _check_cluster(known, findings)
    data_path.check_addresses_family(known.facts, findings)
    policies.check(known.facts, options.allow, findings)
    _check_vpc_cni(known, vpc_cni_version, findings)
    _check_security_groups(known, options, findings)
    for limited in known.limited:
        kind, _, name = limited.what.partition(" ")
        namespace, _, bare = name.rpartition("/")
        findings.add(Code.LIMITED_FEATURE, Reference(kind, namespace, bare), detail=limited.why)
    for group in known.untainted:
        findings.add(Code.NO_START_UP_TAINT, group)


def _check_cluster(known: RefreshFacts, findings: Findings) -> None:
    facts = known.facts
    cluster = Reference("Cluster", "", facts.cluster.name)
    if facts.cluster.status != "ACTIVE":
        findings.add(Code.CLUSTER_NOT_ACTIVE, cluster, detail=facts.cluster.status)
    kinds = [node.labels.get(COMPUTE_TYPE) for node in facts.nodes]
    if facts.cluster.auto_mode or "auto" in kinds:
        automatic = kinds.count("auto")
        findings.add(Code.AUTO_MODE, cluster, detail=f"{automatic} of {len(kinds)} nodes belong to it")
    if kinds and all(kind == "fargate" for kind in kinds):
        findings.add(Code.FARGATE_ONLY, cluster, detail=f"{len(kinds)} nodes")
    if known.unchained_ipam:
        findings.add(Code.CILIUM_ALONE, cluster, detail=f"ipam {known.unchained_ipam}")


def _check_vpc_cni(known: RefreshFacts, pinned: str, findings: Findings) -> None:
    facts, aws_node = known.facts, known.facts.aws_node
    if aws_node is None:
        findings.add(Code.NO_VPC_CNI, Reference("Cluster", "", facts.cluster.name))
        return
    version = tuple(int(part) for part in aws_node.version.split(".") if part.isdigit())
    if version and version < OLDEST_VPC_CNI:
        findings.add(Code.VPC_CNI_OLD, AWS_NODE, detail=aws_node.version)
    running = facts.add_on.version if facts.add_on else "not managed by EKS"
    if pinned and running != pinned:
        findings.add(Code.VPC_CNI_VERSION, Reference("Add-on", "", "vpc-cni"), detail=running)
    if aws_node.enforces_policies:
        findings.add(Code.VPC_CNI_ENFORCES, AWS_NODE)


def _check_security_groups(known: RefreshFacts, options: RefreshOptions, findings: Findings) -> None:
    """With security groups for pods, Cilium can only be chained if the VPC CNI has a certain setting."""
    policies, aws_node = known.facts.security_group_policies, known.facts.aws_node
    if not options.allow.security_group_policies:
        for policy in policies:
            findings.add(Code.SECURITY_GROUP_POLICY_CHAINED, policy)
    if policies and aws_node is not None and aws_node.early_demux:
        findings.add(Code.EARLY_DEMUX, AWS_NODE)
