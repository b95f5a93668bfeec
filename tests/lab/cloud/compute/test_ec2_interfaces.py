"""Interfaces, their addresses and the limits of an instance type."""

import pytest

from lab.cloud.timing import Timing

from .calls import code_of, refusal_of, run

ONE_LEFT_BEHIND = Timing(instance_pending=0, instance_shutting_down=0, leaked_interfaces=1)


@pytest.fixture
def instance(cloud, client, place):
    identifier = run(client, place)
    cloud.pass_time(10)
    return identifier


def create(client, place, **more):
    return client.create_network_interface(SubnetId=place.subnets[0], **more)["NetworkInterface"]


def test_every_interface_of_a_subnet_has_addresses_of_its_own(client, place):
    taken = []
    for _ in range(5):
        eni = create(client, place, SecondaryPrivateIpAddressCount=9)
        taken += [item["PrivateIpAddress"] for item in eni["PrivateIpAddresses"]]
    assert len(set(taken)) == 50
    assert all(address.startswith("10.0.0.") for address in taken)
    assert not {"10.0.0.0", "10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.255"} & set(taken)


def test_a_freed_address_is_not_given_again_at_once(client, place):
    first = create(client, place)
    client.delete_network_interface(NetworkInterfaceId=first["NetworkInterfaceId"])
    assert create(client, place)["PrivateIpAddress"] != first["PrivateIpAddress"]


def test_a_full_subnet_is_refused_with_its_reason(client, place):
    small = client.create_subnet(VpcId=place.vpc, CidrBlock="10.0.9.0/28", AvailabilityZone="us-east-1a")[
        "Subnet"
    ]
    eni = {"SubnetId": small["SubnetId"], "SecondaryPrivateIpAddressCount": 10}
    client.create_network_interface(**eni)
    assert code_of(client.create_network_interface, **eni) == "InsufficientFreeAddressesInSubnet"


def test_an_address_in_use_or_of_another_subnet_is_refused(client, place):
    create(client, place, PrivateIpAddress="10.0.0.77")
    call = client.create_network_interface
    taken = code_of(call, SubnetId=place.subnets[0], PrivateIpAddress="10.0.0.77")
    foreign = code_of(call, SubnetId=place.subnets[0], PrivateIpAddress="10.0.1.77")
    assert (taken, foreign) == ("InvalidIPAddress.InUse", "InvalidParameterValue")


def test_assigning_names_the_new_addresses_only_and_stops_at_the_limit(client, place, instance):
    eni = create(client, place, SecondaryPrivateIpAddressCount=3)["NetworkInterfaceId"]
    client.attach_network_interface(NetworkInterfaceId=eni, InstanceId=instance, DeviceIndex=1)
    new = client.assign_private_ip_addresses(NetworkInterfaceId=eni, SecondaryPrivateIpAddressCount=6)
    assert len(new["AssignedPrivateIpAddresses"]) == 6
    more = {"NetworkInterfaceId": eni, "SecondaryPrivateIpAddressCount": 1}
    assert code_of(client.assign_private_ip_addresses, **more) == "PrivateIpAddressLimitExceeded"


def test_a_prefix_counts_as_one_address_and_overlaps_no_other(client, place, instance):
    eni = create(client, place)["NetworkInterfaceId"]
    client.attach_network_interface(NetworkInterfaceId=eni, InstanceId=instance, DeviceIndex=1)
    answer = client.assign_private_ip_addresses(NetworkInterfaceId=eni, Ipv4PrefixCount=2)
    prefixes = [item["Ipv4Prefix"] for item in answer["AssignedIpv4Prefixes"]]
    assert all(prefix.endswith("/28") for prefix in prefixes)
    described = client.describe_network_interfaces(NetworkInterfaceIds=[eni])["NetworkInterfaces"][0]
    assert [item["Ipv4Prefix"] for item in described["Ipv4Prefixes"]] == prefixes
    more = {"NetworkInterfaceId": eni, "Ipv4PrefixCount": 8}
    assert code_of(client.assign_private_ip_addresses, **more) == "PrivateIpAddressLimitExceeded"


def test_unassigning_what_is_not_assigned_is_refused(client, place):
    eni = create(client, place)["NetworkInterfaceId"]
    call = {"NetworkInterfaceId": eni, "PrivateIpAddresses": ["10.0.0.99"]}
    assert code_of(client.unassign_private_ip_addresses, **call) == "InvalidParameterValue"


def test_an_instance_takes_as_many_interfaces_as_its_type_allows(client, place, instance):
    for index in (1, 2):
        eni = create(client, place)["NetworkInterfaceId"]
        client.attach_network_interface(NetworkInterfaceId=eni, InstanceId=instance, DeviceIndex=index)
    attach = {"NetworkInterfaceId": create(client, place)["NetworkInterfaceId"], "InstanceId": instance}
    assert refusal_of(client.attach_network_interface, **attach, DeviceIndex=3) == {
        "Code": "AttachmentLimitExceeded",
        "Message": "Interface count 4 exceeds the limit for m5.large",
    }


def test_an_attached_interface_is_neither_attached_again_nor_deleted(client, place, instance):
    eni = create(client, place)["NetworkInterfaceId"]
    attach = {"NetworkInterfaceId": eni, "InstanceId": instance, "DeviceIndex": 1}
    attachment = client.attach_network_interface(**attach)["AttachmentId"]
    assert code_of(client.attach_network_interface, **attach) == "InvalidNetworkInterface.InUse"
    assert code_of(client.delete_network_interface, NetworkInterfaceId=eni) == "InvalidParameterValue"
    client.detach_network_interface(AttachmentId=attachment)
    client.delete_network_interface(NetworkInterfaceId=eni)


