"""Routes of a VPC: their allowed targets, and whether they forward.

A route to a peering may be created before the peering is accepted. Until then, and after its target was
deleted, it is a `blackhole`. Routes that can never forward are refused: a target of another network, an ended
peering, a transit gateway that the VPC is not attached to, a destination inside the VPC itself.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

from moto.ec2.models.route_tables import Route

from lab.cloud.ec2.errors import refusal
from lab.cloud.ec2.peerings import ranges_of

if TYPE_CHECKING:
    from moto.ec2.exceptions import EC2ClientError

_TARGETS = (
    "gateway_id",
    "instance_id",
    "nat_gateway_id",
    "egress_only_igw_id",
    "transit_gateway_id",
    "interface_id",
    "vpc_peering_connection_id",
    "carrier_gateway_id",
    "vpc_endpoint_id",
)


class LabRoute(Route):  # type: ignore[misc]  # moto is untyped to mypy here
    """moto's route, which knows whether its target forwards."""

    @property
    def state(self) -> str:
        """Return `blackhole` where the target is deleted or not active yet, else `active`."""
        if self.vpc_pcx is not None and self.vpc_pcx._status.code != "active":
            return "blackhole"
        if self.nat_gateway is not None and self.nat_gateway.state in ("deleting", "deleted", "failed"):
            return "blackhole"
        if self.interface is not None and self.interface.id not in self.interface.ec2_backend.enis:
            return "blackhole"
        if self.transit_gateway is not None and self._attachment() is None:
            return "blackhole"
        return "active"

    def _attachment(self) -> Any:
        table = self.route_table
        return table.ec2_backend.attachment_of(self.transit_gateway.id, table.vpc_id)


class Routes:
    """VPC routes in the EC2 backend, mixed in before moto's own methods."""

    def create_route(
        self, route_table_id: str, destination_cidr_block: str | None = None, *args: Any, **kwargs: Any
    ) -> Any:
        """Create a route that can forward."""
        if not kwargs.get("local"):
            self._check_route(route_table_id, destination_cidr_block, kwargs)
        return super().create_route(route_table_id, destination_cidr_block, *args, **kwargs)  # type: ignore[misc]

    def replace_route(
        self, route_table_id: str, destination_cidr_block: str | None = None, *args: Any, **kwargs: Any
    ) -> Any:
        """Replace the target of a route."""
        self._check_route(route_table_id, destination_cidr_block, kwargs)
        return super().replace_route(route_table_id, destination_cidr_block, *args, **kwargs)  # type: ignore[misc]

    def _check_route(self, route_table_id: str, destination: str | None, targets: dict[str, Any]) -> None:
        table = self.get_route_table(route_table_id)  # type: ignore[attr-defined]  # moto's half of this class
        named = [name for name in _TARGETS if targets.get(name)]
        if len(named) != 1:
            what = "exactly one target of the route must be given"
            raise refusal("InvalidParameterCombination", f"{len(named)} route targets are given: {what}")
        if destination and named[0] not in ("interface_id", "instance_id", "vpc_endpoint_id"):
            _check_destination(self.get_vpc(table.vpc_id), destination)  # type: ignore[attr-defined]
        if peering := targets.get("vpc_peering_connection_id"):
            self._check_peering(table, peering)
        if gateway := targets.get("transit_gateway_id"):
            self._check_transit_gateway(table, gateway)
        if gateway := targets.get("gateway_id"):
            self._check_internet_gateway(table, gateway)

    def _check_peering(self, table: Any, identifier: str) -> None:
        peering = self.get_vpc_peering_connection(identifier)  # type: ignore[attr-defined]
        if not peering.joins(table.vpc_id):
            raise _other_network(table, "peering connection", identifier)
        if not peering.is_usable:
            message = f"The vpcPeeringConnection ID '{identifier}' is {peering.code}, not active"
            raise refusal("InvalidStateTransition", message)

    def _check_transit_gateway(self, table: Any, identifier: str) -> None:
        """Refuse a gateway that the VPC is not attached to; AWS says that it does not exist."""
        if self.attachment_of(identifier, table.vpc_id) is None:  # type: ignore[attr-defined]
            message = f"The transitGateway ID '{identifier}' does not exist"
            raise refusal("InvalidTransitGatewayID.NotFound", message)

    def _check_internet_gateway(self, table: Any, identifier: str) -> None:
        if not identifier.startswith("igw-"):
            return
        gateway = self.get_internet_gateway(identifier)  # type: ignore[attr-defined]
        if gateway.vpc is None or gateway.vpc.id != table.vpc_id:
            raise _other_network(table, "network gateway", identifier)


def _check_destination(vpc: Any, destination: str) -> None:
    try:
        wanted = ipaddress.IPv4Network(destination, strict=False)
    except ValueError:
        return  # moto refuses it with AWS's message
    if any(wanted.subnet_of(block) for block in ranges_of(vpc)):
        message = (
            f"The destination CIDR block {destination} is equal to or more specific than one of this VPC's "
            "CIDR blocks. This route can target only an interface or an instance."
        )
        raise refusal("InvalidParameterValue", message)


def _other_network(table: Any, what: str, identifier: str) -> EC2ClientError:
    message = f"route table {table.id} and {what} {identifier} belong to different networks"
    return refusal("InvalidParameterValue", message)
