"""What is done for several items beside each other: groups, and the evictions of one drain."""

import threading
from collections.abc import Callable
from dataclasses import replace

import pytest

from eks_cilium.errors import RefusedError
from eks_cilium.migration import beside
from eks_cilium.migration.capacity import surge
from eks_cilium.migration.inventory import recording
from eks_cilium.migration.rotation import restore, steps
from eks_cilium.migration.run import MigrationRun
from eks_cilium.runtime.clock import Time
from eks_cilium.runtime.context import World
from eks_cilium.settings.model.migration import MigrationOptions, Target

from .migrations import Before, Stack, options, run
from .simulation.threads import SharedClock
from .simulation.world import Simulation

pytestmark = pytest.mark.simulation

LONGEST = 10.0
ONE = {"a": 2}
FOUR = {"a": 2, "b": 2, "c": 2, "d": 2}


class Shop:
    """Managed node groups, each of whose updates takes EKS half a minute."""

    def __init__(self, groups: dict[str, int], given: MigrationOptions | None = None) -> None:
        self.clock = SharedClock()
        self.simulation = Simulation(clock=self.clock, **groups)
        self.simulation.cloud.node_groups = True
        self.simulation.deploy("web", 4, maxUnavailable=2)
        self.before = Before(self.simulation)
        self.options = given or options()
        self.stack = Stack(self.simulation, self.options)
        self.reported: list[str] = []

    def widened(self) -> float:
        """Widen the groups; returns the seconds that it took."""
        self.stack.up(until="prepare")
        self.simulation.cloud.update_seconds = 30
        return self._seconds_of(surge.prepare)

    def restored(self) -> float:
        """Restore the groups after the last node; returns the seconds that it took."""
        self.stack.up(until="restore")
        self.simulation.cloud.update_seconds = 30
        return self._seconds_of(restore.restore)

    def _seconds_of(self, act: Callable[[MigrationRun], object]) -> float:
        began = self.clock.seconds
        given = run(self.simulation.world(), self.options, self.reported.append)
        errors = self.clock.run(lambda: act(given))
        assert errors == []
        return self.clock.seconds - began


# Groups: several take hardly longer than one


def test_several_groups_are_widened_in_the_time_of_one():
    alone, together = Shop(ONE).widened(), Shop(FOUR).widened()

    assert alone >= 30
    assert together < alone * 1.3


def test_several_groups_are_restored_in_the_time_of_one():
    alone = Shop(ONE).restored()
    shop = Shop(FOUR)
    together = shop.restored()
    shop.stack.up()

    shop.before.check_replaced()
    assert alone >= 30
    assert together < alone * 1.3


def test_one_group_without_capacity_is_given_up_and_the_others_are_widened():
    shop = Shop(FOUR)
    shop.simulation.cloud.full_groups = {"b"}

    shop.widened()

    groups = shop.simulation.cloud.groups
    assert {name: group.desired for name, group in groups.items()} == {"a": 3, "b": 2, "c": 3, "d": 3}
    assert not groups["b"].suspended
    assert [line["group"] for line in shop.simulation.journal if line["event"] == "group-stopped"] == ["b"]


@pytest.mark.parametrize(("parallel", "widest"), [(1, 1), (3, 3)])
def test_surplus_nodes_of_all_groups_are_drained_no_wider_than_nodes_are_replaced(parallel: int, widest: int):
    """Each group has one node too many, as after a run that could not shrink it."""
    shop = Shop(FOUR, options(parallel=parallel))
    shop.stack.up(until="ip-")
    for node in recording.required(shop.simulation.world(), Target.CILIUM).nodes:
        steps.rotate(run(shop.simulation.world(), shop.options), node, shrink=False)
    seen, inner = [0], shop.clock.tick

    def tick() -> None:
        inner()
        seen.append(sum(bool(node["spec"].get("unschedulable")) for node in shop.simulation.nodes()))

    shop.clock.tick = tick
    shop.restored()
    shop.stack.up()

    shop.before.check_replaced()
    assert max(seen) == widest


# Requests of one drain


def with_threads() -> World:
    return replace(Simulation().world(), spawn=lambda act: threading.Thread(target=act).start(), time=Time())


def test_requests_do_not_wait_for_each_other() -> None:
    world = with_threads()
    all_there = threading.Barrier(8, timeout=LONGEST)

    beside.each(world, range(8), lambda _: all_there.wait() and None)


def test_each_is_done_once_whatever_their_number() -> None:
    world = with_threads()
    for count in (0, 1, 7, 8, 9, 100):
        done: list[int] = []

        beside.each(world, range(count), done.append)

        assert sorted(done) == list(range(count))


def test_after_an_error_those_in_work_are_done_and_no_other_is_begun() -> None:
    world = Simulation().world()
    done: list[int] = []

    def act(item: int) -> None:
        if item == 2:
            raise RefusedError("not now", status=403)
        done.append(item)

    with pytest.raises(RefusedError, match="not now"):
        beside.each(world, range(20), act)

    assert done == [0, 1]
