import base64

import pytest

from components.cluster.user_data import node_user_data
from eks_cilium.cilium.masquerade import image_family
from lab.cloud.running_clusters import Taint
from tests.lab.cloud.eks.account import CLUSTER_ROLE, SUBNETS
from tests.lab.cloud.eks.conftest import TIMING

pytestmark = pytest.mark.simulation


@pytest.fixture
def lab(lab):
    lab.cluster()
    return lab


def finish_creating(lab, **wanted):
    lab.nodegroup(**wanted)
    lab.join_all()
    lab.pass_time()


def update(lab, **wanted):
    answer = lab.client.update_nodegroup_config(clusterName="demo", nodegroupName="workers", **wanted)
    return answer["update"]


def rotate(lab, **wanted):
    answer = lab.client.update_nodegroup_version(clusterName="demo", nodegroupName="workers", **wanted)
    return answer["update"]


def test_a_node_group_is_active_only_when_its_nodes_are_ready(lab):
    assert lab.nodegroup()["status"] == "CREATING"
    first, second = lab.instances()
    lab.kubernetes.join(first, "workers")
    lab.kubernetes.join(second, "workers", ready=False)
    lab.pass_time()
    assert lab.describe_nodegroup()["status"] == "CREATING"
    lab.kubernetes.join(second, "workers")
    lab.pass_time()
    assert lab.describe_nodegroup()["status"] == "ACTIVE"


def test_the_resources_in_ec2_have_the_names_and_tags_of_aws(lab):
    name = lab.nodegroup()["resources"]["autoScalingGroups"][0]["name"]
    group = lab.aws.autoscaling.groups[name]
    assert name.startswith("eks-workers-")
    suffix = name.removeprefix("eks-workers-")
    tags = {tag["Key"]: tag["Value"] for tag in group["Tags"] if tag["PropagateAtLaunch"]}
    assert tags == {
        "eks:cluster-name": "demo",
        "eks:nodegroup-name": "workers",
        "kubernetes.io/cluster/demo": "owned",
        "k8s.io/cluster-autoscaler/enabled": "true",
        "k8s.io/cluster-autoscaler/demo": "owned",
    }
    assert group["VPCZoneIdentifier"] == ",".join(SUBNETS)
    (template,) = lab.aws.ec2.templates[group["LaunchTemplate"]["LaunchTemplateId"]]
    assert template["LaunchTemplateName"] == f"eks-{suffix}"
    data = template["LaunchTemplateData"]
    assert data["SecurityGroupIds"] == ["sg-0"]
    assert data["IamInstanceProfile"] == {"Name": f"eks-{suffix}"}


def test_nodes_that_never_join_fail_the_group_with_the_message_of_aws(lab):
    lab.nodegroup()
    lab.pass_time(TIMING.node_group_create_timeout + 1)
    group = lab.describe_nodegroup()
    assert group["status"] == "CREATE_FAILED"
    (problem,) = group["health"]["issues"]
    assert problem["code"] == "NodeCreationFailure"
    assert problem["message"] == "Instances failed to join the kubernetes cluster"
    assert problem["resourceIds"] == lab.instances()


def test_nodes_that_stay_not_ready_fail_the_group_and_are_named(lab):
    lab.nodegroup()
    first, second = lab.instances()
    lab.kubernetes.join(first, "workers")
    lab.kubernetes.join(second, "workers", ready=False)
    lab.pass_time(TIMING.node_group_create_timeout + 1)
    (problem,) = lab.describe_nodegroup()["health"]["issues"]
    assert problem["message"] == "Unhealthy nodes in the kubernetes cluster"
    assert problem["resourceIds"] == [second]


