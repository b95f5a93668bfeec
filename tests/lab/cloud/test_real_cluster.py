"""A cluster of the lab as its users see it: boto3, the AWS CLI and kubectl against a real API server.

The tests share one cluster and depend on their order in this file.
"""

from __future__ import annotations

import json
import os
import subprocess

import pytest

from tests.lab.cloud.conftest import QUICK, eventually, start_cloud

pytestmark = pytest.mark.control_plane
QUICK_WAIT = {"Delay": 1, "MaxAttempts": 90}


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    cloud = start_cloud(tmp_path_factory.mktemp("cloud"), timing={**QUICK, "token_life": 20.0})
    yield cloud
    cloud.stop()


@pytest.fixture(scope="module")
def roles(cloud):
    iam = cloud.client("iam")

    def role(name, service):
        statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        return iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy)["Role"]["Arn"]

    return {"cluster": role("cluster", "eks.amazonaws.com"), "node": role("node", "ec2.amazonaws.com")}


@pytest.fixture(scope="module")
def subnets(cloud):
    ec2 = cloud.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    return [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=f"eu-central-1{zone}")[
            "Subnet"
        ]["SubnetId"]
        for number, zone in enumerate("abc")
    ]


@pytest.fixture(scope="module")
def eks(cloud, roles, subnets):
    eks = cloud.client("eks")
    for name, self_managed in (("demo", True), ("other", False)):
        eks.create_cluster(
            name=name,
            version="1.35",
            roleArn=roles["cluster"],
            resourcesVpcConfig={"subnetIds": subnets},
            accessConfig={"authenticationMode": "API"},
            bootstrapSelfManagedAddons=self_managed,
        )
    for name in ("demo", "other"):
        eks.get_waiter("cluster_active").wait(name=name, WaiterConfig=QUICK_WAIT)
    return eks


