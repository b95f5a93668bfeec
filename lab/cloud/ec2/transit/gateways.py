"""Transit gateways and their attachments, with AWS's states and refusals.

A gateway and an attachment are `pending` before they are `available`, and `deleting` before they are
`deleted`. An attachment to a VPC has an interface in each of its subnets, so that neither the subnets nor the
VPC can be deleted before it. An attachment joins the gateway's default route table where the gateway's
options say so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.ec2.models.transit_gateway import TransitGateway
from moto.ec2.models.transit_gateway_attachments import TransitGatewayVpcAttachment

from lab.cloud.ec2.errors import refusal, was_deleted
from lab.cloud.ec2.transit.sharing import Acceptance, needs_acceptance, shared_with

if TYPE_CHECKING:
    from collections.abc import Iterable

    from moto.ec2.exceptions import EC2ClientError

ENDED = ("deleting", "deleted", "rejected", "failed")


class LabTransitGateway(TransitGateway):  # type: ignore[misc]  # moto is untyped to mypy here
    """moto's transit gateway, with state changes that take time."""

    def __init__(self, backend: Any, description: str | None, options: dict[str, Any] | None = None) -> None:
        super().__init__(backend, description, options)
        self.state = "pending"
        if self.options["DefaultRouteTableAssociation"] == "disable":
            self.options.pop("AssociationDefaultRouteTableId", None)
        if self.options["DefaultRouteTablePropagation"] == "disable":
            self.options.pop("PropagationDefaultRouteTableId", None)
        if not self.has_default_table:
            del backend.transit_gateways_route_tables[self.default_route_table.id]
        backend.schedule.after(backend.timing.transit_gateway_change, self._open)

    @property
    def has_default_table(self) -> bool:
        """Return whether the gateway has a default route table, for associations or propagations."""
        return "enable" in (
            self.options["DefaultRouteTableAssociation"],
            self.options["DefaultRouteTablePropagation"],
        )

    def _open(self) -> None:
        if self.state == "pending":
            self.state = "available"


