"""A log of a slow resource: a new status is printed at once, one that only counts every ten seconds."""

import io

import pytest

from lab.engine.display.progress import Progress
from lab.engine.events import Op, Severity, Step

pytestmark = pytest.mark.unit

URN = "urn:pulumi:dev::project::aws:eks/nodeGroup:NodeGroup::workers"


class Clock:
    """A clock that only the test moves."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def logged(statuses: list[tuple[float, str]]) -> list[str]:
    """The lines of a log after a resource reported these statuses at these moments."""
    clock, stream = Clock(), io.StringIO()
    progress = Progress(clock=clock, stream=stream)
    progress.started(Step(Op.CREATE, URN))
    for moment, text in statuses:
        clock.now = moment
        progress.message(Severity.INFO, URN, text, ephemeral=True)
    return [line.rpartition("workers ")[2] for line in stream.getvalue().splitlines()]


def test_a_count_is_logged_every_ten_seconds():
    assert logged([(second, f"is CREATING ({second}s)") for second in range(25)]) == [
        "is CREATING (0s)",
        "is CREATING (10s)",
        "is CREATING (20s)",
    ]


def test_a_new_status_is_logged_at_once():
    assert logged([(0, "is CREATING (0s)"), (1, "1 of 2 nodes"), (2, "2 of 2 nodes"), (3, "is ACTIVE")]) == [
        "is CREATING (0s)",
        "1 of 2 nodes",
        "2 of 2 nodes",
        "is ACTIVE",
    ]