def test_labels_and_taints_reach_the_node_profile_in_kubernetes_spelling(lab):
    taint = {"key": "node.cilium.io/agent-not-ready", "value": "true", "effect": "NO_EXECUTE"}
    lab.nodegroup(labels={"pool": "a"}, taints=[taint])
    profile = lab.running.get("demo").nodegroup("workers")
    assert profile.labels == {"pool": "a"}
    assert profile.taints == (Taint("node.cilium.io/agent-not-ready", "NoExecute", "true"),)
    assert profile.ami_type == "AL2023_x86_64_STANDARD"
    assert lab.running.get("demo").nodegroup("none") is None


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({"scalingConfig": {"minSize": 3, "desiredSize": 2, "maxSize": 4}}, "desired size 2"),
        ({"scalingConfig": {"minSize": 1, "desiredSize": 5, "maxSize": 4}}, "max size 4"),
        ({"scalingConfig": {"minSize": 5, "desiredSize": 5, "maxSize": 4}}, "maximum size 4"),
        ({"subnets": ["subnet-x"]}, "subnet-x"),
        ({"nodeRole": CLUSTER_ROLE}, "ec2.amazonaws.com"),
        ({"nodeRole": "arn:aws:iam::123456789012:role/none"}, "role/none"),
        ({"labels": {"kubernetes.io/x": "y"}}, "reserved prefixes"),
        ({"taints": [{"key": "a", "effect": "NoSchedule"}]}, "NoSchedule"),
        ({"taints": [{"key": "a", "effect": "NO_EXECUTE"}] * 2}, "same key and effect"),
        ({"version": "1.36"}, "1.36"),
        ({"amiType": "AL3"}, "AL3"),
        ({"updateConfig": {"maxUnavailable": 1, "maxUnavailablePercentage": 10}}, "Exactly one"),
        ({"updateConfig": {"updateStrategy": "MINIMAL"}}, "Exactly one"),
        ({"updateConfig": {"maxUnavailable": 101}}, "between 1 and 100"),
        (
            {
                "nodeRepairConfig": {
                    "enabled": True,
                    "maxUnhealthyNodeThresholdCount": 1,
                    "maxUnhealthyNodeThresholdPercentage": 5,
                }
            },
            "cannot both",
        ),
        (
            {"nodeRepairConfig": {"nodeRepairConfigOverrides": [{"repairAction": "Reboot"}]}},
            "must have all of",
        ),
        ({"launchTemplate": {"id": "lt-x"}}, "lt-x"),
        ({"launchTemplate": {"id": "lt-x", "name": "x"}}, "not both"),
    ],
)
def test_an_invalid_node_group_is_refused(lab, refused, wanted, words):
    with refused("InvalidParameterException") as refusal:
        lab.nodegroup(**wanted)
    assert words in refusal.message
    assert lab.client.list_nodegroups(clusterName="demo")["nodegroups"] == []


def test_a_name_that_is_taken_is_refused(lab, refused):
    lab.nodegroup()
    with refused("ResourceInUseException") as refusal:
        lab.nodegroup()
    assert refusal.message == "NodeGroup already exists with name workers and cluster name demo"


def test_an_unknown_group_is_named(lab, refused):
    with refused("ResourceNotFoundException") as refusal:
        lab.describe_nodegroup()
    assert refusal.message == "No node group found for name: workers."


def test_the_callers_launch_template_is_copied_not_used(lab):
    user_data = base64.b64encode(b"#!/bin/sh").decode()
    lab.aws.ec2.create_launch_template(
        LaunchTemplateName="mine", LaunchTemplateData={"InstanceType": "m7i.large", "UserData": user_data}
    )
    group = lab.nodegroup(launchTemplate={"id": "lt-0", "version": "1"})
    assert group["launchTemplate"] == {"id": "lt-0", "name": "mine", "version": "1"}
    assert "diskSize" not in group
    copy = lab.aws.ec2.templates["lt-1"][0]["LaunchTemplateData"]
    assert (copy["InstanceType"], copy["UserData"]) == ("m7i.large", user_data)
    assert copy["ImageId"].startswith("ami-")


def test_a_custom_image_makes_the_ami_type_custom(lab, refused):
    lab.aws.ec2.create_launch_template(LaunchTemplateName="mine", LaunchTemplateData={"ImageId": "ami-own"})
    with refused("InvalidParameterException"):
        lab.nodegroup(launchTemplate={"id": "lt-0"}, version="1.35")
    assert lab.nodegroup(launchTemplate={"id": "lt-0"})["amiType"] == "CUSTOM"


def test_the_size_shown_is_the_one_the_auto_scaling_group_has(lab):
    finish_creating(lab)
    (group,) = lab.aws.autoscaling.groups.values()
    group["DesiredCapacity"] = 3
    assert lab.describe_nodegroup()["scalingConfig"]["desiredSize"] == 3


