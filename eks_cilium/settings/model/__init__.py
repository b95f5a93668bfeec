"""The shape of the configuration: every key with its default, its meaning and the values it may have.

There is one model for each kind of stack, composed of shared parts. Rules between keys are in
`settings.rules`. The texts of the fields become the error messages and docs/configuration.md.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from eks_cilium.settings.model.access import AccessEntry, AccessPolicy
from eks_cilium.settings.model.addons import AddOn, CoreDns, KubeProxy, PinnedVpcCni, PodIdentityAgent, VpcCni
from eks_cilium.settings.model.cilium import (
    ChainedCilium,
    Cilium,
    CiliumBesideKubeProxy,
    CommonCilium,
    Hubble,
    NewChainedCilium,
    Overlay,
)
from eks_cilium.settings.model.cluster import (
    Cluster,
    Endpoint,
    ExistingChainedCluster,
    ExistingCluster,
    NewChainedCluster,
)
from eks_cilium.settings.model.common import MODES, Settings
from eks_cilium.settings.model.fields import Cidr, option
from eks_cilium.settings.model.iam import RoleLimits, Roles
from eks_cilium.settings.model.mesh import Authorities, ClusterMesh, Connection, MeshCluster
from eks_cilium.settings.model.migration import Allow, AllowRefresh, MigrationOptions, RefreshOptions
from eks_cilium.settings.model.network import Network
from eks_cilium.settings.model.nodes import NodeGroup, Taint
from eks_cilium.settings.model.policies import Policies

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "MODELS",
    "AccessEntry",
    "AccessPolicy",
    "AddOn",
    "Allow",
    "AllowRefresh",
    "Authorities",
    "ChainedCilium",
    "ChainingSettings",
    "Cilium",
    "CiliumBesideKubeProxy",
    "Cluster",
    "ClusterMesh",
    "CommonCilium",
    "Connection",
    "CoreDns",
    "Endpoint",
    "ExistingChainedCluster",
    "ExistingCluster",
    "Hubble",
    "KubeProxy",
    "MeshCluster",
    "MeshSettings",
    "MigrationOptions",
    "Network",
    "NewChainedCilium",
    "NewChainedCluster",
    "NewChainedClusterSettings",
    "NewClusterBaseSettings",
    "NewClusterSettings",
    "NodeGroup",
    "Overlay",
    "PinnedVpcCni",
    "PodIdentityAgent",
    "Policies",
    "RefreshOptions",
    "ReplacementSettings",
    "RoleLimits",
    "Roles",
    "Settings",
    "Taint",
    "VpcCni",
]


_PEER_CIDRS: dict[str, Any] = {
    "says": "Networks outside the VPC seeing pod addresses; the VPC CNI translates them for others.",
    "allowed": "a list of IPv4 networks such as 10.2.0.0/16",
    "example": ["10.2.0.0/16"],
}


class NewClusterBaseSettings(Settings):
    """An EKS cluster that this program creates."""

    cluster: Cluster = option(
        says="The EKS control plane.",
        example={"name": "dev", "kubernetesVersion": "1.34"},
    )
    network: Network = option(
        says="The VPC of the cluster.",
        allowed="an object with cidr, or with vpcId and subnets",
        example={"cidr": "10.0.0.0/16"},
    )
    node_groups: dict[str, NodeGroup] = option(
        says="Managed node groups by name.",
        allowed="an object with at least one node group",
        example={"system": {"desiredSize": 2}},
        min_length=1,
    )
    iam: Roles = option(
        default_factory=Roles,
        says="IAM roles that exist, and limits of those that the stack makes.",
        example={"permissionsBoundary": "arn:aws:iam::111122223333:policy/boundary"},
    )
    cilium: CommonCilium
    coredns: CoreDns = option(says="The CoreDNS add-on.", example={"version": "v1.12.4-eksbuild.1"})
    kube_proxy: KubeProxy | None


class NewClusterSettings(NewClusterBaseSettings):
    """A new EKS cluster whose only CNI is Cilium, from its first node on."""

    mode: Literal["new-cluster"] = option(says="What the stack does.", allowed=MODES, example="new-cluster")
    cilium: Cilium = option(says="Cilium and its chart.", example={"version": "1.19.7"})
    kube_proxy: KubeProxy | None = option(
        None,
        says="The kube-proxy add-on; only where Cilium does not replace kube-proxy.",
        example={"version": "v1.34.0-eksbuild.2"},
    )
    pod_identity_agent: PodIdentityAgent | None = option(
        None,
        says="The EKS Pod Identity Agent; only where cilium.operatorIdentity is pod-identity.",
        example={"version": "v1.3.10-eksbuild.1"},
    )


class ReplacementSettings(Settings):
    """A running cluster whose AWS VPC CNI is replaced by Cilium, node by node."""

    mode: Literal["replacement"] = option(says="What the stack does.", allowed=MODES, example="replacement")
    cluster: ExistingCluster = option(says="The running EKS cluster.", example={"name": "production"})
    cilium: CiliumBesideKubeProxy = option(says="Cilium and its chart.", example={"version": "1.19.7"})
    iam: RoleLimits = option(
        default_factory=RoleLimits,
        says="Limits of the IAM role that the stack makes.",
        example={"permissionsBoundary": "arn:aws:iam::111122223333:policy/boundary"},
    )
    migration: MigrationOptions = option(
        default_factory=MigrationOptions,
        says="How the nodes are replaced.",
        example={"surge": 2, "parallel": 2},
    )


class ChainingSettings(Settings):
    """Cilium on top of the AWS VPC CNI of a running cluster, and its pods restarted."""

    mode: Literal["chaining"] = option(says="What the stack does.", allowed=MODES, example="chaining")
    cluster: ExistingChainedCluster = option(
        says="The running EKS cluster.", example={"name": "production", "existing": True}
    )
    cilium: ChainedCilium = option(says="Cilium and its chart.", example={"version": "1.19.7"})
    vpc_cni: PinnedVpcCni = option(
        default_factory=PinnedVpcCni,
        says="The AWS VPC CNI.",
        example={"version": "v1.20.5-eksbuild.1"},
    )
    peer_cidrs: tuple[Cidr, ...] = option((), **_PEER_CIDRS)
    refresh: RefreshOptions = option(
        default_factory=RefreshOptions,
        says="How pods that ran before Cilium are restarted.",
        example={"parallel": 4},
    )


class NewChainedClusterSettings(NewClusterBaseSettings):
    """A new EKS cluster on the AWS VPC CNI, with Cilium chained to it from its first node on."""

    title: ClassVar[str] = "Mode `chaining`, of a new cluster"

    mode: Literal["chaining"] = option(says="What the stack does.", allowed=MODES, example="chaining")
    cluster: NewChainedCluster = option(
        says="The EKS control plane.",
        example={"name": "dev", "existing": False, "kubernetesVersion": "1.34"},
    )
    cilium: NewChainedCilium = option(says="Cilium and its chart.", example={"version": "1.19.7"})
    kube_proxy: KubeProxy = option(
        says="The kube-proxy add-on, which serves Services in this mode.",
        example={"version": "v1.34.0-eksbuild.2"},
    )
    vpc_cni: VpcCni = option(says="The AWS VPC CNI's add-on.", example={"version": "v1.20.5-eksbuild.1"})
    peer_cidrs: tuple[Cidr, ...] = option((), **_PEER_CIDRS)


class MeshSettings(Settings):
    """Clusters that run Cilium, joined: their networks, and Cilium's ClusterMesh across them."""

    mode: Literal["mesh"] = option(says="What the stack does.", allowed=MODES, example="mesh")
    clusters: dict[str, MeshCluster] = option(
        says="The clusters by the names Cilium has for them.",
        allowed="an object with two or more clusters",
        example={
            "cluster-1": {"stack": "organization/eks-cilium/dev"},
            "cluster-2": {"name": "production"},
        },
    )
    connection: Connection = option(
        default_factory=Connection,
        says="What connects the networks of the clusters.",
        example={"type": "peering"},
    )
    cluster_mesh: ClusterMesh = option(
        default_factory=ClusterMesh,
        says="Cilium's ClusterMesh.",
        example={"replicas": 2},
    )
    policies: Policies = option(
        default_factory=Policies,
        says="Policies across the clusters.",
        example={"defaultDeny": [{"cluster": "cluster-1", "namespace": "my-client"}]},
    )


MODELS: Mapping[str, tuple[type[Settings], ...]] = MappingProxyType(
    {
        "new-cluster": (NewClusterSettings,),
        "chaining": (ChainingSettings, NewChainedClusterSettings),
        "replacement": (ReplacementSettings,),
        "mesh": (MeshSettings,),
    }
)
"""The models of each mode. Mode `chaining` is for a running cluster or creates one, by `cluster.existing`."""
