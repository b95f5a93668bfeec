"""The functions of the aws provider, against the lab's cloud."""

import json

import grpc
import pytest

from lab.providers.aws.functions import policy_document
from tests.lab.providers.provider_process import refusal

VPC = "aws:ec2/vpc:Vpc"
SUBNET = "aws:ec2/subnet:Subnet"


@pytest.fixture(scope="module")
def network(aws):
    tags = {"Name": "lookup"}
    vpc = aws.create(VPC, "lookup", {"cidrBlock": "10.3.0.0/16", "tags": tags})
    subnet = aws.create(SUBNET, "lookup", {"vpcId": vpc.id, "cidrBlock": "10.3.1.0/24", "tags": tags})
    gateway = aws.create("aws:ec2/internetGateway:InternetGateway", "lookup", {"vpcId": vpc.id})
    table = aws.create(
        "aws:ec2/routeTable:RouteTable",
        "lookup",
        {"vpcId": vpc.id, "routes": [{"cidrBlock": "0.0.0.0/0", "gatewayId": gateway.id}]},
    )
    association = aws.create(
        "aws:ec2/routeTableAssociation:RouteTableAssociation",
        "lookup",
        {"routeTableId": table.id, "subnetId": subnet.id},
    )
    yield {"vpc": vpc.id, "subnet": subnet.id, "gateway": gateway.id, "table": table.id}
    for created in (association, table, gateway, subnet, vpc):
        aws.delete(created)


def test_the_region_has_its_old_and_its_new_name(aws):
    answer = aws.invoke("aws:index/getRegion:getRegion", {})
    assert (answer["name"], answer["region"]) == ("eu-central-1", "eu-central-1")


def test_the_partition_and_the_account_are_known(aws, cloud):
    assert aws.invoke("aws:index/getPartition:getPartition", {})["dnsSuffix"] == "amazonaws.com"
    answer = aws.invoke("aws:index/getCallerIdentity:getCallerIdentity", {})
    assert answer["accountId"] == cloud.facts["account"]


def test_zones_can_be_excluded(aws):
    token = "aws:index/getAvailabilityZones:getAvailabilityZones"
    every = aws.invoke(token, {"state": "available"})
    some = aws.invoke(token, {"state": "available", "excludeNames": ["eu-central-1a"]})
    assert every["names"] == ["eu-central-1a", "eu-central-1b", "eu-central-1c"]
    assert some["names"] == every["names"][1:]
    assert len(every["zoneIds"]) == 3


def test_a_vpc_is_found_by_id_and_by_tag(aws, network):
    for arguments in ({"id": network["vpc"]}, {"tags": {"Name": "lookup"}}):
        answer = aws.invoke("aws:ec2/getVpc:getVpc", arguments)
        assert (answer["id"], answer["cidrBlock"]) == (network["vpc"], "10.3.0.0/16")


def test_subnets_are_found_by_filter(aws, network):
    filters = [{"name": "vpc-id", "values": [network["vpc"]]}]
    assert aws.invoke("aws:ec2/getSubnets:getSubnets", {"filters": filters})["ids"] == [network["subnet"]]
    answer = aws.invoke("aws:ec2/getSubnet:getSubnet", {"id": network["subnet"]})
    assert answer["vpcId"] == network["vpc"]


def test_the_table_of_a_subnet_has_its_default_route(aws, network):
    answer = aws.invoke("aws:ec2/getRouteTable:getRouteTable", {"subnetId": network["subnet"]})
    assert answer["routeTableId"] == network["table"]
    assert [(route["cidrBlock"], route["gatewayId"]) for route in answer["routes"]] == [
        ("0.0.0.0/0", network["gateway"])
    ]
    answer = aws.invoke("aws:ec2/getRouteTables:getRouteTables", {"vpcId": network["vpc"]})
    assert network["table"] in answer["ids"]


