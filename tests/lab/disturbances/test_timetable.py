"""Disturbances at random times, with a clock of the test."""

import pytest

from lab.disturbances.timetable import Disturbance, Entry, Timetable, plan

pytestmark = pytest.mark.unit


class Clock:
    """Time passes only while the timetable waits, until it is stopped."""

    def __init__(self, stop_at=float("inf")):
        self.now, self.stop_at = 0.0, stop_at

    def __call__(self):
        return self.now

    def wait(self, seconds):
        self.now = min(self.now + seconds, self.stop_at)
        return self.now >= self.stop_at


@pytest.fixture
def events():
    return []


def disturbance(name, events):
    return Disturbance(name, lambda: events.append(f"{name} on"), lambda: events.append(f"{name} off"))


def test_the_same_seed_gives_the_same_times(events):
    both = [disturbance("a", events), disturbance("b", events)]
    first, again, other = (plan(both, seed, within=60, seconds=(10, 20), rounds=2) for seed in (1, 1, 2))
    assert first == again
    assert first != other
    assert len(first) == 4
    assert all(0 <= entry.at <= 60 and 10 <= entry.seconds <= 20 for entry in first)


def test_each_disturbance_begins_and_ends_in_its_time(events):
    entries = [Entry(disturbance("a", events), 10, 20), Entry(disturbance("b", events), 15, 5)]
    clock = Clock()
    table = Timetable(entries, clock.wait, clock)
    table.run()
    assert events == ["a on", "b on", "b off", "a off"]
    assert [line.strip() for line in table.record.lines] == [
        "10 s  a begins",
        "15 s  b begins",
        "20 s  b ends",
        "30 s  a ends",
    ]


def test_a_timetable_that_is_stopped_ends_what_has_begun_and_begins_no_more(events):
    entries = [Entry(disturbance("a", events), 10, 20), Entry(disturbance("b", events), 15, 5)]
    clock = Clock(stop_at=12)
    Timetable(entries, clock.wait, clock).run()
    assert events == ["a on", "a off"]
    assert clock.now == 12


def test_a_disturbance_that_fails_is_recorded_and_the_others_go_on(events):
    def fail():
        raise RuntimeError("no cloud")

    entries = [Entry(Disturbance("a", fail, lambda: None), 1, 5), Entry(disturbance("b", events), 2, 1)]
    clock = Clock()
    table = Timetable(entries, clock.wait, clock)
    table.run()
    assert table.record.failures == ["a begins: RuntimeError: no cloud"]
    assert events == ["b on", "b off"]
