"""Route tables of transit gateways: associations, propagations and routes.

An attachment is associated with one table, which routes the traffic from it, and may propagate its VPC's
ranges to any number of tables. moto keeps only static routes, and one propagation per attachment.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

from moto.ec2.models.transit_gateway_route_tables import RouteTablePropagation, TransitGatewayRelations

from lab.cloud.ec2.errors import invalid_filter, refusal, was_deleted
from lab.cloud.ec2.peerings import ranges_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Route = dict[str, Any]


def _attachment_of(route: Route) -> str:
    return next((each["TransitGatewayAttachmentId"] for each in route["TransitGatewayAttachments"]), "")


def _lies_in(route: Route, block: str) -> bool:
    return _network(route).subnet_of(ipaddress.IPv4Network(block))


def _network(route: Route) -> ipaddress.IPv4Network:
    return ipaddress.IPv4Network(route["DestinationCidrBlock"])


_FILTERS = {
    "type": lambda route, values: route["Type"] in values,
    "state": lambda route, values: route["State"] in values,
    "attachment.transit-gateway-attachment-id": lambda route, values: _attachment_of(route) in values,
    "route-search.exact-match": lambda route, values: route["DestinationCidrBlock"] in values,
    "route-search.subnet-of-match": lambda route, values: any(_lies_in(route, block) for block in values),
}


class TransitTables:
    """Transit gateway route tables in the EC2 backend, mixed in before moto's own methods."""

    transit_gateways_route_tables: dict[str, Any]
    transit_gateway_attachments: dict[str, Any]

    def transit_table(self, identifier: str) -> Any:
        """Return a table that exists, or raise EC2's error."""
        found = self.transit_gateways_route_tables.get(identifier)
        if found is None or found.state == "deleted":
            raise was_deleted("Transit Gateway Route Table", identifier, "InvalidRouteTableID.NotFound")
        return found

    def table_of(self, attachment_id: str) -> Any:
        """Return the table that an attachment is associated with, or None."""
        every = self.transit_gateways_route_tables.values()
        return next((table for table in every if attachment_id in table.route_table_associations), None)

    def create_transit_gateway_route_table(self, transit_gateway_id: str, **kwargs: Any) -> Any:
        """Create a table; the default one is created with its gateway."""
        if not kwargs.get("default_association_route_table"):
            self.transit_gateway(transit_gateway_id)  # type: ignore[attr-defined]
        return super().create_transit_gateway_route_table(transit_gateway_id, **kwargs)  # type: ignore[misc]

    def get_all_transit_gateway_route_tables(
        self, transit_gateway_route_table_ids: Any = None, filters: Any = None
    ) -> list[Any]:
        """Describe the route tables that exist."""
        for identifier in transit_gateway_route_table_ids or []:
            self.transit_table(identifier)
        found = super().get_all_transit_gateway_route_tables(transit_gateway_route_table_ids, filters)  # type: ignore[misc]
        return [table for table in found if table.state != "deleted"]

    def delete_transit_gateway_route_table(self, transit_gateway_route_table_id: str) -> Any:
        """Delete a table without associations that is not a default table of its gateway."""
        table = self.transit_table(transit_gateway_route_table_id)
        if table.route_table_associations:
            raise refusal("IncorrectState", f"{table.id} has associations.")
        if table.default_association_route_table or table.default_propagation_route_table:
            raise refusal("IncorrectState", f"{table.id} is a default route table of its transit gateway.")
        return super().delete_transit_gateway_route_table(table.id)  # type: ignore[misc]

    # -- associations and propagations -----------------------------------------------------------------------

    def associate_transit_gateway_route_table(
        self, transit_gateway_attachment_id: str, transit_gateway_route_table_id: str
    ) -> Any:
        """Associate an attachment with a table, which routes its traffic; only one is possible."""
        self._check_pair(transit_gateway_attachment_id, transit_gateway_route_table_id)
        if self.table_of(transit_gateway_attachment_id) is not None:
            message = (
                f"Transit Gateway Attachment {transit_gateway_attachment_id} "
                "is already associated to a route table."
            )
            raise refusal("Resource.AlreadyAssociated", message)
        return super().associate_transit_gateway_route_table(  # type: ignore[misc]
            transit_gateway_attachment_id, transit_gateway_route_table_id
        )

    def disassociate_transit_gateway_route_table(self, tgw_attach_id: str, tgw_rt_id: str) -> Any:
        """Remove the association of an attachment with its table."""
        table = self.transit_table(tgw_rt_id)
        if tgw_attach_id not in table.route_table_associations:
            message = (
                f"Association {tgw_attach_id} does not exist in Transit Gateway Route Table {tgw_rt_id}."
            )
            raise refusal("InvalidAssociation.NotFound", message)
        return super().disassociate_transit_gateway_route_table(tgw_attach_id, tgw_rt_id)  # type: ignore[misc]

    def enable_transit_gateway_route_table_propagation(
        self, transit_gateway_attachment_id: str, transit_gateway_route_table_id: str
    ) -> Any:
        """Propagate the ranges of an attachment's VPC to a table."""
        attachment = self._check_pair(transit_gateway_attachment_id, transit_gateway_route_table_id)
        table = self.transit_table(transit_gateway_route_table_id)
        if _propagation(table, attachment.id) is not None:
            message = f"Propagation {attachment.id} already exists in Transit Gateway Route Table {table.id}."
            raise refusal("TransitGatewayRouteTablePropagation.Duplicate", message)
        propagation = RouteTablePropagation(
            attachment.resource_id, attachment.resource_type, "enabled", attachment.id
        )
        table.route_table_propagation.append(propagation)
        return TransitGatewayRelations(self, attachment.id, table.id, "enabled")

    def disable_transit_gateway_route_table_propagation(
        self, transit_gateway_attachment_id: str, transit_gateway_route_table_id: str
    ) -> Any:
        """Stop the propagation of an attachment's ranges to a table."""
        table = self.transit_table(transit_gateway_route_table_id)
        found = _propagation(table, transit_gateway_attachment_id)
        if found is None:
            message = (
                f"Propagation {transit_gateway_attachment_id} does not exist "
                f"in Transit Gateway Route Table {table.id}."
            )
            raise refusal("TransitGatewayRouteTablePropagation.NotFound", message)
        table.route_table_propagation.remove(found)
        return TransitGatewayRelations(self, transit_gateway_attachment_id, table.id, "disabled")

    def _check_pair(self, attachment_id: str, table_id: str) -> Any:
        attachment, table = self.attachment(attachment_id), self.transit_table(table_id)  # type: ignore[attr-defined]
        if attachment.state != "available":
            raise refusal("IncorrectState", f"{attachment_id} is in invalid state: {attachment.state}")
        if attachment not in self.attachments_to(table.transit_gateway_id):  # type: ignore[attr-defined]
            message = f"{attachment_id} and {table_id} belong to different transit gateways."
            raise refusal("InvalidParameterValue", message)
        return attachment

    def forget_attachment(self, attachment_id: str) -> None:
        """Remove an ended attachment from every table; static routes to it remain as black holes."""
        for table in self.transit_gateways_route_tables.values():
            table.route_table_associations.pop(attachment_id, None)
            if (found := _propagation(table, attachment_id)) is not None:
                table.route_table_propagation.remove(found)
        self.transit_gateway_associations.pop(attachment_id, None)  # type: ignore[attr-defined]

    # -- routes ----------------------------------------------------------------------------------------------

    def create_transit_gateway_route(
        self,
        transit_gateway_route_table_id: str,
        destination_cidr_block: str,
        transit_gateway_attachment_id: str | None = None,
        blackhole: bool = False,  # noqa: FBT001, FBT002, RUF100  # moto's signature
    ) -> Route:
        table = self.transit_table(transit_gateway_route_table_id)
        if transit_gateway_attachment_id:
            self._check_pair(transit_gateway_attachment_id, table.id)
        elif not blackhole:
            raise refusal("MissingParameter", "Either Blackhole or TransitGatewayAttachmentId is required.")
        if destination_cidr_block in table.routes:
            message = f"Route for {destination_cidr_block} already exists in {table.id}."
            raise refusal("RouteAlreadyExists", message)
        table.routes[destination_cidr_block] = transit_gateway_attachment_id or ""
        return self._static(destination_cidr_block, transit_gateway_attachment_id or "")

    def delete_transit_gateway_route(
        self, transit_gateway_route_table_id: str, destination_cidr_block: str
    ) -> Route:
        table = self.transit_table(transit_gateway_route_table_id)
        if destination_cidr_block not in table.routes:
            message = f"Route for {destination_cidr_block} does not exist in {table.id}."
            raise refusal("InvalidRoute.NotFound", message)
        route = self._static(destination_cidr_block, table.routes.pop(destination_cidr_block))
        return route | {"State": "deleted"}

    def search_transit_gateway_routes(
        self, transit_gateway_route_table_id: str, filters: Mapping[str, list[str]], max_results: Any = None
    ) -> list[Route]:
        """Return the static and propagated routes of a table that match every filter."""
        table = self.transit_table(transit_gateway_route_table_id)
        if unknown := sorted(set(filters) - set(_FILTERS)):
            raise invalid_filter(unknown[0])
        found = [
            route
            for route in self.transit_routes(table)
            if all(_FILTERS[name](route, values) for name, values in filters.items())
        ]
        return found[: int(max_results)] if max_results else found

    def transit_routes(self, table: Any) -> list[Route]:
        """Return all routes of a table; a static one hides a propagated one with the same destination."""
        static = [self._static(destination, target) for destination, target in table.routes.items()]
        taken = {route["DestinationCidrBlock"] for route in static}
        return [*static, *(r for r in self._propagated(table) if r["DestinationCidrBlock"] not in taken)]

    def next_attachment(self, table: Any, address: str) -> str | None:
        """Return the attachment to which a table routes an address, or None."""
        target = ipaddress.IPv4Address(address)
        fitting = [route for route in self.transit_routes(table) if target in _network(route)]
        best = max(fitting, key=lambda route: _network(route).prefixlen, default=None)
        return None if best is None or best["State"] != "active" else _attachment_of(best)

    def _static(self, destination: str, attachment_id: str) -> Route:
        attachment = self.transit_gateway_attachments.get(attachment_id)
        forwards = attachment is not None and attachment.state == "available"
        return _route(destination, attachment, "static", "active" if forwards else "blackhole")

    def _propagated(self, table: Any) -> Iterator[Route]:
        for propagation in table.route_table_propagation:
            attachment = self.transit_gateway_attachments[propagation.transitGatewayAttachmentId]
            if attachment.resource_type == "vpc":
                # The VPC may be one of another account.
                for block in ranges_of(attachment.ec2_backend.get_vpc(attachment.resource_id)):
                    yield _route(str(block), attachment, "propagated", "active")


def _propagation(table: Any, attachment_id: str) -> Any:
    every = table.route_table_propagation
    return next((p for p in every if p.transitGatewayAttachmentId == attachment_id), None)


def _route(destination: str, attachment: Any, kind: str, state: str) -> Route:
    return {
        "DestinationCidrBlock": destination,
        "TransitGatewayAttachments": [] if attachment is None else [_target(attachment)],
        "Type": kind,
        "State": state,
    }


def _target(attachment: Any) -> dict[str, str]:
    return {
        "ResourceId": attachment.resource_id,
        "ResourceType": attachment.resource_type,
        "TransitGatewayAttachmentId": attachment.id,
    }
