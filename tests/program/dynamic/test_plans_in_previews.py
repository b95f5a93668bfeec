"""What `check` shows of the plan, what it refuses, and when it leaves a resource alone."""

from collections.abc import Callable
from typing import Any

import pytest
from pulumi.dynamic import CheckResult
from pulumi.output import Unknown

from eks_cilium.dynamic.replacement.node_inventory import NodeInventoryProvider, summary
from eks_cilium.dynamic.replacement.node_rotation import NodeRotationProvider, node_part
from eks_cilium.dynamic.replacement.surge import SurgeProvider, group_sizes
from eks_cilium.dynamic.shell.operation import OperationProvider
from eks_cilium.dynamic.shell.planning import (
    PlanPart,
    current_plan,
    migration_plan,
    previewed,
)
from eks_cilium.dynamic.shell.plans import Plans
from eks_cilium.migration.inventory import recording
from eks_cilium.migration.plan.model import Plan
from eks_cilium.migration.start import plan_now
from tests.program.rotation import migrations
from tests.program.rotation.simulation.world import Simulation

from .shells import inputs, nodes_of, over

pytestmark = pytest.mark.unit

UNKNOWN = Unknown()  # type: ignore[no-untyped-call] # the SDK's
"""What a preview has for the time when the inventory will have been recorded."""


@pytest.fixture
def simulation() -> Simulation:
    simulation = Simulation(workers=3)
    simulation.deploy("web", 4, maxUnavailable=1)
    return simulation


def reasons(result: CheckResult) -> list[str]:
    return [failure.reason for failure in result.failures]


def test_a_nodes_pods_budgets_and_time_are_shown(simulation: Simulation) -> None:
    name = nodes_of(simulation)[0]

    result = over(simulation, NodeRotationProvider).check({}, inputs(node=name))

    assert result.failures == []
    assert any(line.startswith("evict") and "Deployment shop/web" in line for line in result.inputs["plan"])
    assert result.inputs["plan"][-1].startswith("about ")


def test_the_sizes_of_every_group_are_shown(simulation: Simulation) -> None:
    result = over(simulation, SurgeProvider).check({}, inputs(left=3))

    (line,) = result.inputs["plan"]
    assert line.startswith("workers: desired 3, up to 4")


def test_a_summary_of_the_plan_is_shown(simulation: Simulation) -> None:
    given = inputs(nodes=nodes_of(simulation), left=3)

    result = over(simulation, NodeInventoryProvider).check({}, given)

    assert result.inputs["plan"][0].startswith("Cluster demo: 3 nodes from the AWS VPC CNI to Cilium")
    assert "Nothing blocks this plan." in result.inputs["plan"]


def test_all_blockers_come_at_once_at_the_first_resource(simulation: Simulation) -> None:
    first, second, _ = nodes_of(simulation)
    simulation.run("debug", first)
    simulation.run("scratch", second)

    result = over(simulation, NodeInventoryProvider).check({}, inputs(nodes=nodes_of(simulation), left=3))

    assert len(reasons(result)) == 2
    assert 'Or permit it: migration.allow.barePods: ["shop/debug"]' in "".join(reasons(result))
    assert {failure.property for failure in result.failures} == {"plan"}


def test_before_the_first_change_a_rotation_fails_on_blockers_of_its_own_node(simulation: Simulation) -> None:
    first, second, _ = nodes_of(simulation)
    simulation.run("debug", first)
    rotation = over(simulation, NodeRotationProvider)

    assert len(reasons(rotation.check({}, inputs(node=first, migration=UNKNOWN)))) == 1
    assert reasons(rotation.check({}, inputs(node=second, migration=UNKNOWN))) == []


def test_a_pod_that_appeared_since_the_migration_began_does_not_hold_up_other_nodes(
    simulation: Simulation,
) -> None:
    first, _, _ = nodes_of(simulation)
    recording.record_inventory(migrations.run(simulation.world()))
    simulation.run("debug", first)
    inventory = inputs(nodes=nodes_of(simulation), left=3)

    resumed = over(simulation, NodeInventoryProvider).check(inventory, inventory)
    shown = over(simulation, NodeRotationProvider).check({}, inputs(node=first))

    assert reasons(resumed) == reasons(shown) == []
    assert "blocked now: Pod shop/debug" in shown.inputs["plan"][-1]


def test_what_blocks_the_whole_cluster_stops_a_migration_that_has_begun(simulation: Simulation) -> None:
    recording.record_inventory(migrations.run(simulation.world()))
    own_groups = {"metadata": {"name": "own-groups", "namespace": "shop"}, "spec": {}}
    simulation.api.put("/apis/vpcresources.k8s.aws/v1beta1/securitygrouppolicies", own_groups)
    inventory = inputs(nodes=nodes_of(simulation), left=3)

    result = over(simulation, NodeInventoryProvider).check(inventory, inventory)

    assert len(reasons(result)) == 1


