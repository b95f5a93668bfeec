"""Replicas without a budget that would all be drained at once are warned of beforehand."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as some

from eks_cilium.cluster.objects import Reference
from eks_cilium.migration.facts.model import RollOut
from eks_cilium.migration.plan.model import Code
from eks_cilium.migration.plan.planner import plan
from eks_cilium.migration.replicas.together import most_together
from eks_cilium.settings.model.migration import MigrationOptions
from tests.program.plan.builders import World

pytestmark = pytest.mark.unit

ROLLING = RollOut("RollingUpdate", max_unavailable="25%", max_surge="25%")


def warned(world: World, **options: int) -> dict[str, str]:
    result = plan(world.facts(), MigrationOptions(**options))
    found = [warning for warning in result.warnings if warning.code is Code.REPLICAS_TOGETHER]
    return {warning.object.name: warning.text for warning in found}


def rolling(world: World, name: str) -> None:
    reference = Reference("Deployment", "shop", name)
    world.owners[reference] = replace(world.owners[reference], roll_out=ROLLING)


def test_all_replicas_on_one_node_are_warned_of():
    world = World()
    world.deployment("coredns", [1, 1])
    world.deployment("spread", [0, 1, 2])

    assert warned(world) == {
        "coredns": "has no budget and 2 of 2 pods on node-1, of which 1 may be missing: they are evicted one "
        "after another as its own roll-out would, when successors are ready"
    }


def test_a_budget_makes_the_warning_needless():
    world = World()
    world.deployment("coredns", [1, 1])
    world.budget("coredns", "coredns", max_unavailable=1, desired_healthy=1)

    assert warned(world) == {}


def test_nodes_that_are_in_work_at_once_count_together():
    world = World()
    world.deployment("spread", [0, 1, 2])

    assert warned(world) == {}
    assert "2 of 3 pods on node-" in warned(world, parallel=2)["spread"]


def test_as_many_as_the_roll_out_lets_go_are_no_matter_to_warn_of():
    world = World()
    world.deployment("wide", [0, 0, 1, 1, 2, 2, 2, 2])
    rolling(world, "wide")

    assert "4 of 8 pods on node-2, of which 2 may be missing" in warned(world)["wide"]
    world = World()
    world.deployment("wide", [0, 0, 1, 1, 2, 2, 0, 1])
    rolling(world, "wide")
    assert "3 of 8" in warned(world)["wide"]
    world = World(nodes=4)
    world.deployment("wide", [0, 0, 1, 1, 2, 2, 3, 3])
    rolling(world, "wide")
    assert warned(world) == {}


def test_pods_of_an_unknown_kind_are_counted_by_their_owner():
    world = World()
    owner = world.owner("CloneSet", "clone")
    for name in ("a", "b"):
        world.pod(name, on=0, owner=owner)
    del world.owners[owner.reference]

    assert "2 of 2 pods on node-0" in warned(world)["clone"]


def test_jobs_and_single_replicas_are_left_out():
    world = World()
    job = world.owner("Job", "work")
    for name in ("a", "b"):
        world.pod(name, on=0, owner=job)
    world.deployment("only", [0])

    assert warned(world) == {}


@given(
    some.lists(some.dictionaries(some.sampled_from("ab"), some.integers(1, 5)), max_size=6),
    some.integers(1, 4),
)
def test_the_most_together_is_what_some_window_of_nodes_has(moving, parallel):
    drains = [
        (f"node-{index}", {Reference("X", "", name): count for name, count in each.items()})
        for index, each in enumerate(moving)
    ]

    for workload, found in most_together(drains, parallel).items():
        windows = [drains[first : first + parallel] for first in range(len(drains))]
        sums = [sum(each.get(workload, 0) for _, each in window) for window in windows]
        assert found.pods == max(sums)
        assert 1 <= len(found.nodes) <= parallel
