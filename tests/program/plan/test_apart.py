"""Nodes whose pods wait for the same budgets are not in work together, and zones take turns all the same."""

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eks_cilium.migration.options import Recorded
from eks_cilium.migration.plan.planner import plan
from eks_cilium.settings.model.migration import MigrationOptions
from tests.program.plan.builders import ZONES, World, group, node

pytestmark = pytest.mark.unit


def pairs(count: int) -> World:
    """Nodes of one zone; two that follow each other have pods of one service, which may miss one of them."""
    world = World(count)
    world.nodes = [node(number, zone=ZONES[0]) for number in range(count)]
    for first in range(0, count, 2):
        world.deployment(f"web-{first}", [first, first + 1])
        world.budget(f"web-{first}", app=f"web-{first}", max_unavailable=1)
    return world


def order(world: World, parallel: int | str, *, waits: bool | None = None) -> list[str]:
    given = MigrationOptions(parallel=parallel, wait_until_healthy=waits)
    return [each.node for each in plan(world.facts(), given).nodes]


def service_of(name: str) -> int:
    return int(name.removeprefix("node-")) // 2


def test_nodes_with_pods_of_one_budget_do_not_follow_each_other() -> None:
    found = [service_of(name) for name in order(pairs(8), 2)]

    assert all(first != second for first, second in pairwise(found[:-1]))


def test_one_node_after_the_other_stays_in_the_order_of_age() -> None:
    assert order(pairs(8), 1) == [f"node-{number}" for number in range(8)]


def test_the_node_that_had_a_place_before_counts_where_the_next_one_does_not_wait_for_its_pods() -> None:
    found = [service_of(name) for name in order(pairs(8), 1, waits=False)]

    assert all(first != second for first, second in pairwise(found[:-1]))


def test_a_budget_with_room_for_both_puts_nothing_apart() -> None:
    world = pairs(8)
    world.budgets.clear()
    for first in range(0, 8, 2):
        world.budget(f"web-{first}", app=f"web-{first}", max_unavailable=2)

    assert order(world, 2) == [f"node-{number}" for number in range(8)]


def test_groups_with_places_of_their_own_are_in_work_beside_each_other() -> None:
    world = World(12)
    world.nodes = [node(number, zone=ZONES[0]) for number in range(12)]
    world.groups = [group(world.nodes[:8], name="large"), group(world.nodes[8:], name="small")]

    found = [int(name.removeprefix("node-")) >= 8 for name in order(world, "10%")]

    assert [sum(found[: 3 * part]) for part in (1, 2, 3, 4)] == [1, 2, 3, 4]


@pytest.mark.parametrize("parallel", [3, "10%"])
def test_nodes_that_are_in_work_together_are_of_different_groups_and_zones(parallel: int | str) -> None:
    """Otherwise the extra nodes of a single group are used up, and one zone loses several nodes at once."""
    world = World(36)
    world.nodes = [node(number, zone=ZONES[number % 3]) for number in range(36)]
    world.groups = [group(world.nodes[first : first + 12], name=f"group-{first}") for first in (0, 12, 24)]

    found = [int(name.removeprefix("node-")) for name in order(world, parallel)]

    for first in range(0, 36, 3):
        together = found[first : first + 3]
        assert len({number // 12 for number in together}) == 3
        assert len({number % 3 for number in together}) == 3


def test_the_recorded_order_counts_once_there_is_one() -> None:
    names = tuple(f"node-{number}" for number in (3, 1, 2, 0))
    recorded = Recorded(frozenset(names), names, frozenset(names))

    result = plan(pairs(4).facts(), MigrationOptions(parallel=2), recorded=recorded)

    assert [each.node for each in result.nodes] == [*names]


@given(
    st.lists(st.sampled_from(ZONES), min_size=1, max_size=20),
    st.lists(st.lists(st.integers(0, 19), min_size=1, max_size=6), max_size=8),
    st.sampled_from([1, 2, 4, "10%", "50%"]),
)
def test_every_node_is_there_once_and_zones_take_turns_as_without_budgets(
    zones: list[str], services: list[list[int]], parallel: int | str
) -> None:
    world = World(len(zones))
    world.nodes = [node(number, zone=zone) for number, zone in enumerate(zones)]
    plain = plan(world.facts(), MigrationOptions(parallel=parallel))
    for number, places in enumerate(services):
        world.deployment(f"web-{number}", [place % len(zones) for place in places])
        world.budget(f"web-{number}", app=f"web-{number}", max_unavailable=1)

    result = plan(world.facts(), MigrationOptions(parallel=parallel))

    assert Counter(each.node for each in result.nodes) == Counter(each.name for each in world.nodes)
    assert [each.zone for each in result.nodes] == [each.zone for each in plain.nodes]
