"""Functions that read the network: VPCs, subnets, route tables, security groups."""

from collections.abc import Mapping
from typing import Any

from lab.providers.aws.cloud import Cloud
from lab.providers.aws.functions.function import Function, ec2_filters, only_one
from lab.providers.aws.services.network.routing import TARGETS, api_name
from lab.providers.aws.services.network.vpcs import vpc_defaults, vpc_switch
from lab.providers.aws.shapes import from_api, tag_map
from lab.providers.values import Properties


def _by_id(arguments: Properties, key: str, *, name: str = "id") -> dict[str, Any]:
    return {key: [arguments[name]]} if arguments.get(name) else {}


def vpc(cloud: Cloud, arguments: Properties) -> Properties:
    named = {
        "cidrBlock": "cidr",
        "default": "is-default",
        "dhcpOptionsId": "dhcp-options-id",
        "state": "state",
    }
    listed = cloud.ec2.describe_vpcs(**_by_id(arguments, "VpcIds"), Filters=ec2_filters(arguments, **named))
    found = only_one(listed["Vpcs"], "VPC")
    identifier = found["VpcId"]
    ranges = [
        {
            "associationId": association["AssociationId"],
            "cidrBlock": association["CidrBlock"],
            "state": association["CidrBlockState"]["State"],
        }
        for association in found.get("CidrBlockAssociationSet", [])
    ]
    return {
        **from_api(found, "cidrBlock", "dhcpOptionsId", "instanceTenancy", "ownerId", "state"),
        "id": identifier,
        "arn": cloud.arn("ec2", f"vpc/{identifier}"),
        "default": bool(found.get("IsDefault")),
        "cidrBlockAssociations": ranges,
        "ipv6CidrBlockAssociations": [],
        "mainRouteTableId": vpc_defaults(cloud, identifier)["mainRouteTableId"],
        "enableDnsHostnames": vpc_switch(cloud, identifier, "enableDnsHostnames"),
        "enableDnsSupport": vpc_switch(cloud, identifier, "enableDnsSupport"),
        "tags": tag_map(found.get("Tags")),
    }


def vpcs(cloud: Cloud, arguments: Properties) -> Properties:
    listed = cloud.pages("ec2", "describe_vpcs", "Vpcs", Filters=ec2_filters(arguments))
    return {"id": cloud.region, "ids": [vpc["VpcId"] for vpc in listed]}


def subnets(cloud: Cloud, arguments: Properties) -> Properties:
    listed = cloud.pages("ec2", "describe_subnets", "Subnets", Filters=ec2_filters(arguments))
    return {"id": cloud.region, "ids": [subnet["SubnetId"] for subnet in listed]}


def subnet(cloud: Cloud, arguments: Properties) -> Properties:
    named = {
        "availabilityZone": "availability-zone",
        "availabilityZoneId": "availability-zone-id",
        "cidrBlock": "cidr-block",
        "defaultForAz": "default-for-az",
        "state": "state",
        "vpcId": "vpc-id",
    }
    listed = cloud.ec2.describe_subnets(
        **_by_id(arguments, "SubnetIds"), Filters=ec2_filters(arguments, **named)
    )
    found = only_one(listed["Subnets"], "subnet")
    same = ("availabilityZone", "availabilityZoneId", "cidrBlock", "defaultForAz", "mapPublicIpOnLaunch")
    return {
        **from_api(found, *same, "ownerId", "state", "vpcId", id="SubnetId", arn="SubnetArn"),
        "availableIpAddressCount": found.get("AvailableIpAddressCount"),
        "tags": tag_map(found.get("Tags")),
    }


def route_tables(cloud: Cloud, arguments: Properties) -> Properties:
    filters = ec2_filters(arguments, vpcId="vpc-id")
    listed = cloud.pages("ec2", "describe_route_tables", "RouteTables", Filters=filters)
    return {"id": cloud.region, "ids": [table["RouteTableId"] for table in listed]}


