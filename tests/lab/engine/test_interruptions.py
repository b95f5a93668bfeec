"""Ctrl-C, a second Ctrl-C and a killed engine: the saved state, remaining processes, the next run."""

import os
import signal
import time
from pathlib import Path

import pytest

from tests.lab.engine.scenarios import item, other

WAIT = 30.0


def until(condition, what):
    deadline = time.monotonic() + WAIT
    while not condition():
        assert time.monotonic() < deadline, f"no sign of {what}"
        time.sleep(0.05)


def children(project):
    """The processes that run in the project's directory, except the engine's own: program and providers."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if Path(os.readlink(entry / "cwd")) == project.directory:
                    found.append((entry.name, (entry / "cmdline").read_text().replace("\0", " ")))
            except OSError:
                continue
    return [line for pid, line in found if "lab.engine" not in line.split(" --program")[0]]


@pytest.fixture
def busy(engine, world):
    """An update that is creating `a`, before `b` and after a note."""
    engine.project.describe(
        [
            other("note", "note"),
            item("a", delay=3, options={"depends_on": ["note"]}),
            item("b", options={"depends_on": ["a"]}),
        ]
    )
    process = engine.start("up", "--yes", "--skip-preview", "-s", "dev")
    until(lambda: world.changes()["create a"], "the create of a")
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def resources(engine):
    return {entry["urn"].rpartition("::")[2] for entry in engine.deployment().get("resources", [])}


def pending(engine):
    return [
        entry["resource"]["urn"].rpartition("::")[2]
        for entry in engine.deployment().get("pending_operations", [])
    ]


def test_one_interrupt_finishes_what_runs_and_starts_nothing(engine, world, busy):
    os.kill(busy.pid, signal.SIGINT)
    out, _ = busy.communicate(timeout=WAIT)

    assert busy.returncode == 1, out
    assert "a" in resources(engine), out
    assert "b" not in resources(engine), out
    assert pending(engine) == []
    assert world.changes()["create b"] == 0
    assert "running operations will finish" in out
    until(lambda: not children(engine.project), "the children's end")

    again = engine.up()
    assert again.code == 0, again.out
    assert {name: world.changes()[f"create {name}"] for name in ("a", "b")} == {"a": 1, "b": 1}


def test_dynamic_providers_are_told_of_an_interrupt(engine, tmp_path):
    waiting = tmp_path / "waiting"
    engine.project.describe([other("note", "note", waits=str(waiting))])
    process = engine.start("up", "--yes", "--skip-preview", "-s", "dev")
    until(waiting.exists, "the create of the note")

    os.kill(process.pid, signal.SIGINT)
    out, _ = process.communicate(timeout=WAIT)

    assert process.returncode == 1, out
    ids = {entry.get("id") for entry in engine.deployment()["resources"]}
    assert "told" in ids, out


def test_two_interrupts_end_at_once_and_leave_the_operation_pending(engine, busy):
    os.kill(busy.pid, signal.SIGINT)
    time.sleep(0.3)
    os.kill(busy.pid, signal.SIGINT)
    out, _ = busy.communicate(timeout=2.5)

    assert busy.returncode == 8, out
    assert pending(engine) == ["a"]
    until(lambda: not children(engine.project), "the children's end")


def test_no_process_outlives_a_killed_engine_and_the_next_run_lists_what_was_lost(engine, world, busy):
    os.kill(busy.pid, signal.SIGKILL)
    busy.wait(timeout=WAIT)

    assert pending(engine) == ["a"]
    until(lambda: not children(engine.project), "the children's end")

    again = engine.up()
    assert again.code == 0, again.out
    assert "interrupted while creating" in again.out
    assert {"a", "b", "note"} <= resources(engine)
    assert pending(engine) == ["a"], "a creation with an unknown result stays listed"


def test_an_interrupted_destroy_can_be_continued(engine, world):
    engine.project.describe([item("a"), item("b", delay=2, options={"depends_on": ["a"]})])
    assert engine.up().code == 0
    process = engine.start("destroy", "--yes", "--skip-preview", "-s", "dev")
    until(lambda: world.changes()["delete b-1"], "the delete of b")

    os.kill(process.pid, signal.SIGINT)
    out, _ = process.communicate(timeout=WAIT)

    assert process.returncode == 1, out
    assert "a" in resources(engine)
    assert "b" not in resources(engine)
    assert engine.do("destroy").code == 0
    assert world.items() == {}


def test_two_runs_do_not_change_one_stack_at_a_time(engine, busy):
    other_run = engine.up()

    assert other_run.code == 1
    assert "is being changed by another run" in other_run.out
    assert busy.wait(timeout=WAIT) == 0