class User:
    """A user of the AWS CLI and kubectl."""

    def __init__(self, cloud, toolchain, home, who="cloud.json"):
        self._kubectl = str(toolchain.kubectl())
        self._environment = cloud.environment(who) | {"KUBECONFIG": str(home / f"{who}.kubeconfig")}

    def aws(self, *arguments):
        done = subprocess.run(
            ["aws", *arguments], env=self._environment, capture_output=True, text=True, check=True
        )
        return done.stdout

    def kubectl(self, *arguments, **environment):
        return subprocess.run(
            [self._kubectl, "--request-timeout=20s", *arguments],
            env=self._environment | environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def token(self, cluster):
        return json.loads(self.aws("eks", "get-token", "--cluster-name", cluster))["status"]["token"]


@pytest.fixture(scope="module")
def engineer(cloud, eks, toolchain, tmp_path_factory):
    user = User(cloud, toolchain, tmp_path_factory.mktemp("engineer"))
    user.aws("eks", "update-kubeconfig", "--name", "demo")
    return user


@pytest.fixture(scope="module")
def stranger(cloud, eks, toolchain, tmp_path_factory):
    user = User(cloud, toolchain, tmp_path_factory.mktemp("stranger"), "stranger.json")
    user.aws("eks", "update-kubeconfig", "--name", "demo")
    return user


def pods(engineer, selector):
    return json.loads(engineer.kubectl("get", "pods", "-A", "-l", selector, "-o", "json").stdout)["items"]


def test_kubectl_is_authenticated_by_the_token_of_the_aws_cli(engineer):
    done = engineer.kubectl("auth", "whoami", "-o", "json")
    assert done.returncode == 0, done.stderr
    user = json.loads(done.stdout)["status"]["userInfo"]
    assert user["username"].endswith(":user/engineer")
    assert engineer.kubectl("get", "nodes").returncode == 0


def test_a_token_of_another_cluster_is_401(engineer):
    config = json.loads(engineer.kubectl("config", "view", "--raw", "-o", "json").stdout)
    config["users"] = [{"name": "token", "user": {"token": engineer.token("other")}}]
    config["contexts"][0]["context"]["user"] = "token"
    assert "Unauthorized" in _with_config(engineer, config).stderr
    config["users"][0]["user"]["token"] = engineer.token("demo")
    assert _with_config(engineer, config).returncode == 0


def test_an_expired_token_is_401(engineer):
    config = json.loads(engineer.kubectl("config", "view", "--raw", "-o", "json").stdout)
    config["users"] = [{"name": "token", "user": {"token": engineer.token("demo")}}]
    config["contexts"][0]["context"]["user"] = "token"
    assert _with_config(engineer, config).returncode == 0
    eventually(lambda: "Unauthorized" in _with_config(engineer, config).stderr, 40)


def _with_config(user, config):
    path = f"{user._environment['KUBECONFIG']}.token"
    with open(path, "w", opener=lambda name, flags: os.open(name, flags, 0o600)) as stream:
        json.dump(config, stream)
    return user.kubectl("get", "nodes", KUBECONFIG=path)


def test_a_wrong_secret_is_401(engineer):
    assert "Unauthorized" in engineer.kubectl("get", "nodes", AWS_SECRET_ACCESS_KEY="guess").stderr


def test_a_stranger_is_401_without_entry_and_403_with_one_that_allows_nothing(cloud, eks, stranger):
    assert "Unauthorized" in stranger.kubectl("get", "nodes").stderr
    arn = cloud.client("sts", "stranger.json").get_caller_identity()["Arn"]
    eks.create_access_entry(clusterName="demo", principalArn=arn)
    # The API server caches a response of the webhook for some seconds.
    refused = eventually(
        lambda: "Forbidden" in (said := stranger.kubectl("get", "nodes").stderr) and said, 20
    )
    assert arn in refused
    eks.associate_access_policy(
        clusterName="demo",
        principalArn=arn,
        policyArn="arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy",
        accessScope={"type": "namespace", "namespaces": ["default"]},
    )
    eventually(lambda: stranger.kubectl("get", "pods").returncode == 0, 10)
    assert "Forbidden" in stranger.kubectl("get", "pods", "-n", "kube-system").stderr
    assert "Forbidden" in stranger.kubectl("create", "namespace", "mine").stderr
    eks.delete_access_entry(clusterName="demo", principalArn=arn)
    eventually(lambda: "Unauthorized" in stranger.kubectl("get", "pods").stderr, 20)


def test_two_clusters_differ_in_endpoint_authority_and_issuer(eks):
    demo, other = (eks.describe_cluster(name=name)["cluster"] for name in ("demo", "other"))
    for path in (("endpoint",), ("certificateAuthority", "data"), ("identity", "oidc", "issuer")):
        first, second = demo, other
        for key in path:
            first, second = first[key], second[key]
        assert first != second


def test_only_the_cluster_that_asked_for_them_has_self_managed_addons(engineer, eks):
    found = engineer.kubectl(
        "get", "daemonsets,deployments", "-n", "kube-system", "-o", "name"
    ).stdout.split()
    assert found == ["daemonset.apps/aws-node", "daemonset.apps/kube-proxy", "deployment.apps/coredns"]
    engineer.aws("eks", "update-kubeconfig", "--name", "other", "--alias", "other")
    assert engineer.kubectl("--context=other", "get", "daemonsets", "-A", "-o", "name").stdout == ""
    engineer.aws("eks", "update-kubeconfig", "--name", "demo")


def test_coredns_without_nodes_is_creating(eks, cloud):
    assert eks.list_nodegroups(clusterName="other")["nodegroups"] == []
    eks.create_addon(clusterName="other", addonName="coredns")
    assert eks.describe_addon(clusterName="other", addonName="coredns")["addon"]["status"] == "CREATING"


def test_a_node_group_becomes_nodes_and_then_active(eks, cloud, engineer, roles, subnets):
    eks.create_nodegroup(
        clusterName="demo",
        nodegroupName="workers",
        subnets=subnets,
        nodeRole=roles["node"],
        instanceTypes=["m7i.large"],
        scalingConfig={"minSize": 1, "desiredSize": 2, "maxSize": 4},
        labels={"pool": "a"},
        taints=[{"key": "dedicated", "value": "x", "effect": "PREFER_NO_SCHEDULE"}],
    )
    eks.get_waiter("nodegroup_active").wait(
        clusterName="demo", nodegroupName="workers", WaiterConfig=QUICK_WAIT
    )
    nodes = json.loads(engineer.kubectl("get", "nodes", "-l", "pool=a", "-o", "json").stdout)["items"]
    assert len(nodes) == 2
    assert all(
        {"key": "dedicated", "value": "x", "effect": "PreferNoSchedule"} in n["spec"]["taints"] for n in nodes
    )
    group = eks.describe_nodegroup(clusterName="demo", nodegroupName="workers")["nodegroup"]
    name = group["resources"]["autoScalingGroups"][0]["name"]
    found = cloud.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[name])
    instances = {instance["InstanceId"] for instance in found["AutoScalingGroups"][0]["Instances"]}
    assert {node["spec"]["providerID"].rpartition("/")[2] for node in nodes} == instances


