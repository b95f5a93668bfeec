"""Keys of Cilium, for each mode that installs it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator

from eks_cilium.cilium.chaining import DEFAULT_POOL
from eks_cilium.cilium.overlay.pools import DEFAULT_MASK_SIZE, PRIVATE
from eks_cilium.cilium.values import POLICY_MODE
from eks_cilium.cilium.versions import SERVED, TRIED, is_served
from eks_cilium.settings.model.cluster import CILIUM_NAME
from eks_cilium.settings.model.fields import Cidr, Part, option
from eks_cilium.settings.model.network import SubnetId  # noqa: TC001 - pydantic reads annotations while running


def _served(version: str) -> str:
    if not is_served(version):
        raise ValueError(SERVED)
    return version


CiliumVersion = Annotated[str, AfterValidator(_served)]


class Hubble(Part):
    """Hubble, which observes the flows that Cilium's agents handle."""

    enabled: bool = option(True, says="Whether agents record flows.", allowed="true or false", example=True)
    relay: bool = option(
        False,
        says="Whether to run Hubble Relay, which collects the flows of all agents.",
        allowed="true or false",
        example=True,
    )
    ui: bool = option(False, says="Whether to run the Hubble UI.", allowed="true or false", example=True)


class CommonCilium(Part):
    """Cilium, in every mode that installs it."""

    version: CiliumVersion = option(
        says="Cilium release; its chart has the same version.",
        allowed=f"{SERVED}; tried: {', '.join(TRIED)}",
        example="1.19.7",
    )
    chart_repository: str = option(
        "https://helm.cilium.io/",
        says="The source of the chart.",
        allowed="an https:// repository, an oci:// path, or a directory holding cilium-<version>.tgz",
        example="https://helm.cilium.io/",
        min_length=1,
    )
    cluster_id: int = option(
        0,
        says="Id of the cluster in a mesh. A later change restarts every workload, so set it early.",
        allowed="0 (no mesh planned) to 127; higher ids set a packet mark bit that AWS owns",
        example=1,
        ge=0,
        le=127,
    )
    encryption: Literal["none", "wireguard"] = option(
        "none",
        says="Encryption of pod traffic between nodes.",
        allowed="none or wireguard",
        example="wireguard",
    )
    operator_replicas: int = option(
        2,
        says="Replicas of the operator, each on a node of its own.",
        allowed="1 to 3",
        example=2,
        ge=1,
        le=3,
    )
    hubble: Hubble = option(
        default_factory=Hubble, says="Hubble, Cilium's observation of flows.", example={"relay": True}
    )
    values: dict[str, Any] = option(
        default_factory=dict,
        says="More values for the chart, checked against the chart's own keys.",
        allowed="an object of keys the chart of this version knows and this program does not decide",
        example={"bandwidthManager": {"enabled": True}},
    )

    @property
    def policy_mode(self) -> str | None:
        """How agents enforce policies in the end, in the values for the chart; None where they do not say."""
        mode = self.values.get(POLICY_MODE)
        return mode.lower() if isinstance(mode, str) else None


class EniCilium(CommonCilium):
    """Cilium in ENI mode, where it creates the network interfaces."""

    prefix_delegation: bool = option(
        False,
        says="Whether interfaces get /28 prefixes, for many more pods on a node. Applies to new nodes only.",
        allowed="true or false; Nitro instances only",
        example=True,
    )
    masquerade: Literal["auto", "on", "off"] = option(
        "auto",
        says="Whether pods leave the VPC with their node's address. `auto`: if nodes are in public subnets.",
        allowed="auto, on or off",
        example="auto",
    )
    egress_masquerade_interfaces: str | None = option(
        None,
        says="Interfaces that masquerade; those of the image family when unset.",
        allowed="an interface pattern such as ens+ (AL2023) or eth+ (AL2, Bottlerocket)",
        example="ens+",
        pattern=r"^[a-z][a-z0-9]*\+?(,[a-z][a-z0-9]*\+?)*$",
    )

    native_routing_cidr: Cidr | None = option(
        None,
        says="Network inside which masqueraded pods keep their addresses; the VPC's when unset.",
        allowed="an IPv4 network of /8 or narrower that holds the VPC's network, such as that of a mesh",
        example="10.0.0.0/8",
    )

    @property
    def masquerade_wanted(self) -> bool | None:
        """Whether to masquerade; None where the subnets decide."""
        return {"auto": None, "on": True, "off": False}[self.masquerade]