class LabVpcAttachment(TransitGatewayVpcAttachment):  # type: ignore[misc]
    """moto's attachment of a VPC, with interfaces in its subnets and state changes that take time."""

    def __init__(self, backend: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(backend, *args, **kwargs)
        self.state = "pending"
        self._interfaces: dict[str, Any] = {}
        self.move_into(self.subnet_ids)

    @property
    def association(self) -> dict[str, str] | None:
        """Return the route table that routes traffic from this attachment, if there is one."""
        table = self.ec2_backend.table_of(self.id)
        return None if table is None else {"State": "associated", "TransitGatewayRouteTableId": table.id}

    def move_into(self, subnet_ids: Iterable[str]) -> None:
        """Keep one interface in each of these subnets, and delete all others."""
        self.subnet_ids = list(subnet_ids)
        for subnet in set(self._interfaces) - set(self.subnet_ids):
            self._let_go(self._interfaces.pop(subnet))
        for subnet in self.subnet_ids:
            if subnet not in self._interfaces:
                self._interfaces[subnet] = self._interface(subnet)

    def empty(self) -> None:
        """Delete all interfaces of the attachment."""
        self.state = "deleted"
        for eni in self._interfaces.values():
            self._let_go(eni)
        self._interfaces = {}

    def _interface(self, subnet_id: str) -> Any:
        backend = self.ec2_backend
        eni = backend.create_network_interface(backend.get_subnet(subnet_id), None)
        eni.interface_type, eni.requester_managed, eni.status = "transit_gateway", True, "in-use"
        eni.description = f"Network Interface for Transit Gateway Attachment {self.id}"
        return eni

    def _let_go(self, eni: Any) -> None:
        eni.status = "available"
        self.ec2_backend.delete_network_interface(eni.id)


class TransitGateways(Acceptance):
    """Transit gateways and attachments in the EC2 backend, mixed in before moto's own methods."""

    transit_gateways: dict[str, Any]
    transit_gateway_attachments: dict[str, Any]
    schedule: Any
    timing: Any
    account_id: str
    region_name: str

    # -- gateways --------------------------------------------------------------------------------------------

    def transit_gateway(self, identifier: str) -> Any:
        """Return a gateway that exists, or raise EC2's error."""
        shared = shared_with(self.account_id, self.region_name)
        found = self.transit_gateways.get(identifier) or next((g for g in shared if g.id == identifier), None)
        if found is None or found.state in ENDED:
            raise was_deleted("Transit Gateway", identifier, "InvalidTransitGatewayID.NotFound")
        return found

    def describe_transit_gateways(self, filters: Any, transit_gateway_ids: list[str] | None) -> list[Any]:
        """Describe gateways, also shared ones of other accounts; by id, deleted ones too."""
        for identifier in transit_gateway_ids or []:
            if identifier not in self.transit_gateways:
                self.transit_gateway(identifier)
        found: list[Any] = super().describe_transit_gateways(filters, transit_gateway_ids)  # type: ignore[misc]
        ids = transit_gateway_ids or (filters or {}).get("transit-gateway-id")
        found += [
            gateway
            for gateway in shared_with(self.account_id, self.region_name)
            if ids is None or gateway.id in ids
        ]
        return [gateway for gateway in found if transit_gateway_ids or gateway.state != "deleted"]

    def modify_transit_gateway(self, transit_gateway_id: str, *args: Any, **kwargs: Any) -> Any:
        """Change options of an available gateway."""
        _need_available(self.transit_gateway(transit_gateway_id))
        return super().modify_transit_gateway(transit_gateway_id, *args, **kwargs)  # type: ignore[misc]

    def delete_transit_gateway(self, transit_gateway_id: str) -> Any:
        """Delete a gateway without attachments."""
        gateway = self.transit_gateway(transit_gateway_id)
        left = [a.id for a in self.attachments_to(transit_gateway_id) if a.state != "deleted"]
        if left:
            message = f"{transit_gateway_id} has non-deleted VPC Attachments: {', '.join(left)}."
            raise refusal("IncorrectState", message)
        gateway.state = "deleting"
        self.schedule.after(self.timing.transit_gateway_change, lambda: self._end_gateway(gateway))
        return gateway

    def _end_gateway(self, gateway: Any) -> None:
        gateway.state = "deleted"
        tables: dict[str, Any] = self.transit_gateways_route_tables  # type: ignore[attr-defined]
        for table in [t for t in tables.values() if t.transit_gateway_id == gateway.id]:
            table.state = "deleted"

    # -- attachments -----------------------------------------------------------------------------------------

    def attachment(self, identifier: str) -> Any:
        """Return an attachment that exists, or raise EC2's error."""
        found = self.transit_gateway_attachments.get(identifier)
        if found is None or found.state == "deleted":
            code = "InvalidTransitGatewayAttachmentID.NotFound"
            raise was_deleted("Transit Gateway Attachment", identifier, code)
        return found

    def attachments_to(self, gateway_id: str) -> list[Any]:
        """Return all attachments of a gateway, including peerings with other gateways."""
        every = self.transit_gateway_attachments.values()
        return [a for a in every if gateway_id in (a.transit_gateway_id, _peer_of(a))]

    def attachment_of(self, gateway_id: str, vpc_id: str) -> Any:
        """Return the available attachment of a VPC to a gateway, or None."""
        for each in self.attachments_to(gateway_id):
            if each.resource_type == "vpc" and each.resource_id == vpc_id and each.state == "available":
                return each
        return None

    def create_transit_gateway_vpc_attachment(
        self,
        transit_gateway_id: str,
        vpc_id: str,
        subnet_ids: list[str],
        tags: Any = None,
        options: Any = None,
    ) -> Any:
        """Attach a VPC through one subnet in each zone."""
        gateway = self.transit_gateway(transit_gateway_id)
        _need_available(gateway)
        self.get_vpc(vpc_id)  # type: ignore[attr-defined]  # moto's half of this class
        self._check_subnets(vpc_id, subnet_ids)
        same = [a for a in self.attachments_to(transit_gateway_id) if a.resource_id == vpc_id]
        if any(a.state not in ENDED for a in same):
            message = f"{transit_gateway_id} has non-deleted Transit Gateway Attachments with same VPC ID."
            raise refusal("DuplicateTransitGatewayAttachment", message)
        created = LabVpcAttachment(
            self, transit_gateway=gateway, vpc_id=vpc_id, subnet_ids=subnet_ids, tags=tags, options=options
        )
        owner = gateway.ec2_backend  # knows attachments of other accounts as well: it accepts and routes them
        self.transit_gateway_attachments[created.id] = created
        owner.transit_gateway_attachments[created.id] = created
        if needs_acceptance(gateway, self.account_id):
            created.state = "pendingAcceptance"
            return created
        self.schedule.after(
            self.timing.transit_gateway_change, lambda: owner._open_attachment(gateway, created)
        )
        return created

    def _check_subnets(self, vpc_id: str, subnet_ids: Iterable[str]) -> None:
        zones: set[str] = set()
        for subnet_id in subnet_ids:
            subnet = self.get_subnet(subnet_id)  # type: ignore[attr-defined]
            if subnet.vpc_id != vpc_id:
                raise refusal("InvalidSubnetID.NotFound", f"The subnet ID '{subnet_id}' does not exist")
            if subnet.availability_zone in zones:
                raise refusal("DuplicateSubnetsInSameZone", "Duplicate Subnets for same AZ")
            zones.add(subnet.availability_zone)

    def _open_attachment(self, gateway: Any, attachment: Any) -> None:
        if attachment.state != "pending":
            return
        attachment.state = "available"
        default = gateway.default_route_table.id
        if gateway.options["DefaultRouteTableAssociation"] == "enable":
            self.associate_transit_gateway_route_table(attachment.id, default)  # type: ignore[attr-defined]
        if gateway.options["DefaultRouteTablePropagation"] == "enable":
            self.enable_transit_gateway_route_table_propagation(attachment.id, default)  # type: ignore[attr-defined]

    def modify_transit_gateway_vpc_attachment(
        self,
        transit_gateway_attachment_id: str,
        add_subnet_ids: list[str] | None = None,
        options: Any = None,
        remove_subnet_ids: list[str] | None = None,
    ) -> Any:
        """Change the subnets or the options of an attachment."""
        each = self.attachment(transit_gateway_attachment_id)
        _need_available(each)
        removed = set(remove_subnet_ids or ())
        wanted = [*(s for s in each.subnet_ids if s not in removed), *(add_subnet_ids or ())]
        self._check_subnets(each.vpc_id, wanted)
        each.move_into(dict.fromkeys(wanted))
        each.options.update(options or {})
        return each

    def delete_transit_gateway_vpc_attachment(self, transit_gateway_attachment_id: str) -> Any:
        """Start to detach a VPC from its gateway."""
        each = self.attachment(transit_gateway_attachment_id)
        if each.state not in ("available", "pending", "pendingAcceptance"):
            raise _incorrect_state(each)
        each.state = "deleting"
        self.schedule.after(self.timing.transit_gateway_change, lambda: self._end_attachment(each))
        return each

    def _end_attachment(self, attachment: Any) -> None:
        attachment.empty()
        backends: tuple[Any, ...] = (self, self._owner_of(attachment))
        for backend in backends:
            backend.forget_attachment(attachment.id)

    def _owner_of(self, attachment: Any) -> Any:
        """Return the backend of the account that owns an attachment's gateway."""
        shared = shared_with(self.account_id, self.region_name)
        gateway = next((g for g in shared if g.id == attachment.transit_gateway_id), None)
        return self if gateway is None else gateway.ec2_backend

    # -- peerings of gateways --------------------------------------------------------------------------------

    def create_transit_gateway_peering_attachment(self, transit_gateway_id: str, *args: Any) -> Any:
        """Request a peering with a gateway of any region; only static routes use it."""
        _need_available(self.transit_gateway(transit_gateway_id))
        return super().create_transit_gateway_peering_attachment(transit_gateway_id, *args)  # type: ignore[misc]

    def accept_transit_gateway_peering_attachment(self, transit_gateway_attachment_id: str) -> Any:
        """Accept a peering that is pending acceptance."""
        each = self.attachment(transit_gateway_attachment_id)
        if each.state != "pendingAcceptance":
            raise _incorrect_state(each)
        return super().accept_transit_gateway_peering_attachment(each.id)  # type: ignore[misc]

    def delete_transit_gateway_peering_attachment(self, transit_gateway_attachment_id: str) -> Any:
        """Delete a peering, for both gateways."""
        each = self.attachment(transit_gateway_attachment_id)
        self.forget_attachment(each.id)  # type: ignore[attr-defined]
        return super().delete_transit_gateway_peering_attachment(each.id)  # type: ignore[misc]


def _peer_of(attachment: Any) -> str | None:
    """Return the gateway on the other side of a peering, if the attachment is one."""
    return attachment.resource_id if attachment.resource_type == "peering" else None


def _need_available(resource: Any) -> None:
    if resource.state != "available":
        raise _incorrect_state(resource)


def _incorrect_state(resource: Any) -> EC2ClientError:
    return refusal("IncorrectState", f"{resource.id} is in invalid state: {resource.state}")
