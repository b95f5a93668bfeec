"""Secondary networks of a VPC, and what AWS refuses of them."""

import pytest
from botocore.exceptions import ClientError


@pytest.fixture
def vpc(client):
    return client.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]


@pytest.mark.parametrize("block", ["100.64.0.0/16", "10.2.0.0/20"])
def test_a_network_that_aws_adds(client, vpc, block):
    client.associate_vpc_cidr_block(VpcId=vpc, CidrBlock=block)
    (found,) = client.describe_vpcs(VpcIds=[vpc])["Vpcs"]
    assert block in {association["CidrBlock"] for association in found["CidrBlockAssociationSet"]}


@pytest.mark.parametrize(
    ("block", "words"),
    [
        ("172.20.0.0/16", "is restricted"),
        ("192.168.0.0/16", "is restricted"),
        ("198.19.0.0/16", "is restricted"),
        ("10.0.0.0/17", "conflicts"),
        ("100.64.0.0/15", "between /16 and /28"),
    ],
)
def test_a_network_that_aws_does_not_add(client, vpc, block, words):
    with pytest.raises(ClientError, match=words):
        client.associate_vpc_cidr_block(VpcId=vpc, CidrBlock=block)


def test_the_lowest_networks_exclude_each_other(client):
    vpc = client.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    with pytest.raises(ClientError, match="is restricted"):
        client.associate_vpc_cidr_block(VpcId=vpc, CidrBlock="10.0.0.0/16")


def test_a_network_with_subnets_stays(client, vpc):
    added = client.associate_vpc_cidr_block(VpcId=vpc, CidrBlock="100.64.0.0/16")
    subnet = client.create_subnet(VpcId=vpc, CidrBlock="100.64.0.0/18")["Subnet"]["SubnetId"]
    identifier = added["CidrBlockAssociation"]["AssociationId"]
    with pytest.raises(ClientError, match="in use by subnets"):
        client.disassociate_vpc_cidr_block(AssociationId=identifier)
    client.delete_subnet(SubnetId=subnet)
    client.disassociate_vpc_cidr_block(AssociationId=identifier)
