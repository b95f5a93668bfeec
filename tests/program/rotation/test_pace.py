"""Replicas without a budget go missing no faster than in their own roll-out."""

from dataclasses import replace

import pytest

from eks_cilium.cluster.objects import is_cordoned
from eks_cilium.migration.eviction.drain import drain
from eks_cilium.migration.inventory import marks
from eks_cilium.migration.inventory.model import Outgoing
from eks_cilium.migration.rotation import steps
from eks_cilium.runtime.errors import TimedOutError
from eks_cilium.settings.model.migration import Allow

from .migrations import QUICK, Before, Stack, options, run
from .simulation.api_server import Object, is_ready
from .simulation.custom_kinds import CustomKind
from .simulation.threads import SharedClock
from .simulation.world import PODS, Simulation

pytestmark = pytest.mark.simulation


def watch(simulation: Simulation, app: str, replicas: int) -> list[int]:
    """The most pods of an application that were missing, so far; sampled every second."""
    most = [0]

    def look() -> None:
        pods = [pod for pod in simulation.api.of(PODS) if pod["metadata"].get("labels", {}).get("app") == app]
        ready = sum(is_ready(pod) and not pod["metadata"].get("deletionTimestamp") for pod in pods)
        most[0] = max(most[0], replicas - ready)

    simulation.controllers.append(look)
    return most


def gather(simulation: Simulation, app: str, *names: str) -> None:
    """Have all pods of an application on these nodes, in turn."""
    pods = [pod for pod in simulation.api.of(PODS) if pod["metadata"].get("labels", {}).get("app") == app]
    for number, pod in enumerate(pods):
        pod["spec"]["nodeName"] = names[number % len(names)]


def old_nodes(simulation: Simulation) -> list[str]:
    return [node["metadata"]["name"] for node in simulation.nodes(**{"cni-plugin": "aws"})]


