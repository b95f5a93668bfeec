"""Due actions run in order; a repeating thread survives its failures."""

import threading

import pytest

from lab.cloud.schedule import Schedule, Ticker
from lab.cloud.timing import Timing, UnknownTimingError

pytestmark = pytest.mark.simulation


def test_actions_run_when_they_are_due_and_in_the_order_of_their_time():
    now, done = [0.0], []
    schedule = Schedule(lambda: now[0])
    schedule.after(2, lambda: done.append("late"))
    schedule.after(1, lambda: done.append("early"))
    schedule.after(1, lambda: schedule.after(0, lambda: done.append("at once")))
    schedule.run_due()
    assert done == []
    now[0] = 1
    schedule.run_due()
    assert done == ["early", "at once"]
    now[0] = 5
    schedule.run_due()
    assert done[-1] == "late"


def test_a_repeated_failure_is_recorded_once_and_the_work_continues():
    rounds, faults, enough = [], [], threading.Event()

    def work():
        rounds.append(1)
        if len(rounds) >= 5:
            enough.set()
        raise LookupError("no such thing")

    ticker = Ticker("worker", 0, work, lambda *fault: faults.append(fault)).start()
    assert enough.wait(10)
    ticker.stop()
    assert [(where, what) for where, what, _ in faults] == [("worker", "LookupError: no such thing")]


def test_timing_comes_from_a_file_and_unknown_names_are_refused(tmp_path):
    file = tmp_path / "timing.json"
    assert Timing.load(file) == Timing()
    file.write_text('{"node_boot": 0.25}')
    assert Timing.load(file).node_boot == 0.25
    for wrong in ('{"node_boots": 1}', '{"node_boot": -1}', '{"node_boot": "fast"}', "[]"):
        file.write_text(wrong)
        with pytest.raises(UnknownTimingError):
            Timing.load(file)
