"""Properties that hold for the plan of every cluster."""

import math
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eks_cilium.cluster.names import ROTATION_ANNOTATION
from eks_cilium.migration import report
from eks_cilium.migration.facts.model import Budget, Facts, Node, Pod
from eks_cilium.migration.options import Before, Limits
from eks_cilium.migration.plan.capacity import forecast
from eks_cilium.migration.plan.model import Plan, Verdict
from eks_cilium.migration.plan.order import ordered
from eks_cilium.migration.plan.planner import plan
from eks_cilium.migration.report.layout import WIDTH
from eks_cilium.settings.model.migration import Allow, Capacity, MigrationOptions
from tests.program.plan.builders import NOW, ZONES, World, can_be_drained, group, node

pytestmark = pytest.mark.simulation

PHASES = ("Running", "Running", "Running", "Pending", "Succeeded", "Failed")
RULES = (
    {"min_available": 1},
    {"min_available": 2},
    {"min_available": "50%"},
    {"min_available": "100%"},
    {"max_unavailable": 0},
    {"max_unavailable": 1},
    {"max_unavailable": "34%"},
    {},
)


@st.composite
def nodes(draw: st.DrawFn, most: int = 12) -> list[Node]:
    count = draw(st.integers(1, most))
    return [
        node(
            number,
            zone=draw(st.sampled_from(ZONES)),
            created=NOW - timedelta(days=draw(st.integers(0, 3))),
            annotations={ROTATION_ANNOTATION: "draining"} if draw(st.integers(0, 9)) == 0 else {},
            instance=None if draw(st.integers(0, 9)) == 0 else f"i-{number}",
        )
        for number in range(count)
    ]


@st.composite
def worlds(draw: st.DrawFn) -> Facts:
    """Workloads of every kind, pods in every state, budgets with the status of their controller."""
    world = World(0)
    world.nodes = draw(nodes())
    world.groups = [group([node for node in world.nodes if node.instance])]
    for number in range(draw(st.integers(0, 4))):
        _workload(draw, world, f"app-{number}")
    if draw(st.booleans()):
        world.budget("everything", max_unavailable=1)
    return world.facts()


def _workload(draw: st.DrawFn, world: World, name: str) -> None:
    on = draw(st.lists(st.integers(0, len(world.nodes) - 1), min_size=1, max_size=8))
    kind = draw(st.sampled_from(["Deployment", "DaemonSet", "Job", "StatefulSet", ""]))
    owner = (
        world.owner(kind, name, len(on) if kind in ("Deployment", "StatefulSet") else None) if kind else None
    )
    for index, place in enumerate(on):
        world.pod(
            f"{name}-{index}",
            place,
            owner,
            labels={"app": name},
            phase=draw(st.sampled_from(PHASES)),
            ready=draw(st.integers(0, 4)) > 0,
            deleted=NOW if draw(st.integers(0, 9)) == 0 else None,
            mirror=draw(st.integers(0, 19)) == 0,
            local_volumes=("cache",) if draw(st.integers(0, 9)) == 0 else (),
        )
    if draw(st.booleans()):
        _budget(draw, world, name, len(on))


def _budget(draw: st.DrawFn, world: World, name: str, replicas: int) -> None:
    rule = draw(st.sampled_from(RULES))
    pods = [pod for pod in world.pods if pod.labels.get("app") == name]
    healthy = sum(pod.ready and not pod.deleted for pod in pods)
    desired = _wanted(rule, replicas)
    world.budget(
        name,
        name,
        **rule,
        desired_healthy=desired,
        disruptions_allowed=max(healthy - desired, 0) if rule else 0,
        unhealthy_policy=draw(st.sampled_from(["IfHealthyBudget", "AlwaysAllow"])),
    )


