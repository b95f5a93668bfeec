"""Policies across clusters, as pure functions: from what was meant to the objects that say it, and back.

Policies are not distributed, so one thing meant is two objects: leave to go in the source's cluster, leave to
come in the destination's. `settings` refuses what is wrong with them, `components.cross_cluster_policy`
registers them, `cilium.verdict` says what they allow.
"""

from cilium.policies.checking import Finding, check
from cilium.policies.default_deny import DefaultDeny, deny_by_default
from cilium.policies.documents import UnreadablePolicyError, policies_in
from cilium.policies.intents import Destination, Intent, Pods, sides_of
from cilium.policies.model import CLUSTER_LABEL, NAMESPACE_LABEL, Policy
from cilium.policies.ports import Ports, ports

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
    "policies_in",
    "ports",
    "sides_of",
]
