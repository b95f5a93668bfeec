"""Before a cordon there is a node for every particular pod of the node, as the scheduler will see it."""

from collections.abc import Callable

import pytest

from eks_cilium.cluster.objects import is_cordoned
from eks_cilium.migration.rotation import steps
from eks_cilium.runtime.errors import TimedOutError
from eks_cilium.settings.model.migration import Allow

from .migrations import Before, Stack, options, run
from .simulation.api_server import Object
from .simulation.controllers import PODS
from .simulation.scheduler import CSI_NODES
from .simulation.threads import SharedClock
from .simulation.volumes import DRIVER, Disks
from .simulation.world import Simulation

pytestmark = pytest.mark.simulation

GPU = "nvidia.com/gpu"
ZONE = "topology.kubernetes.io/zone"
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


def app_node(simulation: Simulation, app: str) -> str:
    """The node that the first pod of an application runs on."""
    pods = [pod for pod in simulation.api.of(PODS, "shop") if pod["metadata"]["labels"]["app"] == app]
    return str(pods[0]["spec"]["nodeName"])


def new_nodes(simulation: Simulation) -> list[Object]:
    return [node for node in simulation.nodes() if "cni-plugin" not in node["metadata"]["labels"]]


def old_nodes(simulation: Simulation) -> list[Object]:
    return simulation.nodes(**{"cni-plugin": "aws"})


def refused(simulation: Simulation, name: str, reason: str, **chosen: object) -> None:
    """The node is not cordoned, and the message says which pod has no other node and why."""
    simulation.api.evictions.clear()
    with pytest.raises(TimedOutError, match=reason):
        steps.rotate_node(run(simulation.world(), options(**chosen)), name)
    assert not any(is_cordoned(node) for node in simulation.nodes())
    assert simulation.api.evictions == []


def test_the_last_node_of_a_zone_without_capacity_is_not_drained_under_a_volume_of_that_zone():
    simulation = Simulation(workers=3)
    disks = Disks(simulation)
    simulation.deploy("db", 1, pod={"volumes": [disks.create("data", zone="b")]})
    simulation.cloud.full_zones = {"b"}
    before = Before(simulation)

    with pytest.raises(TimedOutError, match=r"no other node suits Pod shop/db-1-\d: .*its volume pv-data"):
        Stack(simulation, options()).up()

    assert not any(is_cordoned(node) for node in simulation.nodes())
    simulation.cloud.full_zones = set()
    Stack(simulation, options()).up()
    before.check_replaced()


def test_an_old_node_in_the_zone_of_a_volume_is_good_enough_while_there_is_one():
    simulation = Simulation(workers=6)
    disks = Disks(simulation)
    for zone in "abc":
        simulation.deploy(f"db-{zone}", 1, pod={"volumes": [disks.create(f"data-{zone}", zone=zone)]})
    before = Before(simulation)

    Stack(simulation, options()).up()

    before.check_replaced()
    assert all(len(disks.attached(pod["spec"]["nodeName"])) for pod in simulation.api.of(PODS, "shop"))


def prepared(simulation: Simulation, **pod: object) -> str:
    """A single pod with this spec, before the first drain; returns its node."""
    simulation.deploy("one", 1, pod=dict(pod))
    Stack(simulation, options()).up(until="ip-")
    return app_node(simulation, "one")


def allocatable(simulation: Simulation, **amounts: str) -> None:
    for node in simulation.nodes():
        node["status"]["allocatable"] = {"cpu": "8", "pods": "58", **amounts}


def requesting(**amounts: str) -> list[Object]:
    return [{"name": "main", "resources": {"requests": amounts}}]


def no_label(simulation: Simulation) -> dict[str, object]:
    for node in simulation.nodes():
        node["metadata"]["labels"]["disk"] = "fast"
    return {"nodeSelector": {"disk": "fast"}}


def no_affinity(simulation: Simulation) -> dict[str, object]:
    for node in simulation.nodes():
        node["metadata"]["labels"]["disk"] = "fast"
    term = {"matchExpressions": [{"key": "disk", "operator": "In", "values": ["fast", "faster"]}]}
    return {"affinity": {"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": [term]}}}}


def no_gpu(simulation: Simulation) -> dict[str, object]:
    allocatable(simulation, **{GPU: "1"})
    return {"containers": requesting(**{GPU: "1"})}


def no_huge_pages(simulation: Simulation) -> dict[str, object]:
    allocatable(simulation, **{"hugepages-2Mi": "64"})
    return {"containers": requesting(**{"hugepages-2Mi": "32"})}


PARTICULAR: list[tuple[Callable[[Simulation], dict[str, object]], str]] = [
    (no_label, "does not match its node selector or affinity"),
    (no_affinity, "does not match its node selector or affinity"),
    (no_gpu, "has too little nvidia.com/gpu"),
    (no_huge_pages, "has too little hugepages-2Mi"),
]


