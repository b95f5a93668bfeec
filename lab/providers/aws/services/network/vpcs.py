"""Resource types of VPCs, their secondary ranges, subnets and internet gateways."""

from typing import Any

from lab.providers.aws.cloud import Cloud, find, remove, remove_when_free
from lab.providers.aws.services.tagging import ec2_tags, retag_ec2
from lab.providers.aws.shapes import capital, from_api, tag_map, to_api
from lab.providers.aws.table import Input, ResourceType
from lab.providers.resource import Operation
from lab.providers.values import Properties

# -- VPC -----------------------------------------------------------------------------------------------------

VPC_SWITCHES = ("enableDnsSupport", "enableDnsHostnames", "enableNetworkAddressUsageMetrics")


def create_vpc(cloud: Cloud, inputs: Properties, _: Operation) -> str:
    # Each DNS attribute takes a separate call.
    created = cloud.ec2.create_vpc(
        **to_api(inputs, "cidrBlock", "instanceTenancy"), **ec2_tags("vpc", inputs)
    )
    identifier = str(created["Vpc"]["VpcId"])
    set_vpc_switches(cloud, identifier, {"enableDnsSupport": True}, inputs)
    return identifier


def set_vpc_switches(cloud: Cloud, identifier: str, before: Properties, inputs: Properties) -> None:
    for switch in VPC_SWITCHES:
        wanted = inputs.get(switch)
        if wanted is not None and wanted != before.get(switch, False):
            cloud.ec2.modify_vpc_attribute(VpcId=identifier, **{capital(switch): {"Value": wanted}})


def update_vpc(cloud: Cloud, identifier: str, before: Properties, inputs: Properties, _: Operation) -> None:
    set_vpc_switches(cloud, identifier, before, inputs)


def read_vpc(cloud: Cloud, identifier: str, _: Properties) -> Properties | None:
    answer = find(cloud.ec2.describe_vpcs, VpcIds=[identifier])
    if not answer or not answer["Vpcs"]:
        return None
    vpc = answer["Vpcs"][0]
    return {
        **from_api(vpc, "cidrBlock", "instanceTenancy", "dhcpOptionsId", "ownerId"),
        **{switch: vpc_switch(cloud, identifier, switch) for switch in VPC_SWITCHES},
        **vpc_defaults(cloud, identifier),
        "arn": cloud.arn("ec2", f"vpc/{identifier}"),
        "tagsAll": tag_map(vpc.get("Tags")),
    }


def vpc_switch(cloud: Cloud, identifier: str, switch: str) -> Any:
    # EC2 returns only one attribute per call.
    answer = cloud.ec2.describe_vpc_attribute(VpcId=identifier, Attribute=switch)
    return answer.get(capital(switch), {}).get("Value", False)


def vpc_defaults(cloud: Cloud, identifier: str) -> Properties:
    """The main route table, default security group and default network ACL of a VPC."""
    in_vpc = {"Name": "vpc-id", "Values": [identifier]}
    tables = cloud.ec2.describe_route_tables(
        Filters=[in_vpc, {"Name": "association.main", "Values": ["true"]}]
    )["RouteTables"]
    groups = cloud.ec2.describe_security_groups(
        Filters=[in_vpc, {"Name": "group-name", "Values": ["default"]}]
    )["SecurityGroups"]
    acls = cloud.ec2.describe_network_acls(Filters=[in_vpc, {"Name": "default", "Values": ["true"]}])[
        "NetworkAcls"
    ]
    main = tables[0]["RouteTableId"] if tables else None
    return {
        "mainRouteTableId": main,
        "defaultRouteTableId": main,
        "defaultSecurityGroupId": groups[0]["GroupId"] if groups else None,
        "defaultNetworkAclId": acls[0]["NetworkAclId"] if acls else None,
    }


def delete_vpc(cloud: Cloud, identifier: str, _: Properties, operation: Operation) -> None:
    remove_when_free(operation, cloud.ec2.delete_vpc, VpcId=identifier)


VPC = ResourceType(
    "aws:ec2/vpc:Vpc",
    inputs={
        "cidrBlock": Input(required=True, replaces=True),
        "instanceTenancy": Input(default="default", replaces=True),
        "enableDnsSupport": Input(default=True),
        "enableDnsHostnames": Input(cloud_decides=True),
        "enableNetworkAddressUsageMetrics": Input(cloud_decides=True),
    },
    outputs=(
        "arn",
        "ownerId",
        "dhcpOptionsId",
        "mainRouteTableId",
        "defaultRouteTableId",
        "defaultSecurityGroupId",
        "defaultNetworkAclId",
    ),
    create=create_vpc,
    read=read_vpc,
    update=update_vpc,
    delete=delete_vpc,
    retag=retag_ec2,
)

# -- secondary range -----------------------------------------------------------------------------------------


def associate_range(cloud: Cloud, inputs: Properties, _: Operation) -> str:
    answer = cloud.ec2.associate_vpc_cidr_block(**to_api(inputs, "vpcId", "cidrBlock"))
    return str(answer["CidrBlockAssociation"]["AssociationId"])


def read_range(cloud: Cloud, identifier: str, _: Properties) -> Properties | None:
    for vpc in cloud.pages("ec2", "describe_vpcs", "Vpcs"):
        for association in vpc.get("CidrBlockAssociationSet", []):
            ended = association["CidrBlockState"]["State"] in {"disassociated", "disassociating"}
            if association["AssociationId"] == identifier and not ended:
                return {"vpcId": vpc["VpcId"], "cidrBlock": association["CidrBlock"]}
    return None


