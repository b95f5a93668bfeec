"""Nodes replaced in batches: by places that all batches share, in an order that adapts."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from eks_cilium.errors import ProgramError
from eks_cilium.migration.batch import rotate_batch
from eks_cilium.migration.control import stop
from eks_cilium.migration.control.stop import StopRequest
from eks_cilium.migration.inventory import recording
from eks_cilium.migration.inventory.model import Inventory
from eks_cilium.migration.rotation import steps
from eks_cilium.runtime.errors import StopRequestedError
from eks_cilium.settings.model.migration import Target

from .migrations import Before, Stack, options, run
from .simulation.cloud import Member
from .simulation.threads import SharedClock
from .simulation.world import Simulation

pytestmark = pytest.mark.simulation


class Shop:
    """A cluster that is ready for its first drain; how many nodes are in work is noted all the time."""

    def __init__(self, *, given: dict[str, Any], **groups: int) -> None:
        self.clock = SharedClock()
        self.simulation = Simulation(clock=self.clock, **groups)
        self.simulation.deploy("web", 6, maxUnavailable=2)
        self.before = Before(self.simulation)
        self.options = options(**given)
        self.stack = Stack(self.simulation, self.options)
        self.stack.up(until="ip-")
        self.cordoned: list[str] = []
        self.reported: list[str] = []
        self.widest = 0
        inner = self.clock.tick

        def tick() -> None:
            inner()
            now = [
                node["metadata"]["name"]
                for node in self.simulation.nodes()
                if node["spec"].get("unschedulable") and not self._is_ending(node)
            ]
            self.widest = max(self.widest, len(now))
            self.cordoned += [name for name in now if name not in self.cordoned]

        self.clock.tick = tick

    @property
    def inventory(self) -> Inventory:
        found = recording.read(self.simulation.world(), Target.CILIUM)
        assert found is not None
        return found

    def rotate(self, *batches: tuple[int, int], **world: Any) -> list[dict[str, Any]]:
        """Replace batches beside each other; what each returned."""
        results: list[dict[str, Any]] = []

        def work(first: int, count: int) -> None:
            given = run(self.simulation.world(**world), self.options, self.reported.append)
            results.append(rotate_batch(given, first, count))

        errors = self.clock.run(*[lambda each=each: work(*each) for each in batches])
        for error in errors:
            raise error
        return results

    def left(self) -> set[str]:
        """The old nodes that are left once no instance is ending any more."""
        self.clock.sleep(10)
        return {node["metadata"]["name"] for node in self.simulation.nodes(**{"cni-plugin": "aws"})}

    def _is_ending(self, node: dict[str, Any]) -> bool:
        instance = node["spec"]["providerID"].rpartition("/")[2]
        return self.simulation.cloud.instances[instance] != "running"


def test_a_batch_has_as_many_nodes_in_work_as_there_are_places_and_shows_how_far_it_is() -> None:
    shop = Shop(workers=6, given={"parallel": 2, "surge": 2})

    (result,) = shop.rotate((1, 6))
    shop.stack.up()

    shop.before.check_replaced()
    assert shop.widest == 2
    assert (result["nodes"], result["replaced"], result["skipped"]) == (6, 6, {})
    assert any(line.startswith("2/6, in work: ") for line in shop.reported)


def test_batches_share_their_places() -> None:
    shop = Shop(workers=6, given={"parallel": 3, "surge": 3})

    shop.rotate((1, 3), (4, 3))
    shop.stack.up()

    shop.before.check_replaced()
    assert shop.widest == 3


def test_a_percentage_is_of_each_group() -> None:
    shop = Shop(large=4, small=2, given={"parallel": "50%", "surge": "50%"})

    shop.rotate((1, 6))
    shop.stack.up()

    shop.before.check_replaced()
    assert shop.widest == 3


def test_a_batch_that_is_run_again_leaves_what_is_done() -> None:
    shop = Shop(workers=4, given={"parallel": 2, "surge": 2})
    shop.rotate((1, 4))
    shop.simulation.restart()

    (result,) = shop.rotate((1, 4))

    assert (result["replaced"], result["evicted"]) == (4, 0)
    shop.stack.up()
    shop.before.check_replaced()


def test_a_node_whose_pods_wait_for_a_budget_lets_others_go_first() -> None:
    shop = Shop(workers=4, given={"parallel": 1, "surge": 1})
    first = shop.inventory.nodes[0].name
    shop.simulation.run("db-0", first, metadata={"labels": {"app": "db"}, "ownerReferences": [OWNER]})
    shop.simulation.add_budget("db", minAvailable=1)
    shop.clock.sleep(2)

    def reopen() -> None:
        if len(shop.cordoned) >= 3:
            shop.simulation.api.remove("/apis/policy/v1/poddisruptionbudgets", budget)

    (budget,) = [
        each
        for each in shop.simulation.api.of("/apis/policy/v1/poddisruptionbudgets")
        if each["metadata"]["name"] == "db"
    ]
    shop.simulation.controllers.append(reopen)

    shop.rotate((1, 4))

    assert shop.cordoned[-1] == first


def test_after_an_error_no_further_node_is_begun_and_those_in_work_are_finished() -> None:
    shop = Shop(workers=4, given={"parallel": 1, "surge": 1, "drain_timeout_seconds": 20})
    first = shop.inventory.nodes[0].name
    shop.simulation.run(
        "stuck", first, metadata={"finalizers": ["example.com/never"], "ownerReferences": [OWNER]}
    )

    with pytest.raises(ProgramError):
        shop.rotate((1, 4))

    assert shop.cordoned == [first]


class Killed(BaseException):
    """As SIGKILL: nothing in the program gets to clean up."""


def kill_at(simulation: Simulation, what: str) -> None:
    """Kill whatever runs right after the next write whose path has this in it."""

    def kill(path: str) -> None:
        if what in path:
            simulation.api.after_write = lambda _: None
            raise Killed

    simulation.api.after_write = kill


def killed_in(shop: Shop, *names: str, what: str = "/eviction") -> None:
    """Leave nodes as a run that was killed in the middle of their drains."""
    for name in names:
        kill_at(shop.simulation, what)
        with pytest.raises(Killed):
            steps.rotate_node(run(shop.simulation.world(), shop.options), name)
    shop.simulation.restart()


@pytest.mark.parametrize("at_once", [True, False], ids=["batches beside each other", "one after the other"])
def test_what_a_killed_run_had_begun_is_finished_first_whatever_batch_it_is_of(at_once: bool) -> None:
    """The nodes that wait for the capacity of others would wait in vain while these have no place."""
    shop = Shop(workers=6, given={"parallel": 2, "surge": 2})
    names = [node.name for node in shop.inventory.nodes]
    killed_in(shop, names[3], names[4])

    results = shop.rotate((1, 3), (4, 3)) if at_once else [*shop.rotate((1, 3)), *shop.rotate((4, 3))]
    shop.stack.up()

    shop.before.check_replaced()
    assert set(shop.cordoned[:2]) == {names[3], names[4]}
    assert shop.widest == 2
    assert [result["replaced"] for result in results] == [3, 3]


def test_a_node_that_was_gone_when_the_run_was_killed_is_still_seen_to_the_end() -> None:
    shop = Shop(workers=4, given={"parallel": 1, "surge": 1})
    first = shop.inventory.nodes[0]
    killed_in(shop, first.name, what="/eviction")
    shop.simulation.cloud.end(shop.simulation.cloud.groups["workers"], member_of(shop, first.instance))
    shop.clock.sleep(10)
    assert shop.simulation.node(first.name) is None

    shop.rotate((1, 4))

    done = [line["node"] for line in shop.simulation.journal if line["event"] == "replaced"]
    assert sorted(done) == sorted(node.name for node in shop.inventory.nodes)
    record = shop.simulation.world().record
    assert record.each("node.") == record.each(f"phase.{first.name}") == {}


def test_after_a_stop_what_was_begun_is_finished_and_no_other_node_is_begun() -> None:
    shop = Shop(workers=6, given={"parallel": 2, "surge": 2})
    names = [node.name for node in shop.inventory.nodes]
    killed_in(shop, names[0], names[1])
    stop.request(shop.simulation.world().api, StopRequest("ann@laptop", "2026-01-01T00:01:00+00:00"))

    with pytest.raises(StopRequestedError):
        shop.rotate((1, 6))

    assert shop.left() == set(names[2:])
    assert set(shop.cordoned) == set(names[:2])
    stop.withdraw(shop.simulation.world().api)
    shop.rotate((1, 6))
    shop.stack.up()
    shop.before.check_replaced()


def test_after_ctrl_c_nodes_in_work_are_finished_and_no_other_is_begun() -> None:
    shop = Shop(workers=6, given={"parallel": 2, "surge": 2})

    with pytest.raises(StopRequestedError, match="this run was interrupted"):
        shop.rotate((1, 6), is_cancelled=lambda: bool(shop.cordoned))

    assert 1 <= len(shop.cordoned) <= 2
    assert shop.left() == {node.name for node in shop.inventory.nodes} - set(shop.cordoned)
    shop.simulation.restart()
    shop.rotate((1, 6))
    shop.stack.up()
    shop.before.check_replaced()


def test_killed_after_writes_of_a_batch_the_next_run_completes() -> None:
    simulation = Simulation(workers=4)
    simulation.deploy("web", 3, maxUnavailable=1)
    before = Before(simulation)
    stack = Stack(simulation, options(surge=2, parallel=2), to_the_end=False, in_batches=2)
    stack.up(until="ip-")
    kept: list[tuple[str, Simulation, Stack, Before]] = []

    def keep(what: str) -> None:
        on_write(simulation, lambda _: None)
        kept.append((what, *copy.deepcopy((simulation, stack, before))))
        on_write(simulation, keep)

    on_write(simulation, keep)
    stack.up(until="restore")

    assert len(kept) > 20
    for what, _, its_stack, its_before in kept[::2]:
        print("killed after", what)
        its_stack.up()
        its_before.check_replaced()


def on_write(simulation: Simulation, do: Callable[[str], None]) -> None:
    simulation.api.after_write = simulation.cloud.after_write = do


def member_of(shop: Shop, instance: str) -> Member:
    return shop.simulation.cloud.groups["workers"].members[instance]


OWNER = {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "db", "uid": "uid-db", "controller": True}