class Overlay(Part):
    """The overlay of a cluster whose pods have addresses that the VPC does not know."""

    pod_cidrs: tuple[Cidr, ...] = option(
        (),
        says="Networks of pods' addresses, unique in a mesh. Later another one can be appended, not more.",
        allowed=f"a list of IPv4 networks inside {PRIVATE}, without addresses of the VPC, of Services and of "
        "networks that the VPC has routes to",
        example=["10.64.0.0/14"],
    )
    node_mask_size: int = option(
        DEFAULT_MASK_SIZE,
        says="Prefix length of each node's part of `podCidrs`. It can never be changed.",
        allowed="20 to 28; 24 has addresses for the 250 pods that EKS allows on large instances",
        example=DEFAULT_MASK_SIZE,
        ge=20,
        le=28,
    )
    protocol: Literal["vxlan", "geneve"] = option(
        "vxlan",
        says="Protocol of the tunnels between nodes, the same in all clusters of a mesh.",
        allowed="vxlan (UDP port 8472) or geneve (6081)",
        example="vxlan",
    )


class Cilium(EniCilium):
    """Cilium as the only CNI of a new cluster."""

    ipam: Literal["eni", "cluster-pool"] = option(
        "eni",
        says="Where pods' addresses come from: the VPC, by network interfaces (`eni`), or an overlay that "
        "the VPC does not know (`cluster-pool`). It can never be changed.",
        allowed="eni or cluster-pool",
        example="eni",
    )
    overlay: Overlay | None = option(
        None,
        says="The overlay; only with `ipam: cluster-pool`.",
        example={"podCidrs": ["10.64.0.0/14"]},
    )
    operator_identity: Literal["irsa", "pod-identity"] = option(
        "irsa",
        says="How the operator gets its IAM role in ENI mode: by the cluster's identity provider, or by EKS "
        "Pod Identity, whose agent `podIdentityAgent` installs.",
        allowed="irsa or pod-identity; the latter from Cilium 1.15 on",
        example="irsa",
    )
    kube_proxy_replacement: bool = option(
        True,
        says="Whether Cilium serves Services instead of kube-proxy.",
        allowed="true or false",
        example=True,
    )


_CLUSTER_NAME: dict[str, Any] = {
    "says": "Name of the cluster in Cilium; that of the EKS cluster when unset. It can never be changed.",
    "allowed": "1 to 32 lower-case letters, digits and dashes, beginning and ending with a letter or digit",
    "example": "production",
    "pattern": CILIUM_NAME,
}


class CiliumBesideKubeProxy(EniCilium):
    """Cilium in ENI mode, in a running cluster with kube-proxy."""

    ipam: Literal["eni"] = option(
        "eni",
        says="Where pods' addresses come from: the VPC, by network interfaces.",
        allowed="eni in this mode: while nodes are mixed, pods behind the VPC CNI cannot reach addresses of "
        "an overlay, nor the other way round. cluster-pool is for new clusters",
        example="eni",
    )
    cluster_name: str | None = option(None, **_CLUSTER_NAME)
    subnet_ids: tuple[SubnetId, ...] = option(
        (),
        says="Subnets that hold nodes; those of the cluster's Auto Scaling groups when unset.",
        allowed="a list of subnet ids",
        example=["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
    )
    kube_proxy_replacement: Literal[False] = option(
        False,
        says="Whether Cilium serves Services instead of kube-proxy.",
        allowed="false in this mode: Services fail where only some nodes use kube-proxy",
        example=False,
    )


class NewChainedCilium(CommonCilium):
    """Cilium, chained to the VPC CNI. kube-proxy serves Services, and the VPC CNI masquerades."""

    ipam: Literal["vpc-cni"] = option(
        "vpc-cni",
        says="Where pods' addresses come from: the VPC, by the VPC CNI.",
        allowed="vpc-cni in this mode: the VPC CNI gives pods their addresses, and Cilium is chained to it. "
        "eni and cluster-pool are for clusters whose only CNI is Cilium",
        example="vpc-cni",
    )
    pool: Cidr = option(
        DEFAULT_POOL,
        says="Network of the agents' own addresses, not routed; unique in a mesh. It can only be extended.",
        allowed="an IPv4 network of /10 to /20 outside the VPC, its peers and the network of Services",
        example=DEFAULT_POOL,
    )


class ChainedCilium(NewChainedCilium):
    """Cilium, chained to the VPC CNI. kube-proxy serves Services, and the VPC CNI masquerades."""

    cluster_name: str | None = option(None, **_CLUSTER_NAME)
