"""EKS through the aws provider: a real control plane, access, add-ons and node groups.

The tests share one cluster from its creation to its deletion, so their order in this file matters.
"""

import json

import grpc
import pytest
from pulumi.runtime.proto import provider_pb2, status_pb2

from tests.lab.cloud.conftest import QUICK, start_cloud
from tests.lab.providers.provider_process import ProviderProcess, refusal
from tests.lab.providers.recording_engine import listening

pytestmark = pytest.mark.control_plane

CLUSTER = "aws:eks/cluster:Cluster"
NODES = "aws:eks/nodeGroup:NodeGroup"
ADDON = "aws:eks/addon:Addon"
NONE = provider_pb2.DiffResponse.DIFF_NONE
POLICY = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"
NODE_POLICIES = ("AmazonEKSWorkerNodePolicy", "AmazonEKS_CNI_Policy", "AmazonEC2ContainerRegistryReadOnly")


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    impatient = {**QUICK, "node_group_create_timeout": 6.0, "addon_ready_timeout": 4.0}
    cloud = start_cloud(tmp_path_factory.mktemp("cloud"), timing=impatient)
    yield cloud
    cloud.stop()


@pytest.fixture(scope="module")
def engine():
    with listening() as (address, listener, _):
        yield address, listener


@pytest.fixture(scope="module")
def aws(cloud, engine):
    process = ProviderProcess("aws", cloud.environment(), engine[0])
    yield process.connect().configure({"region": "eu-central-1"})
    process.stop()


@pytest.fixture(scope="module")
def roles(aws):
    def role(name, service, policies=()):
        statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
        trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        created = aws.create("aws:iam/role:Role", name, {"assumeRolePolicy": trust})
        for policy in policies:
            aws.create(
                "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
                f"{name}-{policy}",
                {"role": created.id, "policyArn": f"arn:aws:iam::aws:policy/{policy}"},
            )
        return created.properties["arn"]

    return {
        "cluster": role("cluster", "eks.amazonaws.com", ["AmazonEKSClusterPolicy"]),
        "node": role("node", "ec2.amazonaws.com", NODE_POLICIES),
        "viewer": role("viewer", "ec2.amazonaws.com"),
        "pod": role("pod", "pods.eks.amazonaws.com"),
    }


@pytest.fixture(scope="module")
def subnets(aws):
    vpc = aws.create("aws:ec2/vpc:Vpc", "eks", {"cidrBlock": "10.0.0.0/16"}).id
    return [
        aws.create(
            "aws:ec2/subnet:Subnet",
            zone,
            {"vpcId": vpc, "cidrBlock": f"10.0.{number}.0/24", "availabilityZone": f"eu-central-1{zone}"},
        ).id
        for number, zone in enumerate("ab")
    ]


def cluster_inputs(roles, subnets):
    return {
        "name": "demo",
        "version": "1.33",
        "roleArn": roles["cluster"],
        "vpcConfig": {"subnetIds": subnets, "endpointPrivateAccess": True},
        "accessConfig": {"authenticationMode": "API", "bootstrapClusterCreatorAdminPermissions": True},
        "bootstrapSelfManagedAddons": False,
        "kubernetesNetworkConfig": {"serviceIpv4Cidr": "172.20.0.0/16"},
        "enabledClusterLogTypes": ["audit", "api"],
        "tags": {"team": "net"},
    }


@pytest.fixture(scope="module")
def cluster(aws, roles, subnets):
    return aws.create(CLUSTER, "demo", cluster_inputs(roles, subnets))


def test_a_cluster_is_active_when_it_is_created(cluster, engine):
    assert cluster.id == "demo"
    assert cluster.properties["status"] == "ACTIVE"
    assert cluster.properties["endpoint"].startswith("https://127.0.0.1:")
    assert cluster.properties["vpcConfig"]["clusterSecurityGroupId"].startswith("sg-")
    assert cluster.properties["identities"][0]["oidcs"][0]["issuer"].startswith("https://oidc.eks.")
    assert any(text.startswith("cluster is CREATING") for _, text, _ in engine[1].lines)


def test_a_cluster_has_no_difference_and_a_refresh_agrees(aws, cluster, roles, subnets):
    assert aws.diff(cluster, cluster_inputs(roles, subnets)).changes == NONE
    assert aws.read(cluster).inputs == cluster.inputs


