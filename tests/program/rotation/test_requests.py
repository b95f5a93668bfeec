"""What a migration asks of the API server and of AWS, a node: a bound for each, so that neither grows."""

from dataclasses import dataclass

import pytest

from eks_cilium.migration.options import Limits

from .migrations import Before, Stack, options
from .simulation.world import Simulation
from .test_placement import ZONE

pytestmark = pytest.mark.simulation

NODES = 6
JOIN, END = 60, 120
"""Seconds until a new node joins, and until an instance has ended: about what AWS takes."""


@dataclass
class Asked:
    """The requests of a rotation, on average."""

    kubernetes: float
    aws: float
    pods: float
    """Evicted pods a node."""


def asked_for(simulation: Simulation, stack: Stack) -> Asked:
    """Rotate all nodes, after everything that comes before the first of them."""
    stack.up(until="ip-")
    simulation.api.requests.clear()
    simulation.cloud.requests.clear()
    simulation.api.evictions.clear()
    stack.up(until="restore")
    evicted = sum(status == 201 for _, _, status in simulation.api.evictions)
    return Asked(
        kubernetes=simulation.api.requests.total() / NODES,
        aws=simulation.cloud.requests.total() / NODES,
        pods=evicted / NODES,
    )


def shop() -> Simulation:
    """Ten pods a node, in several namespaces, most of them with a budget."""
    simulation = Simulation(workers=NODES)
    for number in range(5):
        simulation.deploy(f"app-{number}", 6, namespace=f"team-{number}", maxUnavailable=2)
    for number in range(2):
        simulation.deploy(f"free-{number}", 6, namespace=f"team-{number}")
    simulation.deploy_stateful("db", 6)
    simulation.cloud.join_seconds, simulation.cloud.end_seconds = JOIN, END
    return simulation


def test_a_node_takes_few_requests():
    simulation = shop()
    before = Before(simulation)
    limits = Limits()
    given = options(replacement_timeout_seconds=900, drain_timeout_seconds=900, health_timeout_seconds=600)

    stack = Stack(simulation, given, limits=limits, to_the_end=False)
    asked = asked_for(simulation, stack)
    simulation.cloud.join_seconds = simulation.cloud.end_seconds = 3
    stack.up()

    before.check_replaced()
    assert asked.kubernetes <= 25 + asked.pods, asked
    assert asked.aws <= 12, asked


def test_pods_that_need_a_particular_node_have_the_pods_of_few_nodes_listed():
    simulation = shop()
    in_a_zone = {"matchExpressions": [{"key": ZONE, "operator": "Exists"}]}
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [in_a_zone]}}
    simulation.deploy("zonal", 2 * NODES, pod={"affinity": {"nodeAffinity": required}}, maxUnavailable=2)
    simulation.cloud.join_seconds = simulation.cloud.end_seconds = 3

    asked_for(simulation, Stack(simulation, options()))

    # Its own, to watch them and once at the end; those of a node or two that its pods may move to.
    assert simulation.api.requests["LIST pods"] <= 9 * NODES, simulation.api.requests
