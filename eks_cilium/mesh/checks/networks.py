"""Whether the networks can be connected: their ranges, their routes, and what connects them already."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eks_cilium.mesh.checks.members import PEERING, TRANSIT, network_of
from eks_cilium.mesh.model import LOCAL, Blocker, Member, Route, RouteTable, Wanted
from eks_cilium.mesh.routes import both_ways, pairs

if TYPE_CHECKING:
    import ipaddress
    from collections.abc import Iterator, Sequence


def networks_do_not_overlap(members: Sequence[Member], wanted: Wanted) -> Iterator[Blocker]:
    """Every network of a VPC with every one of another's, secondary ones too."""
    for one, other in pairs(members):
        if one.network.vpc_id == other.network.vpc_id:
            yield Blocker(
                f"clusters {one.name} and {other.name}",
                f"are both in {one.network.vpc_id}",
                "clusters in different VPCs",
                f"there is no network to connect with {wanted.type}: join them by Cilium's own means",
            )
            continue
        for a in one.network.ranges:
            for b in other.network.ranges:
                if a.overlaps(b):
                    yield Blocker(
                        f"clusters {one.name} and {other.name}",
                        f"{a} of {one.network.vpc_id} overlaps {b} of {other.network.vpc_id}",
                        "networks without a common address",
                        "move one cluster to a VPC with another CIDR, or disassociate a secondary CIDR "
                        "that nothing uses",
                    )


def no_connection_is_in_the_way(members: Sequence[Member], wanted: Wanted) -> Iterator[Blocker]:
    """AWS takes one peering for two VPCs, and one attachment of a VPC to a gateway."""
    if wanted.type == PEERING:
        for one, other in pairs(members):
            for peering in one.network.peerings:
                if peering.other_vpc == other.network.vpc_id and peering.made_by != wanted.stack:
                    yield Blocker(
                        f"clusters {one.name} and {other.name}",
                        f"their VPCs have the peering {peering.id} already, which this stack did not make",
                        "one peering for two VPCs, AWS's own rule",
                        "aws ec2 delete-vpc-peering-connection --vpc-peering-connection-id "
                        f"{peering.id} --region {one.region}, or connect them by a Transit Gateway",
                    )
        return
    for member in members:
        for attachment in member.network.attachments:
            if attachment.gateway == wanted.gateway_id and attachment.made_by != wanted.stack:
                yield Blocker(
                    f"cluster {member.name}",
                    f"{member.network.vpc_id} has the attachment {attachment.id} to {attachment.gateway} "
                    "already, which this stack did not make",
                    "one attachment of a VPC to a Transit Gateway, AWS's own rule",
                    "delete it, or let this stack make a Transit Gateway of its own "
                    "(pulumi config rm --path 'eks-cilium:connection.transitGatewayId')",
                )


def every_table_gets_its_routes(members: Sequence[Member], wanted: Wanted) -> Iterator[Blocker]:
    """A subnet that goes by a table without the route is a part of the cluster that nobody answers."""
    for member in members:
        only = wanted.route_tables.get(member.name) or ()
        if not only:
            continue
        for table in member.network.tables_in_use:
            if table.id not in only:
                path = f"eks-cilium:clusters.{member.name}.routeTableIds"
                yield Blocker(
                    path,
                    f"{table.id} stays without routes, and {_users(member, table)} go by it",
                    "a list with every table that nodes, pods or load balancers use, or none",
                    f"pulumi config set --path '{path}[{len(only)}]' {table.id}",
                )


def _users(member: Member, table: RouteTable) -> str:
    """The subnets in use that go by a table."""
    named = {subnet for one in member.network.tables for subnet in one.subnets}
    using = [
        subnet
        for subnet in member.network.subnets
        if subnet in table.subnets or (table.main and subnet not in named)
    ]
    return ", ".join(using)


def no_route_is_in_the_way(members: Sequence[Member], wanted: Wanted) -> Iterator[Blocker]:
    """A route as narrow as ours, or narrower, that leads elsewhere takes the packets."""
    for here, there in both_ways(members):
        ours = _ours(here, there, wanted)
        for table in here.network.tables_in_use:
            for cidr in there.network.ranges:
                for route in table.routes:
                    if _takes_over(route, cidr) and route.target not in ours:
                        yield _in_the_way(here, there, table, route, cidr)


def _takes_over(route: Route, cidr: ipaddress.IPv4Network) -> bool:
    destination = network_of(route.destination)
    return destination is not None and route.target != LOCAL and destination.subnet_of(cidr)


def _in_the_way(
    here: Member, there: Member, table: RouteTable, route: Route, cidr: ipaddress.IPv4Network
) -> Blocker:
    to = route.target or "nothing"
    state = " (a blackhole)" if route.state == "blackhole" else ""
    third = next((one.other_vpc for one in here.network.peerings if one.id == route.target), None)
    through = ""
    if third is not None and third != there.network.vpc_id:
        through = f", a peering with {third}: peering is not transitive, nothing arrives through a third VPC"
    return Blocker(
        f"cluster {here.name}, {table.id}",
        f"has a route for {route.destination} to {to}{state}{through}",
        f"no route to any part of {cidr}, the network of {there.name}, but the one this stack makes",
        f"aws ec2 delete-route --region {here.region} --route-table-id {table.id} "
        f"--destination-cidr-block {route.destination}",
    )


def _ours(here: Member, there: Member, wanted: Wanted) -> set[str]:
    """What this stack's own routes lead to, from an earlier run of either type."""
    network, vpc = here.network, there.network.vpc_id
    peerings = {one.id for one in network.peerings if one.other_vpc == vpc and one.made_by == wanted.stack}
    return peerings | {one.gateway for one in network.attachments if one.made_by == wanted.stack}


def the_type_stays(members: Sequence[Member], wanted: Wanted) -> Iterator[Blocker]:
    """A table takes one route for a destination, so the old way has to go before the new one is made."""
    peered = any(one.made_by == wanted.stack for member in members for one in member.network.peerings)
    attached = any(one.made_by == wanted.stack for member in members for one in member.network.attachments)
    if (peered and wanted.type == TRANSIT) or (attached and wanted.type == PEERING):
        was = PEERING if peered else TRANSIT
        yield Blocker(
            "eks-cilium:connection.type",
            f"is {wanted.type}, and this stack has connected the networks by {was}",
            f"{was}, as long as the clusters are joined",
            "pulumi destroy, then pulumi up: pods of different clusters do not reach each other in between",
        )


CHECKS = (
    networks_do_not_overlap,
    the_type_stays,
    no_connection_is_in_the_way,
    every_table_gets_its_routes,
    no_route_is_in_the_way,
)
