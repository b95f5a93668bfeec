"""Nodes replaced in batches: by places that all batches share, in an order that adapts."""

from typing import Any

import pytest

from eks_cilium.errors import ProgramError
from eks_cilium.migration.batch import rotate_batch
from eks_cilium.migration.inventory import recording
from eks_cilium.migration.inventory.model import Inventory
from eks_cilium.settings.model.migration import Target

from .migrations import Before, Stack, options, run
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

    def rotate(self, *batches: tuple[int, int]) -> list[dict[str, Any]]:
        """Replace batches beside each other; what each returned."""
        results: list[dict[str, Any]] = []

        def work(first: int, count: int) -> None:
            world = self.simulation.world(spawn=self.clock.spawn)
            given = run(world, self.options, self.reported.append)
            results.append(rotate_batch(given, first, count))

        errors = self.clock.run(*[lambda each=each: work(*each) for each in batches])
        for error in errors:
            raise error
        return results

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


OWNER = {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "db", "uid": "uid-db", "controller": True}
