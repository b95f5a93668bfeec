"""Facts of clusters that will be joined, as far as their network or their mesh depends on them.

`eks_cilium.mesh.reading` fills them, the checks and `stacks/mesh.py` use them.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LOCAL = "local"


@dataclass(frozen=True)
class Route:
    """A route of a route table."""

    destination: str
    target: str
    """Id of the target; `local` for the VPC itself."""
    state: str = "active"


@dataclass(frozen=True)
class RouteTable:
    """A route table of a VPC."""

    id: str
    routes: tuple[Route, ...]
    subnets: frozenset[str]
    """Subnets associated with it; a subnet without an association uses the main table."""
    main: bool = False


@dataclass(frozen=True)
class Peering:
    """A peering of a VPC that is active or being set up."""

    id: str
    other_vpc: str
    created_by: str = ""
    """Value of `STACK_TAG` (`eks_cilium.cluster.names`)."""


@dataclass(frozen=True)
class Attachment:
    """A VPC's attachment to a Transit Gateway."""

    id: str
    gateway: str
    created_by: str = ""
    state: str = "available"


@dataclass(frozen=True)
class PrivateZone:
    """A private zone for the mesh's domain, already associated with a VPC."""

    id: str
    created_by: str = ""


@dataclass(frozen=True)
class Network:
    """The VPC of a cluster, and the parts of it the cluster uses."""

    vpc_id: str
    cidrs: tuple[str, ...]
    """All networks, the primary one first."""
    subnets: Mapping[str, str]
    """Subnets of nodes, of pods' interfaces and of internal load balancers, each with its availability zone.
    """
    tables: tuple[RouteTable, ...]
    security_groups: tuple[str, ...]
    """The fewest groups of which every interface of every node has at least one."""
    peerings: tuple[Peering, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    zones: tuple[PrivateZone, ...] = ()
    for_balancers: frozenset[str] = frozenset()
    """Subnets with the tag for internal load balancers."""
    dns_support: bool = True
    dns_hostnames: bool = True
    """Attributes enableDnsSupport and enableDnsHostnames of the VPC."""

    def balancer_subnets(self, present: Sequence[str] = ()) -> list[str]:
        """One subnet of each zone for the load balancer, sorted; AWS takes no second one of a zone.

        `present` are the subnets of an existing load balancer, which stays where it is. A subnet with the tag
        for internal load balancers goes before one that only holds nodes.
        """
        chosen: dict[str, str] = {}
        for subnet in sorted(
            self.subnets, key=lambda key: (key not in present, key not in self.for_balancers, key)
        ):
            chosen.setdefault(self.subnets[subnet], subnet)
        return sorted(chosen.values())

    @cached_property
    def ranges(self) -> tuple[ipaddress.IPv4Network, ...]:
        return tuple(map(ipaddress.IPv4Network, self.cidrs))

    @cached_property
    def tables_in_use(self) -> tuple[RouteTable, ...]:
        """Every table that a subnet in use follows, sorted by id."""
        named = {subnet: table for table in self.tables for subnet in table.subnets}
        main = next((table for table in self.tables if table.main), None)
        used = {table.id: table for subnet in self.subnets if (table := named.get(subnet, main)) is not None}
        return tuple(used[key] for key in sorted(used))


@dataclass(frozen=True)
class Tunnel:
    """What connects the pods of different nodes in an overlay."""

    protocol: str
    port: int
    """UDP port that nodes accept from each other."""

    def __str__(self) -> str:
        return f"{self.protocol} on UDP port {self.port}"


@dataclass(frozen=True)
class Agents:
    """Cilium's configuration in a cluster."""

    version: str
    cluster_name: str
    cluster_id: int
    ipam: str
    tunnel: Tunnel | None
    """None where the VPC routes pods' addresses."""
    chained: bool
    """Whether it is chained to the AWS VPC CNI."""
    masquerades: bool
    native_cidr: str = ""
    """Network that is never masqueraded; empty where Cilium finds it out itself."""
    masquerade_agent: bool = False
    """Whether ip-masq-agent's own list of networks decides instead."""
    wireguard: bool = False
    pools: tuple[str, ...] = ()
    """Networks of pods' or agents' addresses that no VPC routes, with IPAM mode `cluster-pool`."""
    max_clusters: int = 255
    """How many clusters the ids of identities leave room for (`max-connected-clusters`)."""
    ipv4: bool = True
    """Whether pods have IPv4 addresses."""
    mtu: int = 0
    """0 where agents take the MTU of their node's interface."""
    policy_options: Mapping[str, str] = field(default_factory=dict)
    """The keys of cilium-config that decide how policies are enforced."""


@dataclass(frozen=True)
class Snat:
    """Source address translation by the AWS VPC CNI for packets that leave the VPC."""

    external: bool
    """Whether it is left to a NAT gateway (AWS_VPC_K8S_CNI_EXTERNALSNAT)."""
    excluded: tuple[str, ...] = ()


@dataclass(frozen=True)
class Balancer:
    """A load balancer, as the API of Elastic Load Balancing returns it."""

    host: str
    zone_id: str
    """The hosted zone of its name at AWS, which an alias record needs."""
    scheme: str
    type: str
    state: str
    vpc_id: str
    subnets: tuple[str, ...]


@dataclass(frozen=True)
class MeshService:
    """The Service of a ClusterMesh API server that runs already, and its load balancer."""

    CLASS: ClassVar[str] = "service.k8s.aws/nlb"
    """The class by which the AWS Load Balancer Controller takes a Service for its own."""
    kind: str = ""
    """The annotation `aws-load-balancer-type`."""
    load_balancer_class: str = ""
    host: str = ""
    """Name of its load balancer; empty before it has one."""
    balancer: Balancer | None = None
    """The load balancer; None where AWS lists none of that name, as for a Classic one."""

    @property
    def by_controller(self) -> bool:
        """Whether the annotation leaves it to the AWS Load Balancer Controller.

        "This controller reconciles those service resources with this annotation set to either nlb-ip or
        external" (its page "Service annotations").
        """
        return self.kind in ("external", "nlb-ip")


@dataclass(frozen=True)
class Member:
    """A cluster that will be joined with others."""

    name: str
    """The cluster's name in Cilium, by the stack's configuration."""
    eks_name: str
    region: str
    profile: str | None
    arn: str
    endpoint: str
    certificate_authority: str
    """Base64, as EKS returns it."""
    network: Network
    agents: Agents | None
    """None where Cilium is not installed."""
    snat: Snat | None = None
    """None where the AWS VPC CNI is not installed."""
    controller: bool = False
    """Whether the AWS Load Balancer Controller runs."""
    mesh_owner: str | None = None
    """Helm release of an existing ClusterMesh API server; empty where it has none, None without a server."""
    mesh_service: MeshService | None = None
    """The Service of an existing ClusterMesh API server."""
    service_cidr: str = ""
    """Network of Services; empty where EKS names none."""

    @property
    def account(self) -> str:
        return self.arn.split(":")[4]

    @property
    def mesh_subnets(self) -> tuple[str, ...]:
        """Subnets of the existing load balancer of the ClusterMesh API server."""
        balancer = self.mesh_service.balancer if self.mesh_service is not None else None
        return balancer.subnets if balancer is not None else ()


@dataclass(frozen=True)
class Gateway:
    id: str
    state: str
    region: str
    associates: bool
    propagates: bool
    """Whether new attachments are associated with, and propagated to, its default route table."""
    accepts: bool = False
    """Whether attachments of other accounts need no acceptance (AutoAcceptSharedAttachments)."""
    owner: str = ""
    """Id of its account."""


@dataclass(frozen=True)
class Wanted:
    """The configuration of the connection, and the stack that it belongs to."""

    type: str
    stack: str
    """This stack, as value of `STACK_TAG` on everything that it creates."""
    gateway_id: str | None = None
    gateway: Gateway | None = None
    """The gateway with that id; None where it was not found."""
    route_tables: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The only route tables that may get routes, by the cluster's name; any where empty."""
    replicas: int = 1
    pod_ports: tuple[str, ...] = ()
    """Ports of pods that the configuration opens."""
    load_balancer_controller: str = "auto"
    """`present`, `absent`, or `auto`: whether the AWS Load Balancer Controller makes the load balancers."""


@dataclass(frozen=True)
class Blocker:
    """Why clusters cannot be joined as they are, and how to fix it."""

    subject: str
    found: str
    allowed: str
    fix: str

    def __str__(self) -> str:
        """Three short lines, as a problem of the configuration has them."""
        return f"{self.subject}: {self.found}\n    allowed: {self.allowed}\n    fix:     {self.fix}"