def test_a_group_whose_auto_scaling_group_was_deleted_says_so(lab):
    finish_creating(lab)
    lab.aws.autoscaling.groups.clear()
    group = lab.describe_nodegroup()
    assert group["status"] == "DEGRADED"
    assert group["health"]["issues"][0]["code"] == "AutoScalingGroupNotFound"


def test_new_sizes_labels_and_taints_reach_the_group_and_its_nodes(lab):
    finish_creating(lab, labels={"pool": "a", "old": "x"}, taints=[{"key": "t", "effect": "NO_SCHEDULE"}])
    for node in lab.instances():
        lab.kubernetes.objects["Node", None, f"node-{node}"]["spec"]["taints"] = [
            {"key": "t", "effect": "NoSchedule"},
            {"key": "others", "effect": "NoExecute"},
        ]
    started = update(
        lab,
        scalingConfig={"desiredSize": 3},
        labels={"addOrUpdateLabels": {"pool": "b"}, "removeLabels": ["old"]},
        taints={
            "addOrUpdateTaints": [{"key": "u", "value": "v", "effect": "NO_EXECUTE"}],
            "removeTaints": [{"key": "t", "effect": "NO_SCHEDULE"}],
        },
    )
    assert lab.describe_nodegroup()["status"] == "UPDATING"
    lab.pass_time(TIMING.node_group_update)
    group = lab.describe_nodegroup()
    assert group["status"] == "ACTIVE"
    assert group["labels"] == {"pool": "b"}
    assert group["taints"] == [{"key": "u", "value": "v", "effect": "NO_EXECUTE"}]
    assert len(lab.instances()) == 3
    node = lab.kubernetes.get("Node", f"node-{lab.instances()[0]}")
    assert node["metadata"]["labels"]["pool"] == "b"
    assert "old" not in node["metadata"]["labels"]
    assert node["spec"]["taints"] == [
        {"key": "others", "effect": "NoExecute"},
        {"key": "u", "effect": "NoExecute", "value": "v"},
    ]
    found = lab.client.describe_update(name="demo", updateId=started["id"], nodegroupName="workers")["update"]
    assert found["status"] == "Successful"


def test_sizes_that_do_not_fit_are_refused_and_nothing_changes(lab, refused):
    finish_creating(lab)
    with refused("InvalidParameterException"):
        update(lab, scalingConfig={"maxSize": 1})
    assert lab.describe_nodegroup()["scalingConfig"] == {"minSize": 1, "desiredSize": 2, "maxSize": 4}


def test_a_group_that_is_not_active_is_not_updated(lab, refused):
    lab.nodegroup()
    with refused("ResourceInUseException"):
        update(lab, scalingConfig={"desiredSize": 3})


def test_a_rotation_never_has_fewer_ready_nodes_than_desired(lab):
    finish_creating(lab, version="1.34")
    old = lab.instances()
    rotate(lab, version="1.35")
    usable = []
    while lab.describe_nodegroup()["status"] == "UPDATING":
        lab.pass_time(1)
        lab.join_all()
        nodes = lab.kubernetes.items("Node")
        usable.append(sum(1 for node in nodes if not node["spec"].get("unschedulable")))
    assert min(usable) >= 2
    assert not set(old) & set(lab.instances())
    group = lab.describe_nodegroup()
    assert (group["version"], group["scalingConfig"]["desiredSize"], group["scalingConfig"]["maxSize"]) == (
        "1.35",
        2,
        4,
    )


def test_a_pod_that_cannot_be_evicted_fails_the_rotation_and_gives_the_nodes_back(lab):
    finish_creating(lab, version="1.34")
    lab.kubernetes.run_pod("db-0", f"node-{lab.instances()[0]}")
    lab.kubernetes.blocked_pods.add("db-0")
    started = rotate(lab, version="1.35")
    for _ in range(6):
        lab.pass_time(TIMING.node_group_drain_timeout / 2)
        lab.join_all()
    found = lab.client.describe_update(name="demo", updateId=started["id"], nodegroupName="workers")["update"]
    assert found["status"] == "Failed"
    assert found["errors"][0]["errorCode"] == "PodEvictionFailure"
    group = lab.describe_nodegroup()
    assert (group["status"], group["version"]) == ("ACTIVE", "1.34")
    assert not any(node["spec"].get("unschedulable") for node in lab.kubernetes.items("Node"))


