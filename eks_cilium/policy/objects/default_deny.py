"""Default deny: a policy after which some pods have no traffic but what other policies allow, and DNS.

An intent alone restricts little. A pod without an egress policy may go everywhere, and the destination of an
intent stays open to every pod of its cluster until an ingress policy selects it. Intents switch this default
only for the pods they name; a default deny switches it for all pods of a namespace.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from eks_cilium.cilium.crds import API_VERSION, NAMESPACED
from eks_cilium.policy.objects.dns import dns_rule
from eks_cilium.policy.objects.model import Policy
from eks_cilium.policy.objects.pods import MANAGED_BY, Pods, subject_selector

Direction = Literal["egress", "ingress"]


@dataclass(frozen=True)
class DefaultDeny:
    """Pods whose traffic is denied unless another policy allows it."""

    pods: Pods
    directions: tuple[Direction, ...] = ("egress", "ingress")
    name: str = "default-deny"
    """Name of the policy, unique in its namespace."""


def deny_by_default(wanted: DefaultDeny) -> Policy:
    """Generate the policy of a default deny.

    On egress it allows DNS to the servers of the same cluster.

    Args:
        wanted: Which pods, and in which directions.

    Returns:
        A CiliumNetworkPolicy in the namespace of the pods.
    """
    rules: dict[str, Any] = {}
    if "egress" in wanted.directions:
        rules["egress"] = [dns_rule(wanted.pods.cluster)]
    if "ingress" in wanted.directions:
        # An empty rule allows nothing; its presence alone switches the default.
        rules["ingress"] = [{}]
    manifest = {
        "apiVersion": API_VERSION,
        "kind": NAMESPACED,
        "metadata": {
            "name": wanted.name,
            "namespace": wanted.pods.namespace,
            "labels": dict(MANAGED_BY),
        },
        "spec": {
            "description": f"{wanted.pods}: denied is what no other policy allows",
            "endpointSelector": subject_selector(wanted.pods.labels),
            **rules,
        },
    }
    return Policy(wanted.pods.cluster, manifest, origin=f"default deny of {wanted.pods}")
