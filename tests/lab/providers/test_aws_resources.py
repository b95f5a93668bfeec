"""The life of every family of AWS resources, over gRPC, in the lab's cloud."""

import json

import grpc
import pytest
from pulumi.runtime.proto import provider_pb2

from lab.providers.values import UNKNOWN
from tests.lab.providers.lives import GROUP, ROLE, SUBNET, VPC, Site, lives, trust
from tests.lab.providers.provider_process import refusal

NONE, SOME = provider_pb2.DiffResponse.DIFF_NONE, provider_pb2.DiffResponse.DIFF_SOME


@pytest.fixture(scope="module")
def site(aws):
    vpc = aws.create(VPC, "site", {"cidrBlock": "10.0.0.0/16", "enableDnsHostnames": True}).id
    subnets = [
        aws.create(
            SUBNET,
            f"site-{zone}",
            {"vpcId": vpc, "cidrBlock": f"10.0.{n}.0/24", "availabilityZone": f"eu-central-1{zone}"},
        ).id
        for n, zone in enumerate("ab")
    ]
    return Site(
        vpc=vpc,
        subnets=subnets,
        table=aws.create("aws:ec2/routeTable:RouteTable", "site", {"vpcId": vpc}).id,
        gateway=aws.create("aws:ec2/internetGateway:InternetGateway", "site", {"vpcId": vpc}).id,
        group=aws.create(GROUP, "site", {"vpcId": vpc}).id,
        role=aws.create(ROLE, "site", {"assumeRolePolicy": trust()}).id,
        key=aws.create("aws:kms/key:Key", "site", {}).id,
        **neighbours(aws, vpc),
    )


def neighbours(aws, vpc):
    """Another VPC, attached to a transit gateway, and a zone that the first VPC sees."""
    names = {"enableDnsHostnames": True}
    peer = aws.create(VPC, "peer", {"cidrBlock": "10.1.0.0/16", **names}).id
    subnet = aws.create(SUBNET, "peer", {"vpcId": peer, "cidrBlock": "10.1.0.0/24"}).id
    hub = aws.create("aws:ec2transitgateway/transitGateway:TransitGateway", "hub", {})
    attachment = aws.create(
        "aws:ec2transitgateway/vpcAttachment:VpcAttachment",
        "peer",
        {"transitGatewayId": hub.id, "vpcId": peer, "subnetIds": [subnet]},
    )
    zone = aws.create("aws:route53/zone:Zone", "mesh", {"name": "mesh.cilium.io", "vpcs": [{"vpcId": vpc}]})
    return {
        "peer": peer,
        "hub": hub.id,
        "hub_table": hub.properties["associationDefaultRouteTableId"],
        "attachment": attachment.id,
        "zone": zone.id,
    }


NAMES = [
    "vpc",
    "range",
    "subnet",
    "internet gateway",
    "address",
    "route table",
    "route",
    "route table association",
    "endpoint",
    "security group",
    "rule of the older kind",
    "rule to itself",
    "ingress rule",
    "egress rule",
    "launch template",
    "role",
    "policy of a role",
    "attachment",
    "policy",
    "instance profile",
    "issuer",
    "key",
    "alias",
    "log group",
    "peering",
    "transit gateway",
    "attachment to a transit gateway",
    "table of a transit gateway",
    "route of a transit gateway",
    "zone",
    "zone association",
    "authorization of a zone association",
    "record",
    "alias record",
    "parameter",
]


def test_every_family_has_its_life_told(site):
    assert set(lives(site)) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_resource_lives_from_create_to_delete(aws, site, name):
    life = lives(site)[name]
    made = aws.create(life.token, name.replace(" ", "-"), life.inputs)
    try:
        assert_until_ready(aws, made, life.inputs)
        if life.replacing:
            assert aws.diff(made, {**life.inputs, **life.replacing}).replaces == list(life.replacing)
        if life.changed:
            changed = {**life.inputs, **life.changed}
            difference = aws.diff(made, changed)
            assert set(difference.diffs) == set(life.changed)
            assert not difference.replaces
            made = aws.update(made, changed)
            assert_until_ready(aws, made, changed)
    finally:
        aws.delete(made)
    assert aws.read(made) is None
    aws.delete(made)


def assert_until_ready(aws, made, inputs):
    """Nothing to do, and a refresh finds what the program asked for and no more."""
    assert aws.diff(made, inputs).changes == NONE
    seen = aws.read(made)
    assert seen.inputs == made.inputs
    assert {key: value for key, value in seen.properties.items() if value != made.properties.get(key)} == {}


def test_names_are_made_up_once_and_then_kept(aws):
    inputs = {"assumeRolePolicy": trust()}
    first, again = aws.checked(ROLE, "x", inputs), aws.checked(ROLE, "x", inputs)
    assert first["name"] == again["name"]
    assert first["name"].startswith("x-")
    kept = aws.checked(ROLE, "x", {**inputs, "description": "new"}, {**first, "name": "x-1234567"})
    assert kept["name"] == "x-1234567"
    prefixed = aws.checked(ROLE, "x", {**inputs, "namePrefix": "pre-"})
    assert prefixed["name"].startswith("pre-")


