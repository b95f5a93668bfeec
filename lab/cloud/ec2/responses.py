"""EC2's API: one call at a time, and AWS's error where moto would return 500."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from moto.core.responses import ActionResult
from moto.ec2.responses import EC2Response
from moto.ec2.utils import describe_tag_filter

from lab.cloud.ec2.addresses import prefixes_of
from lab.cloud.ec2.errors import invalid_filter, refusal
from lab.cloud.schedule import BACKENDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from moto.ec2.exceptions import EC2ClientError

# moto stores some filters without applying them; a filter without effect must be refused.
_NAT_GATEWAY_FILTERS = frozenset({"nat-gateway-id", "vpc-id", "subnet-id", "state"})
_PEERING_FILTERS = {
    "vpc-peering-connection-id": lambda peering: peering.id,
    "status-code": lambda peering: peering._status.code,
    "requester-vpc-info.vpc-id": lambda peering: peering.vpc.id,
    "requester-vpc-info.cidr-block": lambda peering: peering.vpc.cidr_block,
    "requester-vpc-info.owner-id": lambda peering: peering.vpc.owner_id,
    "accepter-vpc-info.vpc-id": lambda peering: peering.peer_vpc.id,
    "accepter-vpc-info.cidr-block": lambda peering: peering.peer_vpc.cidr_block,
    "accepter-vpc-info.owner-id": lambda peering: peering.peer_vpc.owner_id,
}
_TRANSIT_GATEWAY_FILTERS = frozenset({"transit-gateway-id", "state", "owner-id"})
_VPC_ATTACHMENT_FILTERS = frozenset(
    {"transit-gateway-attachment-id", "transit-gateway-id", "state", "vpc-id"}
)

_SMALLEST_PAGE, _LARGEST_PAGE = 5, 1_000
"""Of interfaces: docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeNetworkInterfaces.html."""


class LabEC2Response(EC2Response):  # type: ignore[misc]  # moto is untyped to mypy here
    """moto's EC2 responses, one call at a time, with what moto leaves out."""

    def call_action(self) -> Any:
        """Serve one call while nothing else changes the cloud."""
        with BACKENDS:
            self.ec2_backend.schedule.run_due()
            try:
                return super().call_action()
            except (NotImplementedError, KeyError) as error:
                unknown = self._filter_named_in(error)
                if unknown is None:
                    raise
                return self._refused(invalid_filter(unknown))

    def describe_nat_gateways(self) -> ActionResult:
        """Describe NAT gateways; refuse filters that moto would ignore."""
        self._refuse_filters_beyond(_NAT_GATEWAY_FILTERS)
        return super().describe_nat_gateways()

    def describe_vpc_peering_connections(self) -> ActionResult:
        """Describe peerings with filters, which moto ignores."""
        ids = self._get_param("VpcPeeringConnectionIds", [])
        found = self.ec2_backend.describe_vpc_peering_connections(vpc_peering_ids=ids)
        if unknown := sorted(set(ids) - {peering.id for peering in found}):
            message = f"The vpcPeeringConnection ID '{unknown[0]}' does not exist"
            raise refusal("InvalidVpcPeeringConnectionID.NotFound", message)
        for name, values in self._filters_from_querystring().items():
            found = [peering for peering in found if _peering_value(peering, name) in values]
        return ActionResult({"VpcPeeringConnections": found})

    def describe_transit_gateways(self) -> ActionResult:
        """Describe transit gateways; refuse filters that moto would ignore."""
        self._refuse_filters_beyond(_TRANSIT_GATEWAY_FILTERS)
        return super().describe_transit_gateways()

    def create_transit_gateway_vpc_attachment(self) -> ActionResult:
        """Attach a VPC; moto expects the tags under another name."""
        created = self.ec2_backend.create_transit_gateway_vpc_attachment(
            transit_gateway_id=self._get_param("TransitGatewayId"),
            vpc_id=self._get_param("VpcId"),
            subnet_ids=self._get_param("SubnetIds", []),
            tags=self._parse_tag_specification().get("transit-gateway-attachment", {}),
            options=self._get_param("Options", {}),
        )
        return ActionResult({"TransitGatewayVpcAttachment": created})

    def accept_transit_gateway_vpc_attachment(self) -> ActionResult:
        """Accept an attachment of another account, which moto cannot."""
        identifier = self._get_param("TransitGatewayAttachmentId")
        accepted = self.ec2_backend.accept_transit_gateway_vpc_attachment(identifier)
        return ActionResult({"TransitGatewayVpcAttachment": accepted})

    def describe_transit_gateway_vpc_attachments(self) -> ActionResult:
        """Describe attachments of VPCs; by id, deleted ones too."""
        filters = self._refuse_filters_beyond(_VPC_ATTACHMENT_FILTERS)
        ids = self._get_param("TransitGatewayAttachmentIds", [])
        for identifier in ids:
            if identifier not in self.ec2_backend.transit_gateway_attachments:
                self.ec2_backend.attachment(identifier)
        found = self.ec2_backend.describe_transit_gateway_vpc_attachments(
            transit_gateways_attachment_ids=ids, filters=filters
        )
        tagged = describe_tag_filter(filters, [each for each in found if each.resource_type == "vpc"])
        shown = [each for each in tagged if ids or each.state != "deleted"]
        return ActionResult({"TransitGatewayVpcAttachments": shown})

    def _refuse_filters_beyond(self, known: frozenset[str]) -> dict[str, list[str]]:
        filters: dict[str, list[str]] = self._filters_from_querystring()
        for name in filters:
            if name not in known and not name.startswith("tag:"):
                raise invalid_filter(name)
        return filters

    def delete_security_group(self) -> ActionResult:
        """Delete a security group, except a VPC's default one."""
        group = self.ec2_backend.get_security_group_from_id(self._get_param("GroupId") or "")
        if group is not None and group.is_default:
            message = f'the specified group: "{group.id}" name: "default" cannot be deleted by a user'
            raise refusal("CannotDelete", message)
        return super().delete_security_group()

    def create_network_interface(self) -> ActionResult:
        """Create an interface, with prefixes if the call asks for them."""
        result = super().create_network_interface()
        if count := self._get_int_param("Ipv4PrefixCount", 0):
            self.ec2_backend.assign_prefixes(result.result["NetworkInterface"].id, count)
        return result

    def describe_network_interfaces(self) -> ActionResult:
        """Describe interfaces, in pages where the call asks for them; moto always returns all."""
        result = super().describe_network_interfaces()
        size = self._get_int_param("MaxResults", 0)
        if not size:
            return result
        if not _SMALLEST_PAGE <= size <= _LARGEST_PAGE:
            message = (
                f"Value ( {size} ) for parameter maxResults is invalid. Expecting a value from 5 to 1000."
            )
            raise refusal("InvalidParameterValue", message)
        found, first = result.result["NetworkInterfaces"], int(self._get_param("NextToken") or 0)
        following = {"NextToken": str(first + size)} if len(found) > first + size else {}
        return ActionResult({"NetworkInterfaces": found[first : first + size], **following})

    def modify_network_interface_attribute(self) -> ActionResult:
        """Change an interface, including whether it is deleted with its instance."""
        attachment = self._get_param("Attachment", {})
        eni = self.ec2_backend.get_network_interface(self._get_param("NetworkInterfaceId"))
        if attachment:
            if eni.attachment_id != attachment.get("AttachmentId"):
                message = f"The attachment ID '{attachment.get('AttachmentId')}' does not exist"
                raise refusal("InvalidAttachmentID.NotFound", message)
            eni.delete_on_termination = attachment.get("DeleteOnTermination") is True
        return super().modify_network_interface_attribute()

    def assign_private_ip_addresses(self) -> ActionResult:
        """Assign addresses or prefixes; the response names only the new ones."""
        eni = self.ec2_backend.get_network_interface(self._get_param("NetworkInterfaceId"))
        before = copy.copy(eni.private_ip_addresses)
        prefixes = self.ec2_backend.assign_prefixes(eni.id, self._get_int_param("Ipv4PrefixCount", 0))
        result: ActionResult = super().assign_private_ip_addresses()
        new = [item for item in eni.private_ip_addresses if item not in before]
        return ActionResult(
            {**result.result, "AssignedPrivateIpAddresses": new, "AssignedIpv4Prefixes": prefixes}
        )

    def unassign_private_ip_addresses(self) -> ActionResult:
        """Unassign addresses or prefixes of an interface."""
        eni = self.ec2_backend.get_network_interface(self._get_param("NetworkInterfaceId"))
        removed = set(self._get_param("Ipv4Prefixes", []))
        eni.ipv4_prefixes = [item for item in prefixes_of(eni) if item["Ipv4Prefix"] not in removed]
        return super().unassign_private_ip_addresses()

    def create_launch_template_version(self) -> ActionResult:
        """Create a version from another one, which supplies all parameters that the call does not name."""
        source = self._get_param("SourceVersion")
        if source:
            template = self._template()
            merged = merge(template.get_version(source).data, self._get_param("LaunchTemplateData", {}))
            self.params["LaunchTemplateData"] = merged
        return super().create_launch_template_version()

    def _template(self) -> Any:
        if name := self._get_param("LaunchTemplateName"):
            return self.ec2_backend.get_launch_template_by_name(name)
        return self.ec2_backend.get_launch_template(self._get_param("LaunchTemplateId"))

    def _filter_named_in(self, error: Exception) -> str | None:
        """Return the filter that made moto fail, if a filter did."""
        text = " ".join(str(part) for part in error.args)
        names: list[str] = list(self._filters_from_querystring())
        return next((name for name in names if name in text), None)

    def _refused(self, error: EC2ClientError) -> Any:
        status, headers, body = self.serialized(ActionResult(error))
        headers["status"] = str(status)
        return status, headers, body


def merge(source: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return a launch template's data with changes; each named parameter replaces the source's completely."""
    given = {key: value for key, value in changes.items() if value is not None}
    return {**copy.deepcopy(dict(source)), **given}


def _peering_value(peering: Any, name: str) -> Any:
    if name.startswith("tag:"):
        return next((tag["value"] for tag in peering.get_tags() if tag["key"] == name[4:]), None)
    if name not in _PEERING_FILTERS:
        raise invalid_filter(name)
    return _PEERING_FILTERS[name](peering)
