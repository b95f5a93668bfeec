"""A real API server accepts the nodes, keeps their status, and deletes them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lab.cloud.nodes.api import NodeApi
from lab.cloud.nodes.lifecycle import POWERED_OFF, NodeLifecycle
from lab.cloud.running_clusters import Clusters, RunningCluster
from lab.cloud.timing import Timing
from lab.cluster import ControlPlane

from .test_node_life import PROFILE, machine

pytestmark = pytest.mark.control_plane


@pytest.fixture
def plane(tmp_path, toolchain):
    control_plane = ControlPlane(tmp_path, "one", toolchain)
    control_plane.start()
    yield control_plane
    control_plane.stop()


def test_an_instance_registers_is_powered_off_and_leaves(plane):
    cluster = RunningCluster(
        "one",
        plane.endpoint,
        plane.certificate_authority,
        plane.admin_kubeconfig,
        "1.36",
        {"workers": PROFILE}.get,
    )
    clusters, machines, now = Clusters(), [machine()], [0.0]
    clusters.add(cluster)
    life = NodeLifecycle(
        clusters=clusters,
        machines=lambda: machines,
        connect=lambda each: NodeApi(each.admin_kubeconfig),
        timing=Timing(node_boot=0, node_delete_after_termination=60),
        clock=lambda: now[0],
    )
    api = NodeApi(plane.admin_kubeconfig)
    life.compare()
    node = api.get("Node", "ip-10-0-0-1.ec2.internal")
    assert node["status"]["allocatable"]["pods"] == "29"
    assert {address["type"] for address in node["status"]["addresses"]} == {
        "InternalIP",
        "InternalDNS",
        "Hostname",
    }
    assert node["spec"]["providerID"] == "aws:///us-east-1a/i-0001"
    keys = [taint["key"] for taint in node["spec"]["taints"]]
    assert sorted(keys) == ["node.cilium.io/agent-not-ready", "node.kubernetes.io/not-ready"]

    machines[:] = [replace(machines[0], state="shutting-down")]
    life.compare()
    assert api.get("Node", "ip-10-0-0-1.ec2.internal")["metadata"]["annotations"][POWERED_OFF] == "true"
    now[0] = 60
    life.compare()
    assert api.get("Node", "ip-10-0-0-1.ec2.internal") is None
