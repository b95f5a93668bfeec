"""Transit gateways, their attachments, and their route tables."""

from dataclasses import dataclass

import boto3
import pytest
from botocore.config import Config

from .calls import code_of, refusal_of


@dataclass
class Hub:
    """A transit gateway and two VPCs, each with subnets in two zones."""

    gateway: str
    table: str
    vpcs: list[str]
    subnets: list[list[str]]


@pytest.fixture
def hub(cloud, client):
    gateway = client.create_transit_gateway()["TransitGateway"]
    assert gateway["State"] == "pending"
    vpcs, subnets = [], []
    for number in (0, 1):
        vpc = client.create_vpc(CidrBlock=f"10.{number}.0.0/16")["Vpc"]["VpcId"]
        created = [
            client.create_subnet(
                VpcId=vpc, CidrBlock=f"10.{number}.{n}.0/24", AvailabilityZone=f"us-east-1{zone}"
            )["Subnet"]["SubnetId"]
            for n, zone in enumerate("ab")
        ]
        vpcs.append(vpc)
        subnets.append(created)
    cloud.pass_time(5)
    table = gateway["Options"]["AssociationDefaultRouteTableId"]
    return Hub(gateway["TransitGatewayId"], table, vpcs, subnets)


def attach(client, hub, number, **more):
    answer = client.create_transit_gateway_vpc_attachment(
        TransitGatewayId=hub.gateway, VpcId=hub.vpcs[number], SubnetIds=hub.subnets[number], **more
    )
    return answer["TransitGatewayVpcAttachment"]["TransitGatewayAttachmentId"]


def state(client, attachment):
    found = client.describe_transit_gateway_vpc_attachments(TransitGatewayAttachmentIds=[attachment])
    return found["TransitGatewayVpcAttachments"][0]["State"]


def routes(client, table, **more):
    filters = more or {"type": ["static", "propagated"]}
    listed = [{"Name": name.replace("_", "-"), "Values": values} for name, values in filters.items()]
    found = client.search_transit_gateway_routes(TransitGatewayRouteTableId=table, Filters=listed)["Routes"]
    return {each["DestinationCidrBlock"]: (each["Type"], each["State"]) for each in found}


def test_attachments_open_after_a_while_and_fill_the_default_table(cloud, client, hub):
    first, second = attach(client, hub, 0), attach(client, hub, 1)
    assert state(client, first) == "pending"
    assert routes(client, hub.table) == {}
    cloud.pass_time(5)
    assert (state(client, first), state(client, second)) == ("available", "available")
    active = ("propagated", "active")
    assert routes(client, hub.table) == {"10.0.0.0/16": active, "10.1.0.0/16": active}
    found = client.get_transit_gateway_route_table_associations(TransitGatewayRouteTableId=hub.table)
    listed = {each["TransitGatewayAttachmentId"] for each in found["Associations"]}
    assert listed == {first, second}


def test_a_gateway_is_attached_to_by_a_vpc_once_and_by_one_subnet_in_a_zone(cloud, client, hub):
    attach(client, hub, 0)
    again = {"TransitGatewayId": hub.gateway, "VpcId": hub.vpcs[0], "SubnetIds": hub.subnets[0]}
    call = client.create_transit_gateway_vpc_attachment
    assert code_of(call, **again) == "DuplicateTransitGatewayAttachment"
    twin = client.create_subnet(VpcId=hub.vpcs[1], CidrBlock="10.1.9.0/24", AvailabilityZone="us-east-1a")[
        "Subnet"
    ]["SubnetId"]
    both = {**again, "VpcId": hub.vpcs[1], "SubnetIds": [*hub.subnets[1], twin]}
    assert code_of(call, **both) == "DuplicateSubnetsInSameZone"
    strange = {**again, "VpcId": hub.vpcs[1]}
    assert code_of(call, **strange) == "InvalidSubnetID.NotFound"
    assert code_of(call, **{**again, "TransitGatewayId": "tgw-1"}) == "InvalidTransitGatewayID.NotFound"


