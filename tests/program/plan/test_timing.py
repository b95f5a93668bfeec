"""The estimate: what it consists of, and what of the cluster itself it is calibrated with."""

from dataclasses import replace

import pytest

from eks_cilium.migration.options import Timings
from eks_cilium.migration.plan.estimate.timing import calibrated
from eks_cilium.migration.plan.planner import plan
from eks_cilium.settings.model.migration import MigrationOptions
from tests.program.plan.builders import World

pytestmark = pytest.mark.unit

USUAL = Timings()


def test_a_node_takes_the_launch_its_drain_and_the_health_of_its_pods_while_its_instance_ends():
    world = World(nodes=1)
    world.deployment("web", on=[0], seconds_to_ready=200)

    (node,) = plan(world.facts(), timings=USUAL).nodes

    assert node.seconds.capacity == USUAL.launch
    assert node.seconds.drain == USUAL.longest_stop
    assert node.seconds.gone == USUAL.termination
    assert node.seconds.settle == 200 + 2 * USUAL.between_readings
    assert node.ends == node.seconds.total == node.seconds.in_work


def test_the_next_node_does_not_wait_for_the_end_of_an_instance():
    """With spare capacity for both, and pods that are healthy before the instance has ended."""
    slow = replace(USUAL, termination=600)

    result = plan(World(nodes=4).facts(), MigrationOptions(surge=4), timings=slow)

    first, *_, last = result.nodes
    assert first.seconds.total == first.seconds.in_work - first.seconds.settle + 600
    assert result.seconds == last.ends
    assert result.seconds < 600 + sum(node.seconds.in_work for node in result.nodes)


@pytest.mark.parametrize(
    ("parallel", "waits", "keeps"),
    [(1, None, True), (1, False, False), (2, None, False), (2, True, True), ("10%", None, True)],
)
def test_a_node_that_waits_until_healthy_has_its_place_until_its_workloads_are(
    parallel: int | str, waits: bool | None, keeps: bool
):
    given = MigrationOptions(parallel=parallel, surge=4, wait_until_healthy=waits)

    seconds = plan(World(nodes=4).facts(), given, timings=USUAL).nodes[1].seconds

    assert seconds.in_work == seconds.capacity + seconds.drain + (seconds.settle if keeps else 0)


def test_the_time_of_a_launch_is_what_the_nodes_of_the_cluster_took():
    assert calibrated(World(join_seconds=(40.0, 50.0, 400.0)).facts()).launch == 50


def test_the_time_until_pods_are_ready_is_what_the_pods_of_the_cluster_took():
    world = World()
    world.deployment("web", on=[0, 1, 2], seconds_to_ready=90)

    assert calibrated(world.facts()).pod_ready == 90


def test_a_pod_that_was_disturbed_long_after_its_start_says_nothing():
    world = World()
    world.deployment("web", on=[0, 1, 2], seconds_to_ready=USUAL.longest_pod_ready + 1)

    assert calibrated(world.facts()) == USUAL


def test_with_parallel_nodes_every_node_says_when_it_is_done():
    result = plan(World(nodes=4).facts(), MigrationOptions(parallel=2, surge=2))

    assert [node.ends for node in result.nodes] == sorted(node.ends for node in result.nodes)
    assert result.seconds == result.nodes[-1].ends
    assert result.seconds < sum(node.seconds.total for node in result.nodes)


def test_a_slower_cluster_takes_longer():
    facts = World(nodes=3).facts()

    assert plan(replace(facts, join_seconds=(600.0,))).seconds > plan(facts).seconds + 3 * 400
