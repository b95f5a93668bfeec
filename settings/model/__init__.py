"""The shape of the configuration: every key, its default, what it means and what it may be.

One model for each mode, of parts they share. Only the shape lives here; what keys mean for each other is in
`settings.rules`. The texts of the fields become the error messages and `docs/configuration.md`.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from settings.model.addons import CoreDns, KubeProxy
from settings.model.cilium import Cilium, CiliumBesideKubeProxy, CommonCilium, Hubble
from settings.model.cluster import Cluster, Endpoint, ExistingCluster
from settings.model.common import MODES, Settings
from settings.model.fields import option
from settings.model.migration import Allow, Migration
from settings.model.network import Network
from settings.model.nodes import NodeGroup, Taint

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "MODELS",
    "Allow",
    "Cilium",
    "CiliumBesideKubeProxy",
    "Cluster",
    "CommonCilium",
    "CoreDns",
    "Endpoint",
    "ExistingCluster",
    "Hubble",
    "KubeProxy",
    "Migration",
    "Network",
    "NewClusterSettings",
    "NodeGroup",
    "ReplacementSettings",
    "Settings",
    "Taint",
]


class NewClusterSettings(Settings):
    """An EKS cluster whose only CNI is Cilium, from its first node on."""

    mode: Literal["new-cluster"] = option(
        says="What the stack brings about.", allowed=MODES, example="new-cluster"
    )
    cluster: Cluster = option(
        says="The EKS control plane.",
        allowed="an object",
        example={"name": "dev", "kubernetesVersion": "1.34"},
    )
    network: Network = option(
        says="The VPC.",
        allowed="an object with cidr, or with vpcId and subnets",
        example={"cidr": "10.0.0.0/16"},
    )
    node_groups: dict[str, NodeGroup] = option(
        says="Managed node groups by name.",
        allowed="an object with at least one node group",
        example={"system": {"desiredSize": 2}},
        min_length=1,
    )
    cilium: Cilium = option(says="Cilium.", allowed="an object", example={"version": "1.19.6"})
    coredns: CoreDns = option(
        says="The CoreDNS add-on.", allowed="an object", example={"version": "v1.12.4-eksbuild.1"}
    )
    kube_proxy: KubeProxy | None = option(
        None,
        says="The kube-proxy add-on; only without Cilium's replacement.",
        allowed="an object",
        example={"version": "v1.34.0-eksbuild.2"},
    )


class ReplacementSettings(Settings):
    """A running cluster whose AWS VPC CNI is replaced by Cilium, node by node."""

    mode: Literal["replacement"] = option(
        says="What the stack brings about.", allowed=MODES, example="replacement"
    )
    cluster: ExistingCluster = option(
        says="The running EKS cluster.", allowed="an object", example={"name": "production"}
    )
    cilium: CiliumBesideKubeProxy = option(says="Cilium.", allowed="an object", example={"version": "1.19.6"})
    migration: Migration = option(
        default_factory=Migration,
        says="How the nodes are replaced.",
        allowed="an object",
        example={"surge": 2, "parallel": 2},
    )


MODELS: Mapping[str, type[Settings]] = MappingProxyType(
    {"new-cluster": NewClusterSettings, "replacement": ReplacementSettings}
)
"""The model of each mode."""
