"""The order in which nodes are replaced."""

from datetime import timedelta

import pytest

from eks_cilium.cluster.names import ROTATION_ANNOTATION
from eks_cilium.cluster.objects import Reference
from eks_cilium.migration.plan.order import ordered
from eks_cilium.migration.plan.planner import plan
from tests.program.plan.builders import NOW, World, node

pytestmark = pytest.mark.unit


def names(nodes) -> list[str]:
    return [node.name for node in nodes]


def test_zones_take_turns():
    nodes = [node(0, zone="a"), node(1, zone="a"), node(2, zone="b"), node(3, zone="b"), node(4, zone="c")]

    assert [node.zone for node in ordered(nodes)] == ["a", "b", "a", "b", "c"]


def test_the_oldest_node_of_a_zone_is_first():
    nodes = [
        node(number, zone="a", created=NOW - timedelta(days=age)) for number, age in enumerate((1, 9, 5))
    ]

    assert names(ordered(nodes)) == ["node-1", "node-2", "node-0"]


def test_a_node_in_progress_is_before_all_others():
    nodes = [node(0), node(1), node(2, annotations={ROTATION_ANNOTATION: "draining"})]

    assert names(ordered(nodes))[0] == "node-2"


def test_the_node_of_this_program_is_last_even_when_it_is_in_progress():
    nodes = [node(0, annotations={ROTATION_ANNOTATION: "draining"}), node(1), node(2)]

    assert names(ordered(nodes, own_node="node-0"))[-1] == "node-0"


def test_the_plan_finds_the_node_of_this_program_by_its_pod():
    world = World(3, own_pod=Reference("Pod", "shop", "runner"))
    world.pod("runner", 0, world.owner("Job", "runner"))

    assert [planned.node for planned in plan(world.facts()).nodes][-1] == "node-0"


def test_nodes_that_are_not_ready_are_before_those_that_serve() -> None:
    nodes = [node(number, ready=number != 2) for number in range(3)]

    assert names(ordered(nodes))[0] == "node-2"
