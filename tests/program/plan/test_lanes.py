"""Widths and lanes: how many nodes are in work at once, and which follows which."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eks_cilium.dynamic.replacement.node_batch import AT_ONCE, MOST_RESOURCES, cut
from eks_cilium.migration.lanes import Lanes
from eks_cilium.migration.plan.planner import plan
from eks_cilium.migration.report.wording import headline
from eks_cilium.settings.model import width
from eks_cilium.settings.model.migration import MigrationOptions
from tests.program.plan.builders import World

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("written", "nodes", "at_once", "besides"),
    [(3, 60, 3, 3), ("10%", 60, 6, 6), ("10%", 5, 1, 1), ("25%", 10, 2, 3), ("100%", 4, 4, 4)],
)
def test_a_share_is_rounded_down_for_nodes_in_work_and_up_for_extra_nodes(
    written: int | str, nodes: int, at_once: int, besides: int
) -> None:
    assert (width.at_once(written, nodes), width.besides(written, nodes)) == (at_once, besides)


@pytest.mark.parametrize("written", [10.0, "10"])
def test_numbers_may_come_as_floats_and_as_text(written: object) -> None:
    assert MigrationOptions.model_validate({"parallel": written}).parallel == 10


@given(st.lists(st.sampled_from("abc"), max_size=40), st.one_of(st.integers(1, 9), st.just("10%")))
def test_at_most_so_many_nodes_are_begun_before_one_is_finished(
    groups: list[str], parallel: int | str
) -> None:
    nodes = {f"node-{index}": group for index, group in enumerate(groups)}
    lanes = Lanes(nodes, parallel)

    first = [node for node in nodes if not lanes.before(node)]
    assert len(first) == min(lanes.in_all, len(nodes))
    followed = [lanes.before(node) for node in nodes if lanes.before(node)]
    assert len(set(followed)) == len(followed)
    if isinstance(parallel, str):
        assert all(nodes[lanes.before(node)] == nodes[node] for node in nodes if lanes.before(node))


def test_the_plan_says_the_share_and_counts_by_it() -> None:
    result = plan(World(nodes=20).facts(), MigrationOptions(parallel="10%", surge="10%"))

    assert "10% of each group at a time, 10% extra nodes" in headline(result)
    assert result.groups[0].peak == result.groups[0].desired + 2


@given(st.integers(201, 5000), st.integers(1, 500))
def test_batches_have_all_nodes_once_are_few_and_leave_no_place_idle(nodes: int, places: int) -> None:
    batches = cut(nodes, places)

    positions = [first + index for first, count in batches for index in range(count)]
    assert positions == list(range(1, nodes + 1))
    assert len(batches) <= MOST_RESOURCES
    assert sum(count for _, count in batches[: AT_ONCE - 1]) >= min(places, nodes)
