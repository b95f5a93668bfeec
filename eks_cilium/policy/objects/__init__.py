"""Policies as objects of the Kubernetes API: generated from intents, parsed from files, and checked.

Clusters of a mesh do not share policies. What one intent says therefore takes two objects: an egress allow
rule in the source's cluster and an ingress allow rule in the destination's. `eks_cilium.policy.compile` calls
these functions for a stack; `components.mesh.cross_cluster_policy` registers the objects.
"""

from eks_cilium.policy.objects.addresses import is_ipv4_address
from eks_cilium.policy.objects.checking import Finding, check
from eks_cilium.policy.objects.default_deny import DefaultDeny, deny_by_default
from eks_cilium.policy.objects.documents import UnreadablePolicyError, parse_policies
from eks_cilium.policy.objects.intents import (
    Destination,
    EnableDefaultDeny,
    Intent,
    PolicyPair,
    policy_pair,
)
from eks_cilium.policy.objects.model import CLUSTER_LABEL, NAMESPACE_LABEL, Policy
from eks_cilium.policy.objects.pods import Pods
from eks_cilium.policy.objects.ports import Ports, parse_ports

__all__ = [
    "CLUSTER_LABEL",
    "NAMESPACE_LABEL",
    "DefaultDeny",
    "Destination",
    "EnableDefaultDeny",
    "Finding",
    "Intent",
    "Pods",
    "Policy",
    "PolicyPair",
    "Ports",
    "UnreadablePolicyError",
    "check",
    "deny_by_default",
    "is_ipv4_address",
    "parse_policies",
    "parse_ports",
    "policy_pair",
]