def route_table(cloud: Cloud, arguments: Properties) -> Properties:
    # Also found by the subnet that is explicitly associated with it.
    filters = ec2_filters(
        arguments, subnetId="association.subnet-id", gatewayId="association.gateway-id", vpcId="vpc-id"
    )
    listed = cloud.ec2.describe_route_tables(
        **_by_id(arguments, "RouteTableIds", name="routeTableId"), Filters=filters
    )
    found = only_one(listed["RouteTables"], "route table")
    identifier = found["RouteTableId"]
    return {
        **from_api(found, "routeTableId", "ownerId", "vpcId", id="RouteTableId"),
        "arn": cloud.arn("ec2", f"route-table/{identifier}"),
        "routes": [_route(route) for route in found["Routes"] if route.get("GatewayId") != "local"],
        "associations": [_association(association) for association in found.get("Associations", [])],
        "tags": tag_map(found.get("Tags")),
    }


def _route(live: Mapping[str, Any]) -> Properties:
    # The result class of the SDK requires every key.
    targets = {name: live.get(api_name(name)) or "" for name in TARGETS}
    never = ("carrierGatewayId", "coreNetworkArn", "instanceId", "localGatewayId", "vpcEndpointId")
    return {
        **dict.fromkeys(never, ""),
        **targets,
        "cidrBlock": live.get("DestinationCidrBlock") or "",
        "ipv6CidrBlock": live.get("DestinationIpv6CidrBlock") or "",
        "destinationPrefixListId": live.get("DestinationPrefixListId") or "",
    }


def _association(live: Mapping[str, Any]) -> Properties:
    return {
        "main": bool(live.get("Main")),
        "routeTableId": live.get("RouteTableId") or "",
        "routeTableAssociationId": live.get("RouteTableAssociationId") or "",
        "subnetId": live.get("SubnetId") or "",
        "gatewayId": live.get("GatewayId") or "",
    }


def security_group(cloud: Cloud, arguments: Properties) -> Properties:
    filters = ec2_filters(arguments, name="group-name", vpcId="vpc-id")
    listed = cloud.ec2.describe_security_groups(**_by_id(arguments, "GroupIds"), Filters=filters)
    found = only_one(listed["SecurityGroups"], "security group")
    return {
        **from_api(found, "description", "vpcId", id="GroupId", name="GroupName"),
        "arn": cloud.arn("ec2", f"security-group/{found['GroupId']}"),
        "tags": tag_map(found.get("Tags")),
    }


def security_groups(cloud: Cloud, arguments: Properties) -> Properties:
    listed = cloud.pages("ec2", "describe_security_groups", "SecurityGroups", Filters=ec2_filters(arguments))
    return {
        "id": cloud.region,
        "ids": [group["GroupId"] for group in listed],
        "arns": [cloud.arn("ec2", f"security-group/{group['GroupId']}") for group in listed],
        "vpcIds": [group.get("VpcId", "") for group in listed],
    }


FUNCTIONS = (
    Function(
        "aws:ec2/getVpc:getVpc",
        ("cidrBlock", "default", "dhcpOptionsId", "filters", "id", "state", "tags"),
        vpc,
    ),
    Function("aws:ec2/getVpcs:getVpcs", ("filters", "tags"), vpcs),
    Function("aws:ec2/getSubnets:getSubnets", ("filters", "tags"), subnets),
    Function(
        "aws:ec2/getSubnet:getSubnet",
        (
            "availabilityZone",
            "availabilityZoneId",
            "cidrBlock",
            "defaultForAz",
            "filters",
            "id",
            "state",
            "tags",
            "vpcId",
        ),
        subnet,
    ),
    Function("aws:ec2/getRouteTables:getRouteTables", ("filters", "tags", "vpcId"), route_tables),
    Function(
        "aws:ec2/getRouteTable:getRouteTable",
        ("filters", "gatewayId", "routeTableId", "subnetId", "tags", "vpcId"),
        route_table,
    ),
    Function(
        "aws:ec2/getSecurityGroup:getSecurityGroup",
        ("filters", "id", "name", "tags", "vpcId"),
        security_group,
    ),
    Function("aws:ec2/getSecurityGroups:getSecurityGroups", ("filters", "tags"), security_groups),
)