def test_gateway_vpc_and_subnets_stay_while_something_is_attached(cloud, client, hub):
    attachment = attach(client, hub, 0)
    cloud.pass_time(5)
    refused = refusal_of(client.delete_transit_gateway, TransitGatewayId=hub.gateway)
    assert refused["Code"] == "IncorrectState"
    assert refused["Message"] == f"{hub.gateway} has non-deleted VPC Attachments: {attachment}."
    assert code_of(client.delete_subnet, SubnetId=hub.subnets[0][0]) == "DependencyViolation"
    client.delete_transit_gateway_vpc_attachment(TransitGatewayAttachmentId=attachment)
    assert code_of(client.delete_vpc, VpcId=hub.vpcs[0]) == "DependencyViolation"
    cloud.pass_time(5)
    assert state(client, attachment) == "deleted"
    for subnet in hub.subnets[0]:
        client.delete_subnet(SubnetId=subnet)
    client.delete_vpc(VpcId=hub.vpcs[0])
    client.delete_transit_gateway(TransitGatewayId=hub.gateway)
    cloud.pass_time(5)
    assert client.describe_transit_gateways()["TransitGateways"] == []
    assert client.describe_network_interfaces()["NetworkInterfaces"] == []


def test_a_route_to_a_gateway_needs_the_vpc_attached_to_it(cloud, client, hub):
    table = client.create_route_table(VpcId=hub.vpcs[0])["RouteTable"]["RouteTableId"]
    route = {"RouteTableId": table, "DestinationCidrBlock": "10.1.0.0/16", "TransitGatewayId": hub.gateway}
    assert code_of(client.create_route, **route) == "InvalidTransitGatewayID.NotFound"
    attachment = attach(client, hub, 0)
    cloud.pass_time(5)
    client.create_route(**route)

    def route_state():
        found = client.describe_route_tables(RouteTableIds=[table])["RouteTables"][0]["Routes"]
        return {each["DestinationCidrBlock"]: each["State"] for each in found}["10.1.0.0/16"]

    assert route_state() == "active"
    client.delete_transit_gateway_vpc_attachment(TransitGatewayAttachmentId=attachment)
    assert route_state() == "blackhole"


def test_an_attachment_is_associated_with_one_table_and_propagates_once_into_each(cloud, client, hub):
    attachment = attach(client, hub, 0, Options={"DnsSupport": "enable"})
    cloud.pass_time(5)
    own = client.create_transit_gateway_route_table(TransitGatewayId=hub.gateway)
    table = own["TransitGatewayRouteTable"]["TransitGatewayRouteTableId"]
    pair = {"TransitGatewayAttachmentId": attachment, "TransitGatewayRouteTableId": table}
    associate = client.associate_transit_gateway_route_table
    assert code_of(associate, **pair) == "Resource.AlreadyAssociated"
    default = {**pair, "TransitGatewayRouteTableId": hub.table}
    client.disassociate_transit_gateway_route_table(**default)
    associate(**pair)
    propagate = client.enable_transit_gateway_route_table_propagation
    propagate(**pair)
    assert code_of(propagate, **pair) == "TransitGatewayRouteTablePropagation.Duplicate"
    assert routes(client, table) == {"10.0.0.0/16": ("propagated", "active")}
    delete = client.delete_transit_gateway_route_table
    assert code_of(delete, TransitGatewayRouteTableId=table) == "IncorrectState"
    client.disable_transit_gateway_route_table_propagation(**pair)
    client.disassociate_transit_gateway_route_table(**pair)
    delete(TransitGatewayRouteTableId=table)
    assert code_of(associate, **pair) == "InvalidRouteTableID.NotFound"


def test_static_routes_are_created_once_and_outlive_their_attachment_as_black_holes(cloud, client, hub):
    attachment = attach(client, hub, 0)
    route = {
        "TransitGatewayRouteTableId": hub.table,
        "DestinationCidrBlock": "10.9.0.0/16",
        "TransitGatewayAttachmentId": attachment,
    }
    assert code_of(client.create_transit_gateway_route, **route) == "IncorrectState"
    cloud.pass_time(5)
    client.create_transit_gateway_route(**route)
    assert code_of(client.create_transit_gateway_route, **route) == "RouteAlreadyExists"
    assert routes(client, hub.table, type=["static"]) == {"10.9.0.0/16": ("static", "active")}
    client.delete_transit_gateway_vpc_attachment(TransitGatewayAttachmentId=attachment)
    cloud.pass_time(5)
    assert routes(client, hub.table) == {"10.9.0.0/16": ("static", "blackhole")}
    known = {name: route[name] for name in ("TransitGatewayRouteTableId", "DestinationCidrBlock")}
    client.delete_transit_gateway_route(**known)
    assert code_of(client.delete_transit_gateway_route, **known) == "InvalidRoute.NotFound"


