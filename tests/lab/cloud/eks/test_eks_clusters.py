import base64
from datetime import datetime

import pytest

from tests.lab.cloud.eks.account import CLUSTER_ROLE, NODE_ROLE, SUBNETS
from tests.lab.cloud.eks.conftest import TIMING

pytestmark = pytest.mark.simulation


def test_a_cluster_is_creating_until_its_control_plane_answers_and_the_delay_has_passed(lab):
    created = lab.create()
    assert created["status"] == "CREATING"
    assert "endpoint" not in created
    lab.pass_time(1)
    assert lab.client.describe_cluster(name="demo")["cluster"]["status"] == "CREATING"
    lab.pass_time(TIMING.control_plane_create)
    cluster = lab.client.describe_cluster(name="demo")["cluster"]
    assert cluster["status"] == "ACTIVE"
    assert cluster["endpoint"] == "https://127.0.0.1:6443"
    assert base64.b64decode(cluster["certificateAuthority"]["data"]).startswith(b"-----BEGIN CERTIFICATE")


def test_describe_has_the_members_that_programs_read(lab):
    cluster = lab.cluster(tags={"team": "a"}, upgradePolicy={"supportType": "STANDARD"})
    assert cluster["accessConfig"]["authenticationMode"] == "API"
    assert cluster["upgradePolicy"] == {"supportType": "STANDARD"}
    assert cluster["resourcesVpcConfig"]["vpcId"] == "vpc-1"
    assert cluster["kubernetesNetworkConfig"]["serviceIpv4Cidr"] == "172.20.0.0/16"
    assert cluster["identity"]["oidc"]["issuer"].startswith("https://oidc.eks.eu-central-1.amazonaws.com/id/")
    assert cluster["platformVersion"].startswith("eks.")
    assert cluster["tags"] == {"team": "a"}
    assert [group["enabled"] for group in cluster["logging"]["clusterLogging"]] == [False]


def test_two_clusters_share_neither_issuer_nor_security_group(lab):
    first, second = lab.cluster(), lab.cluster(name="other")
    assert first["identity"]["oidc"]["issuer"] != second["identity"]["oidc"]["issuer"]
    groups = [c["resourcesVpcConfig"]["clusterSecurityGroupId"] for c in (first, second)]
    assert len(set(groups)) == 2
    new = lab.aws.ec2.groups[groups[0]]
    assert new["GroupName"].startswith("eks-cluster-sg-demo-")
    tags = {tag["Key"]: tag["Value"] for tag in new["TagSpecifications"][0]["Tags"]}
    assert tags["kubernetes.io/cluster/demo"] == "owned"


def test_the_control_plane_gets_the_version_the_service_range_and_the_issuer(lab):
    cluster = lab.cluster(version="1.33", kubernetesNetworkConfig={"serviceIpv4Cidr": "10.200.0.0/20"})
    request = lab.launcher.planes[0].request
    assert (request.cluster, request.version, request.service_cidr) == ("demo", "1.33", "10.200.0.0/20")
    assert request.issuer == cluster["identity"]["oidc"]["issuer"]


def test_a_control_plane_that_does_not_start_fails_the_cluster_and_is_a_fault(lab):
    lab.launcher.failure = RuntimeError("no etcd")
    lab.create()
    lab.pass_time(60)
    cluster = lab.client.describe_cluster(name="demo")["cluster"]
    assert cluster["status"] == "FAILED"
    assert "no etcd" in cluster["health"]["issues"][0]["message"]
    assert "no etcd" in lab.faults.read_text()


def test_self_managed_addons_exist_only_when_requested(lab):
    lab.cluster()
    assert lab.kubernetes.names("DaemonSet") == set()
    lab.cluster(name="other", bootstrapSelfManagedAddons=True)
    assert lab.kubernetes.names("DaemonSet") == {"aws-node", "kube-proxy"}
    assert lab.kubernetes.names("Deployment") == {"coredns"}
    assert lab.client.list_addons(clusterName="other")["addons"] == []


