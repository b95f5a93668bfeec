"""Functions that read connections between VPCs: peerings, transit gateways and their attachments."""

from collections.abc import Mapping
from typing import Any

from lab.providers.aws.cloud import Cloud
from lab.providers.aws.functions.function import Function, ec2_filters, only_one
from lab.providers.aws.services.network.peerings import ENDED, SIDES, options_of, status
from lab.providers.aws.services.network.transit_gateways import (
    ATTACHMENT_OPTIONS,
    ENDED_STATES,
    read_attachment,
    read_gateway,
    state,
)
from lab.providers.aws.shapes import tag_map
from lab.providers.values import Properties

NAMED = {
    "cidrBlock": "requester-vpc-info.cidr-block",
    "ownerId": "requester-vpc-info.owner-id",
    "peerCidrBlock": "accepter-vpc-info.cidr-block",
    "peerOwnerId": "accepter-vpc-info.owner-id",
    "peerVpcId": "accepter-vpc-info.vpc-id",
    "status": "status-code",
    "vpcId": "requester-vpc-info.vpc-id",
}


def _peerings(cloud: Cloud, arguments: Properties) -> list[Mapping[str, Any]]:
    # Deleted or rejected peerings are included only if a status is asked for.
    ids = {"VpcPeeringConnectionIds": [arguments["id"]]} if arguments.get("id") else {}
    filters = ec2_filters(arguments, **NAMED)
    listed = cloud.ec2.describe_vpc_peering_connections(**ids, Filters=filters)["VpcPeeringConnections"]
    asks = any(condition["Name"] == "status-code" for condition in filters)
    return [live for live in listed if asks or status(live) not in ENDED]


def peering(cloud: Cloud, arguments: Properties) -> Properties:
    found = only_one(_peerings(cloud, arguments), "VPC peering")
    asked, other = found["RequesterVpcInfo"], found["AccepterVpcInfo"]
    return {
        "id": found["VpcPeeringConnectionId"],
        "status": status(found),
        "vpcId": asked["VpcId"],
        "ownerId": asked["OwnerId"],
        "region": asked["Region"],
        "requesterRegion": asked["Region"],
        "cidrBlock": asked.get("CidrBlock", ""),
        "cidrBlockSets": _ranges(asked),
        "ipv6CidrBlockSets": [],
        "peerVpcId": other["VpcId"],
        "peerOwnerId": other["OwnerId"],
        "peerRegion": other["Region"],
        "peerCidrBlock": other.get("CidrBlock", ""),
        "peerCidrBlockSets": _ranges(other),
        "peerIpv6CidrBlockSets": [],
        **{side: options_of(found, side) for side in SIDES},
        "tags": tag_map(found.get("Tags")),
    }


def peerings(cloud: Cloud, arguments: Properties) -> Properties:
    listed = _peerings(cloud, arguments)
    return {"id": cloud.region, "ids": [live["VpcPeeringConnectionId"] for live in listed]}


def _ranges(side: Mapping[str, Any]) -> list[Properties]:
    return [{"cidrBlock": block["CidrBlock"]} for block in side.get("CidrBlockSet") or []]


def transit_gateway(cloud: Cloud, arguments: Properties) -> Properties:
    ids = {"TransitGatewayIds": [arguments["id"]]} if arguments.get("id") else {}
    listed = cloud.ec2.describe_transit_gateways(**ids, Filters=ec2_filters(arguments))["TransitGateways"]
    found = only_one([live for live in listed if state(live) not in ENDED_STATES], "transit gateway")
    described = read_gateway(cloud, found["TransitGatewayId"], {}) or {}
    tags = described.pop("tagsAll")
    defaults = {"description": "", "encryptionSupport": "disable", "transitGatewayCidrBlocks": []}
    written = {key: value for key, value in described.items() if value is not None}
    return {**defaults, **written, "id": found["TransitGatewayId"], "tags": tags}


def vpc_attachment(cloud: Cloud, arguments: Properties) -> Properties:
    ids = {"TransitGatewayAttachmentIds": [arguments["id"]]} if arguments.get("id") else {}
    call = cloud.ec2.describe_transit_gateway_vpc_attachments
    listed = call(**ids, Filters=ec2_filters(arguments))["TransitGatewayVpcAttachments"]
    found = only_one(
        [live for live in listed if state(live) not in ENDED_STATES], "transit gateway attachment"
    )
    identifier = found["TransitGatewayAttachmentId"]
    described = read_attachment(cloud, identifier, {}) or {}
    same = ("arn", "subnetIds", "transitGatewayId", "vpcId", "vpcOwnerId", *ATTACHMENT_OPTIONS)
    return {"id": identifier, "tags": described["tagsAll"], **{name: described[name] for name in same}}


FUNCTIONS = (
    Function(
        "aws:ec2/getVpcPeeringConnection:getVpcPeeringConnection", ("filters", "id", "tags", *NAMED), peering
    ),
    Function("aws:ec2/getVpcPeeringConnections:getVpcPeeringConnections", ("filters", "tags"), peerings),
    Function(
        "aws:ec2transitgateway/getTransitGateway:getTransitGateway",
        ("filters", "id", "tags"),
        transit_gateway,
    ),
    Function(
        "aws:ec2transitgateway/getVpcAttachment:getVpcAttachment", ("filters", "id", "tags"), vpc_attachment
    ),
)
