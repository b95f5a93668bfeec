"""What a log tells of a resource that takes its time: news at once, the same count only now and then."""

import io

import pytest

from lab.engine.display.progress import Progress
from lab.engine.events import Op, Severity, Step

pytestmark = pytest.mark.unit

URN = "urn:pulumi:dev::project::aws:eks/nodeGroup:NodeGroup::workers"


class Clock:
    """Stands still until it is moved."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def told(statuses: list[tuple[float, str]]) -> list[str]:
    """What a log holds after a resource said this at these moments."""
    clock, stream = Clock(), io.StringIO()
    progress = Progress(clock=clock, stream=stream)
    progress.started(Step(Op.CREATE, URN))
    for moment, text in statuses:
        clock.now = moment
        progress.message(Severity.INFO, URN, text, fleeting=True)
    return [line.rpartition("workers ")[2] for line in stream.getvalue().splitlines()]


def test_a_count_is_told_every_ten_seconds():
    assert told([(second, f"is CREATING ({second}s)") for second in range(25)]) == [
        "is CREATING (0s)",
        "is CREATING (10s)",
        "is CREATING (20s)",
    ]


def test_news_is_told_at_once():
    assert told([(0, "is CREATING (0s)"), (1, "1 of 2 nodes"), (2, "2 of 2 nodes"), (3, "is ACTIVE")]) == [
        "is CREATING (0s)",
        "1 of 2 nodes",
        "2 of 2 nodes",
        "is ACTIVE",
    ]
