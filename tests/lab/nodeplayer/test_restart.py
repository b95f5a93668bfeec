"""The player keeps no state in memory: killed at any moment, a new one continues its work."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from . import objects
from .api import are_ready, is_open, is_ready
from .conftest import SimulatedCluster, eventually

pytestmark = pytest.mark.control_plane

POD = "/api/v1/namespaces/default/pods/"


def bound(simulated: SimulatedCluster, **labels: str) -> int:
    return sum("nodeName" in pod["spec"] for pod in simulated.api.pods(**labels))


def test_pods_bound_while_no_player_ran_come_up_at_once_when_it_is_back(start):
    simulated: SimulatedCluster = start()
    api = simulated.api
    api.create(objects.aws_node(), *[objects.node(number) for number in range(5)])
    eventually(lambda: are_ready(api.items("/api/v1/nodes"), 5))
    api.create(objects.workload("Deployment", "web", {"app": "web"}, replicas=60))
    eventually(lambda: bound(simulated, app="web") >= 30, every=0.02)
    simulated.kill_player()
    api.create(objects.pod("late", nodeName=objects.node(1)["metadata"]["name"]))
    eventually(lambda: bound(simulated, app="web") == 60)

    simulated.start_player()
    began = time.monotonic()
    eventually(lambda: are_ready(api.pods(app="web"), 60) and is_ready(api.pod("late")), limit=15)
    assert time.monotonic() - began < 10, "no pause for a lease to expire"
    addresses = [pod["status"]["podIP"] for pod in api.pods(app="web")]
    assert len(set(addresses)) == 60, "addresses given before and after the kill are all different"
    assert are_ready(api.items("/api/v1/nodes"), 5)


def test_deletions_and_joins_from_while_no_player_ran_are_caught_up_with(start):
    simulated: SimulatedCluster = start()
    api = simulated.api
    node = objects.node(1)["metadata"]["name"]
    api.create(*objects.cilium("1.19.7"), objects.node(1, tainted=True))
    eventually(lambda: is_open(api.node(node)))
    api.create(objects.pod("going", nodeName=node), objects.pod("staying", nodeName=node))
    eventually(lambda: is_ready(api.pod("going")) and is_ready(api.pod("staying")))
    address = api.pod("staying")["status"]["podIP"]
    simulated.kill_player()
    api.delete(POD + "going", grace=1)
    api.create(*[objects.node(number, tainted=True) for number in range(2, 5)])

    simulated.start_player()
    eventually(lambda: api.pod("going") is None, limit=10)
    eventually(lambda: are_ready(api.items("/api/v1/nodes"), 4))
    eventually(lambda: len(api.items("/apis/cilium.io/v2/ciliumnodes")) == 4)
    assert is_ready(api.pod("staying"))
    assert api.pod("staying")["status"]["podIP"] == address
    assert api.find("/apis/cilium.io/v2/namespaces/default/ciliumendpoints/going") is None


def test_a_player_killed_over_and_over_while_nodes_join_loses_no_pod(start):
    simulated: SimulatedCluster = start()
    api = simulated.api
    api.create(
        *objects.cilium("1.12.4"),
        objects.workload("DaemonSet", "logs", {"app": "logs"}, **objects.EVERYWHERE),
    )
    with ThreadPoolExecutor(1) as joining:
        created = joining.submit(
            lambda: [api.create(objects.node(number, tainted=True)) for number in range(30)]
        )
        for _ in range(5):
            time.sleep(0.8)
            simulated.kill_player()
            simulated.start_player()
        created.result()
    eventually(lambda: are_ready(api.pods(app="logs"), 30), limit=60, every=0.5)
    eventually(lambda: are_ready(api.pods("kube-system", **{"k8s-app": "cilium"}), 30), limit=60, every=0.5)
