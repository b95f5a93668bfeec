"""What is true of a cluster's networks, as frozen values; `facts.model` has the rest."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from eks_cilium.cluster.objects import Reference


@dataclass(frozen=True, slots=True)
class AwsNode:
    desired: int
    ready: int
    custom_network: bool = False
    """AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG: pods are in other subnets than their nodes."""
    pod_subnets: tuple[str, ...] = ()
    """Subnets of the ENIConfigs, where pods are with custom networking."""
    prefixes: bool = False
    """ENABLE_PREFIX_DELEGATION: interfaces have /28 prefixes, for many more pods on a node."""
    version: str = ""
    """Of its image, such as 1.20.5."""
    external_snat: bool = False
    """AWS_VPC_K8S_CNI_EXTERNALSNAT: packets leave the node with the pod's own address."""
    snat_exclusions: tuple[str, ...] = ()
    """AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS: packets to these networks keep the pod's own address."""
    early_demux: bool = True
    """TCP early demultiplexing, which breaks probes of pods with interfaces of their own."""
    enforces_policies: bool = False
    """Its second container enforces NetworkPolicies."""


@dataclass(frozen=True, slots=True)
class Subnet:
    """A subnet in which nodes or pods get addresses."""

    id: str
    zone: str
    cidr: str
    free: int
    """Addresses that AWS has left there."""
    blocks: int | None = None
    """Whole /28 blocks among them, which prefixes need; None where the interfaces could not be read."""


@dataclass(frozen=True, slots=True)
class InterfaceLimits:
    """How many network interfaces and addresses an instance type has."""

    interfaces: int
    addresses: int
    """IPv4 addresses of each interface, its own first one included."""
    takes_prefixes: bool = True
    """Nitro and bare metal instances do."""


@dataclass(frozen=True, slots=True)
class Network:
    """What AWS knows of the cluster's addresses. Empty where nothing was asked, or AWS refused to answer."""

    cidrs: tuple[str, ...] = ()
    """All networks of the VPC."""
    subnets: Mapping[str, Subnet] = field(default_factory=dict)
    """The subnets of the Auto Scaling groups, and of custom networking, by id."""
    held: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """How many addresses each instance holds in each of these subnets: {instance: {subnet: addresses}}."""
    limits: Mapping[str, InterfaceLimits] = field(default_factory=dict)
    """Of the nodes' instance types."""
    untold: tuple[str, ...] = ()
    """What AWS refused to tell, one sentence for each request."""


@dataclass(frozen=True, slots=True)
class IpBlock:
    """A peer of a NetworkPolicy that is a network."""

    cidr: str
    excepted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NetworkPolicy:
    """A NetworkPolicy of Kubernetes, with those of its peers that are networks."""

    reference: Reference
    blocks: tuple[IpBlock, ...] = ()
