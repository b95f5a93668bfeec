"""What EC2 refuses to delete while something uses it."""

import pytest

from .calls import code_of, run


def state(client, instance):
    return client.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]["State"][
        "Name"
    ]


def test_an_instance_is_pending_and_shutting_down_for_a_while(cloud, client, place):
    instance = run(client, place)
    assert state(client, instance) == "pending"
    cloud.pass_time(10)
    assert state(client, instance) == "running"
    answer = client.terminate_instances(InstanceIds=[instance])["TerminatingInstances"][0]
    assert (answer["PreviousState"]["Name"], answer["CurrentState"]["Name"]) == ("running", "shutting-down")
    assert state(client, instance) == "shutting-down"
    cloud.pass_time(20)
    assert state(client, instance) == "terminated"


def test_an_instance_terminated_while_pending_never_runs(cloud, client, place):
    instance = run(client, place)
    client.terminate_instances(InstanceIds=[instance])
    cloud.pass_time(11)
    assert state(client, instance) == "shutting-down"


def test_a_terminated_instance_has_no_addresses_and_no_interfaces(cloud, client, place):
    instance = run(client, place)
    cloud.pass_time(10)
    client.terminate_instances(InstanceIds=[instance])
    cloud.pass_time(20)
    described = client.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]
    assert not described.get("PrivateDnsName")
    assert "PrivateIpAddress" not in described
    assert described["NetworkInterfaces"] == []
    assert "SubnetId" not in described
    assert client.describe_network_interfaces()["NetworkInterfaces"] == []


def test_a_security_group_and_subnet_are_in_use_until_the_instance_has_ended(cloud, client, place):
    instance = run(client, place)
    cloud.pass_time(10)
    assert code_of(client.delete_security_group, GroupId=place.group) == "DependencyViolation"
    assert code_of(client.delete_subnet, SubnetId=place.subnets[0]) == "DependencyViolation"
    client.terminate_instances(InstanceIds=[instance])
    assert code_of(client.delete_security_group, GroupId=place.group) == "DependencyViolation"
    cloud.pass_time(20)
    client.delete_security_group(GroupId=place.group)
    client.delete_subnet(SubnetId=place.subnets[0])


def test_a_security_group_named_in_another_groups_rule_stays(client, place):
    other = client.create_security_group(GroupName="control", Description="control", VpcId=place.vpc)[
        "GroupId"
    ]
    rule = [{"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": place.group}]}]
    client.authorize_security_group_ingress(GroupId=other, IpPermissions=rule)
    assert code_of(client.delete_security_group, GroupId=place.group) == "DependencyViolation"
    client.revoke_security_group_ingress(GroupId=other, IpPermissions=rule)
    client.delete_security_group(GroupId=place.group)


def test_a_security_group_that_names_itself_can_be_deleted(client, place):
    rule = [{"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": place.group}]}]
    client.authorize_security_group_ingress(GroupId=place.group, IpPermissions=rule)
    client.delete_security_group(GroupId=place.group)


def test_the_default_group_is_deleted_with_its_vpc_only(client, place):
    groups = client.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [place.vpc]}])[
        "SecurityGroups"
    ]
    default = next(group["GroupId"] for group in groups if group["GroupName"] == "default")
    assert code_of(client.delete_security_group, GroupId=default) == "CannotDelete"


def test_a_vpc_is_deleted_when_nothing_is_left_in_it(client, place):
    gateway = client.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    client.attach_internet_gateway(InternetGatewayId=gateway, VpcId=place.vpc)
    assert code_of(client.delete_vpc, VpcId=place.vpc) == "DependencyViolation"
    for subnet in place.subnets:
        client.delete_subnet(SubnetId=subnet)
    assert code_of(client.delete_vpc, VpcId=place.vpc) == "DependencyViolation"
    client.delete_security_group(GroupId=place.group)
    assert code_of(client.delete_internet_gateway, InternetGatewayId=gateway) == "DependencyViolation"
    assert code_of(client.delete_vpc, VpcId=place.vpc) == "DependencyViolation"
    client.detach_internet_gateway(InternetGatewayId=gateway, VpcId=place.vpc)
    client.delete_internet_gateway(InternetGatewayId=gateway)
    client.delete_vpc(VpcId=place.vpc)


