"""Interfaces for pods, as Cilium's operator and the VPC CNI create them."""

import pytest

from lab.cloud.pod_interfaces import InterfaceRefusedError, Interfaces

from .calls import run

OWNERS = {
    "cilium": ("Cilium-CNI ({})", {"io.cilium/cilium-managed", "io.cilium/cluster-name"}),
    "aws-node": (
        "aws-K8S-{}",
        {
            "cluster.k8s.amazonaws.com/name",
            "node.k8s.amazonaws.com/instance_id",
            "node.k8s.amazonaws.com/createdAt",
            "eks:eni:owner",
        },
    ),
}


@pytest.fixture
def interfaces(client):
    return Interfaces(lambda instance, owner: client)


@pytest.fixture
def instance(cloud, client, place):
    identifier = run(client, place)
    cloud.pass_time(10)
    return identifier


def ask(interfaces, instance, owner="cilium"):
    return interfaces.attach({"cluster": "one", "instance": instance, "owner": owner})


def test_an_interface_is_attached_full_of_addresses_and_goes_with_its_instance(
    cloud, client, place, interfaces, instance
):
    created = ask(interfaces, instance)
    assert (created["number"], created["subnetId"], created["subnetCidr"]) == (
        1,
        place.subnets[0],
        "10.0.0.0/24",
    )
    assert created["securityGroups"] == [place.group]
    assert len(created["addresses"]) == 9
    assert created["primaryIp"] not in created["addresses"]
    shown = client.describe_network_interfaces(NetworkInterfaceIds=[created["interfaceId"]])[
        "NetworkInterfaces"
    ][0]
    assert shown["MacAddress"] == created["mac"]
    assert shown["Attachment"]["InstanceId"] == instance
    assert shown["Attachment"]["DeleteOnTermination"]
    client.terminate_instances(InstanceIds=[instance])
    cloud.pass_time(20)
    assert client.describe_network_interfaces()["NetworkInterfaces"] == []


@pytest.mark.parametrize(("owner", "marks"), OWNERS.items())
def test_the_owner_of_an_interface_is_visible(client, interfaces, instance, owner, marks):
    text, keys = marks
    created = ask(interfaces, instance, owner)
    shown = client.describe_network_interfaces(NetworkInterfaceIds=[created["interfaceId"]])[
        "NetworkInterfaces"
    ][0]
    assert shown["Description"] == text.format(instance)
    assert {tag["Key"] for tag in shown["TagSet"]} == keys


def test_beyond_the_limit_of_the_instance_type_it_is_refused_and_nothing_is_left(
    client, interfaces, instance
):
    assert [ask(interfaces, instance)["number"] for _ in range(3)] == [1, 2, 0]
    with pytest.raises(InterfaceRefusedError, match=r"exceeds the limit for m5\.large"):
        ask(interfaces, instance)
    left = client.describe_network_interfaces(Filters=[{"Name": "status", "Values": ["available"]}])
    assert left["NetworkInterfaces"] == []


def test_at_the_interface_limit_the_primary_interface_is_filled(client, interfaces, instance):
    own = client.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]
    filled = [ask(interfaces, instance) for _ in range(3)][-1]

    assert filled["primaryIp"] == own["PrivateIpAddress"]
    assert len(filled["addresses"]) == 9
    assert own["PrivateIpAddress"] not in filled["addresses"]


def test_invalid_requests_are_refused(cloud, client, interfaces, instance):
    with pytest.raises(InterfaceRefusedError, match="lacks 'owner'"):
        interfaces.attach({"cluster": "one", "instance": instance})
    with pytest.raises(InterfaceRefusedError, match="unknown owner of interfaces 'calico'"):
        ask(interfaces, instance, "calico")
    with pytest.raises(InterfaceRefusedError, match=r"InvalidInstanceID\.NotFound"):
        ask(interfaces, "i-0123456789abcdef0")
    client.terminate_instances(InstanceIds=[instance])
    with pytest.raises(InterfaceRefusedError, match="is shutting-down, not running"):
        ask(interfaces, instance)


def test_an_interface_for_pods_is_made_in_the_allowed_subnet_of_its_zone(client, place, interfaces, instance):
    client.associate_vpc_cidr_block(VpcId=place.vpc, CidrBlock="100.64.0.0/16")
    pods = [
        client.create_subnet(VpcId=place.vpc, CidrBlock=block, AvailabilityZone=f"us-east-1{zone}")["Subnet"]
        for zone, block in (("a", "100.64.0.0/24"), ("a", "100.64.2.0/23"), ("b", "100.64.64.0/18"))
    ]
    allowed = [subnet["SubnetId"] for subnet in pods]
    created = interfaces.attach(
        {"cluster": "one", "instance": instance, "owner": "cilium", "subnetIds": allowed, "firstIndex": 1}
    )
    assert (created["subnetId"], created["subnetCidr"]) == (allowed[1], "100.64.2.0/23")
    elsewhere = interfaces.attach(
        {"cluster": "one", "instance": instance, "owner": "cilium", "subnetIds": allowed[2:]}
    )
    assert elsewhere["subnetId"] == place.subnets[0]


def test_the_first_interface_is_not_filled_where_it_serves_no_pods(interfaces, instance):
    wanted = {"cluster": "one", "instance": instance, "owner": "cilium", "firstIndex": 1}
    assert [interfaces.attach(wanted)["number"] for _ in range(2)] == [1, 2]
    with pytest.raises(InterfaceRefusedError, match="AttachmentLimitExceeded"):
        interfaces.attach(wanted)
