"""Progress is a line that changes on a terminal, and few lines in a log."""

import io

import pytest

from lab.progress import Progress

pytestmark = pytest.mark.unit


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_log_gets_a_line_from_time_to_time():
    log, now = io.StringIO(), 0.0
    report = Progress(log, lambda: now)

    report("compiling")
    for now in range(2, 50, 2):
        report(f"compiling ... {now}s")
    report("linking")

    assert log.getvalue().splitlines() == [
        *("  compiling", "  compiling ... 20s", "  compiling ... 40s"),
        "  linking",
    ]


def test_a_terminal_gets_each_line_in_place_of_the_one_before():
    terminal = Terminal()
    report = Progress(terminal, lambda: 0.0)

    report("compiling")
    report("compiling ... 2s, 10 packages")
    report("linking")

    assert terminal.getvalue() == "  compiling\n\x1b[1A\x1b[2K  compiling ... 2s, 10 packages\n  linking\n"


def test_a_line_in_place_of_another_is_not_wider_than_the_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "20")
    terminal = Terminal()
    report = Progress(terminal, lambda: 0.0)

    report("compiling")
    report("compiling ... 2s, 10 packages")

    assert terminal.getvalue().splitlines()[-1] == "\x1b[1A\x1b[2K  compiling ... 2s,"


def test_work_that_is_done_at_the_same_time_does_not_fill_the_log():
    log, now = io.StringIO(), 0.0
    report = Progress(log, lambda: now)

    for now in range(0, 24, 2):
        for title in ("helm", "node player"):
            report(f"{title} ... {now}s" if now else title)

    written = ["helm", "node player", "helm ... 20s", "node player ... 20s"]
    assert log.getvalue().splitlines() == [f"  {line}" for line in written]


def test_a_terminal_replaces_no_line_of_other_work():
    terminal = Terminal()
    report = Progress(terminal, lambda: 0.0)

    for line in ("helm", "node player", "helm ... 2s", "node player ... 2s"):
        report(line)

    assert terminal.getvalue() == "  helm\n  node player\n\x1b[1A\x1b[2K  node player ... 2s\n"
