"""The lifecycle of every family of AWS resources, over gRPC, in the lab's cloud."""

import json

import grpc
import pytest
from pulumi.runtime.proto import provider_pb2

from lab.providers.values import UNKNOWN
from tests.lab.providers.lifecycles import GROUP, ROLE, SUBNET, VPC, Existing, lifecycles, trust
from tests.lab.providers.provider_process import refusal

NONE, SOME = provider_pb2.DiffResponse.DIFF_NONE, provider_pb2.DiffResponse.DIFF_SOME


@pytest.fixture(scope="module")
def existing(aws):
    vpc = aws.create(VPC, "existing", {"cidrBlock": "10.0.0.0/16", "enableDnsHostnames": True}).id
    subnets = [
        aws.create(
            SUBNET,
            f"existing-{zone}",
            {"vpcId": vpc, "cidrBlock": f"10.0.{n}.0/24", "availabilityZone": f"eu-central-1{zone}"},
        ).id
        for n, zone in enumerate("ab")
    ]
    return Existing(
        vpc=vpc,
        subnets=subnets,
        table=aws.create("aws:ec2/routeTable:RouteTable", "existing", {"vpcId": vpc}).id,
        gateway=aws.create("aws:ec2/internetGateway:InternetGateway", "existing", {"vpcId": vpc}).id,
        group=aws.create(GROUP, "existing", {"vpcId": vpc}).id,
        role=aws.create(ROLE, "existing", {"assumeRolePolicy": trust()}).id,
        key=aws.create("aws:kms/key:Key", "existing", {}).id,
        **neighbours(aws, vpc),
    )


def neighbours(aws, vpc):
    """Another VPC, attached to a transit gateway, and a zone associated with the first VPC."""
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
    "flow log",
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


def test_every_family_has_a_lifecycle(existing):
    assert set(lifecycles(existing)) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_resource_is_created_changed_and_deleted(aws, existing, name):
    lifecycle = lifecycles(existing)[name]
    created = aws.create(lifecycle.token, name.replace(" ", "-"), lifecycle.inputs)
    try:
        assert_up_to_date(aws, created, lifecycle.inputs)
        if lifecycle.replacing:
            assert aws.diff(created, {**lifecycle.inputs, **lifecycle.replacing}).replaces == list(
                lifecycle.replacing
            )
        if lifecycle.changed:
            changed = {**lifecycle.inputs, **lifecycle.changed}
            difference = aws.diff(created, changed)
            assert set(difference.diffs) == set(lifecycle.changed)
            assert not difference.replaces
            created = aws.update(created, changed)
            assert_up_to_date(aws, created, changed)
    finally:
        aws.delete(created)
    assert aws.read(created) is None
    aws.delete(created)


def assert_up_to_date(aws, created, inputs):
    """There is nothing to change, and a refresh returns the program's inputs."""
    assert aws.diff(created, inputs).changes == NONE
    seen = aws.read(created)
    assert seen.inputs == created.inputs
    assert {
        key: value for key, value in seen.properties.items() if value != created.properties.get(key)
    } == {}


def test_names_are_generated_once_and_kept(aws):
    inputs = {"assumeRolePolicy": trust()}
    first, again = aws.checked(ROLE, "x", inputs), aws.checked(ROLE, "x", inputs)
    assert first["name"] == again["name"]
    assert first["name"].startswith("x-")
    kept = aws.checked(ROLE, "x", {**inputs, "description": "new"}, {**first, "name": "x-1234567"})
    assert kept["name"] == "x-1234567"
    prefixed = aws.checked(ROLE, "x", {**inputs, "namePrefix": "pre-"})
    assert prefixed["name"].startswith("pre-")


def test_a_given_name_is_deleted_before_it_is_replaced(aws):
    named = {"name": "web", "assumeRolePolicy": trust()}
    created = aws.create(ROLE, "web", named)
    assert aws.diff(created, {**named, "path": "/a/"}).deleteBeforeReplace
    aws.delete(created)
    automatic = aws.create(ROLE, "web", {"assumeRolePolicy": trust()})
    assert not aws.diff(automatic, {"assumeRolePolicy": trust(), "path": "/a/"}).deleteBeforeReplace
    aws.delete(automatic)