def test_a_peering_is_found_from_either_side_until_it_is_deleted(aws, network):
    token, several = (
        f"aws:ec2/getVpcPeeringConnection{end}:getVpcPeeringConnection{end}" for end in ("", "s")
    )
    other = aws.create(VPC, "other", {"cidrBlock": "10.4.0.0/16"})
    created = aws.create(
        "aws:ec2/vpcPeeringConnection:VpcPeeringConnection",
        "x",
        {"vpcId": network["vpc"], "peerVpcId": other.id, "autoAccept": True},
    )
    answer = aws.invoke(token, {"vpcId": network["vpc"], "peerVpcId": other.id})
    assert (answer["id"], answer["status"]) == (created.id, "active")
    assert answer["peerCidrBlockSets"] == [{"cidrBlock": "10.4.0.0/16"}]
    filters = [{"name": "accepter-vpc-info.vpc-id", "values": [other.id]}]
    assert aws.invoke(several, {"filters": filters})["ids"] == [created.id]
    aws.delete(created)
    assert aws.invoke(several, {"filters": filters})["ids"] == []
    aws.delete(other)


def test_a_peering_is_accepted_and_configured_by_separate_resources(aws, network):
    here = aws.create(VPC, "here", {"cidrBlock": "10.5.0.0/16", "enableDnsHostnames": True})
    far = aws.create(
        VPC, "far", {"cidrBlock": "10.6.0.0/16", "enableDnsHostnames": True, "region": "eu-west-1"}
    )
    sides = {"vpcId": here.id, "peerVpcId": far.id, "peerRegion": "eu-west-1"}
    created = aws.create("aws:ec2/vpcPeeringConnection:VpcPeeringConnection", "x", sides)
    assert created.properties["acceptStatus"] == "pending-acceptance"
    theirs = {"vpcPeeringConnectionId": created.id, "region": "eu-west-1"}
    accepter = aws.create(
        "aws:ec2/vpcPeeringConnectionAccepter:VpcPeeringConnectionAccepter",
        "x",
        {**theirs, "autoAccept": True},
    )
    assert (accepter.properties["acceptStatus"], accepter.properties["vpcId"]) == ("active", far.id)
    options = aws.create(
        "aws:ec2/peeringConnectionOptions:PeeringConnectionOptions",
        "x",
        {**theirs, "accepter": {"allowRemoteVpcDnsResolution": True}},
    )
    assert aws.read(options).properties["accepter"] == {"allowRemoteVpcDnsResolution": True}
    for resource in (options, accepter, created, far, here):
        aws.delete(resource)
    assert aws.read(created) is None


def test_a_private_zone_and_a_transit_gateway_are_found(aws, network):
    zone = aws.create(
        "aws:route53/zone:Zone", "x", {"name": "lookup.example", "vpcs": [{"vpcId": network["vpc"]}]}
    )
    answer = aws.invoke("aws:route53/getZone:getZone", {"name": "lookup.example", "privateZone": True})
    assert answer["zoneId"] == zone.id
    gateway = aws.create(
        "aws:ec2transitgateway/transitGateway:TransitGateway", "x", {"tags": {"Name": "hub"}}
    )
    token = "aws:ec2transitgateway/getTransitGateway:getTransitGateway"
    answer = aws.invoke(token, {"filters": [{"name": "tag:Name", "values": ["hub"]}]})
    assert (answer["id"], answer["amazonSideAsn"]) == (gateway.id, 64512)
    for resource in (gateway, zone):
        aws.delete(resource)


def test_the_default_group_of_a_vpc_is_found(aws, network):
    token = "aws:ec2/getSecurityGroup:getSecurityGroup"
    answer = aws.invoke(token, {"vpcId": network["vpc"], "name": "default"})
    filters = [{"name": "vpc-id", "values": [network["vpc"]]}]
    several = aws.invoke("aws:ec2/getSecurityGroups:getSecurityGroups", {"filters": filters})
    assert several["ids"] == [answer["id"]]


def test_an_image_of_eks_is_found_by_its_parameter(aws):
    path = "/aws/service/eks/optimized-ami/1.33/amazon-linux-2023/x86_64/standard/recommended/image_id"
    answer = aws.invoke("aws:ssm/getParameter:getParameter", {"name": path})
    assert answer["insecureValue"].startswith("ami-")


def test_a_log_group_gets_no_key_whose_policy_does_not_allow_it(aws):
    key = aws.create("aws:kms/key:Key", "key", {"description": "logs"})
    inputs = {"name": "/aws/eks/one/cluster", "kmsKeyId": key.properties["arn"]}
    with pytest.raises(grpc.RpcError) as refused:
        aws.create("aws:cloudwatch/logGroup:LogGroup", "one", inputs)
    assert "is not allowed to be used with log group" in refusal(refused.value)
    aws.delete(key)


