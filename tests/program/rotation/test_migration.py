"""A whole migration in the simulated world: its result, and what it must never do meanwhile."""

import pytest

from .migrations import Before, Stack, options
from .simulation.world import Simulation

pytestmark = pytest.mark.unit


def shop(**groups: int) -> Simulation:
    simulation = Simulation(**(groups or {"workers": 3}))
    simulation.deploy("web", 4, maxUnavailable=1)
    simulation.deploy("api", 3, minAvailable="50%")
    return simulation


def test_every_node_is_replaced_and_everything_else_is_as_before():
    simulation = shop()
    before = Before(simulation)

    Stack(simulation, options(), report=print).up()

    before.check_replaced()