def test_a_preview_knows_only_the_given_inputs(aws):
    foreseen = aws.preview(VPC, "x", {"cidrBlock": "10.0.0.0/16", "tags": {"Name": "x"}})
    assert foreseen["cidrBlock"] == "10.0.0.0/16"
    assert foreseen["tagsAll"] == {"Name": "x"}
    assert foreseen["region"] == "eu-central-1"
    for computed in ("arn", "mainRouteTableId", "defaultSecurityGroupId", "ownerId"):
        assert foreseen[computed] is UNKNOWN


def test_a_preview_of_a_cluster_has_unknowns_for_what_eks_decides(aws):
    foreseen = aws.preview(
        "aws:eks/cluster:Cluster",
        "x",
        {"name": "demo", "roleArn": UNKNOWN, "vpcConfig": {"subnetIds": UNKNOWN}, "version": "1.33"},
    )
    assert foreseen["name"] == "demo"
    assert foreseen["vpcConfig"]["clusterSecurityGroupId"] is UNKNOWN
    assert foreseen["endpoint"] is UNKNOWN
    assert foreseen["certificateAuthority"] is UNKNOWN


def test_an_unknown_input_counts_as_changed(aws, existing):
    created = aws.create(SUBNET, "x", {"vpcId": existing.vpc, "cidrBlock": "10.0.7.0/24"})
    difference = aws.diff(created, {"vpcId": UNKNOWN, "cidrBlock": "10.0.7.0/24"})
    assert list(difference.replaces) == ["vpcId"]
    aws.delete(created)


def test_a_new_template_version_is_unknown_in_a_preview(aws):
    created = aws.create(
        "aws:ec2/launchTemplate:LaunchTemplate", "x", {"instanceType": "m5.large", "tags": {"Name": "x"}}
    )
    assert created.properties["tagSpecifications"] == []
    assert created.properties["latestVersion"] == 1
    foreseen = aws.update(created, {"instanceType": "m5.xlarge"}, preview=True)
    assert foreseen.properties["latestVersion"] is UNKNOWN
    updated = aws.update(created, {"instanceType": "m5.xlarge"})
    assert (updated.properties["latestVersion"], updated.properties["defaultVersion"]) == (2, 1)
    aws.delete(created)


def test_default_tags_are_merged_and_a_change_of_them_shows(aws_process):
    def provider(tags):
        options = {"region": "eu-central-1", "defaultTags": json.dumps({"tags": tags})}
        return aws_process.connect().configure(options)

    inputs = {"cidrBlock": "10.7.0.0/16", "tags": {"Name": "x"}}
    owned = provider({"owner": "ann"})
    created = owned.create(VPC, "x", inputs)
    assert created.properties["tagsAll"] == {"Name": "x", "owner": "ann"}
    assert owned.read(created).inputs["tags"] == {"Name": "x"}
    assert owned.diff(created, inputs).changes == NONE
    other = provider({"owner": "bob"})
    assert list(other.diff(created, inputs).diffs) == ["tagsAll"]
    updated = other.update(created, inputs)
    assert other.read(updated).properties["tagsAll"] == {"Name": "x", "owner": "bob"}
    other.delete(updated)


@pytest.mark.parametrize("option", ["allowedAccountIds", "forbiddenAccountIds"])
def test_a_provider_refuses_an_account_that_it_must_not_use(aws_process, aws, option):
    own = aws.invoke("aws:index/getCallerIdentity:getCallerIdentity", {})["accountId"]

    def configured(account):
        return aws_process.connect().configure({"region": "eu-central-1", option: json.dumps([account])})

    good, wrong = ("999999999999", own) if option.startswith("forbidden") else (own, "999999999999")
    configured(good)
    with pytest.raises(grpc.RpcError) as refused:
        configured(wrong)
    assert f"AWS account ID not allowed: {own}" in refused.value.details()


def test_a_permissions_boundary_has_to_be_a_policy_that_exists(aws, cloud):
    anything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [anything]})
    boundary = cloud.client("iam").create_policy(PolicyName="boundary", PolicyDocument=document)["Policy"][
        "Arn"
    ]
    inputs = {"assumeRolePolicy": trust("ec2.amazonaws.com"), "path": "/eks/"}

    with pytest.raises(grpc.RpcError) as refused:
        aws.create(ROLE, "x", {**inputs, "permissionsBoundary": f"{boundary}-2"})
    assert "does not exist or is not attachable" in refused.value.details()
    created = aws.create(ROLE, "x", {**inputs, "permissionsBoundary": boundary})
    assert ":role/eks/" in created.properties["arn"]
    with pytest.raises(grpc.RpcError, match="does not exist"):
        aws.update(created, {**inputs, "permissionsBoundary": f"{boundary}-2"})
    aws.delete(created)


