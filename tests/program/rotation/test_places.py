"""The places of nodes in work: when the next node is begun, and how budgets are asked beside each other."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eks_cilium.migration.inventory import recording
from eks_cilium.migration.lanes import Lanes, Place
from eks_cilium.migration.rotation import steps
from eks_cilium.runtime.locks import Places
from eks_cilium.settings.model.migration import Target

from .migrations import Before, Stack, options, run
from .simulation.threads import SharedClock
from .simulation.world import Simulation

LANES = Lanes({"a": "group", "b": "group"}, 1)


@pytest.mark.unit
def test_a_vacated_place_is_for_another_node_and_its_holder_gets_no_other() -> None:
    places = Places()
    first, second = (Place(places, LANES, name, "group") for name in "ab")
    assert (first.take(), second.take()) == (True, False)

    first.vacate()

    assert second.take()
    assert not places.take("nodes in work", 9, "a")


@pytest.mark.unit
def test_a_place_that_is_left_may_be_taken_again() -> None:
    places = Places()
    first = Place(places, LANES, "a", "group")
    for end in (first.leave, first.vacate):
        assert first.take()
        end()
        first.leave()

    assert Place(places, LANES, "b", "group").take()


@pytest.mark.unit
def test_a_node_that_an_earlier_run_has_begun_does_not_wait_for_a_place() -> None:
    places = Places()
    first, second = (Place(places, LANES, name, "group") for name in "ab")

    assert first.take()
    assert second.take(in_any_case=True)


@pytest.mark.unit
@given(st.lists(st.sampled_from("abc"), max_size=40), st.one_of(st.integers(1, 9), st.just("10%")))
def test_a_resource_follows_that_of_a_node_two_places_before(groups: list[str], parallel: int | str) -> None:
    nodes = {f"node-{index}": group for index, group in enumerate(groups)}
    lanes = Lanes(nodes, parallel)

    for node in nodes:
        assert lanes.registered_before(node) == lanes.before(lanes.before(node))


class Beside:
    """All nodes of a cluster, whose rotations are called at once."""

    def __init__(self, parallel: int, *, pods: int = 8, missing: int = 4, readings: int = 2) -> None:
        self.clock = SharedClock()
        self.simulation = Simulation(clock=self.clock, a=4)
        self.simulation.deploy("web", pods, maxUnavailable=missing)
        self.before = Before(self.simulation)
        self.options = options(parallel=parallel, surge=4, settle_readings=readings)
        self.stack = Stack(self.simulation, self.options)
        self.stack.up(until="ip-")
        self.widest = 0
        self.seconds = 0.0

    def _runs(self, node: dict[str, Any]) -> bool:
        instance = node["spec"]["providerID"].rsplit("/", 1)[-1]
        return self.simulation.cloud.instances[instance] == "running"

    def rotate(self) -> list[BaseException]:
        world = self.simulation.world()
        nodes = recording.required(world, Target.CILIUM).nodes
        inner, began = self.clock.tick, self.clock.seconds

        def tick() -> None:
            inner()
            cordoned = [node for node in self.simulation.nodes() if node["spec"].get("unschedulable")]
            self.widest = max(self.widest, sum(map(self._runs, cordoned)))

        def rotation(name: str) -> None:
            given = run(self.simulation.world(run_id=world.run_id), self.options)
            steps.rotate_node(given, name, to_the_end=False)

        self.clock.tick = tick
        errors = self.clock.run(*[lambda name=node.name: rotation(name) for node in nodes])
        self.seconds = self.clock.seconds - began
        return errors


@pytest.mark.simulation
@pytest.mark.parametrize("parallel", [1, 3])
def test_no_more_nodes_are_drained_at_once_than_there_are_places(parallel: int) -> None:
    beside = Beside(parallel)

    assert beside.rotate() == []

    assert beside.widest == parallel
    beside.stack.up()
    beside.before.check_replaced()


@pytest.mark.simulation
def test_workloads_settle_beside_the_next_node() -> None:
    quick, slow = Beside(1), Beside(1, readings=22)

    assert quick.rotate() == slow.rotate() == []

    assert slow.seconds < quick.seconds + 2 * 20
    slow.stack.up()
    slow.before.check_replaced()


@pytest.mark.simulation
def test_nodes_beside_each_other_ask_a_budget_once_for_each_disruption() -> None:
    beside = Beside(4, missing=1)

    assert beside.rotate() == []

    refused = [pod for pod, _, status in beside.simulation.api.evictions if status == 429]
    assert len(refused) <= 4
    beside.stack.up()
    beside.before.check_replaced()
