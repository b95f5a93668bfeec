"""The plan of 5,000 nodes and 150,000 pods takes 30 seconds and 1 GB at most."""

import pytest

from tests.benchmarks.plans import measured

pytestmark = [pytest.mark.endurance, pytest.mark.timeout(900)]

MOST_SECONDS, MOST_MEGABYTES = 30.0, 1_000


def test_five_thousand_nodes_are_planned_in_thirty_seconds_and_one_gigabyte() -> None:
    found = measured(5_000)

    print(*found.cells)
    assert (found.said["nodes"], found.said["pods"]) == (5_000, 150_000)
    assert found.said["blockers"] == []
    assert found.seconds < MOST_SECONDS, f"{found.seconds:.1f} s"
    assert found.megabytes < MOST_MEGABYTES, f"{found.megabytes:.0f} MB"