def test_an_addon_takes_over_the_self_managed_coredns_and_is_active(eks, engineer):
    eks.create_addon(
        clusterName="demo",
        addonName="coredns",
        configurationValues=json.dumps({"replicaCount": 1}),
        resolveConflicts="OVERWRITE",
    )
    eks.get_waiter("addon_active").wait(clusterName="demo", addonName="coredns", WaiterConfig=QUICK_WAIT)
    (pod,) = eventually(lambda: len(found := pods(engineer, "k8s-app=kube-dns")) == 1 and found)
    assert pod["status"]["podIP"].startswith("10.0.")
    managers = json.loads(
        engineer.kubectl(
            "get", "deployment", "coredns", "-n", "kube-system", "-o", "json", "--show-managed-fields"
        ).stdout
    )["metadata"]["managedFields"]
    assert ("eks", "Apply") in {(manager["manager"], manager["operation"]) for manager in managers}


def test_fields_of_another_owner_stop_an_addon_update_that_does_not_overwrite(eks, engineer):
    taken = engineer.kubectl(
        "patch",
        "deployment",
        "coredns",
        "-n",
        "kube-system",
        "--field-manager=ana",
        "-p",
        '{"spec":{"replicas":2}}',
    )
    assert taken.returncode == 0, taken.stderr
    values = json.dumps({"replicaCount": 3})
    eks.update_addon(clusterName="demo", addonName="coredns", configurationValues=values)
    addon = eventually(lambda: (a := _addon(eks, "coredns"))["status"] == "UPDATE_FAILED" and a)
    assert addon["health"]["issues"][0]["code"] == "ConfigurationConflict"
    assert '"ana"' in addon["health"]["issues"][0]["message"]
    eks.update_addon(
        clusterName="demo", addonName="coredns", configurationValues=values, resolveConflicts="OVERWRITE"
    )
    eks.get_waiter("addon_active").wait(clusterName="demo", addonName="coredns", WaiterConfig=QUICK_WAIT)
    assert len(pods(engineer, "k8s-app=kube-dns")) == 3


def _addon(eks, name):
    return eks.describe_addon(clusterName="demo", addonName=name)["addon"]


def test_a_new_label_reaches_the_nodes_and_a_new_size_adds_a_node(eks, engineer):
    eks.update_nodegroup_config(
        clusterName="demo",
        nodegroupName="workers",
        labels={"addOrUpdateLabels": {"pool": "b"}},
        scalingConfig={"desiredSize": 3},
    )
    eks.get_waiter("nodegroup_active").wait(
        clusterName="demo", nodegroupName="workers", WaiterConfig=QUICK_WAIT
    )
    eventually(lambda: len(_nodes(engineer, "pool=b")) == 3)


def _nodes(engineer, selector):
    return engineer.kubectl("get", "nodes", "-l", selector, "-o", "name").stdout.split()


