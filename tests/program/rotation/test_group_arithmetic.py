"""The sizes of a group whatever others add to it, for any number of nodes, surge and growth."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eks_cilium.clients.autoscaling import GroupState, Member
from eks_cilium.migration.capacity.contribution import Contribution, marked
from eks_cilium.migration.capacity.groups import GroupProgress
from eks_cilium.migration.inventory.model import GroupBefore, Outgoing
from eks_cilium.settings.model.migration import Capacity

from .migrations import options

pytestmark = pytest.mark.unit


def begun(nodes: int, surge: int, capacity: Capacity) -> GroupProgress:
    """A group after its surge, before the first drain: never more extra nodes than old ones."""
    extra = min(surge, nodes) if capacity is Capacity.SURGE else surge
    members = tuple(Member(f"i-{number}", "a", "InService") for number in range(nodes + extra))
    state = GroupState("workers", 0, 1000, nodes + extra, members, ())
    old = tuple(Outgoing(f"node-{number}", "", f"i-{number}", "a", "workers") for number in range(nodes))
    before = GroupBefore("workers", 0, nodes, nodes, ())
    chosen = options(capacity=capacity, surge=surge)
    return GroupProgress(state, before, old, Contribution(added=extra), chosen)


def grown(now: GroupProgress, by: int) -> GroupProgress:
    """Another program has added nodes, and they have been launched."""
    start = len(now.state.members)
    more = tuple(Member(f"i-others-{start + number}", "a", "InService") for number in range(by))
    state = replace(now.state, desired=now.state.desired + by, members=(*now.state.members, *more))
    return replace(now, state=state)


def terminated(now: GroupProgress) -> GroupProgress:
    """The next old node is terminated as the arithmetic says, and its replacement is launched."""
    instance, shrinks = now.old[0].instance, now.shrinks
    members = [member for member in now.state.members if member.instance != instance]
    if shrinks:
        state = replace(now.state, desired=now.state.desired - 1, members=tuple(members))
        return replace(now, state=state, added=marked(now.added, decremented=instance))
    members.append(Member(f"{instance}-new", "a", "InService"))
    return replace(now, state=replace(now.state, members=tuple(members)))


@given(
    nodes=st.integers(1, 12),
    surge=st.integers(1, 6),
    capacity=st.sampled_from(Capacity),
    growth=st.lists(st.integers(0, 30), min_size=12, max_size=12),
)
def test_only_what_the_migration_added_is_left_to_take_back(
    nodes: int, surge: int, capacity: Capacity, growth: list[int]
) -> None:
    now = begun(nodes, surge, capacity)
    added = 0
    for more in growth[:nodes]:
        now = grown(now, more)
        added += more
        serving = now.state.count
        assert now.base == nodes + added
        assert now.floor(0) <= serving - 1
        now = terminated(now)
        assert now.state.count == now.state.desired

    assert now.net == now.planned(0)
    assert now.state.desired - now.net == nodes + added


@given(nodes=st.integers(1, 12), surge=st.integers(1, 6), growth=st.integers(0, 30))
def test_with_a_surge_never_fewer_nodes_serve_than_before_and_what_others_added(
    nodes: int, surge: int, growth: int
) -> None:
    now = grown(begun(nodes, surge, Capacity.SURGE), growth)

    while now.old:
        assert now.floor(0) >= min(nodes + growth, now.state.count - 1)
        now = terminated(now)

    assert now.state.desired == nodes + growth


@given(before=st.integers(0, 20), by=st.integers(1, 20), others=st.integers(0, 20))
def test_a_change_that_was_about_to_be_sent_counts_once_where_the_group_shows_it(
    before: int, by: int, others: int
) -> None:
    intended = Contribution(raising=(before, before + by))

    def net(desired: int) -> int:
        return intended.net(GroupState("workers", 0, 100, desired, (), ()))

    assert net(before) == 0
    assert net(before + by + others) == by