def test_a_forced_rotation_terminates_the_node_in_spite_of_the_budget(lab):
    finish_creating(lab, version="1.34")
    lab.kubernetes.run_pod("db-0", f"node-{lab.instances()[0]}")
    lab.kubernetes.blocked_pods.add("db-0")
    rotate(lab, version="1.35", force=True)
    for _ in range(12):
        lab.pass_time(TIMING.node_group_drain_timeout / 2)
        lab.join_all()
    assert lab.describe_nodegroup()["version"] == "1.35"


@pytest.mark.parametrize(
    ("ami_type", "instance_type", "accepted"),
    [
        ("AL2023_x86_64_NVIDIA", "g6.xlarge", True),
        ("AL2023_x86_64_NVIDIA", "m7i.large", False),
        ("AL2023_x86_64_NEURON", "inf2.xlarge", True),
        ("BOTTLEROCKET_x86_64_NVIDIA", "g4ad.xlarge", False),
        ("AL2023_x86_64_STANDARD", "m7i.large", True),
    ],
)
def test_images_with_drivers_need_instances_with_the_accelerator(
    lab, refused, ami_type, instance_type, accepted
):
    if accepted:
        assert lab.nodegroup(amiType=ami_type, instanceTypes=[instance_type])["amiType"] == ami_type
        return
    with refused("InvalidParameterException") as refusal:
        lab.nodegroup(amiType=ami_type, instanceTypes=[instance_type])
    assert f"[{instance_type}] is not a valid instance type for requested amiType" in refusal.message


NODE_CONFIG = """\
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="x"

--x
Content-Type: application/node.eks.aws

apiVersion: node.eks.aws/v1alpha1
kind: NodeConfig
spec: {kubelet: {config: {maxPods: 110}}}
--x--
"""


@pytest.mark.parametrize(
    ("ami_type", "text", "limit"),
    [
        ("BOTTLEROCKET_x86_64", "[settings.kubernetes]\nmax-pods = 110\n", 110),
        ("BOTTLEROCKET_x86_64", "[settings.motd]\n", None),
        ("AL2023_x86_64_STANDARD", NODE_CONFIG, None),
    ],
    ids=["Bottlerocket", "Bottlerocket without a limit", "EKS's own NodeConfig comes last"],
)
def test_which_limit_of_pods_takes_effect(lab, ami_type, text, limit):
    data = {"UserData": base64.b64encode(text.encode()).decode()}
    created = lab.aws.ec2.create_launch_template(LaunchTemplateName="mine", LaunchTemplateData=data)
    identifier = created["LaunchTemplate"]["LaunchTemplateId"]

    lab.nodegroup(amiType=ami_type, launchTemplate={"id": identifier})

    assert lab.running.get("demo").nodegroup("workers").max_pods == limit


@pytest.mark.parametrize("ami_type", ["AL2023_x86_64_STANDARD", "BOTTLEROCKET_ARM_64"])
def test_the_limit_of_pods_in_the_programs_user_data_takes_effect(lab, ami_type):
    text = node_user_data(image_family(ami_type), cilium_makes_interfaces=True, max_pods=200)
    data = {"UserData": text}
    created = lab.aws.ec2.create_launch_template(LaunchTemplateName="mine", LaunchTemplateData=data)
    identifier = created["LaunchTemplate"]["LaunchTemplateId"]

    lab.nodegroup(amiType=ami_type, launchTemplate={"id": identifier})

    assert lab.running.get("demo").nodegroup("workers").max_pods == 200


