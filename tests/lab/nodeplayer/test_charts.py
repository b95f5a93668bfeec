"""The real Cilium charts on simulated nodes: the player reads their labels, images and configuration."""

import subprocess

import pytest

from lab.toolchain import Toolchain

from . import objects
from .api import are_ready, is_ready
from .conftest import SimulatedCluster, eventually

pytestmark = [pytest.mark.control_plane, pytest.mark.charts]

ENI = {"eni.enabled": "true", "ipam.mode": "eni", "cluster.name": "demo", "cluster.id": "1"}
CHAINED = {
    "cni.chainingMode": "aws-cni",
    "cni.exclusive": "false",
    "enableIPv4Masquerade": "false",
    "cluster.name": "demo",
}
OLD, NEW = {"tunnel": "disabled"}, {"routingMode": "native", "hubble.relay.enabled": "true"}


def install(toolchain: Toolchain, simulated: SimulatedCluster, version: str, values: dict[str, str]) -> None:
    command = [
        *(str(toolchain.helm()), "upgrade", "--install", "cilium", str(toolchain.chart(version))),
        *(
            "--kubeconfig",
            str(simulated.kubeconfig),
            "--namespace",
            "kube-system",
            "--wait",
            "--timeout",
            "120s",
        ),
        *(argument for pair in values.items() for argument in ("--set", "=".join(pair))),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stderr


def everything_is_ready(simulated: SimulatedCluster, nodes: int) -> bool:
    listed = simulated.api.items("/api/v1/nodes")
    agents = simulated.api.pods("kube-system", **{"k8s-app": "cilium"})
    untainted = all(not node["spec"].get("taints") for node in listed)
    return are_ready(listed, nodes) and are_ready(agents, nodes) and untainted


@pytest.mark.parametrize(
    ("version", "extra"), [pytest.param("1.12.4", OLD, marks=pytest.mark.endurance), ("1.19.7", NEW)]
)
def test_the_chart_in_eni_mode_opens_every_node_and_an_upgrade_keeps_it_open(
    start, toolchain, version, extra
):
    simulated: SimulatedCluster = start()
    simulated.api.create(*[objects.node(number, tainted=True) for number in range(3)])
    simulated.api.create(objects.workload("Deployment", "web", {"app": "web"}, replicas=4))
    install(toolchain, simulated, version, ENI | extra)
    eventually(lambda: everything_is_ready(simulated, 3), limit=60)
    eventually(lambda: are_ready(simulated.api.pods(app="web"), 4))
    endpoints = "/apis/cilium.io/v2/namespaces/default/ciliumendpoints"
    eventually(lambda: len(simulated.api.items(endpoints)) == 4)
    assert len(simulated.api.items("/apis/cilium.io/v2/ciliumnodes")) == 3

    before = {pod["metadata"]["uid"]: pod["status"]["podIP"] for pod in simulated.api.pods(app="web")}
    install(toolchain, simulated, version, ENI | extra | {"podAnnotations.rolled": "once"})
    eventually(lambda: everything_is_ready(simulated, 3), limit=60)
    assert {pod["metadata"]["uid"]: pod["status"]["podIP"] for pod in simulated.api.pods(app="web")} == before


def test_chained_to_the_vpc_cni_only_new_pods_are_endpoints_and_addresses_stay_the_vpc_cnis(start, toolchain):
    simulated: SimulatedCluster = start()
    api = simulated.api
    api.create(objects.aws_node(), objects.node(1))
    node = objects.node(1)["metadata"]["name"]
    api.create(objects.pod("before", nodeName=node))
    eventually(lambda: is_ready(api.pod("before")))
    install(toolchain, simulated, "1.19.7", CHAINED | {"routingMode": "native", "operator.replicas": "1"})
    eventually(lambda: everything_is_ready(simulated, 1), limit=60)
    eventually(lambda: api.node(node)["metadata"]["annotations"].get("lab.eks-cilium.io/cni") == "cilium")
    api.create(objects.pod("after", nodeName=node))
    eventually(lambda: is_ready(api.pod("after")))
    endpoints = "/apis/cilium.io/v2/namespaces/default/ciliumendpoints"
    eventually(lambda: api.find(f"{endpoints}/after"))
    assert api.find(f"{endpoints}/before") is None
    assert '"owner":"cilium"' not in api.node(node)["metadata"]["annotations"]["lab.eks-cilium.io/interfaces"]


def test_an_operator_of_a_version_without_definitions_never_gets_ready_and_says_why(start):
    simulated: SimulatedCluster = start()
    api = simulated.api
    api.create(*objects.cilium("1.13.0"), objects.node(1))
    events = "/api/v1/namespaces/kube-system/events"

    def complaints() -> list[str]:
        return [
            event["message"]
            for event in api.items(events)
            if event["source"].get("component") == "cilium-operator"
        ]

    eventually(complaints)
    assert "no custom resource definitions of Cilium 1.13.0: only" in complaints()[0]
    (operator,) = api.pods("kube-system", name="cilium-operator")
    assert operator["status"]["phase"] == "Running"
    assert not is_ready(operator)
    assert not is_ready(api.node(objects.node(1)["metadata"]["name"]))
