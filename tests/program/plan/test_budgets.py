"""Budgets: what they can ever allow, what they allow now, and what a plan uses up."""

import pytest

from eks_cilium.cluster.selectors import selector
from eks_cilium.migration.facts.model import Budget
from eks_cilium.migration.plan.budgets import desired_healthy
from eks_cilium.migration.plan.model import Code, NodePlan, Verdict
from eks_cilium.migration.plan.planner import plan
from eks_cilium.settings.model.migration import Allow, MigrationOptions
from tests.program.plan.builders import World, can_be_drained

pytestmark = pytest.mark.unit


def verdicts(node: NodePlan) -> list[Verdict]:
    return [pod.verdict for pod in node.pods]


@pytest.mark.parametrize(
    ("rule", "replicas", "desired"),
    [
        ({"min_available": 2}, 3, 2),
        ({"min_available": "50%"}, 3, 2),
        ({"min_available": "34%"}, 3, 2),
        ({"min_available": "100%"}, 3, 3),
        ({"min_available": "0%"}, 3, 0),
        ({"max_unavailable": 1}, 3, 2),
        ({"max_unavailable": "1%"}, 3, 2),
        ({"max_unavailable": "50%"}, 3, 1),
        ({"max_unavailable": "0%"}, 3, 3),
        ({"max_unavailable": 5}, 3, 0),
        ({}, 3, 3),
    ],
)
def test_percentages_are_rounded_up_on_both_sides(rule, replicas, desired):
    assert desired_healthy(Budget("shop", "web", **rule), replicas) == desired


@pytest.mark.parametrize(
    "rule",
    [
        {"min_available": 3, "desired_healthy": 3},
        {"min_available": 4, "desired_healthy": 4},
        {"min_available": "100%", "desired_healthy": 3},
        {"max_unavailable": 0, "desired_healthy": 3},
        {"max_unavailable": "0%", "desired_healthy": 3},
    ],
)
def test_a_budget_that_can_never_allow_anything_is_one_blocker_with_its_numbers(rule):
    world = World()
    world.deployment("web", [0, 1, 1])
    world.budget("web", "web", **rule)

    result = plan(world.facts())

    (blocker,) = result.blockers
    assert blocker.code is Code.BUDGET_NEVER_ALLOWS
    assert str(blocker.object) == "PodDisruptionBudget shop/web"
    assert blocker.nodes == ("node-0", "node-1")
    assert f"requires {rule['desired_healthy']} of 3 pods healthy" in blocker.problem
    assert verdicts(result.nodes[0]) == [Verdict.BLOCKED]
    assert not can_be_drained(result.nodes[0])


def test_a_budget_that_will_allow_again_is_only_a_warning():
    world = World()
    healthy = world.deployment("web", [0, 1])
    world.deployment("sick", [2], labels={"app": "web"}, ready=False)
    world.budget("web", "web", max_unavailable=1, desired_healthy=2, expected_pods=3)

    result = plan(world.facts())

    assert result.clean
    assert [str(warning.code) for warning in result.warnings if warning.object.name == "web"] == [
        "budget-busy"
    ]
    assert "2 healthy, 2 wanted, not ready: Pod shop/sick-5d9-0" in result.warnings[0].text
    first = result.of_node(healthy[0].node)
    assert first is not None
    assert first.pods[0].waits


def test_a_roll_out_with_one_pod_too_many_does_not_hide_that_a_budget_never_allows():
    world = World()
    world.deployment("web", [0, 1, 2])
    owner = next(iter(world.owners.values()))
    world.pod("web-new", 0, owner, labels={"app": "web"}, ready=False)
    world.budget("web", "web", min_available=3, desired_healthy=3)

    assert [blocker.code for blocker in plan(world.facts()).blockers] == [Code.BUDGET_NEVER_ALLOWS]


def test_a_budget_over_bare_pods_counts_none_of_them_and_never_allows():
    world = World()
    world.pod("one", labels={"app": "web"})
    world.pod("two", labels={"app": "web"})
    world.budget("web", "web", max_unavailable=1, expected_pods=0, disruptions_allowed=0)

    refused = [blocker.code for blocker in plan(world.facts()).blockers]

    assert refused == [Code.BARE_POD, Code.BUDGET_NEVER_ALLOWS, Code.BARE_POD]


def test_a_budget_its_controller_cannot_compute_blocks_in_the_controllers_words():
    world = World()
    world.pod("one", owner=world.owner("Workflow", "unscalable"), labels={"app": "web"})
    world.budget("web", "web", max_unavailable=1, sync_failure='found no controllers for pod "one"')

    (blocker,) = plan(world.facts()).blockers

    assert blocker.code is Code.BUDGET_NEVER_ALLOWS
    assert 'found no controllers for pod "one"' in blocker.problem


