"""The clock of the Lease also counts while the machine sleeps."""

import time

import pytest

from eks_cilium.runtime.clock import CheckedByCalendar, including_sleep

pytestmark = pytest.mark.unit


def test_it_is_the_clock_of_the_system_that_counts_sleep() -> None:
    clock = including_sleep()

    if hasattr(time, "CLOCK_BOOTTIME"):
        assert clock() == pytest.approx(time.clock_gettime(time.CLOCK_BOOTTIME), abs=5)
    assert clock() <= clock()


@pytest.mark.parametrize(
    ("monotonic", "calendar", "passed"),
    [
        ([0, 10], [1000, 1010], 10),
        ([0, 10], [1000, 4610], 3610),  # the machine slept for an hour
        ([0, 10], [1000, 400], 10),  # the calendar was set back
        ([0, 10, 20], [1000, 1500, 1510], 510),  # set forward: the holder is careful
    ],
)
def test_without_such_a_clock_the_faster_of_two_counts(
    monotonic: list[float], calendar: list[float], passed: float
) -> None:
    clock = CheckedByCalendar(iter(monotonic).__next__, iter(calendar).__next__)

    assert [clock() for _ in monotonic[1:]][-1] == passed