@pytest.mark.parametrize("pinned", [True, False])
def test_a_new_launch_template_moves_nodes_to_the_newest_image_unless_a_release_is_given(lab, pinned):
    created = lab.aws.ec2.create_launch_template(LaunchTemplateName="mine", LaunchTemplateData={})
    identifier = created["LaunchTemplate"]["LaunchTemplateId"]
    lab.aws.ec2.create_launch_template_version(LaunchTemplateId=identifier, LaunchTemplateData={})
    old = {"releaseVersion": "1.35.4-20250101"}
    finish_creating(lab, launchTemplate={"id": identifier, "version": "1"}, **old)

    started = rotate(lab, launchTemplate={"id": identifier, "version": "2"}, **(old if pinned else {}))

    release = {param["type"]: param["value"] for param in started["params"]}["ReleaseVersion"]
    assert (release == "1.35.4-20250101") is pinned


def test_deleting_drains_first_and_keeps_daemon_set_pods(lab, refused):
    finish_creating(lab)
    node = f"node-{lab.instances()[0]}"
    lab.kubernetes.run_pod("web-0", node)
    lab.kubernetes.run_pod("agent-0", node, owner="DaemonSet")
    lab.client.delete_nodegroup(clusterName="demo", nodegroupName="workers")
    lab.pass_time(1)
    assert lab.kubernetes.names("Pod") == {"agent-0"}
    assert lab.kubernetes.get("Node", node)["spec"]["unschedulable"]
    assert lab.describe_nodegroup()["status"] == "DELETING"
    for _ in range(3):
        lab.pass_time(1)
    assert lab.aws.autoscaling.groups == {}
    assert lab.aws.ec2.templates == {}
    assert lab.aws.iam.profiles == set()
    with refused("ResourceNotFoundException"):
        lab.describe_nodegroup()


def test_deleting_waits_for_a_disruption_budget_up_to_a_timeout(lab):
    finish_creating(lab)
    lab.kubernetes.run_pod("db-0", f"node-{lab.instances()[0]}")
    lab.kubernetes.blocked_pods.add("db-0")
    lab.client.delete_nodegroup(clusterName="demo", nodegroupName="workers")
    lab.pass_time(TIMING.node_group_drain_timeout - 1)
    assert lab.aws.autoscaling.groups
    lab.pass_time(2)
    assert lab.aws.autoscaling.groups == {}


def test_a_group_stays_until_its_instances_are_gone(lab):
    finish_creating(lab)
    lab.aws.ec2.instances_left = [{"InstanceId": "i-1"}]
    lab.client.delete_nodegroup(clusterName="demo", nodegroupName="workers")
    for _ in range(4):
        lab.pass_time(1)
    assert lab.describe_nodegroup()["status"] == "DELETING"
    lab.aws.ec2.instances_left = []
    lab.pass_time(1)
    assert lab.client.list_nodegroups(clusterName="demo")["nodegroups"] == []


def with_image(lab, user_data, **more):
    encoded = base64.b64encode(user_data.encode()).decode()
    lab.aws.ec2.create_launch_template(
        LaunchTemplateName="own", LaunchTemplateData={"ImageId": "ami-1", "UserData": encoded}
    )
    return lab.nodegroup(launchTemplate={"id": "lt-0", "version": "1"}, **more)


def test_nodes_with_an_image_of_their_own_have_what_their_user_data_says(lab):
    described = lab.client.describe_cluster(name="demo")["cluster"]
    settings = {
        "api-server": described["endpoint"],
        "cluster-certificate": described["certificateAuthority"]["data"],
        "cluster-name": "demo",
    }
    lines = ["[settings.kubernetes]", *(f'{key} = "{value}"' for key, value in settings.items())]
    group = with_image(
        lab, "\n".join([*lines, "max-pods = 60", "[settings.kubernetes.node-taints]", 'c = ["d:NoExecute"]'])
    )
    assert (group["amiType"], group["releaseVersion"]) == ("CUSTOM", "ami-1")
    profile = lab.running.get("demo").nodegroup("workers")
    assert (profile.joins, profile.max_pods) == (True, 60)
    assert profile.taints == (Taint("c", "NoExecute", "d"),)


def test_without_the_cluster_in_their_user_data_they_never_join(lab):
    with_image(lab, "#!/bin/sh")
    assert not lab.running.get("demo").nodegroup("workers").joins


def test_a_version_beside_an_image_is_refused(lab, refused):
    with refused("InvalidParameterException") as refusal:
        with_image(lab, "#!/bin/sh", version="1.35")
    assert "when using custom AMIs" in refusal.message
