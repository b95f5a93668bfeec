"""Whether the networks can be connected: their ranges, their routes and existing connections.

`eks_cilium.mesh.checks` collects the checks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eks_cilium.mesh.checks.members import PEERING, TRANSIT, network_of
from eks_cilium.mesh.model import LOCAL, Blocker, Member, Route, RouteTable, Wanted
from eks_cilium.mesh.routes import both_ways, pairs

if TYPE_CHECKING:
    import ipaddress
    from collections.abc import Iterator, Sequence


def partitions_are_the_same(members: Sequence[Member], wanted: Wanted) -> Iterator[Blocker]:
    """No peering and no Transit Gateway connects AWS's partitions.

    docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html: "isolated from each
    other".
    """
    found = {member.arn.split(":")[1]: member.name for member in reversed(members)}
    if len(found) > 1:
        places = ", ".join(f"{name} is in {partition}" for partition, name in sorted(found.items()))
        yield Blocker(
            "clusters",
            f"are in different partitions of AWS: {places}",
            f"one partition: no {wanted.type} connects two",
            "leave the clusters of the other partition out of eks-cilium:clusters",
        )


def networks_do_not_overlap(members: Sequence[Member], wanted: Wanted) -> Iterator[Blocker]:
    """No network of a VPC, primary or secondary, may share addresses with a network of another."""
    for member, other in pairs(members):
        if member.network.vpc_id == other.network.vpc_id:
            yield Blocker(
                f"clusters {member.name} and {other.name}",
                f"are both in {member.network.vpc_id}",
                "clusters in different VPCs",
                f"there is no network to connect with {wanted.type}: join them by Cilium's own means",
            )
            continue
        for a in member.network.ranges:
            for b in other.network.ranges:
                if a.overlaps(b):
                    yield Blocker(
                        f"clusters {member.name} and {other.name}",
                        f"{a} of {member.network.vpc_id} overlaps {b} of {other.network.vpc_id}",
                        "networks without a common address",
                        "move one cluster to a VPC with another CIDR, or disassociate a secondary CIDR "
                        "that nothing uses",
                    )


def no_other_connection_exists(members: Sequence[Member], wanted: Wanted) -> Iterator[Blocker]:
    """AWS allows one peering between two VPCs, and one attachment of a VPC to a gateway."""
    if wanted.type == PEERING:
        for member, other in pairs(members):
            for peering in member.network.peerings:
                if peering.other_vpc == other.network.vpc_id and peering.created_by != wanted.stack:
                    yield Blocker(
                        f"clusters {member.name} and {other.name}",
                        f"their VPCs have the peering {peering.id} already, which this stack did not create",
                        "one peering between two VPCs, a limit of AWS",
                        "aws ec2 delete-vpc-peering-connection --vpc-peering-connection-id "
                        f"{peering.id} --region {member.region}, or connect them by a Transit Gateway",
                    )
        return
    for member in members:
        for attachment in member.network.attachments:
            if attachment.gateway == wanted.gateway_id and attachment.created_by != wanted.stack:
                yield Blocker(
                    f"cluster {member.name}",
                    f"{member.network.vpc_id} has the attachment {attachment.id} to {attachment.gateway} "
                    "already, which this stack did not create",
                    "one attachment of a VPC to a Transit Gateway, a limit of AWS",
                    "delete it, or let this stack create a Transit Gateway of its own "
                    "(pulumi config rm --path 'eks-cilium:connection.transitGatewayId')",
                )


def every_table_gets_its_routes(members: Sequence[Member], wanted: Wanted) -> Iterator[Blocker]:
    """Every table of a subnet in use needs the routes, or packets to that subnet get no answer."""
    for member in members:
        only = wanted.route_tables.get(member.name) or ()
        if not only:
            continue
        for table in member.network.tables_in_use:
            if table.id not in only:
                path = f"eks-cilium:clusters.{member.name}.routeTableIds"
                yield Blocker(
                    path,
                    f"{table.id} would get no routes, and {_users(member, table)} use it",
                    "a list with every table that nodes, pods or load balancers use, or none",
                    f"pulumi config set --path '{path}[{len(only)}]' {table.id}",
                )


def _users(member: Member, table: RouteTable) -> str:
    """The ids of the subnets in use whose packets follow a table, as text for a message."""
    named = {subnet for other in member.network.tables for subnet in other.subnets}
    using = [
        subnet
        for subnet in member.network.subnets
        if subnet in table.subnets or (table.main and subnet not in named)
    ]
    return ", ".join(using)


def no_route_conflicts(members: Sequence[Member], wanted: Wanted) -> Iterator[Blocker]:
    """A route to another target, as narrow as this stack's or narrower, would get the packets."""
    for here, there in both_ways(members):
        ours = _ours(here, there, wanted)
        for table in here.network.tables_in_use:
            for cidr in there.network.ranges:
                for route in table.routes:
                    if _covers_part_of(cidr, route) and route.target not in ours:
                        yield _route_conflict(here, there, table, route, cidr)


def _covers_part_of(cidr: ipaddress.IPv4Network, route: Route) -> bool:
    destination = network_of(route.destination)
    return destination is not None and route.target != LOCAL and destination.subnet_of(cidr)


def _route_conflict(
    here: Member, there: Member, table: RouteTable, route: Route, cidr: ipaddress.IPv4Network
) -> Blocker:
    to = route.target or "nothing"
    state = " (a blackhole)" if route.state == "blackhole" else ""
    third = next((item.other_vpc for item in here.network.peerings if item.id == route.target), None)
    through = ""
    if third is not None and third != there.network.vpc_id:
        through = (
            f", a peering with {third}: peering is not transitive, no packet is forwarded through a third VPC"
        )
    return Blocker(
        f"cluster {here.name}, {table.id}",
        f"has a route for {route.destination} to {to}{state}{through}",
        f"no route to any part of {cidr}, the network of {there.name}, except the one of this stack",
        f"aws ec2 delete-route --region {here.region} --route-table-id {table.id} "
        f"--destination-cidr-block {route.destination}",
    )


def _ours(here: Member, there: Member, wanted: Wanted) -> set[str]:
    """Ids of the targets of this stack's own routes, from an earlier run of either type."""
    network, vpc = here.network, there.network.vpc_id
    peerings = {
        peering.id
        for peering in network.peerings
        if peering.other_vpc == vpc and peering.created_by == wanted.stack
    }
    gateways = {item.gateway for item in network.attachments if item.created_by == wanted.stack}
    return peerings | gateways


def connection_type_is_unchanged(members: Sequence[Member], wanted: Wanted) -> Iterator[Blocker]:
    """A table holds one route to a destination, so the old routes have to be deleted first."""
    networks = [member.network for member in members]
    peered = any(peering.created_by == wanted.stack for network in networks for peering in network.peerings)
    attached = any(item.created_by == wanted.stack for network in networks for item in network.attachments)
    if (peered and wanted.type == TRANSIT) or (attached and wanted.type == PEERING):
        was = PEERING if peered else TRANSIT
        yield Blocker(
            "eks-cilium:connection.type",
            f"is {wanted.type}, and this stack has connected the networks by {was}",
            f"{was}, as long as the clusters are joined",
            "pulumi destroy, then pulumi up: pods of different clusters do not reach each other in between",
        )


CHECKS = (
    partitions_are_the_same,
    networks_do_not_overlap,
    connection_type_is_unchanged,
    no_other_connection_exists,
    every_table_gets_its_routes,
    no_route_conflicts,
)
