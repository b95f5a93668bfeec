"""Policies of whole clusters (ClusterNetworkPolicy and what it came from): named, and not judged.

Agents read ClusterNetworkPolicies from 1.20 on, where the chart's k8sClusterNetworkPolicy.enabled is true.
Such a policy decides before all others (tier Admin) or after them (tier Baseline), so that no verdict on a
pod it selects is certain. It never switches default deny on (ParseClusterNetworkPolicy, pkg/k8s).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eks_cilium.policy.verdict.labels import KUBERNETES, Selector, selector
from eks_cilium.policy.verdict.reading.network_policies import namespaces

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eks_cilium.policy.objects import Policy
    from eks_cilium.policy.verdict.model import Cluster

KIND = "ClusterNetworkPolicy"
KINDS = frozenset((KIND, "AdminNetworkPolicy", "BaselineAdminNetworkPolicy"))


def why_not_judged(cluster: Cluster, policy: Policy) -> str:
    """Why a policy of one of `KINDS` is left out of verdicts, or what it leaves undecided."""
    if policy.kind != KIND:
        return f"agents do not read it: no release of Cilium reads a {policy.kind}"
    if not cluster.agents.cluster_policies:
        return (
            "agents do not read it: that takes Cilium 1.20 and enable-k8s-cluster-network-policy: true in "
            "cilium-config"
        )
    return "it is not judged here, so that verdicts on the pods it selects are undecided"


def undecided(cluster: Cluster, *, ingress: bool) -> tuple[tuple[str, Selector], ...]:
    """The ClusterNetworkPolicies that agents read, with rules for a direction, and the pods they select."""
    if not cluster.agents.cluster_policies:
        return ()
    section = "ingress" if ingress else "egress"
    return tuple(
        (str(policy), subject)
        for policy in cluster.policies
        if policy.kind == KIND
        for subject in _subjects(policy, section)
    )


def _subjects(policy: Policy, section: str) -> list[Selector]:
    try:
        return list(_selected(policy, section))
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        return [Selector()]  # of another shape than its kind: it may select every pod


def _selected(policy: Policy, section: str) -> Iterator[Selector]:
    spec = policy.object.get("spec") or {}
    subject = spec.get("subject") or {}
    if not spec.get(section):
        return
    if subject.get("namespaces") is not None:
        yield Selector(namespaces(subject["namespaces"]))
    elif subject.get("pods") is not None:
        found = selector(subject["pods"].get("podSelector"), KUBERNETES)
        yield found.plus(*namespaces(subject["pods"].get("namespaceSelector") or {}))