def test_a_taint_reaches_running_nodes_and_no_execute_deletes_their_pods_whatever_their_budget(eks, engineer):
    taint = {"key": "node.cilium.io/agent-not-ready", "value": "true", "effect": "NO_EXECUTE"}
    eventually(lambda: all(_ready(pod) for pod in pods(engineer, "k8s-app=kube-dns")))
    before = {pod["metadata"]["uid"] for pod in pods(engineer, "k8s-app=kube-dns")}

    _taint(eks, addOrUpdateTaints=[taint])
    nodes = json.loads(engineer.kubectl("get", "nodes", "-l", "pool=b", "-o", "json").stdout)["items"]
    assert all(taint | {"effect": "NoExecute"} in node["spec"]["taints"] for node in nodes)
    left = eventually(lambda: _without(before, found := pods(engineer, "k8s-app=kube-dns")) and found)
    assert not any(_ready(pod) for pod in left)

    _taint(eks, removeTaints=[taint])
    eventually(lambda: all(_ready(pod) for pod in pods(engineer, "k8s-app=kube-dns")))


def _taint(eks, **changes):
    eks.update_nodegroup_config(clusterName="demo", nodegroupName="workers", taints=changes)
    eks.get_waiter("nodegroup_active").wait(
        clusterName="demo", nodegroupName="workers", WaiterConfig=QUICK_WAIT
    )


def _without(gone, found):
    return len(found) == 3 and gone.isdisjoint(pod["metadata"]["uid"] for pod in found)


def test_a_rotation_replaces_every_node_and_honours_the_disruption_budget(eks, engineer):
    old = set(_nodes(engineer, "pool=b"))
    release = eks.describe_nodegroup(clusterName="demo", nodegroupName="workers")["nodegroup"][
        "releaseVersion"
    ]
    eks.update_nodegroup_version(
        clusterName="demo", nodegroupName="workers", releaseVersion=release.replace("20251112", "20251201")
    )
    eks.get_waiter("nodegroup_active").wait(
        clusterName="demo", nodegroupName="workers", WaiterConfig=QUICK_WAIT
    )
    new = eventually(lambda: len(found := set(_nodes(engineer, "pool=b"))) == 3 and found)
    assert not old & new
    budget = json.loads(engineer.kubectl("get", "pdb", "coredns", "-n", "kube-system", "-o", "json").stdout)
    assert budget["status"]["expectedPods"] == 3
    eventually(lambda: all(_ready(pod) for pod in pods(engineer, "k8s-app=kube-dns")))


def _ready(pod):
    return any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions", []))


def test_coredns_that_stays_without_nodes_is_degraded(eks):
    def addon():
        return eks.describe_addon(clusterName="other", addonName="coredns")["addon"]

    assert eventually(lambda: addon()["status"] == "DEGRADED", 90)
    assert addon()["health"]["issues"][0]["code"] == "InsufficientNumberOfReplicas"


def test_deleting_everything_leaves_nothing_of_the_clusters(eks, cloud, engineer):
    eks.delete_addon(clusterName="demo", addonName="coredns")
    eks.get_waiter("addon_deleted").wait(clusterName="demo", addonName="coredns", WaiterConfig=QUICK_WAIT)
    assert engineer.kubectl("get", "deployment", "coredns", "-n", "kube-system").returncode == 1
    eks.delete_nodegroup(clusterName="demo", nodegroupName="workers")
    eks.get_waiter("nodegroup_deleted").wait(
        clusterName="demo", nodegroupName="workers", WaiterConfig=QUICK_WAIT
    )
    for name in ("demo", "other"):
        eks.delete_cluster(name=name)
    for name in ("demo", "other"):
        eks.get_waiter("cluster_deleted").wait(name=name, WaiterConfig=QUICK_WAIT)
    ec2 = cloud.client("ec2")
    assert ec2.describe_launch_templates()["LaunchTemplates"] == []
    groups = ec2.describe_security_groups()["SecurityGroups"]
    assert [group["GroupName"] for group in groups if group["GroupName"].startswith("eks-")] == []
    assert cloud.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"] == []
    assert ec2.describe_network_interfaces()["NetworkInterfaces"] == []


def test_none_of_it_was_a_fault(cloud):
    assert cloud.lines("faults.jsonl") == []
