"""A place is free when its node is terminated; workloads are judged while the next nodes are replaced."""

from dataclasses import replace
from datetime import datetime

import pytest

from eks_cilium.cluster.objects import is_cordoned
from eks_cilium.migration.control import progress, status
from eks_cilium.migration.inventory import recording
from eks_cilium.migration.rotation import before as records
from eks_cilium.migration.rotation import restore, steps
from eks_cilium.migration.rotation.health import settling
from eks_cilium.runtime.errors import StoppedError, TimedOutError
from eks_cilium.runtime.record import NODES
from eks_cilium.settings.model.migration import Target

from .migrations import Before, Stack, options, run
from .simulation.world import PODS, Simulation

pytestmark = pytest.mark.simulation

NEVER = 1e6


class Shop:
    """Six nodes with a pod each, ready for the first drain; pods start and stop in so many seconds."""

    def __init__(
        self,
        *,
        after: float,
        stops: int = 2,
        parallel: int | str = 2,
        waits: bool | None = None,
        **budget: int | str,
    ) -> None:
        self.simulation = Simulation(workers=6)
        self.simulation.deploy("web", 6, pod={"terminationGracePeriodSeconds": stops}, **budget)
        self.simulation.start_seconds = int(after)
        self.before = Before(self.simulation)
        self.options = options(surge=4, parallel=parallel, wait_until_healthy=waits)
        self.stack = Stack(self.simulation, self.options, to_the_end=False)
        self.stack.up(until="ip-")
        inventory = recording.required(self.simulation.world(), Target.CILIUM)
        self.nodes = [node.name for node in inventory.nodes]

    def rotate(self, number: int) -> None:
        steps.rotate_node(run(self.simulation.world(), self.options), self.nodes[number], to_the_end=False)

    def waiting(self) -> list[str]:
        recorded = records.by_node(self.simulation.world())
        return [name for name, before in recorded.items() if before.terminated]

    def lines(self, *kinds: str) -> list[dict[str, str]]:
        """What the journal has of these kinds."""
        return [line for line in self.simulation.journal if line["event"] in kinds]

    def events(self, *kinds: str) -> list[tuple[str, int]]:
        """The same, with the position of the node."""
        return [(line["event"], self.nodes.index(line["node"])) for line in self.lines(*kinds)]

    def ready(self) -> int:
        pods = self.simulation.api.of(PODS, "shop")
        return sum(bool((pod["status"].get("conditions") or [{}])[0].get("status") == "True") for pod in pods)


def test_the_next_node_is_begun_while_pods_of_the_one_before_start() -> None:
    shop = Shop(after=30, maxUnavailable=3)

    shop.rotate(0)
    shop.rotate(1)

    assert shop.waiting() == shop.nodes[:2]
    assert shop.ready() == 4


def test_a_single_node_in_work_is_done_when_its_workloads_are_healthy() -> None:
    shop = Shop(after=30, parallel=1, maxUnavailable=3)

    shop.rotate(0)

    assert shop.waiting() == []
    assert shop.ready() == 6


@pytest.mark.parametrize(("parallel", "waits", "ready"), [(1, False, 5), (2, True, 6)])
def test_whether_a_node_keeps_its_place_until_its_workloads_are_healthy_may_be_chosen(
    parallel: int, waits: bool, ready: int
) -> None:
    shop = Shop(after=30, parallel=parallel, waits=waits, maxUnavailable=3)

    shop.rotate(0)

    assert shop.waiting() == ([] if waits else shop.nodes[:1])
    assert shop.ready() == ready


def test_one_node_at_once_that_does_not_wait_is_ahead_of_its_workloads_by_a_single_node() -> None:
    shop = Shop(after=40, parallel=1, waits=False, maxUnavailable=6)

    for number in range(3):
        shop.rotate(number)

    order = shop.events("cordoned", "settled")
    assert order.index(("cordoned", 1)) < order.index(("settled", 0)) < order.index(("cordoned", 2))


def test_workloads_that_moved_are_read_while_a_drain_waits_so_that_they_have_settled_at_its_end() -> None:
    shop = Shop(after=45, stops=30, parallel=1, waits=False, maxUnavailable=6)

    shop.rotate(0)
    shop.rotate(1)

    assert shop.waiting() == shop.nodes[1:2]
    assert [line["event"] for line in shop.lines("terminated", "settled")] == [
        "terminated",
        "settled",
        "terminated",
    ]


