"""The release and the options of a cluster's agents, as far as they decide which policies are enforced.

`sanity` asks which objects such agents refuse, `eks_cilium.policy.verdict` how they read the others. Options
are those of the ConfigMap `cilium-config` (pkg/option/config.go of each release).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from eks_cilium.cilium import versions
from eks_cilium.policy.objects.identity_labels import LabelFilter, label_filter

if TYPE_CHECKING:
    from collections.abc import Mapping

Minor = tuple[int, int]


@dataclass(frozen=True)
class Agents:
    """The agents of a cluster."""

    version: str = versions.TRIED[-1]
    """Release of Cilium, such as `1.19.7`."""
    layer7: bool = True
    """Whether there is a proxy for rules of layer 7 (`enable-l7-proxy`)."""
    icmp: bool = True
    """Whether rules may name types of ICMP (`enable-icmp-rules`)."""
    node_labels: bool = True
    """Whether rules may select nodes as peers (`enable-node-selector-labels`)."""
    without_port: bool = False
    """Whether a port may be left out (`enable-extended-ip-protocols`, from 1.19 on)."""
    audit: bool = False
    """Whether what policies deny is only recorded (`policy-audit-mode`)."""
    ignored_kinds: Mapping[str, str] = field(default_factory=dict)
    """Kinds of policies that the agents do not read, each with the option that says so."""
    non_default_deny: bool = True
    """Whether `enableDefaultDeny` of a rule counts (`enable-non-default-deny-policies`, from 1.17 on)."""
    cluster_policies: bool = False
    """Whether they read ClusterNetworkPolicies (`enable-k8s-cluster-network-policy`, from 1.20 on)."""
    labels: str = ""
    """Their own patterns for labels that are part of identities (`labels`)."""

    @cached_property
    def minor(self) -> Minor:
        """The release without its patch: `(1, 19)`."""
        return versions.minor(self.version.removeprefix("v"))

    @property
    def label_filter(self) -> LabelFilter:
        """Which labels of pods are part of identities. Raises UserError where `labels` cannot be read."""
        return label_filter(self.version, self.labels)


_SWITCHES = {
    "NetworkPolicy": "enable-k8s-networkpolicy",
    "CiliumNetworkPolicy": "enable-cilium-network-policy",
    "CiliumClusterwideNetworkPolicy": "enable-cilium-clusterwide-network-policy",
}
# Releases before these know no such option, and behave as if it were on (pkg/option/config.go of each).
_FIRST_NON_DEFAULT_DENY_SWITCH = (1, 17)
_FIRST_SWITCHES = {
    "enable-k8s-networkpolicy": (1, 14),
    "enable-cilium-network-policy": (1, 17),
    "enable-cilium-clusterwide-network-policy": (1, 17),
}
_FIRST_CLUSTER_POLICIES = (1, 20)


def agents_of(config: Mapping[str, Any], version: str) -> Agents:
    """The agents of a cluster.

    Args:
        config: Data of the ConfigMap `cilium-config`.
        version: Their release, such as `1.19.7`.

    Returns:
        The options that decide which policies the agents enforce, and how.
    """

    def is_set(key: str, *, default: bool) -> bool:
        return str(config.get(key, default)).lower() == "true"

    minor = versions.minor(version.removeprefix("v"))
    return Agents(
        version=version,
        layer7=is_set("enable-l7-proxy", default=True),
        icmp=is_set("enable-icmp-rules", default=True),
        node_labels=is_set("enable-node-selector-labels", default=False),
        without_port=is_set("enable-extended-ip-protocols", default=False),
        audit=is_set("policy-audit-mode", default=False),
        ignored_kinds={
            kind: f"{key}: false"
            for kind, key in _SWITCHES.items()
            if minor >= _FIRST_SWITCHES[key] and not is_set(key, default=True)
        },
        non_default_deny=minor < _FIRST_NON_DEFAULT_DENY_SWITCH
        or is_set("enable-non-default-deny-policies", default=True),
        cluster_policies=minor >= _FIRST_CLUSTER_POLICIES
        and is_set("enable-k8s-cluster-network-policy", default=False),
        labels=str(config.get("labels") or ""),
    )
