"""Instances become nodes and their nodes are deleted, in spite of any failure in between."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lab.cloud.eks.kubernetes_api import UnreachableError
from lab.cloud.nodes.lifecycle import POWERED_OFF, NodeLifecycle
from lab.cloud.nodes.machines import Machine, cluster_of, hardware_of
from lab.cloud.nodes.registration import node_for
from lab.cloud.running_clusters import Clusters, NodegroupProfile, RunningCluster, Taint
from lab.cloud.timing import Timing

pytestmark = pytest.mark.simulation

AGENT_NOT_READY = Taint("node.cilium.io/agent-not-ready", "NoExecute", "true")
PROFILE = NodegroupProfile(
    name="workers",
    ami_type="AL2023_x86_64_STANDARD",
    release_version="1.36.3-20251112",
    capacity_type="ON_DEMAND",
    labels={"team": "net"},
    taints=(AGENT_NOT_READY,),
)


def machine(number=1, state="running", **more):
    return Machine(
        id=f"i-{number:04d}",
        state=state,
        cluster="one",
        nodegroup="workers",
        host=f"ip-10-0-0-{number}.ec2.internal",
        address=f"10.0.0.{number}",
        zone="us-east-1a",
        zone_id="use1-az1",
        region="us-east-1",
        image="ami-1",
        template="lt-1",
        template_version="3",
        hardware=hardware_of("m5.large"),
        **more,
    )


def pods_of(instance_type, limit=None, profile=PROFILE):
    booted = replace(machine(), hardware=hardware_of(instance_type))
    node = node_for(booted, replace(profile, max_pods=limit) if profile else None)
    return node["status"]["allocatable"]["pods"]


def test_kubelets_take_as_many_pods_as_their_user_data_says():
    assert pods_of("m5.large") == "29"
    assert pods_of("m5.large", 110) == "110"


def test_eks_caps_the_limit_of_the_image_in_managed_node_groups():
    assert pods_of("m5.4xlarge", profile=None) == "234"
    assert pods_of("m5.4xlarge") == "110"
    assert pods_of("m5.12xlarge") == "234"


class ApiServer:
    """The nodes of a cluster in a dictionary; it may be unavailable."""

    def __init__(self):
        self.nodes = {}
        self.down = False
        self.lists = 0

    def items(self, kind):
        self.lists += 1
        self._answer()
        return list(self.nodes.values())

    def create(self, node):
        self._answer()
        if node["metadata"]["name"] in self.nodes:
            return False
        self.nodes[node["metadata"]["name"]] = node
        return True

    def annotate(self, name, annotations):
        self._answer()
        self.nodes[name]["metadata"]["annotations"].update(annotations)

    def delete(self, kind, name):
        self._answer()
        del self.nodes[name]

    def _answer(self):
        if self.down:
            raise UnreachableError("connection refused")


class World:
    """EC2, one cluster, and the clock."""

    def __init__(self):
        self.machines = []
        self.api = ApiServer()
        self.now = 0.0
        self.clusters = Clusters()
        self.cluster = RunningCluster(
            "one", "https://one", b"", Path("admin"), "1.36", {"workers": PROFILE}.get
        )
        self.clusters.add(self.cluster)
        self.life = NodeLifecycle(
            clusters=self.clusters,
            machines=lambda: list(self.machines),
            connect=lambda cluster: self.api,
            timing=Timing(node_boot=30, node_delete_after_termination=60),
            clock=lambda: self.now,
        )

    def pass_time(self, seconds):
        for _ in range(seconds):
            self.now += 1
            self.life.compare()

    def becomes(self, number, state):
        self.machines = [replace(m, state=state) if m.id == f"i-{number:04d}" else m for m in self.machines]
        self.life.compare()


@pytest.fixture
def world():
    return World()


def test_an_instance_registers_once_it_has_run_for_its_boot_time(world):
    world.machines = [machine(state="pending")]
    world.pass_time(100)
    assert world.api.nodes == {}
    world.becomes(1, "running")
    world.pass_time(29)
    assert world.api.nodes == {}
    world.pass_time(1)
    assert list(world.api.nodes) == ["ip-10-0-0-1.ec2.internal"]


def test_an_instance_that_does_not_reach_the_endpoint_never_registers(world):
    reached = [False]
    world.clusters.add(replace(world.cluster, nodes_reach=lambda: reached[0]))
    world.machines = [machine()]
    world.pass_time(100)
    assert world.api.nodes == {}
    reached[0] = True
    world.pass_time(1)
    assert list(world.api.nodes) == ["ip-10-0-0-1.ec2.internal"]


def test_a_node_has_the_labels_of_its_node_group_and_zone():
    node = node_for(machine(), PROFILE)
    labels = node["metadata"]["labels"]
    assert node["spec"]["providerID"] == "aws:///us-east-1a/i-0001"
    assert labels["eks.amazonaws.com/nodegroup"] == "workers"
    assert labels["eks.amazonaws.com/capacityType"] == "ON_DEMAND"
    assert labels["topology.kubernetes.io/zone"] == "us-east-1a"
    assert labels["node.kubernetes.io/instance-type"] == "m5.large"
    assert labels["kubernetes.io/arch"] == "amd64"
    assert labels["team"] == "net"
    assert [(taint["key"], taint["effect"]) for taint in node["spec"]["taints"]] == [
        ("node.cilium.io/agent-not-ready", "NoExecute"),
        ("node.kubernetes.io/not-ready", "NoSchedule"),
    ]
    assert node["status"]["nodeInfo"]["kubeletVersion"].startswith("v1.36.3-")
    assert {a["type"]: a["address"] for a in node["status"]["addresses"]} == {
        "InternalIP": "10.0.0.1",
        "InternalDNS": "ip-10-0-0-1.ec2.internal",
        "Hostname": "ip-10-0-0-1.ec2.internal",
    }


@pytest.mark.parametrize(
    ("kind", "pods", "architecture", "allocatable"),
    [
        ("m5.large", 29, "amd64", "1930m"),
        ("t3.medium", 17, "amd64", "1930m"),
        ("m6g.xlarge", 58, "arm64", "3920m"),
        ("m5.4xlarge", 234, "amd64", "15890m"),
    ],
)
def test_a_machine_offers_what_eks_counts_for_its_type(kind, pods, architecture, allocatable):
    hardware = hardware_of(kind)
    node = node_for(replace(machine(), hardware=hardware), None)
    assert (hardware.pods, hardware.architecture) == (pods, architecture)
    assert node["status"]["capacity"]["pods"] == str(pods)
    assert node["status"]["allocatable"]["cpu"] == allocatable


def test_a_terminated_instance_is_powered_off_at_once_and_its_node_deleted_later(world):
    world.machines = [machine()]
    world.pass_time(31)
    world.becomes(1, "shutting-down")
    node = world.api.nodes["ip-10-0-0-1.ec2.internal"]
    assert node["metadata"]["annotations"][POWERED_OFF] == "true"
    world.pass_time(30)
    world.becomes(1, "terminated")
    world.pass_time(29)
    assert world.api.nodes
    world.pass_time(1)
    assert world.api.nodes == {}


def test_a_stopped_instance_is_powered_off_and_keeps_its_node(world):
    world.machines = [machine()]
    world.pass_time(31)
    world.becomes(1, "stopped")
    world.pass_time(300)
    node = world.api.nodes["ip-10-0-0-1.ec2.internal"]
    assert node["metadata"]["annotations"][POWERED_OFF] == "true"


def test_a_node_with_an_unknown_instance_is_deleted(world):
    world.machines = [machine()]
    world.pass_time(31)
    world.machines = []
    world.pass_time(1)
    assert world.api.nodes == {}


def test_nodes_that_are_no_instances_are_left_alone(world):
    for name, spec in {"bare": {}, "elsewhere": {"providerID": "kind://docker/one"}}.items():
        world.api.nodes[name] = {"metadata": {"name": name}, "spec": spec}
    world.pass_time(100)
    assert sorted(world.api.nodes) == ["bare", "elsewhere"]


def test_a_deleted_node_is_not_registered_again(world):
    world.machines = [machine()]
    world.pass_time(31)
    world.api.nodes.clear()
    world.pass_time(100)
    assert world.api.nodes == {}


def test_a_node_waits_until_an_old_node_of_its_name_is_deleted(world):
    world.machines = [machine()]
    world.pass_time(31)
    successor = replace(machine(), id="i-0002")
    world.machines = [replace(machine(), state="terminated"), successor]
    world.pass_time(59)
    assert world.api.nodes["ip-10-0-0-1.ec2.internal"]["spec"]["providerID"].endswith("i-0001")
    world.pass_time(10)
    assert world.api.nodes["ip-10-0-0-1.ec2.internal"]["spec"]["providerID"].endswith("i-0002")


def test_an_api_server_that_does_not_answer_is_asked_again(world):
    world.machines = [machine()]
    world.api.down = True
    world.pass_time(60)
    world.api.down = False
    world.pass_time(1)
    assert len(world.api.nodes) == 1
    world.api.down = True
    world.becomes(1, "terminated")
    world.pass_time(100)
    world.api.down = False
    world.pass_time(2)
    assert world.api.nodes == {}


def test_a_cluster_that_is_not_running_gets_no_nodes_until_it_is(world):
    world.clusters.remove("one")
    world.machines = [machine()]
    world.pass_time(60)
    assert world.api.lists == 0
    world.clusters.add(world.cluster)
    world.pass_time(1)
    assert len(world.api.nodes) == 1


def test_a_thousand_instances_register_and_an_idle_cluster_gets_no_requests(world):
    world.machines = [replace(machine(n % 250 + 1), id=f"i-{n}", host=f"host-{n}") for n in range(1000)]
    world.pass_time(31)
    assert len(world.api.nodes) == 1000
    before = world.api.lists
    world.pass_time(60)
    assert world.api.lists - before < 15


@pytest.mark.parametrize(
    ("tags", "cluster"),
    [
        ({"eks:cluster-name": "one", "eks:nodegroup-name": "workers"}, "one"),
        ({"kubernetes.io/cluster/two": "owned"}, "two"),
        ({"kubernetes.io/cluster/two": "shared"}, None),
        ({"Name": "bastion"}, None),
    ],
)
def test_the_cluster_of_an_instance_is_in_its_tags(tags, cluster):
    assert cluster_of(tags) == cluster