@pytest.mark.parametrize(("particular", "reason"), PARTICULAR)
def test_a_pod_that_needs_what_only_its_node_has_keeps_the_node(
    particular: Callable[[Simulation], dict[str, object]], reason: str
):
    simulation = Simulation(workers=3)
    name = prepared(simulation, **particular(simulation))
    for node in old_nodes(simulation):
        if node["metadata"]["name"] != name:
            node["metadata"]["labels"].pop("disk", None)
            node["status"].pop("allocatable", None)

    refused(simulation, name, rf"no other node suits Pod shop/one-1-\d: 3 nodes \({reason}\); raise")


def test_devices_that_other_pods_hold_are_not_free():
    simulation = Simulation(workers=2)
    allocatable(simulation, **{GPU: "1"})
    simulation.deploy("one", 2, pod={"containers": requesting(**{GPU: "1"})})
    Stack(simulation, options()).up(until="ip-")
    name = app_node(simulation, "one")
    for node in new_nodes(simulation):
        node["status"]["allocatable"] = {"cpu": "8", "pods": "58"}

    refused(simulation, name, f"has too little {GPU}")
    for node in new_nodes(simulation):
        node["status"]["allocatable"] = {"cpu": "8", "pods": "58", GPU: "1"}
    steps.rotate_node(run(simulation.world()), name)


def test_two_pods_do_not_count_on_the_same_device():
    simulation = Simulation(workers=2)
    allocatable(simulation, **{GPU: "2"})
    simulation.deploy("one", 2, pod={"containers": requesting(**{GPU: "1"})})
    Stack(simulation, options()).up(until="ip-")
    name = app_node(simulation, "one")
    for pod in simulation.api.of(PODS, "shop"):
        pod["spec"]["nodeName"] = name
    for node in simulation.nodes():
        if node["metadata"]["name"] != name:
            node["status"]["allocatable"] = {"pods": "58", GPU: "1" if node in new_nodes(simulation) else "0"}

    refused(simulation, name, f"has too little {GPU}")


def test_a_host_port_that_is_taken_everywhere_keeps_the_node():
    simulation = Simulation(workers=2)
    port = [{"name": "main", "ports": [{"containerPort": 80, "hostPort": 8080}]}]
    name = prepared(simulation, containers=port)
    owner = {"kind": "Job", "name": "other", "controller": True}
    for node in simulation.nodes():
        other = node["metadata"]["name"]
        if other != name:
            metadata = {"labels": {"app": "port"}, "ownerReferences": [owner]}
            simulation.run(f"port-{other}", other, metadata=metadata, spec={"containers": port})

    refused(simulation, name, "has no free host port")


def test_a_node_that_can_attach_no_further_volume_is_no_place():
    simulation = Simulation(workers=2)
    disks = Disks(simulation)
    name = prepared(simulation, volumes=[disks.create("data")])
    for node in simulation.nodes():
        drivers = [{"name": DRIVER, "nodeID": "i", "allocatable": {"count": 1}}]
        simulation.api.put(
            CSI_NODES, {"metadata": {"name": node["metadata"]["name"]}, "spec": {"drivers": drivers}}
        )
        if node["metadata"]["name"] != name:
            volume = f"kubernetes.io/csi/{DRIVER}^vol-{node['metadata']['name']}"
            node["status"]["volumesAttached"] = [{"name": volume}]

    refused(simulation, name, f"can attach no further volume of {DRIVER}")


def anti_affinity(app: str, topology: str = "kubernetes.io/hostname") -> dict[str, object]:
    term = {"labelSelector": {"matchLabels": {"app": app}}, "topologyKey": topology}
    return {"affinity": {"podAntiAffinity": {REQUIRED: [term]}}}


def test_replicas_that_must_not_share_a_node_wait_for_a_free_one():
    simulation = Simulation(workers=3)
    simulation.deploy("one", 3, pod=anti_affinity("one"), maxUnavailable=1)
    before = Before(simulation)
    stack = Stack(simulation, options())
    stack.up(until="ip-")
    name = app_node(simulation, "one")
    [new] = new_nodes(simulation)
    new["spec"]["unschedulable"] = True
    with pytest.raises(TimedOutError):
        steps.rotate_node(run(simulation.world()), name)
    del new["spec"]["unschedulable"]

    stack.up()

    before.check_replaced()


def test_replicas_that_must_not_share_a_zone_need_a_node_in_their_own():
    simulation = Simulation(workers=3)
    simulation.deploy("one", 3, pod=anti_affinity("one", "topology.kubernetes.io/zone"))
    Stack(simulation, options()).up(until="ip-")
    zone = new_nodes(simulation)[0]["metadata"]["labels"]["topology.kubernetes.io/zone"]
    places = {
        node["metadata"]["labels"]["topology.kubernetes.io/zone"]: node for node in old_nodes(simulation)
    }
    other = next(node for place, node in places.items() if place != zone)

    refused(simulation, other["metadata"]["name"], "has a pod beside which it must not run")
    steps.rotate_node(run(simulation.world()), places[zone]["metadata"]["name"])