def test_a_name_that_was_written_cannot_be_had_twice(aws):
    named = {"name": "web", "assumeRolePolicy": trust()}
    made = aws.create(ROLE, "web", named)
    assert aws.diff(made, {**named, "path": "/a/"}).deleteBeforeReplace
    aws.delete(made)
    automatic = aws.create(ROLE, "web", {"assumeRolePolicy": trust()})
    assert not aws.diff(automatic, {"assumeRolePolicy": trust(), "path": "/a/"}).deleteBeforeReplace
    aws.delete(automatic)


def test_a_preview_knows_what_is_written_and_nothing_else(aws):
    foreseen = aws.preview(VPC, "x", {"cidrBlock": "10.0.0.0/16", "tags": {"Name": "x"}})
    assert foreseen["cidrBlock"] == "10.0.0.0/16"
    assert foreseen["tagsAll"] == {"Name": "x"}
    assert foreseen["region"] == "eu-central-1"
    for computed in ("arn", "mainRouteTableId", "defaultSecurityGroupId", "ownerId"):
        assert foreseen[computed] is UNKNOWN


def test_a_preview_of_a_cluster_leaves_open_what_eks_decides(aws):
    foreseen = aws.preview(
        "aws:eks/cluster:Cluster",
        "x",
        {"name": "demo", "roleArn": UNKNOWN, "vpcConfig": {"subnetIds": UNKNOWN}, "version": "1.33"},
    )
    assert foreseen["name"] == "demo"
    assert foreseen["vpcConfig"]["clusterSecurityGroupId"] is UNKNOWN
    assert foreseen["endpoint"] is UNKNOWN
    assert foreseen["certificateAuthority"] is UNKNOWN


def test_an_unknown_input_counts_as_changed(aws, site):
    made = aws.create(SUBNET, "x", {"vpcId": site.vpc, "cidrBlock": "10.0.7.0/24"})
    difference = aws.diff(made, {"vpcId": UNKNOWN, "cidrBlock": "10.0.7.0/24"})
    assert list(difference.replaces) == ["vpcId"]
    aws.delete(made)


def test_a_new_template_version_is_not_known_before_it_is_made(aws):
    made = aws.create(
        "aws:ec2/launchTemplate:LaunchTemplate", "x", {"instanceType": "m5.large", "tags": {"Name": "x"}}
    )
    assert made.properties["tagSpecifications"] == []
    assert made.properties["latestVersion"] == 1
    foreseen = aws.update(made, {"instanceType": "m5.xlarge"}, preview=True)
    assert foreseen.properties["latestVersion"] is UNKNOWN
    updated = aws.update(made, {"instanceType": "m5.xlarge"})
    assert (updated.properties["latestVersion"], updated.properties["defaultVersion"]) == (2, 1)
    aws.delete(made)


def test_default_tags_are_merged_and_a_change_of_them_shows(aws_process):
    def provider(tags):
        options = {"region": "eu-central-1", "defaultTags": json.dumps({"tags": tags})}
        return aws_process.connect().configure(options)

    inputs = {"cidrBlock": "10.7.0.0/16", "tags": {"Name": "x"}}
    owned = provider({"owner": "ann"})
    made = owned.create(VPC, "x", inputs)
    assert made.properties["tagsAll"] == {"Name": "x", "owner": "ann"}
    assert owned.read(made).inputs["tags"] == {"Name": "x"}
    assert owned.diff(made, inputs).changes == NONE
    other = provider({"owner": "bob"})
    assert list(other.diff(made, inputs).diffs) == ["tagsAll"]
    updated = other.update(made, inputs)
    assert other.read(updated).properties["tagsAll"] == {"Name": "x", "owner": "bob"}
    other.delete(updated)


def test_a_resource_may_live_in_another_region(aws):
    made = aws.create(VPC, "x", {"cidrBlock": "10.7.0.0/16", "region": "eu-west-1"})
    assert ":eu-west-1:" in made.properties["arn"]
    assert aws.read(made).properties["region"] == "eu-west-1"
    aws.delete(made)


def test_what_changed_behind_pulumi_s_back_is_seen_by_a_refresh(aws, cloud):
    inputs = {"cidrBlock": "10.7.0.0/16", "tags": {"Name": "x"}}
    made = aws.create(VPC, "x", inputs)
    ec2 = cloud.client("ec2")
    ec2.create_tags(Resources=[made.id], Tags=[{"Key": "Name", "Value": "y"}])
    ec2.modify_vpc_attribute(VpcId=made.id, EnableDnsSupport={"Value": False})
    seen = aws.read(made)
    assert seen.inputs["tags"] == {"Name": "y"}
    assert seen.inputs["enableDnsSupport"] is False
    assert set(aws.diff(seen, inputs).diffs) == {"tags", "enableDnsSupport"}
    aws.delete(made)


