"""Policies across clusters, as pure functions: from what was meant to the objects that say it, and back.

Policies are not distributed, so one thing meant is two objects: leave to go in the source's cluster, leave to
come in the destination's. `settings` refuses what is wrong with them, `components.mesh.cross_cluster_policy`
registers them, `eks_cilium.policy.verdict` says what they allow.
"""

from eks_cilium.policy.objects.checking import Finding, check
from eks_cilium.policy.objects.default_deny import DefaultDeny, deny_by_default
from eks_cilium.policy.objects.documents import UnreadablePolicyError, parse_policies
from eks_cilium.policy.objects.intents import Destination, Intent, Pods, policy_pair
from eks_cilium.policy.objects.model import CLUSTER_LABEL, NAMESPACE_LABEL, Policy
from eks_cilium.policy.objects.ports import Ports, parse_ports

__all__ = [
    "CLUSTER_LABEL",
    "NAMESPACE_LABEL",
    "DefaultDeny",
    "Destination",
    "Finding",
    "Intent",
    "Pods",
    "Policy",
    "Ports",
    "UnreadablePolicyError",
    "check",
    "deny_by_default",
    "parse_policies",
    "parse_ports",
    "policy_pair",
]