def _wanted(rule: dict[str, int | str], replicas: int) -> int:
    def scaled(value: int | str) -> int:
        return value if isinstance(value, int) else math.ceil(replicas * int(value.rstrip("%")) / 100)

    if "min_available" in rule:
        return scaled(rule["min_available"])
    return max(replicas - scaled(rule["max_unavailable"]), 0) if rule else replicas


options = st.builds(
    MigrationOptions,
    capacity=st.sampled_from(list(Capacity)),
    surge=st.integers(1, 4),
    parallel=st.integers(1, 4),
    allow=st.builds(
        Allow,
        bare_pods=st.sampled_from([(), ("*/*",)]),
        local_storage=st.sampled_from([(), ("*/*",)]),
        budgets=st.sampled_from([(), ("*/*",)]),
        stranded_pods=st.just(("*/*",)),
    ),
)
limits = st.builds(Limits, terminating=st.sampled_from([None, 30.0]))


@given(worlds(), options, limits)
def test_every_node_is_in_the_plan_exactly_once(facts: Facts, chosen: MigrationOptions, waits: Limits):
    result = plan(facts, chosen, limits=waits)
    named = [planned.node for planned in result.nodes]
    named += [node.name for node in (*result.impossible, *result.left_alone, *result.leaving)]

    assert sorted(named) == sorted(node.name for node in facts.nodes)
    assert [planned.position for planned in result.nodes] == list(range(1, len(result.nodes) + 1))


@given(worlds(), options, limits)
def test_every_pod_of_a_replaced_node_has_exactly_one_verdict_with_a_reason(
    facts: Facts, chosen: MigrationOptions, waits: Limits
):
    result = plan(facts, chosen, limits=waits)
    on: dict[str, list[str]] = defaultdict(list)
    for pod in facts.pods:
        on[pod.node].append(pod.uid)

    for planned in result.nodes:
        assert sorted(pod.uid for pod in planned.pods) == sorted(on[planned.node])
        assert all(pod.reason and isinstance(pod.verdict, Verdict) for pod in planned.pods)


@given(worlds(), options, limits)
def test_every_pod_that_blocks_a_drain_is_explained_by_a_blocker(
    facts: Facts, chosen: MigrationOptions, waits: Limits
):
    result = plan(facts, chosen, limits=waits)
    explained = {pod for blocker in result.blockers for pod in blocker.pods}

    for planned in result.nodes:
        for pod in planned.pods:
            assert not pod.verdict.blocks_drain or pod.pod in explained
        assert can_be_drained(planned) or result.blockers_of(planned.node)
    for gone in result.impossible:
        assert result.blockers_of(gone.name) or any(not blocker.nodes for blocker in result.blockers)
    assert all(blocker.problem and blocker.allowed and blocker.fix for blocker in result.blockers)


@dataclass
class Account:
    """A budget as the disruption controller computes it, simulated independently of the plan."""

    budget: Budget
    allowed: int
    taken: dict[str, int]


@given(worlds(), options, limits)
def test_no_plan_overdraws_a_budget_without_waiting(facts: Facts, chosen: MigrationOptions, waits: Limits):
    result = plan(facts, chosen, limits=waits)
    pods = {pod.reference: pod for pod in facts.pods}
    accounts = {
        budget.reference: Account(budget, budget.disruptions_allowed, defaultdict(int))
        for budget in facts.budgets
    }
    for index, planned in enumerate(result.nodes):
        if index >= chosen.parallel:
            _settle(accounts, result.nodes[index - chosen.parallel].node)
        for pod in planned.pods:
            if pod.verdict is Verdict.EVICT and pod.budget and _is_asked(pods[pod.pod], facts, pod.budget):
                _evict(accounts[pod.budget], planned.node, waits=pod.waits)


def _is_asked(pod: Pod, facts: Facts, name: object) -> bool:
    """Kubernetes' rule for when an eviction uses up a disruption, implemented independently."""
    budget = next(budget for budget in facts.budgets if budget.reference == name)
    if pod.phase in ("Pending", "Succeeded", "Failed") or pod.deleted:
        return False
    free = budget.unhealthy_policy == "AlwaysAllow" or 0 < budget.desired_healthy <= budget.current_healthy
    return pod.ready or not free


