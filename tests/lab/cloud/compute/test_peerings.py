"""VPC peerings and the routes to them: what AWS refuses and moto accepts."""

from dataclasses import dataclass

import boto3
import pytest
from botocore.config import Config

from .calls import code_of, refusal_of

ELSEWHERE = "eu-west-1"


@dataclass
class Pair:
    """Two VPCs whose ranges do not overlap, and a route table of the first."""

    here: str
    there: str
    table: str


@pytest.fixture
def pair(client):
    here = client.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    there = client.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    table = client.create_route_table(VpcId=here)["RouteTable"]["RouteTableId"]
    return Pair(here, there, table)


@pytest.fixture
def elsewhere(cloud):
    """The same account in another region."""
    return boto3.client(
        "ec2",
        region_name=ELSEWHERE,
        endpoint_url=cloud.url,
        aws_access_key_id="AKIAIOSFODNN7EXAMPLE",
        aws_secret_access_key="example",
        config=Config(retries={"total_max_attempts": 1}),
    )


def request(client, here, there, **more):
    answer = client.create_vpc_peering_connection(VpcId=here, PeerVpcId=there, **more)
    return answer["VpcPeeringConnection"]["VpcPeeringConnectionId"]


def described(client, peering):
    return client.describe_vpc_peering_connections(VpcPeeringConnectionIds=[peering])[
        "VpcPeeringConnections"
    ][0]


def route_states(client, table):
    routes = client.describe_route_tables(RouteTableIds=[table])["RouteTables"][0]["Routes"]
    return {route["DestinationCidrBlock"]: route["State"] for route in routes}


def test_a_peering_is_accepted_once(client, pair):
    peering = request(client, pair.here, pair.there)
    client.accept_vpc_peering_connection(VpcPeeringConnectionId=peering)
    again = code_of(client.accept_vpc_peering_connection, VpcPeeringConnectionId=peering)
    assert again == "InvalidStateTransition"


def test_two_vpcs_have_one_peering_at_a_time(client, pair):
    first = request(client, pair.here, pair.there)
    refused = code_of(client.create_vpc_peering_connection, VpcId=pair.there, PeerVpcId=pair.here)
    assert refused == "VpcPeeringConnectionAlreadyExists"
    client.delete_vpc_peering_connection(VpcPeeringConnectionId=first)
    request(client, pair.there, pair.here)


def test_a_secondary_range_that_overlaps_fails_the_peering(client, pair):
    for vpc in (pair.here, pair.there):
        client.associate_vpc_cidr_block(VpcId=vpc, CidrBlock="100.64.0.0/16")
    peering = described(client, request(client, pair.here, pair.there))
    assert peering["Status"]["Code"] == "failed"
    assert "overlapping CIDR" in peering["Status"]["Message"]
    blocks = [each["CidrBlock"] for each in peering["AccepterVpcInfo"]["CidrBlockSet"]]
    assert blocks == ["10.1.0.0/16", "100.64.0.0/16"]
    refused = refusal_of(
        client.delete_vpc_peering_connection, VpcPeeringConnectionId=peering["VpcPeeringConnectionId"]
    )
    assert refused["Code"] == "InvalidStateTransition"
    assert "attempted to transition from failed to deleting" in refused["Message"]


def test_a_removed_range_does_not_block_a_peering(client, pair):
    for vpc in (pair.here, pair.there):
        added = client.associate_vpc_cidr_block(VpcId=vpc, CidrBlock="100.64.0.0/16")
    client.disassociate_vpc_cidr_block(AssociationId=added["CidrBlockAssociation"]["AssociationId"])

    peering = described(client, request(client, pair.here, pair.there))
    assert peering["Status"]["Code"] == "pending-acceptance"


def test_options_need_an_active_peering_and_vpcs_with_host_names(client, pair):
    peering = request(client, pair.here, pair.there)
    wanted = {
        "VpcPeeringConnectionId": peering,
        "RequesterPeeringConnectionOptions": {"AllowDnsResolutionFromRemoteVpc": True},
    }
    assert code_of(client.modify_vpc_peering_connection_options, **wanted) == "OperationNotPermitted"
    client.accept_vpc_peering_connection(VpcPeeringConnectionId=peering)
    refused = code_of(client.modify_vpc_peering_connection_options, **wanted)
    assert refused == "InvalidVpcPeeringConnectionState.DNSHostnamesDisabled"
    client.modify_vpc_attribute(VpcId=pair.here, EnableDnsHostnames={"Value": True})
    refused = refusal_of(client.modify_vpc_peering_connection_options, **wanted)
    assert refused["Code"] == "InvalidVpcPeeringConnectionState.DNSHostnamesDisabled"
    assert pair.there in refused["Message"], "the VPC on the other side needs them as well"
    client.modify_vpc_attribute(VpcId=pair.there, EnableDnsHostnames={"Value": True})
    client.modify_vpc_attribute(VpcId=pair.there, EnableDnsSupport={"Value": False})
    refused = code_of(client.modify_vpc_peering_connection_options, **wanted)
    assert refused == "InvalidVpcPeeringConnectionState.DNSHostnamesDisabled"
    client.modify_vpc_attribute(VpcId=pair.there, EnableDnsSupport={"Value": True})
    client.modify_vpc_peering_connection_options(**wanted)
    options = described(client, peering)["RequesterVpcInfo"]["PeeringOptions"]
    assert options["AllowDnsResolutionFromRemoteVpc"] is True