def test_a_cluster_names_the_changes_that_replace_it(aws, cluster, roles, subnets):
    inputs = cluster_inputs(roles, subnets)
    other = aws.diff(cluster, {**inputs, "bootstrapSelfManagedAddons": True, "version": "1.34"})
    assert list(other.replaces) == ["bootstrapSelfManagedAddons"]
    turned = {**inputs, "vpcConfig": {**inputs["vpcConfig"], "subnetIds": subnets[::-1]}}
    assert aws.diff(cluster, turned).changes == NONE


def test_a_cluster_changes_in_place_and_is_waited_for(aws, cluster, roles, subnets):
    inputs = cluster_inputs(roles, subnets)
    changed = {**inputs, "enabledClusterLogTypes": ["audit"], "tags": {"team": "sec"}}
    updated = aws.update(cluster, changed)
    live = aws.read(updated).properties
    assert live["enabledClusterLogTypes"] == ["audit"]
    assert live["tags"] == {"team": "sec"}
    aws.update(updated, inputs)


def test_the_encryption_of_secrets_is_added_in_place_and_removed_by_a_replacement_alone(
    aws, cluster, roles, subnets
):
    key = aws.create("aws:kms/key:Key", "secrets", {"enableKeyRotation": True, "rotationPeriodInDays": 365})
    answer = aws.invoke("aws:kms/getKey:getKey", {"keyId": key.properties["arn"]})
    assert (answer["keyState"], answer["customerMasterKeySpec"]) == ("Enabled", "SYMMETRIC_DEFAULT")
    inputs = cluster_inputs(roles, subnets)
    wanted = {"provider": {"keyArn": key.properties["arn"]}, "resources": ["secrets"]}
    encrypted = {**inputs, "encryptionConfig": wanted}
    assert list(aws.diff(cluster, encrypted).replaces) == []
    updated = aws.update(cluster, encrypted)
    assert aws.read(updated).properties["encryptionConfig"] == wanted
    assert list(aws.diff(updated, inputs).replaces) == ["encryptionConfig"]
    other = {**wanted, "provider": {"keyArn": key.properties["arn"].replace("key/", "key/0")}}
    assert list(aws.diff(updated, {**inputs, "encryptionConfig": other}).replaces) == []


def test_a_cluster_is_found_by_name(aws, cluster):
    answer = aws.invoke("aws:eks/getCluster:getCluster", {"name": "demo"})
    assert answer["certificateAuthorities"] == [cluster.properties["certificateAuthority"]]
    assert answer["accessConfigs"][0]["authenticationMode"] == "API"
    assert answer["kubernetesNetworkConfigs"][0]["serviceIpv4Cidr"].endswith("/16")
    assert answer["vpcConfig"]["vpcId"].startswith("vpc-")
    assert "demo" in aws.invoke("aws:eks/getClusters:getClusters", {})["names"]


def test_access_is_granted_and_revoked(aws, cluster, roles):
    entry = {"clusterName": "demo", "principalArn": roles["viewer"], "kubernetesGroups": ["viewers"]}
    created = aws.create("aws:eks/accessEntry:AccessEntry", "viewer", entry)
    assert created.id == f"demo:{roles['viewer']}"
    assert created.properties["type"] == "STANDARD"
    association = {"clusterName": "demo", "principalArn": roles["viewer"], "policyArn": POLICY}
    policy = aws.create(
        "aws:eks/accessPolicyAssociation:AccessPolicyAssociation",
        "viewer",
        {**association, "accessScope": {"type": "namespace", "namespaces": ["shop"]}},
    )
    changed = aws.update(created, {**entry, "kubernetesGroups": ["watchers"]})
    assert aws.read(changed).properties["kubernetesGroups"] == ["watchers"]
    for entry in (policy, changed):
        assert aws.read(entry).inputs == entry.inputs
        aws.delete(entry)
        assert aws.read(entry) is None


def test_pods_get_a_role_and_lose_it(aws, cluster, roles):
    inputs = {
        "clusterName": "demo",
        "namespace": "kube-system",
        "serviceAccount": "cilium-operator",
        "roleArn": roles["pod"],
    }
    created = aws.create("aws:eks/podIdentityAssociation:PodIdentityAssociation", "pod", inputs)
    assert created.id.startswith("a-")
    assert aws.read(created).inputs == created.inputs
    assert aws.imported(created.token, f"demo,{created.id}").properties["roleArn"] == roles["pod"]
    aws.delete(created)
    assert aws.read(created) is None