def test_a_budget_that_its_controller_has_not_processed_allows_nothing_for_now():
    world = World()
    world.deployment("web", [0, 1])
    world.budget("web", "web", max_unavailable=1, desired_healthy=1, generation=2, observed_generation=1)

    result = plan(world.facts())

    assert result.clean
    assert [str(warning.code) for warning in result.warnings] == ["budget-stale"]
    assert result.nodes[0].pods[0].waits


def test_two_budgets_on_one_pod_block_even_if_it_is_not_ready():
    world = World()
    world.deployment("web", [0], ready=False)
    world.budget("web", "web", max_unavailable=1, unhealthy_policy="AlwaysAllow")
    world.budget("everything", max_unavailable=1, unhealthy_policy="AlwaysAllow")

    (blocker,) = plan(world.facts()).blockers

    assert blocker.code is Code.TWO_BUDGETS
    assert "web" in blocker.problem
    assert "everything" in blocker.problem


@pytest.mark.parametrize("phase", ["Pending", "Succeeded", "Failed"])
def test_no_budget_is_asked_for_pods_that_do_not_run(phase):
    world = World()
    world.deployment("web", [0], phase=phase, ready=False)
    world.budget("web", "web", max_unavailable=0)
    world.budget("everything", max_unavailable=0)

    result = plan(world.facts())

    assert result.clean
    assert verdicts(result.nodes[0]) == [Verdict.EVICT]


@pytest.mark.parametrize(
    ("policy", "healthy", "desired", "free"),
    [
        ("IfHealthyBudget", 2, 2, True),
        ("IfHealthyBudget", 1, 2, False),
        ("IfHealthyBudget", 0, 0, False),
        ("AlwaysAllow", 0, 2, True),
    ],
)
def test_an_unready_pod_uses_no_disruption_when_the_rest_is_healthy_enough(policy, healthy, desired, free):
    world = World()
    (pod,) = world.deployment("sick", [0], labels={"app": "web"}, ready=False)
    world.deployment("web", [1, 2])
    world.budget(
        "web",
        "web",
        max_unavailable=1,
        unhealthy_policy=policy,
        current_healthy=healthy,
        desired_healthy=desired,
        disruptions_allowed=0,
    )

    (result,) = (
        pod_plan
        for node in plan(world.facts()).nodes
        for pod_plan in node.pods
        if pod_plan.pod == pod.reference
    )

    assert result.verdict is Verdict.EVICT
    assert (result.allowed_before is None) is free


def test_an_empty_selector_covers_the_namespace_and_none_covers_nothing():
    assert selector(None) is None
    empty = selector({})
    assert empty is not None
    assert empty.matches({})
    assert empty.matches({"app": "web"})


def test_pods_of_one_budget_on_one_node_wait_for_each_other():
    world = World(1)
    world.deployment("web", [0, 0, 0])
    world.budget("web", "web", max_unavailable=1, desired_healthy=2)

    (node,) = plan(world.facts()).nodes

    assert [pod.allowed_before for pod in node.pods] == [1, 0, 0]
    assert [pod.waits for pod in node.pods] == [False, True, True]
    (use,) = node.budgets
    assert (use.pods, use.allowed, use.waits) == (3, 1, 2)


def test_a_budget_is_whole_again_before_the_next_node_unless_both_are_drained_at_once():
    world = World(3)
    world.deployment("web", [0, 1, 2])
    world.budget("web", "web", max_unavailable=1, desired_healthy=2)

    one_by_one = plan(world.facts(), MigrationOptions(parallel=1))
    at_once = plan(world.facts(), MigrationOptions(parallel=3))

    assert [node.pods[0].waits for node in one_by_one.nodes] == [False, False, False]
    assert [node.pods[0].waits for node in at_once.nodes] == [False, True, True]


def test_of_two_drains_at_once_only_the_first_has_ended_when_a_third_begins():
    world = World(4)
    world.deployment("web", [0, 1, 2, 3])
    world.budget("web", "web", max_unavailable=1, desired_healthy=3)

    result = plan(world.facts(), MigrationOptions(parallel=2))

    assert [node.pods[0].waits for node in result.nodes] == [False, True, True, True]


def test_pods_of_an_excepted_budget_are_deleted():
    world = World(1)
    world.deployment("web", [0])
    world.budget("web", "web", max_unavailable=0, desired_healthy=1)

    result = plan(world.facts(), MigrationOptions(allow=Allow(budgets=("shop/web",))))

    assert result.clean
    assert verdicts(result.nodes[0]) == [Verdict.DELETE]
    assert [str(warning.code) for warning in result.warnings] == ["budget-bypassed"]


def test_an_exception_does_not_delete_what_can_be_evicted():
    world = World(1)
    world.deployment("web", [0, 0])
    world.budget("web", "web", max_unavailable=1, desired_healthy=1)

    result = plan(world.facts(), MigrationOptions(allow=Allow(budgets=("*/*",))))

    assert verdicts(result.nodes[0]) == [Verdict.EVICT, Verdict.EVICT]
