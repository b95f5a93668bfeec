"""When the emulated Cluster Autoscaler grows a group, and which nodes it may remove."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eks_cilium.cluster.selectors import selector
from lab.disturbances.autoscaler.decisions import (
    SCALE_DOWN_DISABLED,
    nodes_needed,
    reason_to_keep,
    removable,
    wanted_size,
)
from lab.disturbances.autoscaler.state import Budget, Node, Picture, Pod, Size, quantity
from lab.disturbances.load import room

pytestmark = pytest.mark.unit

GIB = 2**30


def node(name, **changes):
    created = Node(name, f"i-{name}", {"pool": "general"}, {}, (), Size(1900, 7 * GIB, 29), True, False)
    return replace(created, **changes)


def pod(name, where="", cpu=100, **changes):
    created = Pod(
        namespace="shop",
        name=name,
        uid=name,
        node=where,
        size=Size(cpu, GIB // 4, 1),
        labels={"app": name},
        node_selector={},
        owner="ReplicaSet",
        is_unschedulable=not where,
        is_leaving=False,
        is_safe="",
        has_local_storage=False,
    )
    return replace(created, **changes)


def agent(where):
    return pod(f"agent-{where}", where, owner="DaemonSet")


def picture(*pods, nodes=("a", "b", "c"), desired=3, budgets=()):
    named = tuple(node(each) if isinstance(each, str) else each for each in nodes)
    return Picture(named, (), tuple(pods), tuple(budgets), desired)


@pytest.mark.parametrize(
    ("written", "number"),
    [("250m", "0.25"), ("2", "2"), ("1Gi", str(GIB)), ("64Mi", str(64 * 2**20)), ("5k", "5000")],
)
def test_quantities(written, number):
    assert quantity(written) == quantity(number)


@pytest.mark.parametrize(
    ("cpus", "upcoming", "needed"),
    [
        ([], 0, 0),
        ([1000, 1000], 0, 2),
        ([900, 900], 0, 1),
        ([1000, 1000], 1, 1),
        ([1000, 1000], 3, 0),
        ([5000], 0, 0),
    ],
)
def test_nodes_are_counted_first_fit_after_the_upcoming_ones(cpus, upcoming, needed):
    pods = [Size(cpu, 0, 1) for cpu in cpus]
    assert nodes_needed(pods, Size(1900, GIB, 29), upcoming) == needed


@given(st.lists(st.integers(1, 1900), max_size=30), st.integers(0, 5))
def test_as_many_nodes_are_counted_as_hold_all_pods_and_no_more_than_pods(cpus, upcoming):
    space, pods = Size(1900, GIB, 29), [Size(cpu, 0, 1) for cpu in cpus]
    nodes = upcoming + nodes_needed(pods, space, upcoming)
    assert sum(cpus) <= nodes * space.cpu
    assert nodes <= max(len(pods), upcoming)
    assert nodes_needed(pods, space, nodes) == 0


def test_a_group_grows_for_pods_without_a_place_up_to_its_maximum():
    waiting = [pod(f"w{number}", cpu=1500) for number in range(4)]
    assert wanted_size(picture(*waiting), largest=10) == 7
    assert wanted_size(picture(*waiting), largest=5) == 5
    assert wanted_size(picture(*waiting, desired=12), largest=10) == 12


def test_pods_of_another_group_and_pods_that_leave_are_not_counted():
    elsewhere = pod("elsewhere", node_selector={"pool": "web"})
    leaving = pod("leaving", is_leaving=True)
    assert wanted_size(picture(elsewhere, leaving), largest=10) == 3


def test_nodes_on_their_way_are_used_before_more_is_asked_for():
    nodes = ("a", "b", node("c", is_ready=False))
    assert wanted_size(picture(pod("w"), nodes=nodes), largest=10) == 3


def test_the_agents_of_a_new_node_take_their_space():
    big = Size(cpu=950)
    crowded = [replace(agent("a"), size=Size(100, 0, 1)) for _ in range(1)]
    waiting = [pod("w1", cpu=big.cpu), pod("w2", cpu=big.cpu)]
    assert wanted_size(picture(*crowded, *waiting), largest=10) == 5
    assert wanted_size(picture(*waiting), largest=10) == 4


def test_an_idle_node_may_be_removed_the_emptiest_first():
    pods = [agent("a"), pod("p", "a", 500), pod("q", "b", 300), pod("r", "c", 1500)]
    assert [each.name for each in removable(picture(*pods), smallest=1)] == ["b", "a"]


def test_a_group_at_its_minimum_keeps_its_nodes():
    assert removable(picture(), smallest=3) == []


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"annotations": {SCALE_DOWN_DISABLED: "true"}}, "scale-down is disabled"),
        ({"is_ready": False}, "not Ready"),
    ],
)
def test_a_node_is_kept_for_its_own_reasons(changes, reason):
    kept = node("a", **changes)
    assert reason in reason_to_keep(picture(nodes=(kept, "b")), kept)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"owner": ""}, "no controller"),
        ({"has_local_storage": True}, "local storage"),
        ({"namespace": "kube-system"}, "system pod without a budget"),
        ({"is_safe": "false"}, "not safe to evict"),
        ({"size": Size(1000, 0, 1)}, "it is used"),
    ],
)
def test_a_node_is_kept_for_its_pods(changes, reason):
    shown = picture(pod("p", "a", **changes))
    assert reason in reason_to_keep(shown, shown.nodes[0])


def test_safe_to_evict_overrules_what_holds_a_pod():
    shown = picture(pod("p", "a", owner="", has_local_storage=True, is_safe="true"))
    assert reason_to_keep(shown, shown.nodes[0]) == ""


def test_a_closed_budget_keeps_the_node_and_an_open_one_does_not():
    for allowed, kept in ((0, True), (1, False)):
        budget = Budget("shop", selector({"matchLabels": {"app": "p"}}), allowed)
        shown = picture(pod("p", "a"), budgets=[budget])
        assert bool(reason_to_keep(shown, shown.nodes[0])) is kept


def test_pods_without_a_place_elsewhere_keep_their_node():
    busy = [pod("x", "b", 1800), pod("y", "c", 1800)]
    shown = picture(pod("p", "a", 200), *busy)
    assert "no place elsewhere" in reason_to_keep(shown, shown.nodes[0])
    cordoned = picture(pod("p", "a"), nodes=("a", node("b", is_cordoned=True)))
    assert "no place elsewhere" in reason_to_keep(cordoned, cordoned.nodes[0])


def test_the_load_fills_the_nodes_that_take_pods():
    nodes = [node("a"), node("b", is_cordoned=True), node("c", size=Size(3500, 7 * GIB, 29))]
    assert room(nodes, [pod("p", "c", 600)]) == 1 + 2