def test_a_nat_gateway_keeps_its_address_subnet_and_gateway_in_use_until_it_is_deleted(cloud, client, place):
    gateway = client.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    client.attach_internet_gateway(InternetGatewayId=gateway, VpcId=place.vpc)
    allocation = client.allocate_address(Domain="vpc")["AllocationId"]
    nat = client.create_nat_gateway(SubnetId=place.subnets[0], AllocationId=allocation)["NatGateway"]
    assert nat["State"] == "pending"
    cloud.pass_time(5)
    found = client.describe_nat_gateways(NatGatewayIds=[nat["NatGatewayId"]])["NatGateways"][0]
    assert found["State"] == "available"
    assert found["NatGatewayAddresses"][0]["PrivateIp"].startswith("10.0.0.")
    assert code_of(client.release_address, AllocationId=allocation) == "InvalidIPAddress.InUse"
    detach = {"InternetGatewayId": gateway, "VpcId": place.vpc}
    assert code_of(client.detach_internet_gateway, **detach) == "DependencyViolation"

    client.delete_nat_gateway(NatGatewayId=nat["NatGatewayId"])
    assert code_of(client.delete_subnet, SubnetId=place.subnets[0]) == "DependencyViolation"
    cloud.pass_time(5)
    client.release_address(AllocationId=allocation)
    client.detach_internet_gateway(**detach)
    client.delete_subnet(SubnetId=place.subnets[0])


def test_a_route_to_a_deleted_nat_gateway_is_a_black_hole(cloud, client, place):
    nat = client.create_nat_gateway(SubnetId=place.subnets[0], ConnectivityType="private")["NatGateway"][
        "NatGatewayId"
    ]
    table = client.create_route_table(VpcId=place.vpc)["RouteTable"]["RouteTableId"]
    client.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", NatGatewayId=nat)
    client.delete_nat_gateway(NatGatewayId=nat)
    routes = client.describe_route_tables(RouteTableIds=[table])["RouteTables"][0]["Routes"]
    assert {r["DestinationCidrBlock"]: r["State"] for r in routes}["0.0.0.0/0"] == "blackhole"


def test_peering_of_overlapping_ranges_fails_and_a_route_needs_an_accepted_one(client, place):
    same = client.create_vpc(CidrBlock="10.0.128.0/20")["Vpc"]["VpcId"]
    other = client.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]

    def peer(vpc):
        answer = client.create_vpc_peering_connection(VpcId=place.vpc, PeerVpcId=vpc)
        return answer["VpcPeeringConnection"]["VpcPeeringConnectionId"]

    def status(peering):
        found = client.describe_vpc_peering_connections(VpcPeeringConnectionIds=[peering])
        return found["VpcPeeringConnections"][0]["Status"]["Code"]

    bad, good = peer(same), peer(other)
    assert (status(bad), status(good)) == ("failed", "pending-acceptance")
    assert code_of(client.accept_vpc_peering_connection, VpcPeeringConnectionId=bad)
    table = client.create_route_table(VpcId=place.vpc)["RouteTable"]["RouteTableId"]
    client.create_route(RouteTableId=table, DestinationCidrBlock="10.9.0.0/16", VpcPeeringConnectionId=good)

    def route_state():
        routes = client.describe_route_tables(RouteTableIds=[table])["RouteTables"][0]["Routes"]
        return {route["DestinationCidrBlock"]: route["State"] for route in routes}["10.9.0.0/16"]

    assert route_state() == "blackhole"
    client.accept_vpc_peering_connection(VpcPeeringConnectionId=good)
    assert route_state() == "active"
    filters = [{"Name": "status-code", "Values": ["active"]}]
    assert len(client.describe_vpc_peering_connections(Filters=filters)["VpcPeeringConnections"]) == 1


@pytest.mark.parametrize(
    "call",
    [
        "describe_instances",
        "describe_network_interfaces",
        "describe_subnets",
        "describe_vpcs",
        "describe_security_groups",
        "describe_internet_gateways",
        "describe_route_tables",
        "describe_nat_gateways",
        "describe_vpc_peering_connections",
    ],
)
def test_a_filter_that_does_not_exist_is_refused(client, place, call):
    client.create_internet_gateway()
    run(client, place)
    client.create_vpc_peering_connection(VpcId=place.vpc, PeerVpcId=place.vpc)
    assert (
        code_of(getattr(client, call), Filters=[{"Name": "no-such", "Values": ["x"]}])
        == "InvalidParameterValue"
    )


def test_a_launch_that_fails_leaves_nothing(client, place):
    small = client.create_subnet(VpcId=place.vpc, CidrBlock="10.0.9.0/28", AvailabilityZone="us-east-1a")[
        "Subnet"
    ]
    wanted = {"ImageId": "ami-1", "MinCount": 20, "MaxCount": 20, "SubnetId": small["SubnetId"]}
    refused = code_of(client.run_instances, InstanceType="m5.large", **wanted)
    assert refused == "InsufficientFreeAddressesInSubnet"
    assert code_of(client.run_instances, InstanceType="m5.giant", **wanted) == "InvalidParameterValue"
    assert client.describe_instances()["Reservations"] == []
    assert client.describe_network_interfaces()["NetworkInterfaces"] == []