def test_what_does_not_settle_in_time_does_not_end_the_drain_of_another_node() -> None:
    shop = Shop(after=NEVER, parallel=1, waits=False, maxUnavailable=6)
    shop.rotate(0)
    shop.simulation.clock.sleep(200)

    shop.rotate(1)

    assert [line["node"] for line in shop.lines("terminated")] == shop.nodes[:2]
    with pytest.raises(TimedOutError, match="as healthy as before"):
        shop.rotate(2)


def test_the_workloads_of_no_more_nodes_wait_than_may_be_in_work() -> None:
    shop = Shop(after=40, maxUnavailable=6)

    for number in range(4):
        shop.rotate(number)

    order = shop.events("cordoned", "settled")
    assert order.index(("cordoned", 2)) < order.index(("settled", 0)) < order.index(("cordoned", 3))


def test_what_no_budget_protects_is_evicted_when_pods_that_moved_before_are_ready_again() -> None:
    shop = Shop(after=30)

    shop.rotate(0)
    shop.rotate(1)

    evicted = [datetime.fromisoformat(line["time"]) for line in shop.lines("evicted")]
    assert (evicted[1] - evicted[0]).total_seconds() >= 30


def test_workloads_that_do_not_get_healthy_stop_the_run_before_a_further_node() -> None:
    shop = Shop(after=NEVER, maxUnavailable=6)
    for number in range(3):
        shop.rotate(number)

    with pytest.raises(TimedOutError, match=rf"workloads of node {shop.nodes[0]} to be as healthy as before"):
        shop.rotate(3)

    with pytest.raises(StoppedError, match=rf"{shop.nodes[0]} "):
        shop.rotate(4)
    assert [node for node in shop.simulation.nodes() if is_cordoned(node)] == []
    failures = progress.read(shop.simulation.world().record).failures
    assert (failures[0].node, failures[0].phase) == (shop.nodes[0], "health")


def test_the_groups_keep_their_sizes_while_workloads_of_the_last_nodes_are_not_healthy() -> None:
    shop = Shop(after=5, maxUnavailable=6)
    for number in range(5):
        shop.rotate(number)
    shop.simulation.clock.sleep(20)
    shop.simulation.start_seconds = int(NEVER)
    shop.rotate(5)

    with pytest.raises(TimedOutError, match=r"Deployment shop/web has 5 of 6 pods ready"):
        restore.restore(run(shop.simulation.world(), shop.options))

    assert shop.lines("restored") == []
    shop.simulation.start_seconds = 5
    shop.stack.up()
    shop.before.check_replaced()


def test_the_next_run_judges_what_the_last_one_left() -> None:
    shop = Shop(after=20, maxUnavailable=6)
    shop.rotate(0)
    shop.simulation.restart()

    settling.await_settled(run(shop.simulation.world(), shop.options))

    assert shop.waiting() == []
    assert shop.ready() == 6


def test_a_node_of_another_inventory_is_not_waited_for() -> None:
    shop = Shop(after=NEVER, maxUnavailable=6)
    shop.rotate(0)
    world = shop.simulation.world()
    inventory = recording.required(world, Target.CILIUM)
    world.record.put(NODES, replace(inventory, nodes=inventory.nodes[1:]).to_json())

    settling.await_settled(run(world, shop.options))

    assert shop.lines("settled") == []


def test_a_node_that_waits_for_its_workloads_is_in_work_for_people() -> None:
    shop = Shop(after=30, maxUnavailable=6)
    shop.rotate(0)
    world = shop.simulation.world()

    standing = status.read("demo", world.api, world.time.now()).standing

    assert standing is not None
    assert [(each.node, each.phase) for each in standing.in_work] == [(shop.nodes[0], "health")]
    assert (standing.done, standing.left) == (0, 5)


def test_pods_that_are_missing_on_account_of_later_nodes_hold_nothing_up() -> None:
    shop = Shop(after=5, maxUnavailable=6)
    shop.rotate(0)
    shop.simulation.clock.sleep(20)
    shop.simulation.start_seconds = 100
    shop.rotate(1)
    shop.simulation.clock.sleep(20)

    with pytest.raises(TimedOutError, match=rf"node {shop.nodes[1]} "):
        settling.await_settled(run(shop.simulation.world(), shop.options))

    assert shop.events("settled") == [("settled", 0)]


def test_a_whole_migration_leaves_nothing_unjudged() -> None:
    shop = Shop(after=15, maxUnavailable=2)

    shop.stack.up()

    shop.before.check_replaced()
    assert sorted(shop.events("settled")) == [("settled", number) for number in range(6)]
