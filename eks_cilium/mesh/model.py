"""Facts of clusters that are to be joined, as far as a network or a mesh of theirs depends on them."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

LOCAL = "local"


@dataclass(frozen=True)
class Route:
    """One route of a table."""

    destination: str
    target: str
    """Id of what it leads to; `local` for the VPC itself."""
    state: str = "active"


@dataclass(frozen=True)
class RouteTable:
    """A route table of a VPC."""

    id: str
    routes: tuple[Route, ...]
    subnets: frozenset[str]
    """Those that name it; a subnet that names none uses the main table."""
    main: bool = False


@dataclass(frozen=True)
class Peering:
    """A peering of a VPC that is active, or on its way."""

    id: str
    other_vpc: str
    made_by: str = ""
    """Value of `STACK_TAG` (`eks_cilium.cluster.names`)."""


@dataclass(frozen=True)
class Attachment:
    """A VPC's attachment to a Transit Gateway."""

    id: str
    gateway: str
    made_by: str = ""


@dataclass(frozen=True)
class PrivateZone:
    """A private zone for the mesh's domain that a VPC asks already."""

    id: str
    made_by: str = ""


@dataclass(frozen=True)
class Network:
    """The VPC of a cluster, and the parts of it the cluster uses."""

    vpc_id: str
    cidrs: tuple[str, ...]
    """All of them, the primary one first."""
    subnets: Mapping[str, str]
    """Subnets of nodes, of pods' interfaces and of internal load balancers, each with its zone."""
    tables: tuple[RouteTable, ...]
    security_groups: tuple[str, ...]
    """The fewest that cover every interface of every node."""
    peerings: tuple[Peering, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    zones: tuple[PrivateZone, ...] = ()

    @cached_property
    def ranges(self) -> tuple[ipaddress.IPv4Network, ...]:
        """The networks of the VPC."""
        return tuple(map(ipaddress.IPv4Network, self.cidrs))

    @cached_property
    def tables_in_use(self) -> tuple[RouteTable, ...]:
        """Every table that a subnet in use goes by, sorted by id."""
        named = {subnet: table for table in self.tables for subnet in table.subnets}
        main = next((table for table in self.tables if table.main), None)
        used = {table.id: table for subnet in self.subnets if (table := named.get(subnet, main)) is not None}
        return tuple(used[key] for key in sorted(used))


@dataclass(frozen=True)
class Agents:
    """Cilium, as the cluster's own configuration has it."""

    version: str
    cluster_name: str
    cluster_id: int
    ipam: str
    native_routing: bool
    chained: bool
    """Whether it sits on top of the AWS VPC CNI."""
    masquerades: bool
    native_cidr: str = ""
    """What is never masqueraded; empty where Cilium finds out itself."""
    masquerade_agent: bool = False
    """Whether a list of exceptions of the cluster's own decides instead."""
    wireguard: bool = False


@dataclass(frozen=True)
class Snat:
    """What the AWS VPC CNI does to packets that leave the VPC."""

    external: bool
    """Whether it leaves translation to a NAT gateway."""
    excluded: tuple[str, ...] = ()


@dataclass(frozen=True)
class Member:
    """A cluster that is to be joined with others."""

    name: str
    """Of the cluster in Cilium, as the configuration has it."""
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
    """Where the AWS VPC CNI is there."""
    controller: bool = False
    """Whether the AWS Load Balancer Controller runs."""
    mesh_owner: str | None = None
    """Who installed a ClusterMesh API server already: a Helm release, or empty for somebody unknown."""
    mesh_scheme: str = ""
    """Scheme of the load balancer that is there already."""

    @property
    def account(self) -> str:
        """The AWS account it is in."""
        return self.arn.split(":")[4]


@dataclass(frozen=True)
class Gateway:
    """An existing Transit Gateway."""

    id: str
    state: str
    region: str
    associates: bool
    propagates: bool
    """Whether an attachment is part of its routing without being told."""


@dataclass(frozen=True)
class Wanted:
    """What the configuration says about the connection."""

    type: str
    stack: str
    """This stack, as it signs what it makes."""
    gateway_id: str | None = None
    gateway: Gateway | None = None
    """What was found under the id."""
    route_tables: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By the cluster's name: the only ones that may get routes, where somebody said so."""
    replicas: int = 1


@dataclass(frozen=True)
class Blocker:
    """Why clusters can not be joined as they are, and what to do about it."""

    subject: str
    found: str
    allowed: str
    fix: str

    def __str__(self) -> str:
        """Three short lines, as a problem of the configuration has them."""
        return f"{self.subject}: {self.found}\n    allowed: {self.allowed}\n    fix:     {self.fix}"