@pytest.mark.parametrize(
    ("wanted", "code", "words"),
    [
        ({"name": "-x"}, "InvalidParameterException", "-x"),
        ({"version": "1.30"}, "InvalidParameterException", "1.30"),
        ({"roleArn": "arn:aws:iam::123456789012:role/none"}, "InvalidParameterException", "role/none"),
        ({"roleArn": NODE_ROLE}, "InvalidParameterException", "eks.amazonaws.com"),
        (
            {"resourcesVpcConfig": {"subnetIds": ["subnet-a"]}},
            "InvalidParameterException",
            "two different AZs",
        ),
        (
            {"resourcesVpcConfig": {"subnetIds": ["subnet-x", "subnet-a"]}},
            "InvalidParameterException",
            "subnet-x",
        ),
        ({"accessConfig": {"authenticationMode": "NONE"}}, "InvalidParameterException", "authenticationMode"),
        ({"computeConfig": {"enabled": True}}, "NotImplemented", "Auto Mode"),
        ({"kubernetesNetworkConfig": {"ipFamily": "ipv6"}}, "NotImplemented", "IPv6"),
    ],
)
def test_an_invalid_cluster_is_refused_and_leaves_nothing(lab, refused, wanted, code, words):
    with refused(code) as refusal:
        lab.create(**wanted)
    assert words in refusal.message
    assert lab.client.list_clusters()["clusters"] == []


@pytest.mark.parametrize("zone_id", ["use1-az3", "usw1-az2", "cac1-az3"])
def test_a_subnet_in_a_zone_without_control_planes_is_refused(lab, refused, zone_id):
    lab.aws.ec2.subnets["subnet-b"]["AvailabilityZoneId"] = zone_id
    with refused("UnsupportedAvailabilityZoneException") as refusal:
        lab.create()
    assert "because eu-central-1b, the targeted availability zone" in refusal.message


@pytest.mark.parametrize(
    ("today", "status"),
    [
        ("2026-07-01", "STANDARD_SUPPORT"),
        ("2026-11-26", "EXTENDED_SUPPORT"),
        ("2027-08-01", "UNSUPPORTED"),
    ],
)
def test_support_of_a_version_ends(lab, refused, today, status):
    lab.now = datetime.fromisoformat(f"{today}T00:00:00+00:00").timestamp()
    (version,) = lab.client.describe_cluster_versions(clusterVersions=["1.33"])["clusterVersions"]
    assert version["versionStatus"] == status
    if status != "UNSUPPORTED":
        assert lab.create(version="1.33")["version"] == "1.33"
        return
    with refused("InvalidParameterException") as refusal:
        lab.create(version="1.33")
    assert refusal.message == "unsupported Kubernetes version: 1.33"


def test_private_and_public_endpoint_cannot_both_be_off(lab, refused):
    config = {"subnetIds": list(SUBNETS), "endpointPublicAccess": False, "endpointPrivateAccess": False}
    with refused("InvalidParameterException"):
        lab.create(resourcesVpcConfig=config)


@pytest.mark.parametrize(
    ("private", "networks", "reached"),
    [
        (True, ["198.51.100.0/24"], True),
        (False, ["198.51.100.0/24"], False),
        (False, ["0.0.0.0/1"], False),
        (False, ["0.0.0.0/0"], True),
        (False, ["203.0.113.7/32"], True),
    ],
)
def test_nodes_reach_a_restricted_endpoint_only_through_listed_addresses(lab, private, networks, reached):
    access = {"endpointPublicAccess": True, "endpointPrivateAccess": private, "publicAccessCidrs": networks}
    lab.cluster(resourcesVpcConfig={"subnetIds": list(SUBNETS), **access})
    assert lab.running.get("demo").nodes_reach() is reached


def test_a_name_that_is_taken_is_refused(lab, refused):
    lab.create()
    with refused("ResourceInUseException") as refusal:
        lab.create()
    assert refusal.message == "Cluster already exists with name: demo"


def test_an_unknown_cluster_is_named(lab, refused):
    with refused("ResourceNotFoundException") as refusal:
        lab.client.describe_cluster(name="none")
    assert refusal.message == "No cluster found for name: none."


