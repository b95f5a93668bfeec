"""Budgets that allow nothing at the moment: when they are asked, by drains beside each other too."""

import pytest

from eks_cilium.migration.inventory import recording
from eks_cilium.migration.rotation import steps
from eks_cilium.settings.model.migration import Target

from .migrations import Before, Report, Stack, options, quiet, run
from .simulation.threads import SharedClock
from .simulation.world import Simulation

pytestmark = pytest.mark.simulation

NODES = 4


def rotated(*, pods: int, missing: int, report: Report = quiet) -> Simulation:
    """A cluster whose nodes were all drained at once; at most so many of its pods may be `missing`."""
    clock = SharedClock()
    simulation = Simulation(clock=clock, workers=NODES)
    simulation.deploy("web", pods, maxUnavailable=missing)
    before, given = Before(simulation), options(surge=NODES, parallel=NODES)
    stack = Stack(simulation, given)
    stack.up(until="ip-")
    world = simulation.world()
    inventory = recording.required(world, Target.CILIUM)

    def rotation(name: str) -> None:
        steps.rotate_node(run(simulation.world(run_id=world.run_id), given, report), name)

    errors = clock.run(*[lambda name=node.name: rotation(name) for node in inventory.nodes])
    assert errors == []
    stack.up()
    before.check_replaced()
    return simulation


def test_drains_beside_each_other_ask_a_budget_once_for_each_disruption() -> None:
    lines: list[str] = []
    simulation = rotated(pods=2 * NODES, missing=1, report=lines.append)

    refused = [pod for pod, _, status in simulation.api.evictions if status == 429]
    assert len(refused) <= NODES
    assert any("left: shop/web" in line and "budget web allows no disruption" in line for line in lines)


def test_a_budget_of_which_nothing_is_known_is_asked() -> None:
    simulation = rotated(pods=NODES, missing=NODES)

    assert all(status == 201 for _, _, status in simulation.api.evictions)