def test_a_resource_may_be_in_another_region(aws):
    created = aws.create(VPC, "x", {"cidrBlock": "10.7.0.0/16", "region": "eu-west-1"})
    assert ":eu-west-1:" in created.properties["arn"]
    assert aws.read(created).properties["region"] == "eu-west-1"
    aws.delete(created)


def test_a_refresh_finds_changes_made_outside_pulumi(aws, cloud):
    inputs = {"cidrBlock": "10.7.0.0/16", "tags": {"Name": "x"}}
    created = aws.create(VPC, "x", inputs)
    ec2 = cloud.client("ec2")
    ec2.create_tags(Resources=[created.id], Tags=[{"Key": "Name", "Value": "y"}])
    ec2.modify_vpc_attribute(VpcId=created.id, EnableDnsSupport={"Value": False})
    seen = aws.read(created)
    assert seen.inputs["tags"] == {"Name": "y"}
    assert seen.inputs["enableDnsSupport"] is False
    assert set(aws.diff(seen, inputs).diffs) == {"tags", "enableDnsSupport"}
    aws.delete(created)


def test_an_import_reads_the_inputs_that_would_create_it(aws):
    created = aws.create(VPC, "x", {"cidrBlock": "10.7.0.0/16", "tags": {"Name": "x"}})
    imported = aws.imported(VPC, created.id)
    assert imported.inputs["cidrBlock"] == "10.7.0.0/16"
    assert imported.inputs["tags"] == {"Name": "x"}
    assert aws.diff(imported, {"cidrBlock": "10.7.0.0/16", "tags": {"Name": "x"}}).changes == NONE
    assert aws.imported(VPC, "vpc-00000000000000000") is None
    aws.delete(created)


def test_the_default_group_of_a_vpc_is_emptied_and_never_deleted(aws, cloud):
    vpc = aws.create(VPC, "x", {"cidrBlock": "10.7.0.0/16"})
    created = aws.create("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup", "x", {"vpcId": vpc.id})
    assert created.id == vpc.properties["defaultSecurityGroupId"]
    live = cloud.client("ec2").describe_security_groups(GroupIds=[created.id])["SecurityGroups"][0]
    assert (live["IpPermissions"], live["IpPermissionsEgress"]) == ([], [])
    aws.delete(created)
    assert aws.read(created) is not None
    aws.delete(vpc)


def test_a_nat_gateway_is_waited_for_when_created_and_deleted(aws, existing):
    address = aws.create("aws:ec2/eip:Eip", "nat", {})
    gateway = aws.create(
        "aws:ec2/natGateway:NatGateway", "x", {"subnetId": existing.subnets[0], "allocationId": address.id}
    )
    assert gateway.properties["publicIp"] == address.properties["publicIp"]
    aws.delete(gateway)
    assert aws.read(gateway) is None
    aws.delete(address)


def test_an_auto_scaling_group_is_full_when_created_and_empty_when_deleted(aws, existing):
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
        "vpcZoneIdentifiers": existing.subnets,
        "launchTemplate": {"id": template.id, "version": "$Latest"},
        "tags": [{"key": "a", "value": "b", "propagateAtLaunch": True}],
    }
    created = aws.create("aws:autoscaling/group:Group", "x", inputs)
    assert aws.diff(created, inputs).changes == NONE
    created = aws.update(created, {**inputs, "desiredCapacity": 2, "suspendedProcesses": ["AZRebalance"]})
    assert aws.read(created).properties["desiredCapacity"] == 2
    aws.delete(created)
    assert aws.read(created) is None
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
def test_an_unknown_property_is_refused_by_name(aws, token, inputs, failures):
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


def test_a_refusal_of_aws_is_one_line_with_its_code(aws):
    with pytest.raises(grpc.RpcError) as caught:
        aws.create(VPC, "x", {"cidrBlock": "10.0.0.0/8"})
    line = refusal(caught.value)
    assert line.startswith("creating aws:ec2/vpc:Vpc 'x': InvalidVpc")
    assert "\n" not in line


def test_unknown_options_of_the_provider_are_refused(aws_process):
    refused = aws_process.connect().check_config({"region": "eu-central-1", "assumeRoles": "[]"})
    assert refused == ["the lab's aws provider does not offer the option 'assumeRoles'"]