def test_across_regions_each_side_accepts_and_changes_its_own(client, elsewhere, pair):
    far = elsewhere.create_vpc(CidrBlock="10.2.0.0/16")["Vpc"]["VpcId"]
    elsewhere.modify_vpc_attribute(VpcId=far, EnableDnsHostnames={"Value": True})
    client.modify_vpc_attribute(VpcId=pair.here, EnableDnsHostnames={"Value": True})
    peering = request(client, pair.here, far, PeerRegion=ELSEWHERE)
    accept = {"VpcPeeringConnectionId": peering}
    assert code_of(client.accept_vpc_peering_connection, **accept) == "OperationNotPermitted"
    elsewhere.accept_vpc_peering_connection(**accept)
    theirs = {**accept, "AccepterPeeringConnectionOptions": {"AllowDnsResolutionFromRemoteVpc": True}}
    assert code_of(client.modify_vpc_peering_connection_options, **theirs) == "OperationNotPermitted"
    elsewhere.modify_vpc_peering_connection_options(**theirs)
    assert described(client, peering)["Status"]["Code"] == "active"
    client.create_route(RouteTableId=pair.table, DestinationCidrBlock="10.2.0.0/16", **accept)
    assert route_states(client, pair.table)["10.2.0.0/16"] == "active"


def test_a_route_to_a_peering_that_has_ended_is_refused_and_an_older_one_is_a_black_hole(client, pair):
    peering = request(client, pair.here, pair.there)
    client.accept_vpc_peering_connection(VpcPeeringConnectionId=peering)
    route = {"RouteTableId": pair.table, "VpcPeeringConnectionId": peering}
    client.create_route(DestinationCidrBlock="10.1.0.0/17", **route)
    client.delete_vpc_peering_connection(VpcPeeringConnectionId=peering)
    assert route_states(client, pair.table)["10.1.0.0/17"] == "blackhole"
    refused = code_of(client.create_route, DestinationCidrBlock="10.1.128.0/17", **route)
    assert refused == "InvalidStateTransition"


def test_a_route_is_created_once_and_not_for_its_own_vpc(client, pair):
    peering = request(client, pair.here, pair.there)
    client.accept_vpc_peering_connection(VpcPeeringConnectionId=peering)
    route = {"RouteTableId": pair.table, "VpcPeeringConnectionId": peering}
    client.create_route(DestinationCidrBlock="10.1.0.0/16", **route)
    assert code_of(client.create_route, DestinationCidrBlock="10.1.0.0/16", **route) == "RouteAlreadyExists"
    inside = refusal_of(client.create_route, DestinationCidrBlock="10.0.1.0/24", **route)
    assert inside["Code"] == "InvalidParameterValue"
    assert "equal to or more specific" in inside["Message"]


def test_a_route_leads_to_a_peering_or_gateway_of_its_own_network(client, pair):
    third = client.create_vpc(CidrBlock="10.3.0.0/16")["Vpc"]["VpcId"]
    peering = request(client, pair.there, third)
    gateway = client.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    client.attach_internet_gateway(InternetGatewayId=gateway, VpcId=third)
    for target in ({"VpcPeeringConnectionId": peering}, {"GatewayId": gateway}):
        refused = refusal_of(
            client.create_route, RouteTableId=pair.table, DestinationCidrBlock="10.3.0.0/16", **target
        )
        assert refused["Code"] == "InvalidParameterValue"
        assert "belong to different networks" in refused["Message"]
    nothing = code_of(client.create_route, RouteTableId=pair.table, DestinationCidrBlock="10.3.0.0/16")
    assert nothing == "InvalidParameterCombination"


def test_a_peered_vpc_is_in_use_until_the_peering_is_deleted(client, pair):
    peering = request(client, pair.here, pair.there)
    client.accept_vpc_peering_connection(VpcPeeringConnectionId=peering)
    assert code_of(client.delete_vpc, VpcId=pair.there) == "DependencyViolation"
    client.delete_vpc_peering_connection(VpcPeeringConnectionId=peering)
    client.delete_vpc(VpcId=pair.there)
