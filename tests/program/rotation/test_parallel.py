"""Several nodes at once: as wide as the extra nodes carry, budgets first, nothing counted twice."""

import pytest

from eks_cilium.migration.inventory import recording
from eks_cilium.migration.rotation import steps
from eks_cilium.settings.model.migration import Capacity, Target

from .migrations import Before, Stack, options, run
from .simulation.threads import SharedClock
from .simulation.world import Simulation

pytestmark = pytest.mark.simulation


class Shop:
    """A cluster that is ready for its first drain, and rotations of its nodes beside each other."""

    def __init__(self, *, nodes: int, surge: int, capacity: Capacity = Capacity.SURGE) -> None:
        self.clock = SharedClock()
        self.simulation = Simulation(clock=self.clock, workers=nodes)
        self.simulation.deploy("web", 6, maxUnavailable=2)
        self.before = Before(self.simulation)
        self.options = options(surge=surge, capacity=capacity)
        self.stack = Stack(self.simulation, self.options)
        self.stack.up(until="ip-")
        self.widest = 0
        inner = self.clock.tick

        def tick() -> None:
            inner()
            cordoned = [node for node in self.simulation.nodes() if node["spec"].get("unschedulable")]
            self.widest = max(self.widest, len(cordoned))

        self.clock.tick = tick

    def rotate(self, width: int) -> None:
        world = self.simulation.world()
        inventory = recording.read(world, Target.CILIUM)
        assert inventory is not None
        lanes = [inventory.nodes[lane::width] for lane in range(width)]

        def lane(number: int) -> None:
            for node in lanes[number]:
                steps.rotate_node(run(self.simulation.world(), self.options), node.name)

        errors = self.clock.run(*[lambda number=number: lane(number) for number in range(width)])
        assert errors == []


@pytest.mark.parametrize(
    ("surge", "width", "widest"), [(1, 1, 1), (2, 2, 2), (1, 4, 1), (2, 4, 2), (3, 4, 3)]
)
def test_as_many_nodes_are_replaced_at_once_as_there_are_extra_nodes(surge: int, width: int, widest: int):
    shop = Shop(nodes=6, surge=surge)

    shop.rotate(width)
    shop.stack.up()

    shop.before.check_replaced()
    assert shop.widest == widest


def test_wider_is_faster():
    seconds = []
    for width in (1, 3):
        shop = Shop(nodes=6, surge=3)
        began = shop.clock.seconds
        shop.rotate(width)
        seconds.append(shop.clock.seconds - began)

    assert seconds[1] < seconds[0] * 0.6


def test_decrement_in_parallel_ends_at_the_old_size():
    shop = Shop(nodes=4, surge=4, capacity=Capacity.DECREMENT)

    shop.rotate(4)
    shop.stack.up()

    shop.before.check_replaced()
