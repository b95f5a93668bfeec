"""A group without capacity in `pulumi up`: the others are done, the next preview says what is tried again."""

from typing import Any

import pytest

from eks_cilium.runtime.errors import StoppedError
from tests.program.rotation.migrations import Before
from tests.program.rotation.simulation.world import Simulation

from .engine import Engine

pytestmark = pytest.mark.simulation

QUICK: dict[str, Any] = {"replacementTimeoutSeconds": 60, "drainTimeoutSeconds": 60}


@pytest.fixture
def simulation() -> Simulation:
    simulation = Simulation(gpu=2, workers=2)
    simulation.deploy("web", 4, maxUnavailable=1)
    simulation.cloud.full_groups.add("gpu")
    return simulation


def stopped_by(engine: Engine) -> str:
    with pytest.raises(StoppedError) as caught:
        engine.up(QUICK)
    return str(caught.value)


def test_the_update_fails_once_with_the_reason_after_the_other_groups(
    simulation: Simulation,
) -> None:
    before = Before(simulation)
    engine = Engine(simulation)

    message = stopped_by(engine)

    assert "2 nodes of the Auto Scaling group gpu not replaced" in message
    assert "do not have sufficient" in message
    assert set(simulation.cloud.groups["workers"].members).isdisjoint(before.instances)
    assert "CapacityRestore" not in engine.kinds()
    before.check()


def test_the_next_preview_shows_what_is_tried_again_and_the_update_does_that(
    simulation: Simulation,
) -> None:
    before = Before(simulation)
    engine = Engine(simulation)
    stopped_by(engine)
    simulation.cloud.full_groups.clear()

    shown = engine.preview(QUICK)
    again = [step.removeprefix("update ") for step in shown if step.startswith("update NodeRotation")]
    assert all("about " in engine.shown[name][-1] for name in again)
    done = engine.up(QUICK)

    assert engine.failures == []
    assert done == shown
    assert [step for step in shown if step.startswith("update")] == [
        "update Surge",
        *(step for step in shown if step.startswith("update NodeRotation")),
    ]
    assert sum("NodeRotation" in step for step in shown) == 2
    before.check_replaced()
    assert engine.preview(QUICK) == []


def test_a_group_that_still_cannot_grow_fails_the_next_update_in_the_same_way(simulation: Simulation) -> None:
    engine = Engine(simulation)
    first = stopped_by(engine)
    before = Before(simulation)
    old = set(simulation.cloud.groups["gpu"].members)

    with pytest.raises(StoppedError, match="do not have sufficient"):
        engine.up(QUICK)

    assert "gpu" in first
    assert set(simulation.cloud.groups["gpu"].members) == old
    before.check()
    assert "update Surge" in engine.preview(QUICK)