def test_deleting_stops_the_control_plane_and_removes_the_security_group(lab, refused):
    lab.cluster()
    assert lab.client.delete_cluster(name="demo")["cluster"]["status"] == "DELETING"
    lab.pass_time(1)
    assert not lab.launcher.planes[0].stopped
    lab.pass_time(TIMING.control_plane_delete)
    assert lab.launcher.planes[0].stopped
    assert lab.aws.ec2.groups == {}
    assert lab.running.get("demo") is None
    with refused("ResourceNotFoundException"):
        lab.client.describe_cluster(name="demo")


@pytest.mark.parametrize("logged", [True, False])
def test_the_last_lines_of_a_deleted_cluster_create_its_log_group_again(lab, logged):
    lab.cluster(logging={"clusterLogging": [{"types": ["api"], "enabled": logged}]})
    deleted = lab.store.find("demo")
    lab.client.delete_cluster(name="demo")
    lab.pass_time(TIMING.control_plane_delete)
    assert lab.store.find("demo") is None
    assert lab.aws.logs.groups == []
    lab.now += TIMING.last_logs
    assert lab.step(deleted) is False
    assert lab.aws.logs.groups == ["/aws/eks/demo/cluster"] * logged


def test_a_protected_cluster_and_one_with_node_groups_are_not_deleted(lab, refused):
    lab.cluster(deletionProtection=True)
    with refused("InvalidRequestException"):
        lab.client.delete_cluster(name="demo")
    lab.client.update_cluster_config(name="demo", deletionProtection=False)
    lab.pass_time(TIMING.cluster_update)
    lab.nodegroup()
    with refused("ResourceInUseException") as refusal:
        lab.client.delete_cluster(name="demo")
    assert refusal.message == "Cluster has nodegroups attached"


def test_an_update_is_in_progress_until_its_delay_has_passed(lab, refused):
    lab.cluster()
    update = lab.client.update_cluster_config(
        name="demo", resourcesVpcConfig={"endpointPrivateAccess": True}
    )["update"]
    assert (update["type"], update["status"]) == ("EndpointAccessUpdate", "InProgress")
    with refused("ResourceInUseException"):
        lab.client.update_cluster_config(name="demo", upgradePolicy={"supportType": "STANDARD"})
    lab.pass_time(TIMING.cluster_update)
    assert lab.client.list_updates(name="demo")["updateIds"] == [update["id"]]
    after = lab.client.describe_update(name="demo", updateId=update["id"])["update"]
    assert after["status"] == "Successful"
    cluster = lab.client.describe_cluster(name="demo")["cluster"]
    assert cluster["resourcesVpcConfig"]["endpointPrivateAccess"]
    assert cluster["status"] == "ACTIVE"


def test_logging_changes_only_what_is_named(lab, refused):
    lab.cluster()
    wanted = {"clusterLogging": [{"types": ["audit", "api"], "enabled": True}]}
    lab.client.update_cluster_config(name="demo", logging=wanted)
    lab.pass_time(TIMING.cluster_update)
    on = lab.client.describe_cluster(name="demo")["cluster"]["logging"]["clusterLogging"][0]
    assert on == {"types": ["api", "audit"], "enabled": True}
    with refused("InvalidParameterException"):
        lab.client.update_cluster_config(name="demo", logging=wanted)


def test_one_aspect_at_a_time_and_none_is_too_few(lab, refused):
    lab.cluster()
    with refused("InvalidParameterException"):
        lab.client.update_cluster_config(name="demo")
    with refused("InvalidParameterException"):
        lab.client.update_cluster_config(
            name="demo", deletionProtection=True, upgradePolicy={"supportType": "STANDARD"}
        )


def test_the_authentication_mode_only_goes_forward(lab, refused):
    lab.cluster(accessConfig={"authenticationMode": "API_AND_CONFIG_MAP"})
    with refused("InvalidParameterException") as refusal:
        lab.client.update_cluster_config(name="demo", accessConfig={"authenticationMode": "CONFIG_MAP"})
    assert "from API_AND_CONFIG_MAP to CONFIG_MAP" in refusal.message
    lab.client.update_cluster_config(name="demo", accessConfig={"authenticationMode": "API"})
    lab.pass_time(TIMING.cluster_update)
    cluster = lab.client.describe_cluster(name="demo")["cluster"]
    assert cluster["accessConfig"]["authenticationMode"] == "API"


