"""Keys of Cilium."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator

from eks_cilium.cilium.chaining import DEFAULT_POOL
from eks_cilium.cilium.versions import RELEASES
from eks_cilium.settings.model.cluster import CILIUM_NAME
from eks_cilium.settings.model.fields import Cidr, Part, one_of, option
from eks_cilium.settings.model.network import SubnetId  # noqa: TC001 - pydantic reads annotations while running

CiliumVersion = Annotated[str, AfterValidator(one_of(RELEASES))]


class Hubble(Part):
    """Cilium's view of flows."""

    enabled: bool = option(True, says="Whether agents record flows.", allowed="true or false", example=True)
    relay: bool = option(
        False,
        says="Whether to run Hubble Relay, which joins the agents' views.",
        allowed="true or false",
        example=True,
    )
    ui: bool = option(False, says="Whether to run the Hubble UI.", allowed="true or false", example=True)


class CommonCilium(Part):
    """Cilium itself, in every mode that installs it."""

    version: CiliumVersion = option(
        says="Cilium release; its chart has the same version.",
        allowed=f"one of {', '.join(RELEASES)}",
        example="1.19.6",
    )
    chart_repository: str = option(
        "https://helm.cilium.io/",
        says="Where the chart comes from.",
        allowed="an https:// repository, an oci:// path, or a directory holding cilium-<version>.tgz",
        example="https://helm.cilium.io/",
        min_length=1,
    )
    cluster_id: int = option(
        0,
        says="Id of the cluster in a mesh. Changing it later restarts every workload, so set it early.",
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
        default_factory=Hubble, says="Cilium's view of flows.", allowed="an object", example={"relay": True}
    )
    values: dict[str, Any] = option(
        default_factory=dict,
        says="More values for the chart, checked against the chart's own keys.",
        allowed="an object of keys the chart of this version knows and this program does not decide",
        example={"bandwidthManager": {"enabled": True}},
    )


class EniCilium(CommonCilium):
    """Cilium itself, where it makes the network interfaces."""

    prefix_delegation: bool = option(
        False,
        says="Whether interfaces get /28 prefixes: many more pods a node. Acts on new nodes only.",
        allowed="true or false; Nitro instances only",
        example=True,
    )
    masquerade: Literal["auto", "on", "off"] = option(
        "auto",
        says="Whether pods leave the VPC as their node. `auto`: on when nodes are in public subnets.",
        allowed="auto, on or off",
        example="auto",
    )
    egress_masquerade_interfaces: str | None = option(
        None,
        says="Interfaces that masquerade; derived from the image family when unset.",
        allowed="an interface pattern such as ens+ (AL2023) or eth+ (AL2, Bottlerocket)",
        example="ens+",
        pattern=r"^[a-z][a-z0-9]*\+?(,[a-z][a-z0-9]*\+?)*$",
    )

    @property
    def masquerade_wanted(self) -> bool | None:
        """What the configuration says about masquerading; None leaves it to the subnets."""
        return {"auto": None, "on": True, "off": False}[self.masquerade]


class Cilium(EniCilium):
    """Cilium itself."""

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
    """Cilium itself."""

    cluster_name: str | None = option(None, **_CLUSTER_NAME)
    subnet_ids: tuple[SubnetId, ...] = option(
        (),
        says="Subnets that hold nodes; those of the cluster's Auto Scaling groups when unset.",
        allowed="a list of subnet ids",
        example=["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
    )
    kube_proxy_replacement: Literal[False] = option(
        False,
        says="Whether Cilium serves Services instead of kube-proxy. Not while nodes of both kinds run.",
        allowed="false in this mode: nodes with and without kube-proxy would break each other's Services",
        example=False,
    )


class NewChainedCilium(CommonCilium):
    """Cilium itself. kube-proxy stays, and the VPC CNI masquerades."""

    pool: Cidr = option(
        DEFAULT_POOL,
        says="Network of the agents' own addresses, which nothing routes. Later it can only be added to.",
        allowed="an IPv4 network of /10 to /20 outside the VPC, its peers and the network of Services",
        example=DEFAULT_POOL,
    )


class ChainedCilium(NewChainedCilium):
    """Cilium itself. kube-proxy stays, and the VPC CNI masquerades."""

    cluster_name: str | None = option(None, **_CLUSTER_NAME)
