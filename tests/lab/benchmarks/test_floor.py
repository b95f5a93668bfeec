"""The floor of a migration is the least time that its budgets, launches and stops allow."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.benchmarks.migration.floor import Cluster, Moving, OldNode, Width, floor

pytestmark = pytest.mark.unit

LAUNCH = 10.0


def nodes(count, *pods, group="a"):
    return tuple(OldNode(f"{group}-{number}", group, pods) for number in range(count))


def cluster(*old, budgets=None):
    return Cluster(old, budgets or {}, LAUNCH)


def test_a_serial_run_adds_up_the_stops_after_one_launch() -> None:
    found = floor(cluster(*nodes(6, Moving(4, 3))), Width({"": 1}, {"a": 6}))

    assert found == LAUNCH + 6 * 4


def test_with_one_extra_node_each_replacement_waits_for_the_launch_of_the_one_before() -> None:
    found = floor(cluster(*nodes(3, Moving(4, 3))), Width({"": 2}, {"a": 1}))

    assert found == 3 * (LAUNCH + 4)


def test_a_budget_of_one_pod_makes_nodes_beside_each_other_wait_for_successors() -> None:
    old = nodes(2, Moving(4, 7, "web"))

    assert floor(cluster(*old, budgets={"web": 2}), Width({"": 2}, {"a": 2})) == LAUNCH + 4
    assert floor(cluster(*old, budgets={"web": 1}), Width({"": 2}, {"a": 2})) == LAUNCH + 7 + 4


def test_places_of_a_percentage_are_those_of_each_group() -> None:
    old = (*nodes(2, Moving(4, 3)), *nodes(2, Moving(4, 3), group="b"))

    assert floor(cluster(*old), Width({"a": 1, "b": 1}, {"a": 2, "b": 2})) == LAUNCH + 2 * 4
    assert floor(cluster(*old), Width({"": 1}, {"a": 2, "b": 2})) == LAUNCH + 4 * 4


def test_groups_in_turn_are_widened_one_after_the_other() -> None:
    old = (*nodes(2, Moving(4, 3)), *nodes(2, Moving(4, 3), group="b"))

    assert floor(cluster(*old), Width({"": 1}, {"a": 2, "b": 2}), in_turn=True) == 2 * (LAUNCH + 2 * 4)


def test_the_best_order_counts() -> None:
    """A node whose pod waits for a budget is begun first, while others go on beside it."""
    slow = OldNode("slow", "a", (Moving(4, 5, "web"), Moving(4, 5, "web"), Moving(4, 5, "web")))
    quick = nodes(3, Moving(4, 3))

    found = floor(cluster(*quick, slow, budgets={"web": 1}), Width({"": 2}, {"a": 4}))

    assert found == LAUNCH + 2 * 5 + 4


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 6), st.integers(1, 4), st.integers(1, 4))
def test_more_places_and_more_extra_nodes_never_take_longer(count: int, places: int, extra: int) -> None:
    old = cluster(*nodes(count, Moving(4, 6, "web"), Moving(2, 3)), budgets={"web": 2})

    narrow = floor(old, Width({"": places}, {"a": extra}), orders=5)
    wide = floor(old, Width({"": places + 1}, {"a": extra + 1}), orders=5)

    assert wide <= narrow


def test_a_group_without_an_extra_node_is_an_error() -> None:
    with pytest.raises(ValueError, match="never had a place"):
        floor(cluster(*nodes(1, Moving(4, 3))), Width({"": 1}, {"b": 1}))
