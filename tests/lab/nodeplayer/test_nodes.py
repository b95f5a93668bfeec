"""A node's status from the moment it joins until it can run pods."""

import pytest

from . import objects
from .api import are_ready, conditions, is_open, is_ready
from .conftest import SimulatedCluster, eventually

pytestmark = pytest.mark.control_plane

NOT_INITIALIZED = (
    "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady "
    "message:Network plugin returns error: cni plugin not initialized"
)


def name_of(obj: dict) -> str:
    return obj["metadata"]["name"]


def taint_keys(node: dict) -> set[str]:
    return {taint["key"] for taint in node["spec"].get("taints", [])}


def agents_on(simulated: SimulatedCluster, node: str, label: str) -> list[dict]:
    pods = simulated.api.pods("kube-system", **{"k8s-app": label})
    return [pod for pod in pods if pod["spec"].get("nodeName") == node]


def events_of(simulated: SimulatedCluster, pod: str) -> dict[str, str]:
    events = simulated.api.items("/api/v1/namespaces/default/events")
    return {event["reason"]: event["message"] for event in events if event["involvedObject"]["name"] == pod}


@pytest.fixture(scope="module")
def without_cni(start) -> SimulatedCluster:
    return start()


def test_a_node_without_a_cni_stays_not_ready_in_the_kubelets_words_and_its_lease_is_renewed(without_cni):
    api, node = without_cni.api, name_of(objects.node(1))
    api.create(objects.node(1))
    eventually(lambda: "Ready" in conditions(api.node(node)))
    ready = conditions(api.node(node))["Ready"]
    assert (ready["status"], ready["reason"], ready["message"]) == (
        "False",
        "KubeletNotReady",
        NOT_INITIALIZED,
    )
    assert api.node(node)["status"]["nodeInfo"]["kubeletVersion"] == "v1.36.3"
    assert {"type": "InternalIP", "address": "10.0.0.5"} in api.node(node)["status"]["addresses"]
    lease = api.get(f"/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/{node}")
    assert lease["spec"]["holderIdentity"] == node


def test_a_pod_on_a_node_without_a_cni_waits_with_the_kubelets_own_event_but_one_on_the_host_network_runs(
    without_cni,
):
    api, node = without_cni.api, name_of(objects.node(2))
    api.create(objects.node(2))
    api.create(
        objects.pod("waits", nodeName=node),
        objects.pod("runs", nodeName=node, hostNetwork=True),
    )
    eventually(lambda: is_ready(api.pod("runs")))
    eventually(lambda: "NetworkNotReady" in events_of(without_cni, "waits"))
    assert NOT_INITIALIZED in events_of(without_cni, "waits")["NetworkNotReady"]
    waits = api.pod("waits")
    assert waits["status"]["phase"] == "Pending"
    assert waits["status"]["containerStatuses"][0]["state"]["waiting"]["reason"] == "ContainerCreating"
    assert "podIP" not in waits["status"]


def test_nodes_that_are_not_instances_are_left_alone(without_cni):
    foreign = objects.node(3)
    foreign["spec"]["providerID"] = "kind://docker/x/y"
    without_cni.api.create(foreign, objects.node(4))
    eventually(lambda: "Ready" in conditions(without_cni.api.node(name_of(objects.node(4)))))
    assert "nodeInfo" not in without_cni.api.node(name_of(foreign))["status"] or not without_cni.api.node(
        name_of(foreign)
    )["status"]["nodeInfo"].get("kubeletVersion")


def test_the_vpc_cni_makes_a_node_ready(without_cni):
    api, node = without_cni.api, name_of(objects.node(1))
    api.create(objects.aws_node())
    eventually(lambda: is_ready(api.node(node)))
    assert are_ready(agents_on(without_cni, node, "aws-node"), 1)
    assert "NetworkUnavailable" not in conditions(api.node(node))
    eventually(lambda: is_ready(api.pod("waits")))
    assert api.pod("waits")["status"]["podIP"].startswith("10.255.")


def test_cilium_opens_a_node_only_when_its_agent_is_ready(simulated):
    """The agent needs its CiliumNode, that needs the definitions, and these come from the operator."""
    api, node = simulated.api, objects.node(1, tainted=True)
    configuration, operator, agent = objects.cilium("1.19.7")
    api.create(configuration, agent, node)
    eventually(lambda: conditions_of_agent(simulated, node).get("Initialized", {}).get("status") == "True")
    assert conditions_of_agent(simulated, node)["Ready"]["status"] == "False"
    assert api.find("/apis/cilium.io/v2/ciliumnodes") is None
    assert "node.cilium.io/agent-not-ready" in taint_keys(api.node(name_of(node)))

    api.create(operator)
    eventually(lambda: taint_keys(api.node(name_of(node))) == set())
    after = conditions(api.node(name_of(node)))
    assert (after["Ready"]["status"], after["Ready"]["reason"]) == ("True", "KubeletReady")
    unavailable = after["NetworkUnavailable"]
    assert (unavailable["status"], unavailable["reason"]) == ("False", "CiliumIsUp")
    cilium_node = api.get(f"/apis/cilium.io/v2/ciliumnodes/{name_of(node)}")
    assert cilium_node["spec"]["instance-id"] == "i-00000000000000001"
    assert set(cilium_node["spec"]["ipam"]["pool"]) == addresses_of_interfaces(cilium_node)


