"""Nodes whose pods have addresses of an overlay: parts of the pool, and what the control plane reaches."""

import pytest

from lab.toolchain import Toolchain

from . import objects
from .api import are_ready
from .conftest import SimulatedCluster, eventually
from .test_charts import everything_is_ready, install

pytestmark = [pytest.mark.control_plane, pytest.mark.charts]

CILIUM_NODES = "/apis/cilium.io/v2/ciliumnodes"
CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
POOL = {
    "cluster.name": "demo",
    "ipam.mode": "cluster-pool",
    "ipam.operator.clusterPoolIPv4PodCIDRList": "{10.64.0.0/23}",
    "ipam.operator.clusterPoolIPv4MaskSize": "24",
    "operator.replicas": "1",
}


@pytest.mark.parametrize(
    ("version", "extra"),
    [
        pytest.param("1.12.4", {"tunnel": "vxlan"}, marks=pytest.mark.endurance),
        ("1.19.7", {"routingMode": "tunnel"}),
    ],
)
def test_nodes_get_parts_of_the_pool_until_none_is_left(
    start, toolchain: Toolchain, version: str, extra: dict[str, str]
):
    simulated: SimulatedCluster = start()
    api = simulated.api
    api.create(*[objects.node(number, tainted=True) for number in range(2)])
    api.create(objects.workload("Deployment", "web", {"app": "web"}, replicas=4))
    install(toolchain, simulated, version, POOL | extra)
    eventually(lambda: everything_is_ready(simulated, 2), limit=60)
    eventually(lambda: are_ready(api.pods(app="web"), 4))

    known = {item["metadata"]["name"]: item for item in api.items(CILIUM_NODES)}
    assert sorted(item["spec"]["ipam"]["podCIDRs"][0] for item in known.values()) == [
        "10.64.0.0/24",
        "10.64.1.0/24",
    ]
    assert not any("eni" in item["spec"] for item in known.values())
    for pod in api.pods(app="web"):
        part = known[pod["spec"]["nodeName"]]["spec"]["ipam"]["podCIDRs"][0]
        assert pod["status"]["podIP"].startswith(part.removesuffix("0/24"))

    refuses_what_a_webhook_in_the_overlay_reviews(simulated)

    third, first = objects.node(2, tainted=True), objects.node(0)["metadata"]["name"]
    api.create(third)
    name = third["metadata"]["name"]
    eventually(lambda: operator_error(simulated, name) == "allocator full")
    api.delete(f"/api/v1/nodes/{first}")
    eventually(lambda: operator_error(simulated, name) == "", limit=60)
    eventually(lambda: everything_is_ready(simulated, 2), limit=60)


def operator_error(simulated: SimulatedCluster, node: str) -> str | None:
    """The operator's error in a CiliumNode; empty without one, None without a part and an error."""
    found = simulated.api.find(f"{CILIUM_NODES}/{node}") or {"spec": {}}
    status = found.get("status", {}).get("ipam", {}).get("operator-status", {})
    has_part = bool(found["spec"].get("ipam", {}).get("podCIDRs"))
    error: str | None = status.get("error")
    return error or ("" if has_part else None)


def refuses_what_a_webhook_in_the_overlay_reviews(simulated: SimulatedCluster) -> None:
    """The API server calls the pods of `web` at their addresses, and nothing leads there."""
    api = simulated.api
    service = {"name": "web", "namespace": "default"}
    api.post(
        "/api/v1/namespaces/default/services",
        {
            "metadata": service,
            "spec": {"selector": {"app": "web"}, "ports": [{"port": 443, "targetPort": 80}]},
        },
    )
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"], "operations": ["CREATE"]}
    webhook = {
        "name": "web.lab.eks-cilium.io",
        "rules": [rule],
        "clientConfig": {"service": service},
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "default"}},
    }
    configurations = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
    api.post(configurations, {"metadata": {"name": "web"}, "webhooks": [webhook]})
    reviewed = {"metadata": {"generateName": "reviewed-"}}
    eventually(
        lambda: "the control plane has no route to 10.64." in api.answer(CONFIG_MAPS, reviewed), every=0.5
    )
    api.delete(f"{configurations}/web")