STRATEGIES = [
    ({"type": "RollingUpdate"}, 8, 2),
    ({"type": "RollingUpdate"}, 3, 1),
    ({"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "50%", "maxSurge": 1}}, 5, 2),
    ({"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 3, "maxSurge": 0}}, 6, 3),
    ({"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}, 4, 1),
    ({"type": "Recreate"}, 4, 1),
]


@pytest.mark.parametrize(("strategy", "replicas", "at_once"), STRATEGIES)
def test_as_many_replicas_go_missing_as_in_the_roll_out_of_their_deployment(
    strategy: Object, replicas: int, at_once: int
):
    simulation = Simulation(workers=3)
    simulation.deploy("dns", replicas, strategy=strategy)
    stack = Stack(simulation, options())
    stack.up(until="ip-")
    name = old_nodes(simulation)[0]
    gather(simulation, "dns", name)
    most = watch(simulation, "dns", replicas)

    steps.rotate_node(run(simulation.world()), name)

    assert most == [at_once]


def test_replicas_of_a_stateful_set_go_one_after_another():
    simulation = Simulation(workers=3)
    metadata = {"name": "db", "namespace": "shop"}
    labels = {"app": "db"}
    template = {"metadata": {"labels": labels}, "spec": {}}
    simulation.api.put(
        "/apis/apps/v1/statefulsets",
        {
            "metadata": metadata,
            "spec": {
                "replicas": 3,
                "selector": {"matchLabels": labels},
                "template": template,
                "updateStrategy": {"type": "RollingUpdate"},
            },
        },
    )
    simulation.clock.sleep(5)
    Stack(simulation, options()).up(until="ip-")
    name = old_nodes(simulation)[0]
    gather(simulation, "db", name)
    most = watch(simulation, "db", 3)

    steps.rotate_node(run(simulation.world()), name)

    assert most == [1]


def test_pods_of_an_unknown_kind_go_one_after_another():
    simulation = Simulation(workers=3)
    CustomKind(simulation, "StrimziPodSet", "core.strimzi.io/v1beta2", replicas="pods").deploy("kafka", 3)
    Stack(simulation, options()).up(until="ip-")
    name = old_nodes(simulation)[0]
    gather(simulation, "kafka", name)
    most = watch(simulation, "kafka", 3)

    steps.rotate_node(run(simulation.world()), name)

    assert most == [1]


@pytest.mark.parametrize("scalable", [True, False])
def test_only_one_pod_of_an_unknown_kind_is_lost_when_its_controller_does_not_work(scalable: bool):
    simulation = Simulation(workers=3)
    custom = CustomKind(simulation, "Broken", "example.com/v1", replicas="size", scalable=scalable)
    owner = custom.deploy("kafka", 3)
    Stack(simulation, options()).up(until="ip-")
    name = old_nodes(simulation)[0]
    gather(simulation, "kafka", name)
    custom.works = False

    with pytest.raises(TimedOutError, match="Broken shop/kafka has 2 of 3 pods ready; without a budget"):
        steps.rotate_node(run(simulation.world()), name)

    assert len(custom.pods(owner)) == 2


def test_drains_beside_each_other_count_together():
    clock = SharedClock()
    simulation = Simulation(clock=clock, workers=4)
    simulation.deploy("dns", 4)
    chosen = options(surge=2, parallel=2)
    stack = Stack(simulation, chosen)
    stack.up(until="ip-")
    first, second = old_nodes(simulation)[:2]
    gather(simulation, "dns", first, second)
    most = watch(simulation, "dns", 4)

    def replace_node(name: str) -> None:
        steps.rotate_node(run(simulation.world(), chosen), name)

    errors = clock.run(lambda: replace_node(first), lambda: replace_node(second))

    assert errors == []
    assert most == [1]


def test_a_drain_whose_successors_never_get_ready_ends_with_this_reason():
    simulation = Simulation(workers=3)
    simulation.deploy("dns", 3)
    Stack(simulation, options()).up(until="ip-")
    name = old_nodes(simulation)[0]
    gather(simulation, "dns", name)
    began = simulation.clock.seconds

    def crash() -> None:
        for pod in simulation.api.of(PODS, "shop"):
            if pod.get("boundAt", 0) > began and pod["spec"].get("nodeName") != name:
                pod["status"] = {"phase": "Running", "conditions": [{"type": "Ready", "status": "False"}]}

    simulation.controllers.append(crash)

    with pytest.raises(TimedOutError, match=r"Deployment shop/dns has 2 of 3 pods ready; without a budget"):
        steps.rotate_node(run(simulation.world()), name)

    assert len([pod for pod in simulation.pods_on(name) if pod["metadata"]["name"].startswith("dns")]) == 2


def test_a_replica_that_was_broken_long_before_is_not_waited_for():
    simulation = Simulation(workers=3)
    simulation.deploy("dns", 3)
    before = Before(simulation)
    stack = Stack(simulation, options())
    stack.up(until="ip-")
    broken = simulation.api.of(PODS, "shop")[0]
    simulation.clock.sleep(1)

    def crash() -> None:
        if simulation.api.find(PODS, "shop", broken["metadata"]["name"]) is broken:
            broken["status"]["conditions"] = [{"type": "Ready", "status": "False"}]

    simulation.controllers.append(crash)
    broken["spec"]["nodeName"] = next(
        node["metadata"]["name"]
        for node in simulation.nodes()
        if "cni-plugin" not in node["metadata"]["labels"]
    )
    simulation.clock.sleep(100)

    stack.up()

    before.check_replaced()


def test_pods_that_are_deleted_past_their_budget_keep_this_pace_as_well():
    simulation = Simulation(workers=3)
    simulation.deploy("cart", 3, maxUnavailable=0)
    chosen = options(allow=Allow(budgets=("shop/cart",)))
    Stack(simulation, chosen).up(until="ip-")
    name = old_nodes(simulation)[0]
    gather(simulation, "cart", name)
    most = watch(simulation, "cart", 3)

    steps.rotate_node(run(simulation.world(), chosen), name)

    assert most == [1]


def test_single_replicas_and_jobs_are_not_held_back():
    simulation = Simulation(workers=3)
    for app in ("one", "two"):
        simulation.deploy(app, 1)
    Stack(simulation, options()).up(until="ip-")
    name = old_nodes(simulation)[0]
    gather(simulation, "one", name)
    gather(simulation, "two", name)
    for number in range(3):
        job = {"apiVersion": "batch/v1", "kind": "Job", "name": "work", "uid": "w", "controller": True}
        simulation.run(f"work-{number}", name, metadata={"ownerReferences": [job]})
    world = simulation.world()
    node = simulation.node(name)
    assert node is not None
    marks.cordon(world.api, node)
    outgoing = Outgoing(name, node["metadata"]["uid"], "i-1", "a", "workers")
    began = simulation.clock.seconds

    drained = drain(run(world, limits=replace(QUICK, terminating=None)), outgoing)

    assert drained.evicted == 5
    assert simulation.clock.seconds - began < 8


def test_a_drain_whose_successors_find_no_node_is_given_up_with_the_words_of_the_scheduler():
    simulation = Simulation(workers=3)
    simulation.deploy("dns", 3)
    Stack(simulation, options()).up(until="ip-")
    name = old_nodes(simulation)[0]
    gather(simulation, "dns", name)
    for replica_set in simulation.api.of("/apis/apps/v1/replicasets"):
        replica_set["spec"]["template"]["spec"] = {"nodeSelector": {"disk": "fast"}}
    given = options(pending_timeout_seconds=30, drain_timeout_seconds=900)
    began = simulation.clock.seconds

    with pytest.raises(
        TimedOutError, match=r"Deployment shop/dns to be scheduled: no node for shop/dns-1-\d: 0/4"
    ):
        steps.rotate_node(run(simulation.world(), given), name)

    assert simulation.clock.seconds - began < 60
    node = simulation.node(name)
    assert node is not None
    assert not is_cordoned(node)