def unwell(error):
    """The id and the reasons that the engine stores for a resource that did not become ready."""
    detail = provider_pb2.ErrorResourceInitFailed()
    metadata = dict(error.trailing_metadata())
    assert status_pb2.Status.FromString(metadata["grpc-status-details-bin"]).details[0].Unpack(detail)
    return detail.id, list(detail.reasons)


def node_inputs(roles, subnets):
    return {
        "clusterName": "demo",
        "nodeRoleArn": roles["node"],
        "subnetIds": subnets,
        "scalingConfig": {"minSize": 1, "desiredSize": 1, "maxSize": 2},
        "instanceTypes": ["m5.large"],
        "taints": [{"key": "node.cilium.io/agent-not-ready", "value": "true", "effect": "NO_EXECUTE"}],
    }


def test_a_group_whose_nodes_never_become_ready_gives_the_reason(aws, cluster, roles, subnets):
    with pytest.raises(grpc.RpcError) as caught:
        aws.create(NODES, "cniless", {**node_inputs(roles, subnets), "nodeGroupName": "cniless"})
    identifier, reasons = unwell(caught.value)
    assert identifier == "demo:cniless"
    assert reasons[0] == "node group is CREATE_FAILED"
    assert reasons[1].startswith("NodeCreationFailure")
    assert refusal(caught.value).startswith("creating aws:eks/nodeGroup:NodeGroup 'cniless': ")
    stored = aws.imported(NODES, identifier)
    aws.delete(stored)
    assert aws.read(stored) is None


def test_an_add_on_without_nodes_gives_the_reason(aws, cluster):
    with pytest.raises(grpc.RpcError) as caught:
        aws.create(ADDON, "coredns", {"clusterName": "demo", "addonName": "coredns"})
    identifier, reasons = unwell(caught.value)
    assert (identifier, reasons[0]) == ("demo:coredns", "add-on coredns is DEGRADED")
    aws.delete(aws.imported(ADDON, identifier))


def test_an_add_on_without_pods_becomes_active(aws, cluster):
    inputs = {"clusterName": "demo", "addonName": "vpc-cni", "resolveConflictsOnCreate": "OVERWRITE"}
    created = aws.create(ADDON, "vpc-cni", inputs)
    assert created.id == "demo:vpc-cni"
    assert aws.diff(created, inputs).changes == NONE
    values = json.dumps({"env": {"WARM_ENI_TARGET": "2"}})
    changed = {**inputs, "configurationValues": values, "resolveConflictsOnUpdate": "OVERWRITE"}
    updated = aws.update(created, changed)
    assert aws.read(updated).inputs == updated.inputs


def test_a_group_with_a_cni_becomes_ready_grows_and_is_deleted(aws, cluster, roles, subnets, engine):
    inputs = {**node_inputs(roles, subnets), "nodeGroupName": "workers", "taints": []}
    created = aws.create(NODES, "workers", inputs)
    assert created.properties["status"] == "ACTIVE"
    assert created.properties["resources"][0]["autoscalingGroups"][0]["name"].startswith("eks-workers-")
    assert any(text.startswith("node group is CREATING") for _, text, _ in engine[1].lines)
    assert aws.diff(created, inputs).changes == NONE
    assert aws.read(created).inputs == created.inputs
    assert list(aws.diff(created, {**inputs, "instanceTypes": ["m5.xlarge"]}).replaces) == ["instanceTypes"]
    changed = {
        **inputs,
        "scalingConfig": {"minSize": 2, "desiredSize": 2, "maxSize": 3},
        "labels": {"pool": "workers"},
        "taints": [{"key": "a", "value": "b", "effect": "NO_SCHEDULE"}],
    }
    updated = aws.update(created, changed)
    assert aws.read(updated).inputs == updated.inputs
    aws.delete(updated)
    assert aws.read(updated) is None


def test_a_deleted_cluster_no_longer_exists(aws, cluster):
    aws.delete(cluster)
    assert aws.read(cluster) is None
    aws.delete(cluster)
