"""Workloads that must stay spread over zones or nodes: a node is cordoned when they can stay so."""

import pytest

from eks_cilium.migration.rotation import steps

from .migrations import Before, Stack, options, run
from .simulation.api_server import Object
from .simulation.controllers import PODS
from .simulation.world import Simulation
from .test_placement import ZONE, app_node, new_nodes, old_nodes, refused

pytestmark = pytest.mark.simulation


def is_unscheduled(pod: Object) -> bool:
    return not pod["spec"].get("nodeName")


def spread(app: str, topology: str = ZONE, **more: object) -> dict[str, object]:
    selected = {"matchLabels": {"app": app}}
    constraint = {"topologyKey": topology, "maxSkew": 1, "whenUnsatisfiable": "DoNotSchedule", **more}
    return {"topologySpreadConstraints": [{**constraint, "labelSelector": selected}]}


def test_replicas_that_must_stay_spread_over_zones_need_a_node_in_their_own():
    simulation = Simulation(workers=3)
    simulation.deploy("one", 6, pod=spread("one"))
    Stack(simulation, options()).up(until="ip-")
    [zone] = {node["metadata"]["labels"][ZONE] for node in new_nodes(simulation)}
    places = {node["metadata"]["labels"][ZONE]: node["metadata"]["name"] for node in old_nodes(simulation)}
    other = next(name for place, name in places.items() if place != zone)

    refused(simulation, other, f"would break a topologySpreadConstraint of {ZONE}")
    steps.rotate_node(run(simulation.world()), places[zone])
    assert not any(is_unscheduled(pod) for pod in simulation.api.of(PODS, "shop"))


@pytest.mark.parametrize(
    "lenient",
    [
        {"whenUnsatisfiable": "ScheduleAnyway"},
        {"maxSkew": 4},
        {"labelSelector": {"matchLabels": {"app": "other"}}},
    ],
)
def test_a_spread_that_holds_elsewhere_as_well_keeps_no_node(lenient: dict[str, object]):
    simulation = Simulation(workers=3)
    constraint = {**spread("one")["topologySpreadConstraints"][0], **lenient}  # type: ignore[index] # a list
    simulation.deploy("one", 6, pod={"topologySpreadConstraints": [constraint]})
    Stack(simulation, options()).up(until="ip-")

    for node in old_nodes(simulation)[:1]:
        steps.rotate_node(run(simulation.world()), node["metadata"]["name"])

    assert not any(is_unscheduled(pod) for pod in simulation.api.of(PODS, "shop"))


def test_a_migration_keeps_replicas_spread_over_nodes_and_zones():
    simulation = Simulation(workers=6)
    simulation.deploy("zones", 6, pod=spread("zones"), maxUnavailable=1)
    simulation.deploy("nodes", 6, pod=spread("nodes", "kubernetes.io/hostname"), maxUnavailable=1)
    before = Before(simulation)

    Stack(simulation, options()).up()

    before.check_replaced()


def test_two_replicas_of_a_node_do_not_count_on_the_same_place():
    simulation = Simulation(workers=2)
    simulation.deploy("one", 6, pod=spread("one", "kubernetes.io/hostname"))
    Stack(simulation, options()).up(until="ip-")

    refused(simulation, app_node(simulation, "one"), "would break a topologySpreadConstraint of")
