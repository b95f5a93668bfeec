"""The route tables on the path between two subnets, and whether packets arrive."""

from __future__ import annotations

import ipaddress
from typing import Any

from moto.ec2.models import ec2_backends

from lab.cloud.ec2.peerings import ranges_of

_MOST_GATEWAYS = 4


def table_of(subnet: Any) -> Any:
    """Return the route table of a subnet: its own, or its VPC's main one."""
    tables = [t for t in subnet.ec2_backend.route_tables.values() if t.vpc_id == subnet.vpc_id]
    own = next((table for table in tables if subnet.id in table._associations.values()), None)
    return own or next((table for table in tables if table.main_association_id), None)


def best_route(table: Any, address: str) -> Any:
    """Return the most specific route for an address, or None."""
    target = ipaddress.IPv4Address(address)
    fitting = [
        (ipaddress.IPv4Network(route.destination_cidr_block).prefixlen, route)
        for route in (table.routes if table is not None else ())
        if route.destination_cidr_block
        and target in ipaddress.IPv4Network(route.destination_cidr_block, strict=False)
    ]
    return max(fitting, key=lambda pair: pair[0])[1] if fitting else None


def check_route(source: Any, target: Any, address: str) -> str | None:
    """Return why packets from one subnet do not arrive at an address in another; None when they do."""
    table = table_of(source)
    route = best_route(table, address)
    where = f"route table {table.id if table is not None else '(none)'} of {source.vpc_id}"
    if route is None:
        return f"{where} has no route to {address}"
    if route.local:
        return None if source.vpc_id == target.vpc_id else f"{where} keeps {address} inside the VPC"
    if route.state != "active":
        return f"{where}: the route to {route.destination_cidr_block} is a {route.state}"
    if route.vpc_pcx is not None:
        return _through_peering(route.vpc_pcx, source, target, address)
    if route.transit_gateway is not None:
        return _through_gateway(route.transit_gateway, source, target, address)
    return f"{where} sends {address} to {_name(route)}, which does not lead to {target.vpc_id}"


def _name(route: Any) -> str:
    targets = (route.gateway_id, route.nat_gateway_id, route.network_interface_id, route.instance_id)
    return next((each for each in targets if each), "nowhere")


def reaches_internet(interface: Any) -> bool:
    """Return whether a subnet has a route to the internet."""
    route = best_route(table_of(interface.subnet), "198.51.100.1")
    return (
        route is not None
        and route.state == "active"
        and (route.nat_gateway is not None or str(route.gateway_id or "").startswith("igw-"))
    )


def _through_peering(peering: Any, source: Any, target: Any, address: str) -> str | None:
    """Return why a peering does not lead there: it reaches only the VPC on its other side."""
    other = peering.other_side(source.vpc_id)
    if other.id != target.vpc_id:
        return f"peering {peering.id} leads to {other.id}, not to {target.vpc_id}: peering is not transitive"
    if not any(ipaddress.IPv4Address(address) in block for block in ranges_of(other)):
        return f"{address} is in no range of {other.id}, where peering {peering.id} leads"
    return None


def _through_gateway(gateway: Any, source: Any, target: Any, address: str) -> str | None:
    """Return why transit gateways do not lead there, following peerings from gateway to gateway."""
    backend = gateway.ec2_backend
    attachment = backend.attachment_of(gateway.id, source.vpc_id)
    if attachment is None:
        return f"{source.vpc_id} is not attached to transit gateway {gateway.id}"
    for _ in range(_MOST_GATEWAYS):
        table = _table_in(backend, gateway.id, attachment.id)
        if table is None:
            return f"attachment {attachment.id} is associated with no route table of {gateway.id}"
        following = backend.next_attachment(table, address)
        if following is None:
            return f"transit gateway route table {table.id} has no active route to {address}"
        attachment = backend.transit_gateway_attachments[following]
        if attachment.resource_type == "vpc":
            return None if attachment.vpc_id == target.vpc_id else _strays(table, address, attachment)
        gateway, backend = _other_gateway(attachment, gateway)
    return f"the path through transit gateways to {address} is a loop"


def _strays(table: Any, address: str, attachment: Any) -> str:
    return f"transit gateway route table {table.id} sends {address} to {attachment.vpc_id}"


def _table_in(backend: Any, gateway_id: str, attachment_id: str) -> Any:
    """Return the table that an attachment is associated with in a gateway; a peering has one on each side."""
    for table in backend.transit_gateways_route_tables.values():
        if table.transit_gateway_id == gateway_id and attachment_id in table.route_table_associations:
            return table
    return None


def _other_gateway(peering: Any, gateway: Any) -> tuple[Any, Any]:
    sides = (peering.requester_tgw_info, peering.accepter_tgw_info)
    other = next(side for side in sides if side["TransitGatewayId"] != gateway.id)
    backend = ec2_backends[other["OwnerId"]][other["Region"]]
    return backend.transit_gateways[other["TransitGatewayId"]], backend