@pytest.mark.parametrize("version", ["1.34", "1.33", "1.99"])
def test_a_version_can_only_go_one_up(lab, refused, version):
    lab.cluster(version="1.34")
    with refused("InvalidParameterException"):
        lab.client.update_cluster_version(name="demo", version=version)
    lab.client.update_cluster_version(name="demo", version="1.35")
    lab.pass_time(TIMING.cluster_update)
    assert lab.client.describe_cluster(name="demo")["cluster"]["version"] == "1.35"


def test_versions_on_offer_have_one_default(lab):
    found = lab.client.describe_cluster_versions()["clusterVersions"]
    assert [version["clusterVersion"] for version in found] == ["1.36", "1.35", "1.34", "1.33"]
    default = lab.client.describe_cluster_versions(defaultOnly=True)["clusterVersions"]
    assert [version["clusterVersion"] for version in default] == ["1.35"]


def test_tags_of_clusters_and_node_groups_can_change(lab, refused):
    arn = lab.cluster(tags={"a": "1"})["arn"]
    lab.client.tag_resource(resourceArn=arn, tags={"b": "2"})
    lab.client.untag_resource(resourceArn=arn, tagKeys=["a"])
    assert lab.client.list_tags_for_resource(resourceArn=arn)["tags"] == {"b": "2"}
    group = lab.nodegroup()["nodegroupArn"]
    lab.client.tag_resource(resourceArn=group, tags={"c": "3"})
    assert lab.describe_nodegroup()["tags"] == {"c": "3"}
    with refused("ResourceNotFoundException"):
        lab.client.list_tags_for_resource(resourceArn=arn + "x")


def test_lists_come_in_pages(lab):
    for name in ("a", "b", "c"):
        lab.create(name=name)
    pages = lab.client.get_paginator("list_clusters").paginate(PaginationConfig={"PageSize": 2})
    assert [page["clusters"] for page in pages] == [["a", "b"], ["c"]]


def test_a_call_that_is_not_emulated_is_named_in_the_error(lab, refused):
    with refused("NotImplemented") as refusal:
        lab.client.list_insights(clusterName="demo")
    assert refusal.message == "the lab does not know eks:ListInsights"


def test_the_role_of_the_cluster_is_kept(lab):
    assert lab.cluster()["roleArn"] == CLUSTER_ROLE


def secrets_by(key):
    return [{"resources": ["secrets"], "provider": {"keyArn": key}}]


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ({"region": "eu-west-1"}, "must be in the region of the cluster"),
        ({"KeyState": "PendingDeletion"}, "is not enabled"),
        ({"KeySpec": "RSA_2048"}, "must be a symmetric encryption key"),
        ({"KeyUsage": "GENERATE_VERIFY_MAC"}, "must be a symmetric encryption key"),
        (None, "does not exist"),
    ],
)
def test_a_key_that_cannot_encrypt_secrets_is_refused_before_anything_is_made(lab, refused, key, message):
    arn = "arn:aws:kms:eu-central-1:123456789012:key/x" if key is None else lab.aws.kms.add(**key)
    with refused("InvalidParameterException") as refusal:
        lab.create(encryptionConfig=secrets_by(arn))
    assert message in refusal.message
    assert lab.client.list_clusters()["clusters"] == []
    assert lab.aws.ec2.groups == {}


def test_encryption_can_be_added_once_and_never_changed(lab, refused):
    lab.cluster()
    first, second = lab.aws.kms.add(), lab.aws.kms.add()
    lab.client.associate_encryption_config(clusterName="demo", encryptionConfig=secrets_by(first))
    lab.pass_time(TIMING.cluster_update)
    cluster = lab.client.describe_cluster(name="demo")["cluster"]
    assert cluster["encryptionConfig"] == secrets_by(first)
    with refused("InvalidParameterException") as refusal:
        lab.client.associate_encryption_config(clusterName="demo", encryptionConfig=secrets_by(second))
    assert "already enabled" in refusal.message