def test_log_groups_are_found_by_prefix_with_their_tags(aws):
    inputs = {"name": "/aws/eks/one/cluster", "tags": {"team": "net"}}
    created = aws.create("aws:cloudwatch/logGroup:LogGroup", "one", inputs)
    found = aws.invoke("aws:cloudwatch/getLogGroups:getLogGroups", {"logGroupNamePrefix": "/aws/eks/one"})
    group = aws.invoke("aws:cloudwatch/getLogGroup:getLogGroup", {"name": "/aws/eks/one/cluster"})
    assert found["logGroupNames"] == ["/aws/eks/one/cluster"]
    assert group["tags"] == {"team": "net"}
    aws.delete(created)


def test_clusters_are_listed(aws):
    assert aws.invoke("aws:eks/getClusters:getClusters", {})["names"] == []


def test_an_addon_version_fits_the_kubernetes_version(aws):
    answer = aws.invoke(
        "aws:eks/getAddonVersion:getAddonVersion",
        {"addonName": "coredns", "kubernetesVersion": "1.33", "mostRecent": True},
    )
    assert answer["version"].startswith("v1.")


@pytest.mark.parametrize(
    ("token", "arguments", "line"),
    [
        ("aws:ec2/getVpc:getVpc", {"id": "vpc-00000000000000000"}, "InvalidVpcID.NotFound"),
        ("aws:ec2/getSubnet:getSubnet", {"filters": []}, "match, expected exactly one"),
        ("aws:ec2/getVpc:getVpc", {"idd": "x"}, "does not offer the argument 'idd' of aws:ec2/getVpc:getVpc"),
        ("aws:s3/getBucket:getBucket", {}, "does not offer the function aws:s3/getBucket:getBucket"),
        ("aws:ec2/getVcp:getVcp", {}, "there is no function aws:ec2/getVcp:getVcp"),
        ("aws:eks/getCluster:getCluster", {"name": "none"}, "there is no EKS cluster 'none'"),
        ("aws:lb/getLoadBalancer:getLoadBalancer", {"tags": {"no": "such"}}, "no load balancer matches"),
    ],
)
def test_an_unanswerable_call_is_refused_by_name(aws, token, arguments, line):
    with pytest.raises(grpc.RpcError) as caught:
        aws.invoke(token, arguments)
    assert line in refusal(caught.value)
    assert refusal(caught.value).startswith(f"calling {token}: ")


def written(**arguments):
    return json.loads(policy_document.document(None, arguments)["json"])


@pytest.mark.unit
def test_a_policy_document_is_written_as_aws_does():
    statement = {
        "sid": "Trust",
        "actions": ["sts:AssumeRoleWithWebIdentity"],
        "principals": [{"type": "Federated", "identifiers": ["arn:aws:iam::1:oidc-provider/x"]}],
        "conditions": [{"test": "StringEquals", "variable": "x:sub", "values": ["a", "b"]}],
    }
    assert written(statements=[statement]) == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "Trust",
                "Effect": "Allow",
                "Action": "sts:AssumeRoleWithWebIdentity",
                "Principal": {"Federated": "arn:aws:iam::1:oidc-provider/x"},
                "Condition": {"StringEquals": {"x:sub": ["b", "a"]}},
            }
        ],
    }


@pytest.mark.unit
def test_everyone_is_a_star():
    everybody = {"actions": ["s3:Get*"], "principals": [{"type": "*", "identifiers": ["*"]}]}
    assert written(statements=[everybody])["Statement"][0]["Principal"] == "*"


@pytest.mark.unit
def test_an_override_statement_replaces_the_one_with_its_sid():
    source = json.dumps({"Statement": [{"Sid": "a", "Effect": "Allow"}, {"Sid": "b", "Effect": "Allow"}]})
    override = json.dumps({"Statement": [{"Sid": "a", "Effect": "Deny"}]})
    statements = written(sourcePolicyDocuments=[source], overrideJson=override)["Statement"]
    assert {entry["Sid"]: entry["Effect"] for entry in statements} == {"a": "Deny", "b": "Allow"}