def _settle(accounts: dict[object, Account], name: str) -> None:
    for account in accounts.values():
        account.allowed += account.taken.pop(name, 0)


def _evict(account: Account, name: str, *, waits: bool) -> None:
    if waits:
        back = sum(account.taken.values())
        account.taken.clear()
        all_healthy = account.budget.expected_pods - account.budget.desired_healthy
        account.allowed += (
            back or all_healthy
        )  # without evictions of ours it waits until the other pods are healthy
    assert account.allowed > 0, f"{account.budget.reference} allows nothing and the plan does not wait"
    account.allowed -= 1
    account.taken[name] += 1


@given(nodes(most=30), st.data())
def test_nodes_left_after_some_were_replaced_keep_their_order(given_nodes: list[Node], data: st.DataObject):
    own = data.draw(st.sampled_from([None, *(node.name for node in given_nodes)]))
    order = ordered(given_nodes, own)
    done = data.draw(st.integers(0, len(order)))
    left = data.draw(st.permutations(order[done:]))

    assert sorted(node.name for node in order) == sorted(node.name for node in given_nodes)
    assert ordered(left, own) == order[done:]


@given(nodes(most=30))
def test_marking_the_first_node_does_not_change_the_order(given_nodes: list[Node]):
    fresh = [replace(node, annotations={}) for node in given_nodes]
    first, *others = ordered(fresh)
    begun = replace(first, annotations={ROTATION_ANNOTATION: "draining"})

    assert [node.name for node in ordered([*others, begun])] == [node.name for node in ordered(fresh)]


@given(
    st.lists(st.sampled_from(ZONES), min_size=1, max_size=12),
    st.sampled_from(list(Capacity)),
    st.integers(1, 6),
    st.data(),
)
def test_sizes_in_a_new_run_are_those_of_the_first_plan(
    zones: list[str], capacity: Capacity, surge: int, data: st.DataObject
):
    members = [node(number, zone=zone) for number, zone in enumerate(zones)]
    whole = forecast(group(members), zones, capacity=capacity, surge=surge)
    done = data.draw(st.integers(0, len(zones)))
    before = Before(desired=len(zones), outgoing=len(zones))
    rest = forecast(group(members[done:]), zones[done:], capacity=capacity, surge=surge, before=before)

    assert rest.decrements == whole.decrements[done:]
    assert rest.sizes.at_end == whole.sizes.at_end
    assert rest.sizes.peak <= whole.sizes.peak
    if capacity is Capacity.SURGE:
        assert whole.sizes.lowest == whole.sizes.at_end == len(zones)


@given(worlds(), options, limits)
@settings(max_examples=30)
def test_every_plan_can_be_reported_and_the_same_facts_give_the_same_report(
    facts: Facts, chosen: MigrationOptions, waits: Limits
):
    result, again = plan(facts, chosen, limits=waits), plan(facts, chosen, limits=waits)

    assert result == again
    assert report.document(result)["clean"] is result.clean
    for planned in result.nodes:
        assert planned.node in report.table(result)
        assert max(map(len, report.table(result).split("\n\n")[1].splitlines())) <= WIDTH
        assert planned.node in report.markdown(result)
        assert report.lines_of_node(planned)


@given(worlds(), options, limits)
def test_the_times_of_the_nodes_of_each_lane_add_up_to_the_estimate(
    facts: Facts, chosen: MigrationOptions, waits: Limits
):
    result: Plan = plan(facts, chosen, limits=waits)

    ends = [0.0]
    for first in range(chosen.parallel):
        free = 0.0
        for planned in result.nodes[first :: chosen.parallel]:
            ends.append(free + planned.seconds.total)
            free += planned.seconds.in_work
    assert result.seconds == pytest.approx(max(ends))
