"""Killed at any write, whatever the program remembers: the next run completes, nothing is done twice."""

import copy
from typing import TYPE_CHECKING

import pytest

from eks_cilium.settings.model.migration import Capacity

from .migrations import Before, Stack, options
from .simulation.world import Simulation

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.simulation


class Killed(BaseException):
    """As SIGKILL: nothing in the program gets to clean up."""


def on_write(simulation: Simulation, do: "Callable[[str], None]") -> None:
    simulation.api.after_write = simulation.cloud.after_write = do


def nothing(_: str) -> None:
    pass


def shop() -> Simulation:
    simulation = Simulation(workers=3)
    simulation.deploy("web", 3, maxUnavailable=1)
    return simulation


def worlds_after_every_write(
    simulation: Simulation, stack: Stack, before: Before
) -> list[tuple[str, Simulation, Stack, Before]]:
    """One run to its end, and a copy of the world and the program's memory after each of its writes."""
    kept: list[tuple[str, Simulation, Stack, Before]] = []

    def keep(what: str) -> None:
        on_write(simulation, nothing)
        kept.append((what, *copy.deepcopy((simulation, stack, before))))
        on_write(simulation, keep)

    on_write(simulation, keep)
    stack.up()
    return kept


@pytest.mark.parametrize(
    ("capacity", "surge", "forgetful"),
    [(Capacity.SURGE, 1, False), (Capacity.DECREMENT, 3, True)],
    ids=["surge, as Pulumi remembers", "decrement, every step again"],
)
def test_killed_after_any_write_the_next_run_completes(capacity: Capacity, surge: int, forgetful: bool):
    simulation = shop()
    before = Before(simulation)
    stack = Stack(simulation, options(capacity=capacity, surge=surge), forgetful=forgetful)

    worlds = worlds_after_every_write(simulation, stack, before)

    assert len(worlds) > 35
    for what, copied, its_stack, its_before in worlds:
        print("killed after", what)
        its_stack.up()
        its_before.check_replaced()
        assert copied.clock.seconds < 300


def test_killed_after_every_third_write_it_still_completes():
    simulation = shop()
    before = Before(simulation)
    stack = Stack(simulation, options())
    left, kills = 3, 0

    def count(_: str) -> None:
        nonlocal left, kills
        left -= 1
        if left == 0:
            left, kills = 3, kills + 1
            raise Killed

    on_write(simulation, count)
    while kills < 50:
        try:
            stack.up()
        except Killed:
            continue
        break

    before.check_replaced()
    assert 10 < kills < 50