def test_a_gateway_without_defaults_has_no_table_of_its_own(cloud, client):
    options = {"DefaultRouteTableAssociation": "disable", "DefaultRouteTablePropagation": "disable"}
    gateway = client.create_transit_gateway(Options=options)["TransitGateway"]
    assert "AssociationDefaultRouteTableId" not in gateway["Options"]
    assert client.describe_transit_gateway_route_tables()["TransitGatewayRouteTables"] == []


OTHER_ACCOUNT = "444455556666"


def of_another_account(cloud):
    """EC2 of another account: moto's server reads the account from this header."""
    other = boto3.client(
        "ec2",
        region_name="us-east-1",
        endpoint_url=cloud.url,
        aws_access_key_id="AKIAIOSFODNN7EXAMPLE",
        aws_secret_access_key="example",
        config=Config(retries={"total_max_attempts": 1}),
    )

    def name_the_account(request, **_):
        request.headers["x-moto-account-id"] = OTHER_ACCOUNT

    other.meta.events.register("before-sign.ec2", name_the_account)
    return other


def test_an_attachment_of_another_account_waits_for_the_owner_and_no_route_leads_to_it(cloud, client, hub):
    other = of_another_account(cloud)
    vpc = other.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
    subnet = other.create_subnet(VpcId=vpc, CidrBlock="10.7.0.0/24", AvailabilityZone="us-east-1a")
    wanted = {"TransitGatewayId": hub.gateway, "VpcId": vpc, "SubnetIds": [subnet["Subnet"]["SubnetId"]]}
    refused = code_of(other.create_transit_gateway_vpc_attachment, **wanted)
    assert refused == "InvalidTransitGatewayID.NotFound", "it is not shared"

    (gateway,) = client.describe_transit_gateways(TransitGatewayIds=[hub.gateway])["TransitGateways"]
    arn = gateway["TransitGatewayArn"]
    cloud.client("ram").create_resource_share(name="hub", resourceArns=[arn], principals=[OTHER_ACCOUNT])
    created = other.create_transit_gateway_vpc_attachment(**wanted)["TransitGatewayVpcAttachment"]
    cloud.pass_time(5)

    attachment = created["TransitGatewayAttachmentId"]
    assert (created["State"], state(other, attachment)) == ("pendingAcceptance", "pendingAcceptance")
    table = other.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    route = {
        "RouteTableId": table,
        "DestinationCidrBlock": "10.0.0.0/16",
        "TransitGatewayId": hub.gateway,
    }
    assert code_of(other.create_route, **route) == "InvalidTransitGatewayID.NotFound"
    accept = {"TransitGatewayAttachmentId": attachment}
    assert code_of(other.accept_transit_gateway_vpc_attachment, **accept) == "OperationNotPermitted"
    client.accept_transit_gateway_vpc_attachment(**accept)
    cloud.pass_time(5)
    assert state(other, attachment) == "available"
    other.create_route(**route)
    assert routes(client, hub.table)["10.7.0.0/16"] == ("propagated", "active")


def test_a_gateway_that_accepts_shared_attachments_keeps_none_waiting(cloud, client, hub):
    other = of_another_account(cloud)
    client.modify_transit_gateway(
        TransitGatewayId=hub.gateway, Options={"AutoAcceptSharedAttachments": "enable"}
    )
    (gateway,) = client.describe_transit_gateways(TransitGatewayIds=[hub.gateway])["TransitGateways"]
    arn = gateway["TransitGatewayArn"]
    cloud.client("ram").create_resource_share(name="hub", resourceArns=[arn], principals=[OTHER_ACCOUNT])
    (seen,) = other.describe_transit_gateways(TransitGatewayIds=[hub.gateway])["TransitGateways"]
    vpc = other.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
    subnet = other.create_subnet(VpcId=vpc, CidrBlock="10.7.0.0/24", AvailabilityZone="us-east-1a")
    created = other.create_transit_gateway_vpc_attachment(
        TransitGatewayId=hub.gateway, VpcId=vpc, SubnetIds=[subnet["Subnet"]["SubnetId"]]
    )["TransitGatewayVpcAttachment"]
    cloud.pass_time(5)

    assert seen["OwnerId"] != OTHER_ACCOUNT
    assert state(other, created["TransitGatewayAttachmentId"]) == "available"