def test_in_an_update_no_plan_is_made_for_a_node(simulation: Simulation) -> None:
    """A plan reads the whole cluster; the node's own pods are judged when its rotation begins."""
    given = {**inputs(node=nodes_of(simulation)[0]), **previewed(None, group_sizes)}

    result = over(None, NodeRotationProvider).check({}, given)

    assert result.failures == []
    assert "plan" not in result.inputs


def test_the_inventory_is_recorded_by_the_plan_it_was_checked_by(simulation: Simulation) -> None:
    inventory = over(simulation, NodeInventoryProvider)
    given = inventory.check({}, inputs(nodes=nodes_of(simulation), left=3)).inputs
    read: list[str] = []
    simulation.api.answers.append(lambda request: read.append(request.url.path))

    inventory.create(given)

    assert "/api/v1/nodes" in read
    assert "/api/v1/pods" not in read


def test_what_is_allowed_is_not_refused(simulation: Simulation) -> None:
    simulation.run("debug", nodes_of(simulation)[0])
    given = inputs(nodes=nodes_of(simulation), left=3, options={"allow": {"barePods": ["shop/debug"]}})

    assert over(simulation, NodeInventoryProvider).check({}, given).failures == []


def test_a_finished_rotation_keeps_the_plan_it_was_done_by(simulation: Simulation) -> None:
    """Even when the cluster cannot be read any more."""
    old = inputs(node="node-long-gone", plan=["1. i-1: gone"])

    result = over(None, NodeRotationProvider).check(old, inputs(node="node-long-gone"))

    assert result.inputs["plan"] == ["1. i-1: gone"]
    assert result.failures == []


def test_a_rotation_of_an_earlier_migration_is_planned_again(simulation: Simulation) -> None:
    name = nodes_of(simulation)[0]
    old = inputs(node=name, plan=["1. i-1: gone"], migration="2025-01-01T00:00:00")

    result = over(simulation, NodeRotationProvider).check(old, inputs(node=name))

    assert len(result.inputs["plan"]) > 1


def test_a_finished_migration_is_not_planned_any_more(simulation: Simulation) -> None:
    """Reading all pods of a cluster for nothing would make every later preview slow."""
    old = inputs(nodes=["node-1"], left=0, plan=["as it was"])

    result = over(None, NodeInventoryProvider).check(old, inputs(nodes=["node-1"], left=0))

    assert result.inputs["plan"] == ["as it was"]


@pytest.mark.parametrize(
    ("kind", "more"),
    [(NodeInventoryProvider, {"nodes": ["a"], "left": 1}), (NodeRotationProvider, {"node": "a"})],
)
def test_without_a_cluster_the_plan_is_not_known_and_nothing_fails(
    kind: type[OperationProvider[Any]], more: dict[str, Any]
) -> None:
    result = over(None, kind).check({}, inputs(**more))

    assert result.inputs["plan"] == ["not known: EKS has no cluster demo that answers yet"]
    assert result.failures == []


def test_the_plan_of_a_deleted_node_says_so(simulation: Simulation) -> None:
    result = over(simulation, NodeRotationProvider).check({}, inputs(node="ip-long-gone"))

    assert result.inputs["plan"] == ["deleted or terminating already"]


def test_one_plan_serves_all_checks_of_a_preview_and_a_later_one_is_fresh(simulation: Simulation) -> None:
    connect = type(over(simulation, NodeRotationProvider)).connect
    kept, plans = Plans(simulation.clock.monotonic), []
    for seconds in (0, 299, 2):
        simulation.clock.sleep(seconds)
        plans.append(current_plan(kept, connect, inputs(), migration_plan))

    assert plans[0] is plans[1]
    assert plans[1] is not plans[2]


@pytest.mark.parametrize(
    ("kind", "more", "foresee"),
    [
        (NodeInventoryProvider, {"nodes": ["node-1"], "left": 3}, lambda plan, _: summary(plan)),
        (SurgeProvider, {"left": 3}, lambda plan, _: group_sizes(plan)),
        (NodeRotationProvider, {}, node_part),
    ],
)
def test_a_part_of_the_programs_plan_is_shown_without_reading_the_cluster_again(
    simulation: Simulation,
    kind: type[OperationProvider[Any]],
    more: dict[str, Any],
    foresee: Callable[[Plan, str], PlanPart],
) -> None:
    first, _, _ = nodes_of(simulation)
    simulation.run("debug", first)
    given = inputs(node=first, migration=UNKNOWN, **more)
    plan = plan_now(migrations.run(simulation.world()))

    itself = over(simulation, kind).check({}, given)
    handed = over(None, kind).check({}, {**given, **previewed(plan, lambda plan: foresee(plan, first))})

    assert handed.inputs == itself.inputs
    assert reasons(handed) == reasons(itself)


def test_a_finished_resource_is_not_blocked_by_the_programs_plan(simulation: Simulation) -> None:
    old = inputs(node="node-1", plan=["1. i-1: gone"])
    part = {"preview": {"lines": ["evict"], "blockers": ["no"]}}

    result = over(None, NodeRotationProvider).check(old, {**inputs(node="node-1"), **part})

    assert result.failures == []
    assert result.inputs == old