@pytest.mark.parametrize("team", ["x", "y"])
def test_a_term_may_select_namespaces_by_their_labels(team: str):
    simulation = Simulation(workers=3)
    for name in ("shop", "other"):
        simulation.api.put("/api/v1/namespaces", {"metadata": {"name": name, "labels": {"team": "x"}}})
    apart = anti_affinity("one", "rack")
    term = apart["affinity"]["podAntiAffinity"][REQUIRED][0]  # type: ignore[index] # nested mappings
    term["namespaceSelector"] = {"matchLabels": {"team": team}}
    simulation.deploy("one", 3, namespace="other")
    simulation.deploy("two", 1, pod=apart, namespace="shop")
    Stack(simulation, options()).up(until="ip-")
    for node in simulation.nodes():
        node["metadata"]["labels"]["rack"] = "1"
    name = app_node(simulation, "two")

    if team == "x":
        refused(simulation, name, "has a pod beside which it must not run")
    else:
        steps.rotate_node(run(simulation.world()), name)


def test_a_node_whose_pods_forbid_others_beside_them_is_no_place():
    simulation = Simulation(workers=2)
    name = prepared(simulation, **no_label(simulation))
    alone = {
        "labels": {"app": "alone"},
        "ownerReferences": [{"kind": "Job", "name": "j", "controller": True}],
    }
    for node in simulation.nodes():
        if node["metadata"]["name"] != name:
            node["metadata"]["labels"]["disk"] = "fast"
            spec = {**anti_affinity("one"), "containers": []}
            simulation.run(
                f"alone-{node['metadata']['name']}", node["metadata"]["name"], metadata=alone, spec=spec
            )

    refused(simulation, name, "has a pod that must not run beside it")


def test_pods_that_may_stay_pending_hold_no_node_back():
    simulation = Simulation(workers=3)
    name = prepared(simulation, **no_label(simulation))
    for node in simulation.nodes():
        if node["metadata"]["name"] != name:
            node["metadata"]["labels"].pop("disk", None)

    steps.rotate_node(run(simulation.world(), options(allow=Allow(stranded_pods=("shop/one",)))), name)


def test_a_tainted_node_is_a_place_only_for_pods_that_tolerate_the_taint():
    simulation = Simulation(workers=2)
    name = prepared(simulation, **no_label(simulation))
    for node in simulation.nodes():
        if node["metadata"]["name"] != name:
            node["metadata"]["labels"]["disk"] = "fast"
            node["spec"]["taints"] = [{"key": "team", "value": "data", "effect": "NoSchedule"}]

    refused(simulation, name, "has the taint team")


def test_two_nodes_do_not_count_on_each_other():
    """The two nodes of a zone are next at the same time; with no third there, one of them stays."""
    clock = SharedClock()
    simulation = Simulation(clock=clock, workers=2, others=2)
    disks = Disks(simulation)
    for group in simulation.cloud.groups.values():
        group.zones = ("a",)
    for number, node in enumerate(simulation.nodes()):
        node["metadata"]["labels"]["disk"] = "fast" if number % 2 == 0 else "slow"
    simulation.deploy("db", 1, pod={"nodeSelector": {"disk": "fast"}, "volumes": [disks.create("data")]})
    simulation.deploy("dc", 1, pod={"nodeSelector": {"disk": "fast"}})
    Stack(simulation, options()).up(until="ip-")
    names = [
        node["metadata"]["name"]
        for node in old_nodes(simulation)
        if node["metadata"]["labels"]["disk"] == "fast"
    ]
    assert len(names) == 2

    def replace_node(name: str) -> None:
        steps.rotate_node(run(simulation.world(), options(parallel=2)), name)

    errors = clock.run(*[lambda name=name: replace_node(name) for name in names])

    assert len(errors) == 1
    assert "no other node suits Pod shop/d" in str(errors[0])
    assert simulation.lost == []


def test_a_dead_node_is_replaced_though_nothing_else_suits_its_pods():
    """Its pods are down already, and only its replacement can run them again."""
    simulation = Simulation(workers=3)
    disks = Disks(simulation)
    simulation.deploy("db", 1, pod={"volumes": [disks.create("data", zone="b")]})
    stack = Stack(simulation, options(surge=1))
    stack.up(until="ip-")
    name = app_node(simulation, "db")
    simulation.die(name)
    simulation.clock.sleep(60)

    steps.rotate_node(run(simulation.world()), name)

    assert simulation.node(name) is None
