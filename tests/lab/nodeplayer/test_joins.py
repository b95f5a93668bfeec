"""Hundreds of nodes join while DaemonSets exist already, and every pod of them runs."""

import pytest

from . import objects
from .api import is_ready
from .conftest import SimulatedCluster, eventually

pytestmark = pytest.mark.control_plane

NODES = 100
LIMIT_OF_A_BATCH = 120


def pods_of_daemon_sets(simulated: SimulatedCluster, nodes: set[str]) -> list[dict]:
    return [
        pod
        for pod in simulated.api.items("/api/v1/pods")
        if pod["spec"].get("nodeName") in nodes
        and pod["metadata"]["ownerReferences"][0]["kind"] == "DaemonSet"
    ]


def have_joined(simulated: SimulatedCluster, nodes: set[str]) -> bool:
    """Whether every node is Ready and without taints, and both DaemonSets have a ready pod on each."""
    listed = [node for node in simulated.api.items("/api/v1/nodes") if node["metadata"]["name"] in nodes]
    pods = pods_of_daemon_sets(simulated, nodes)
    return (
        all(is_ready(node) and not node["spec"].get("taints") for node in listed)
        and len(pods) == 2 * len(nodes)
        and all(is_ready(pod) and pod["status"]["phase"] == "Running" for pod in pods)
    )


@pytest.mark.timeout(1500)
@pytest.mark.endurance
@pytest.mark.parametrize("batches", [1, 10])
def test_joins_lose_no_pod(start, batches):
    simulated: SimulatedCluster = start()
    standing = objects.node(batches * NODES, tainted=True)  # the operator's: it must not go with a batch
    simulated.api.create(
        standing,
        *objects.cilium("1.19.7", home=standing["metadata"]["name"]),
        objects.workload("DaemonSet", "logs", {"app": "logs"}, **objects.EVERYWHERE),
        objects.workload("Deployment", "web", {"app": "web"}, replicas=50),
    )
    for batch in range(batches):
        nodes = [objects.node(number, tainted=True) for number in range(batch * NODES, (batch + 1) * NODES)]
        names = {node["metadata"]["name"] for node in nodes}
        simulated.api.create(*nodes)
        eventually(lambda names=names: have_joined(simulated, names), limit=LIMIT_OF_A_BATCH, every=2)
        simulated.api.delete(*[f"/api/v1/nodes/{name}" for name in names])