def test_a_device_index_and_the_zone_must_fit(client, place, instance):
    eni = create(client, place)["NetworkInterfaceId"]
    far = client.create_network_interface(SubnetId=place.subnets[1])["NetworkInterface"]["NetworkInterfaceId"]
    call = client.attach_network_interface
    taken = code_of(call, NetworkInterfaceId=eni, InstanceId=instance, DeviceIndex=0)
    abroad = code_of(call, NetworkInterfaceId=far, InstanceId=instance, DeviceIndex=1)
    assert (taken, abroad) == ("InvalidParameterValue", "InvalidParameterCombination")


def test_only_interfaces_marked_so_go_with_the_instance(cloud, client, place, instance):
    kept, removed = (create(client, place)["NetworkInterfaceId"] for _ in range(2))
    for index, eni in enumerate((kept, removed), start=1):
        answer = client.attach_network_interface(
            NetworkInterfaceId=eni, InstanceId=instance, DeviceIndex=index
        )
    client.modify_network_interface_attribute(
        NetworkInterfaceId=removed,
        Attachment={"AttachmentId": answer["AttachmentId"], "DeleteOnTermination": True},
    )
    client.terminate_instances(InstanceIds=[instance])
    cloud.pass_time(20)
    left = client.describe_network_interfaces()["NetworkInterfaces"]
    assert [(eni["NetworkInterfaceId"], eni["Status"]) for eni in left] == [(kept, "available")]


@pytest.mark.parametrize("cloud", [ONE_LEFT_BEHIND], indirect=True)
def test_a_cni_can_be_configured_to_leave_an_interface_behind(cloud, client, place):
    instance = run(client, place)
    client.describe_instances()
    for index in (1, 2):
        eni = create(client, place)["NetworkInterfaceId"]
        answer = client.attach_network_interface(
            NetworkInterfaceId=eni, InstanceId=instance, DeviceIndex=index
        )
        client.modify_network_interface_attribute(
            NetworkInterfaceId=eni,
            Attachment={"AttachmentId": answer["AttachmentId"], "DeleteOnTermination": True},
        )
    client.terminate_instances(InstanceIds=[instance])
    left = client.describe_network_interfaces()["NetworkInterfaces"]
    assert [eni["Status"] for eni in left] == ["available"]


def test_an_instance_is_found_by_any_of_its_addresses(client, place, instance):
    eni = create(client, place, SecondaryPrivateIpAddressCount=1)
    client.attach_network_interface(
        NetworkInterfaceId=eni["NetworkInterfaceId"], InstanceId=instance, DeviceIndex=1
    )
    address = eni["PrivateIpAddresses"][1]["PrivateIpAddress"]
    filters = [{"Name": "network-interface.addresses.private-ip-address", "Values": [address]}]
    found = client.describe_instances(Filters=filters)["Reservations"]
    assert [item["InstanceId"] for reservation in found for item in reservation["Instances"]] == [instance]


def test_a_launch_template_version_starts_from_its_source(client):
    data = {"ImageId": "ami-1", "InstanceType": "m5.large", "SecurityGroupIds": ["sg-1"]}
    client.create_launch_template(LaunchTemplateName="nodes", LaunchTemplateData=data)
    created = client.create_launch_template_version(
        LaunchTemplateName="nodes", SourceVersion="1", LaunchTemplateData={"ImageId": "ami-2"}
    )["LaunchTemplateVersion"]["LaunchTemplateData"]
    assert (created["ImageId"], created["InstanceType"], created["SecurityGroupIds"]) == (
        "ami-2",
        "m5.large",
        ["sg-1"],
    )
    bare = client.create_launch_template_version(
        LaunchTemplateName="nodes", LaunchTemplateData={"ImageId": "ami-3"}
    )["LaunchTemplateVersion"]["LaunchTemplateData"]
    assert "InstanceType" not in bare


def test_interfaces_are_described_in_pages_of_the_size_that_is_asked_for(client, place):
    made = {create(client, place)["NetworkInterfaceId"] for _ in range(12)}
    pages = list(
        client.get_paginator("describe_network_interfaces").paginate(
            Filters=[{"Name": "subnet-id", "Values": [place.subnets[0]]}], PaginationConfig={"PageSize": 5}
        )
    )

    assert [len(page["NetworkInterfaces"]) for page in pages] == [5, 5, 2]
    assert {each["NetworkInterfaceId"] for page in pages for each in page["NetworkInterfaces"]} == made
    assert code_of(client.describe_network_interfaces, MaxResults=1001) == "InvalidParameterValue"


def test_tags_are_those_of_the_resource_however_they_are_asked_for(client, place):
    tagged = [{"ResourceType": "network-interface", "Tags": [{"Key": "owner", "Value": "a"}]}]
    eni, other = create(client, place, TagSpecifications=tagged), create(client, place)
    identifier = eni["NetworkInterfaceId"]

    def tags_of(*ids):
        return client.describe_tags(Filters=[{"Name": "resource-id", "Values": list(ids)}])["Tags"]

    assert tags_of(identifier) == tags_of(identifier, other["NetworkInterfaceId"])
    assert tags_of(identifier) == tags_of(identifier, identifier) == tags_of(f"{identifier}*")
    assert [(tag["Key"], tag["ResourceType"]) for tag in tags_of(identifier)] == [
        ("owner", "network-interface")
    ]
    assert tags_of("eni-00000000") == []
    shown = client.describe_network_interfaces(Filters=[{"Name": "tag:owner", "Values": ["a"]}])
    assert [each["NetworkInterfaceId"] for each in shown["NetworkInterfaces"]] == [identifier]
