"""The order of nodes."""

from datetime import timedelta

import pytest

from eks_cilium.cluster.names import ROTATION_ANNOTATION
from eks_cilium.cluster.objects import Reference
from eks_cilium.migration.plan.order import ordered
from eks_cilium.migration.plan.planner import plan
from tests.program.plan.builders import NOW, World, node

pytestmark = pytest.mark.unit


def names(nodes) -> list[str]:
    return [one.name for one in nodes]


def test_zones_take_turns():
    nodes = [node(0, zone="a"), node(1, zone="a"), node(2, zone="b"), node(3, zone="b"), node(4, zone="c")]

    assert [one.zone for one in ordered(nodes)] == ["a", "b", "a", "b", "c"]


def test_the_oldest_of_a_zone_goes_first():
    nodes = [
        node(number, zone="a", created=NOW - timedelta(days=age)) for number, age in enumerate((1, 9, 5))
    ]

    assert names(ordered(nodes)) == ["node-1", "node-2", "node-0"]


def test_a_node_in_work_comes_before_all_others():
    nodes = [node(0), node(1), node(2, annotations={ROTATION_ANNOTATION: "draining"})]

    assert names(ordered(nodes))[0] == "node-2"


def test_the_node_of_this_program_is_last_even_when_it_is_in_work():
    nodes = [node(0, annotations={ROTATION_ANNOTATION: "draining"}), node(1), node(2)]

    assert names(ordered(nodes, own_node="node-0"))[-1] == "node-0"


def test_the_plan_finds_the_node_of_this_program_by_its_pod():
    world = World(3, own_pod=Reference("Pod", "shop", "runner"))
    world.pod("runner", 0, world.owner("Job", "runner"))

    assert [one.node for one in plan(world.facts()).nodes][-1] == "node-0"