def conditions_of_agent(simulated: SimulatedCluster, node: dict) -> dict:
    agents = agents_on(simulated, name_of(node), "cilium")
    return conditions(agents[0]) if agents else {}


def addresses_of_interfaces(cilium_node: dict) -> set[str]:
    interfaces = cilium_node["status"]["eni"]["enis"].values()
    return {address for interface in interfaces for address in interface["addresses"]}


def test_a_pod_on_a_cilium_node_has_an_endpoint_with_its_identity_and_both_know_its_address(simulated):
    api, node = simulated.api, name_of(objects.node(1, tainted=True))
    labels = {"app": "shop", "app.kubernetes.io/name": "shop", "pod-template-hash": "x"}
    created = objects.pod("shop", nodeName=node)
    created["metadata"]["labels"] = labels
    twin = objects.pod("shop-too", nodeName=node)
    twin["metadata"]["labels"] = labels | {"pod-template-hash": "y"}
    api.create(created, twin)
    path = "/apis/cilium.io/v2/namespaces/default/ciliumendpoints/"
    eventually(lambda: api.find(path + "shop") and api.find(path + "shop-too"))
    endpoint, other = api.get(path + "shop")["status"], api.get(path + "shop-too")["status"]
    assert endpoint["networking"]["addressing"] == [{"ipv4": api.pod("shop")["status"]["podIP"]}]
    assert endpoint["networking"] != other["networking"]
    assert endpoint["identity"] == other["identity"]
    identity = api.get(f"/apis/cilium.io/v2/ciliumidentities/{endpoint['identity']['id']}")
    assert identity["security-labels"] == {
        "k8s:app": "shop",
        "k8s:app.kubernetes.io/name": "shop",
        "k8s:io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name": "default",
        "k8s:io.cilium.k8s.policy.cluster": "demo",
        "k8s:io.cilium.k8s.policy.serviceaccount": "default",
        "k8s:io.kubernetes.pod.namespace": "default",
    }
    assert 1 << 16 <= endpoint["identity"]["id"] < 2 << 16, "the cluster's id is in its identities"

    api.delete("/api/v1/namespaces/default/pods/shop")
    eventually(lambda: api.find(path + "shop") is None)
    assert api.find(path + "shop-too")


@pytest.fixture(scope="module")
def silent(simulated: SimulatedCluster) -> tuple[str, str]:
    """Two nodes that are silent for the node lifecycle controller.

    The instance of the first was taken away. The second hangs; of its pods, `stuck` was deleted since.
    """
    api, taken, hangs = simulated.api, objects.node(9, tainted=True), objects.node(10, tainted=True)
    api.create(taken, hangs)
    eventually(lambda: is_open(api.node(name_of(taken))) and is_open(api.node(name_of(hangs))))
    api.create(objects.pod("stuck", nodeName=name_of(hangs)), objects.pod("stays", nodeName=name_of(hangs)))
    eventually(lambda: is_ready(api.pod("stuck")) and is_ready(api.pod("stays")))
    api.annotate(f"/api/v1/nodes/{name_of(taken)}", powered_off="true")
    api.annotate(f"/api/v1/nodes/{name_of(hangs)}", dead="true")
    api.create(objects.pod("left-behind", nodeName=name_of(taken), tolerations=[{"operator": "Exists"}]))
    api.delete("/api/v1/namespaces/default/pods/stuck", grace=1)
    both = name_of(taken), name_of(hangs)
    eventually(
        lambda: [status_of_ready(simulated, node) for node in both] == ["Unknown"] * 2, limit=90, every=1
    )
    return both


def status_of_ready(simulated: SimulatedCluster, node: str) -> str:
    status: str = conditions(simulated.api.node(node))["Ready"]["status"]
    return status


def test_a_node_whose_instance_was_taken_away_starts_no_pod(simulated, silent):
    api = simulated.api
    api.create(objects.pod("elsewhere", nodeName=name_of(objects.node(1))))
    eventually(lambda: is_ready(api.pod("elsewhere")))
    assert "startTime" not in api.pod("left-behind")["status"]


def test_on_a_node_that_hangs_deleted_pods_stay_terminating_until_it_works_again(simulated, silent):
    api, (_, hangs) = simulated.api, silent
    assert "deletionTimestamp" in api.pod("stuck")["metadata"]

    api.annotate(f"/api/v1/nodes/{hangs}", dead=None)
    eventually(lambda: api.find("/api/v1/namespaces/default/pods/stuck") is None)
    eventually(lambda: is_ready(api.node(hangs)) and is_ready(api.pod("stays")))