def test_an_import_reads_the_inputs_that_would_make_it(aws):
    made = aws.create(VPC, "x", {"cidrBlock": "10.7.0.0/16", "tags": {"Name": "x"}})
    imported = aws.imported(VPC, made.id)
    assert imported.inputs["cidrBlock"] == "10.7.0.0/16"
    assert imported.inputs["tags"] == {"Name": "x"}
    assert aws.diff(imported, {"cidrBlock": "10.7.0.0/16", "tags": {"Name": "x"}}).changes == NONE
    assert aws.imported(VPC, "vpc-00000000000000000") is None
    aws.delete(made)


def test_the_default_group_of_a_vpc_is_emptied_and_never_deleted(aws, cloud):
    vpc = aws.create(VPC, "x", {"cidrBlock": "10.7.0.0/16"})
    made = aws.create("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup", "x", {"vpcId": vpc.id})
    assert made.id == vpc.properties["defaultSecurityGroupId"]
    live = cloud.client("ec2").describe_security_groups(GroupIds=[made.id])["SecurityGroups"][0]
    assert (live["IpPermissions"], live["IpPermissionsEgress"]) == ([], [])
    aws.delete(made)
    assert aws.read(made) is not None
    aws.delete(vpc)


def test_a_nat_gateway_is_waited_for_both_ways(aws, site):
    address = aws.create("aws:ec2/eip:Eip", "nat", {})
    gateway = aws.create(
        "aws:ec2/natGateway:NatGateway", "x", {"subnetId": site.subnets[0], "allocationId": address.id}
    )
    assert gateway.properties["publicIp"] == address.properties["publicIp"]
    aws.delete(gateway)
    assert aws.read(gateway) is None
    aws.delete(address)


def test_an_auto_scaling_group_is_full_when_made_and_empty_when_gone(aws, site):
    images = aws.invoke("aws:ec2/getAmi:getAmi", {"owners": ["amazon"], "mostRecent": True})
    template = aws.create(
        "aws:ec2/launchTemplate:LaunchTemplate",
        "x",
        {"instanceType": "m5.large", "imageId": images["imageId"]},
    )
    inputs = {
        "minSize": 1,
        "maxSize": 3,
        "desiredCapacity": 1,
        "vpcZoneIdentifiers": site.subnets,
        "launchTemplate": {"id": template.id, "version": "$Latest"},
        "tags": [{"key": "a", "value": "b", "propagateAtLaunch": True}],
    }
    made = aws.create("aws:autoscaling/group:Group", "x", inputs)
    assert aws.diff(made, inputs).changes == NONE
    made = aws.update(made, {**inputs, "desiredCapacity": 2, "suspendedProcesses": ["AZRebalance"]})
    assert aws.read(made).properties["desiredCapacity"] == 2
    aws.delete(made)
    assert aws.read(made) is None
    aws.delete(template)


@pytest.mark.parametrize(
    ("token", "inputs", "failures"),
    [
        (VPC, {}, {"cidrBlock": "aws:ec2/vpc:Vpc needs the property 'cidrBlock'"}),
        (
            VPC,
            {"cidrBlock": "10.0.0.0/16", "cidrBloc": "x", "ipv4IpamPoolId": "x"},
            {
                "cidrBloc": "aws:ec2/vpc:Vpc has no property 'cidrBloc'",
                "ipv4IpamPoolId": (
                    "the lab does not offer the property 'ipv4IpamPoolId' of aws:ec2/vpc:Vpc "
                    "(AWS's provider does)"
                ),
            },
        ),
        (
            "aws:ec2/launchTemplate:LaunchTemplate",
            {"blockDeviceMappings": [{"deviceName": "/dev/xvda", "ebs": {"size": 1}}]},
            {
                "blockDeviceMappings[0].ebs.size": (
                    "'blockDeviceMappings[0].ebs.size' of aws:ec2/launchTemplate:LaunchTemplate "
                    "is not known to the lab"
                )
            },
        ),
    ],
)
def test_what_the_lab_does_not_know_is_refused_by_name(aws, token, inputs, failures):
    assert aws.check(token, "x", inputs)[1] == failures


@pytest.mark.parametrize(
    ("token", "line"),
    [
        ("aws:ec2/vpcc:Vpcc", "there is no resource type aws:ec2/vpcc:Vpcc"),
        ("aws:s3/bucket:Bucket", "the lab does not offer the resource type aws:s3/bucket:Bucket"),
    ],
)
def test_an_unknown_type_is_refused_by_name(aws, token, line):
    with pytest.raises(grpc.RpcError) as caught:
        aws.check(token, "x", {})
    assert line in refusal(caught.value)


def test_what_aws_says_no_to_is_one_line_with_its_code(aws):
    with pytest.raises(grpc.RpcError) as caught:
        aws.create(VPC, "x", {"cidrBlock": "10.0.0.0/8"})
    line = refusal(caught.value)
    assert line.startswith("creating aws:ec2/vpc:Vpc 'x': InvalidVpc")
    assert "\n" not in line


def test_unknown_options_of_the_provider_are_refused(aws_process):
    refused = aws_process.connect().check_config({"region": "eu-central-1", "assumeRoles": "[]"})
    assert refused == ["the lab's aws provider does not offer the option 'assumeRoles'"]
