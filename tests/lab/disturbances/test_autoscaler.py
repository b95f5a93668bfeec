"""The emulated Cluster Autoscaler step by step, on a cluster and a group in memory."""

from dataclasses import replace

import pytest
from botocore.exceptions import ClientError

from eks_cilium.clients.evictions import EvictionAnswer
from eks_cilium.errors import RefusedError
from lab.disturbances.autoscaler.decisions import TO_BE_DELETED
from lab.disturbances.autoscaler.scaler import ClusterAutoscaler, Options

pytestmark = pytest.mark.unit

OPTIONS = Options(group="asg", nodegroup="general", smallest=2, largest=5, unneeded=10, delay_after_add=10)


class World:
    """Nodes, pods and a group as the autoscaler's clients show and change them."""

    def __init__(self):
        self.now = 0.0
        self.desired, self.largest = 3, 5
        self.nodes = {name: self._node(name) for name in ("a", "b", "c")}
        self.pods = [self._pod("p", "a", "1500m"), self._pod("q", "b", "1500m"), self._pod("r", "c", "100m")]
        self.evicted, self.terminated = [], []
        self.refuses_evictions = False
        self.refuses_the_end = False
        self.writes_by_others = False

    @staticmethod
    def _node(name):
        return {
            "metadata": {
                "name": name,
                "resourceVersion": "1",
                "labels": {"eks.amazonaws.com/nodegroup": "general"},
                "annotations": {},
            },
            "spec": {"providerID": f"aws:///z/i-{name}"},
            "status": {
                "allocatable": {"cpu": "1900m", "memory": "7Gi", "pods": "29"},
                "conditions": [{"type": "Ready", "status": "True"}],
            },
        }

    @staticmethod
    def _pod(name, node, cpu):
        return {
            "metadata": {
                "namespace": "shop",
                "name": name,
                "uid": name,
                "ownerReferences": [{"kind": "ReplicaSet", "controller": True}],
            },
            "spec": {"nodeName": node, "containers": [{"resources": {"requests": {"cpu": cpu}}}]},
            "status": {"phase": "Running"},
        }

    def waiting(self, name, cpu="1500m"):
        pod = self._pod(name, "", cpu)
        condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
        pod["status"] = {"phase": "Pending", "conditions": [condition]}
        self.pods.append(pod)

    # The cluster's API

    def each(self, path, keep):
        if path.endswith("/nodes"):
            return [keep(node) for node in self.nodes.values()]
        return [keep(pod) for pod in self.pods] if path.endswith("/pods") else []

    def merge(self, path, patch):
        if self.writes_by_others:
            raise RefusedError("the object has been modified", status=409)
        self.nodes[path.rpartition("/")[2]]["spec"].update(patch["spec"])

    def evict(self, namespace, name, *, uid):
        if self.refuses_evictions:
            return EvictionAnswer(429)
        self.evicted.append(name)
        self.pods = [pod for pod in self.pods if pod["metadata"]["name"] != name]
        return EvictionAnswer(201)

    # Auto Scaling

    def describe_auto_scaling_groups(self, AutoScalingGroupNames):  # noqa: N803 - boto3's names
        return {"AutoScalingGroups": [{"DesiredCapacity": self.desired, "MaxSize": self.largest}]}

    def set_desired_capacity(self, AutoScalingGroupName, DesiredCapacity, HonorCooldown):  # noqa: N803
        self.desired = DesiredCapacity

    def terminate_instance_in_auto_scaling_group(self, InstanceId, ShouldDecrementDesiredCapacity):  # noqa: N803
        if self.refuses_the_end:
            raise ClientError({"Error": {"Code": "ValidationError", "Message": "min size"}}, "Terminate")
        assert ShouldDecrementDesiredCapacity
        self.desired -= 1
        self.terminated.append(InstanceId)  # its node stays for some seconds

    def marks(self, name):
        spec = self.nodes[name]["spec"]
        return bool(spec.get("unschedulable")), [taint["key"] for taint in spec.get("taints", ())]


@pytest.fixture
def world():
    return World()


@pytest.fixture
def scaler(world):
    return ClusterAutoscaler(world, world, OPTIONS, clock=lambda: world.now)


def pass_time(world, scaler, seconds):
    for _ in range(seconds):
        world.now += 1
        scaler.step()


def test_pods_without_a_place_make_the_group_grow_once(world, scaler):
    world.waiting("w1")
    world.waiting("w2")
    pass_time(world, scaler, 3)
    assert world.desired == 5
    assert scaler.history == ["grew from 3 to 5"]


def test_an_idle_node_is_marked_drained_and_ended_with_a_decrement(world, scaler):
    pass_time(world, scaler, 10)
    assert world.marks("c") == (False, [])
    pass_time(world, scaler, 1)
    assert world.marks("c") == (True, [TO_BE_DELETED])
    pass_time(world, scaler, 3)
    assert (world.evicted, world.terminated, world.desired) == (["r"], ["i-c"], 2)
    assert scaler.history == ["removed c"]


def test_a_node_whose_instance_has_ended_is_left_alone(world, scaler):
    scaler.options = replace(OPTIONS, smallest=1)
    pass_time(world, scaler, 60)
    assert world.terminated == ["i-c"]
    assert world.marks("c") == (True, [TO_BE_DELETED])
    assert scaler.history == ["removed c"]


def test_a_node_is_removed_only_some_time_after_the_group_grew(world, scaler):
    world.largest = 4
    world.waiting("w")
    pass_time(world, scaler, 1)
    world.pods.pop()
    pass_time(world, scaler, 9)
    assert world.marks("c") == (False, [])
    pass_time(world, scaler, 2)
    assert world.marks("c") == (True, [TO_BE_DELETED])


def test_a_removal_that_takes_too_long_is_undone(world, scaler):
    world.refuses_evictions = True
    pass_time(world, scaler, 12 + 120)
    assert world.marks("c") == (False, [])
    assert world.terminated == []
    assert "gave up the removal of c: 1 pods are left" in scaler.history


def test_a_removal_that_the_group_refuses_is_undone(world, scaler):
    world.refuses_the_end = True
    pass_time(world, scaler, 13)
    assert world.marks("c") == (False, [])
    assert "gave up the removal of c" in scaler.history[0]


def test_a_node_that_another_actor_writes_at_the_same_time_is_left_for_later(world, scaler):
    world.writes_by_others = True
    pass_time(world, scaler, 15)
    assert scaler.removal is None
    world.writes_by_others = False
    pass_time(world, scaler, 3)
    assert world.terminated == ["i-c"]