def disassociate_range(cloud: Cloud, identifier: str, _: Properties, operation: Operation) -> None:
    remove_when_free(operation, cloud.ec2.disassociate_vpc_cidr_block, AssociationId=identifier)


RANGE = ResourceType(
    "aws:ec2/vpcIpv4CidrBlockAssociation:VpcIpv4CidrBlockAssociation",
    inputs={
        "vpcId": Input(required=True, replaces=True),
        "cidrBlock": Input(required=True, replaces=True),
    },
    outputs=(),
    create=associate_range,
    read=read_range,
    delete=disassociate_range,
)

# -- subnet --------------------------------------------------------------------------------------------------


def create_subnet(cloud: Cloud, inputs: Properties, _: Operation) -> str:
    # `mapPublicIpOnLaunch` takes a second call.
    created = cloud.ec2.create_subnet(
        **to_api(inputs, "vpcId", "cidrBlock", "availabilityZone", "availabilityZoneId"),
        **ec2_tags("subnet", inputs),
    )
    identifier = str(created["Subnet"]["SubnetId"])
    update_subnet(cloud, identifier, {"mapPublicIpOnLaunch": False}, inputs, _)
    return identifier


def update_subnet(
    cloud: Cloud, identifier: str, before: Properties, inputs: Properties, _: Operation
) -> None:
    wanted = inputs["mapPublicIpOnLaunch"]
    if wanted != before.get("mapPublicIpOnLaunch"):
        cloud.ec2.modify_subnet_attribute(SubnetId=identifier, MapPublicIpOnLaunch={"Value": wanted})


def read_subnet(cloud: Cloud, identifier: str, _: Properties) -> Properties | None:
    answer = find(cloud.ec2.describe_subnets, SubnetIds=[identifier])
    if not answer or not answer["Subnets"]:
        return None
    subnet = answer["Subnets"][0]
    return {
        **from_api(
            subnet,
            "vpcId",
            "cidrBlock",
            "availabilityZone",
            "availabilityZoneId",
            "mapPublicIpOnLaunch",
            "ownerId",
        ),
        "arn": subnet.get("SubnetArn"),
        "tagsAll": tag_map(subnet.get("Tags")),
    }


def delete_subnet(cloud: Cloud, identifier: str, _: Properties, operation: Operation) -> None:
    remove_when_free(operation, cloud.ec2.delete_subnet, SubnetId=identifier)


SUBNET = ResourceType(
    "aws:ec2/subnet:Subnet",
    inputs={
        "vpcId": Input(required=True, replaces=True),
        "cidrBlock": Input(required=True, replaces=True),
        "availabilityZone": Input(cloud_decides=True, replaces=True),
        "availabilityZoneId": Input(cloud_decides=True, replaces=True),
        "mapPublicIpOnLaunch": Input(default=False),
    },
    outputs=("arn", "ownerId"),
    create=create_subnet,
    read=read_subnet,
    update=update_subnet,
    delete=delete_subnet,
    retag=retag_ec2,
)

# -- internet gateway ----------------------------------------------------------------------------------------


def create_internet_gateway(cloud: Cloud, inputs: Properties, _: Operation) -> str:
    created = cloud.ec2.create_internet_gateway(**ec2_tags("internet-gateway", inputs))
    identifier = str(created["InternetGateway"]["InternetGatewayId"])
    if inputs.get("vpcId"):
        cloud.ec2.attach_internet_gateway(InternetGatewayId=identifier, VpcId=inputs["vpcId"])
    return identifier


def update_internet_gateway(
    cloud: Cloud, identifier: str, before: Properties, inputs: Properties, operation: Operation
) -> None:
    old, new = before.get("vpcId"), inputs.get("vpcId")
    if old == new:
        return
    if old:
        detach(cloud, identifier, old, operation)
    if new:
        cloud.ec2.attach_internet_gateway(InternetGatewayId=identifier, VpcId=new)


def read_internet_gateway(cloud: Cloud, identifier: str, _: Properties) -> Properties | None:
    answer = find(cloud.ec2.describe_internet_gateways, InternetGatewayIds=[identifier])
    if not answer or not answer["InternetGateways"]:
        return None
    gateway = answer["InternetGateways"][0]
    attachments = gateway.get("Attachments", [])
    return {
        "vpcId": attachments[0]["VpcId"] if attachments else None,
        "ownerId": gateway.get("OwnerId"),
        "arn": cloud.arn("ec2", f"internet-gateway/{identifier}"),
        "tagsAll": tag_map(gateway.get("Tags")),
    }


def detach(cloud: Cloud, identifier: str, vpc: str, operation: Operation) -> None:
    # EC2 refuses this while the VPC has a public address in use.
    remove_when_free(operation, cloud.ec2.detach_internet_gateway, InternetGatewayId=identifier, VpcId=vpc)


def delete_internet_gateway(cloud: Cloud, identifier: str, _: Properties, operation: Operation) -> None:
    # It is detached from its current VPC, which may not be that of the state.
    live = read_internet_gateway(cloud, identifier, {})
    if live is None:
        return
    if live["vpcId"]:
        detach(cloud, identifier, live["vpcId"], operation)
    remove(cloud.ec2.delete_internet_gateway, InternetGatewayId=identifier)


INTERNET_GATEWAY = ResourceType(
    "aws:ec2/internetGateway:InternetGateway",
    inputs={"vpcId": Input(cloud_decides=True)},
    outputs=("arn", "ownerId"),
    create=create_internet_gateway,
    read=read_internet_gateway,
    update=update_internet_gateway,
    delete=delete_internet_gateway,
    retag=retag_ec2,
)

TYPES = (VPC, RANGE, SUBNET, INTERNET_GATEWAY)
