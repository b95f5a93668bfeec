"""Progress of a run: one line per event in a log, live rows on a terminal."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, field
from typing import TextIO

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from lab.engine.display.operations import WORDS
from lab.engine.display.record import Record, Row, is_hidden
from lab.engine.display.text import clean, seconds
from lab.engine.events import Op, Severity, Step
from lab.engine.state import urns

# Seconds of an operation after which a log reports that it is running.
_QUIET = 2.0
_REMINDER = 30.0
# Minimum seconds between two lines of a log that differ only in a duration.
_REPEAT = 10.0
_SECONDS = re.compile(r"\d+(?:\.\d+)? ?s\b")


@dataclass
class Progress(Record):
    """A record that prints events as lines; in a preview it prints messages only."""

    stream: TextIO | None = None
    preview: bool = False
    # Whether the current status of each resource is always visible, as on a terminal.
    shows_status: bool = False
    _ticking: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        threading.Thread(target=self._tick, daemon=True).start()

    def close(self) -> None:
        self._ticking.set()

    def finished(self, step: Step) -> None:
        row = self._end(step, failed=False)
        if row and not self.preview and is_news(step):
            self._print(f"{label(row)} {WORDS[step.shown].done} ({seconds(_duration(row))})")

    def failed(self, step: Step) -> None:
        row = self._end(step, failed=True)
        if row and not is_hidden(step):
            self._print(f"{label(row)} {WORDS[step.op].doing} failed ({seconds(_duration(row))})")

    def message(self, severity: Severity, urn: str, text: str, *, ephemeral: bool = False) -> None:
        super().message(severity, urn, text, ephemeral=ephemeral)
        if severity is Severity.ERROR or (severity is Severity.WARNING and self.preview):
            return  # reported together at the end
        with self.lock:
            row = self._active.get(urn)
        if row and ephemeral and (self.shows_status or not self._is_new(row, text)):
            return
        for line in clean(text).splitlines():
            if line.strip():
                self._print(f"{label(row)} {line}" if row else f"    {_prefix(urn)}{line}")

    def _is_new(self, row: Row, text: str) -> bool:
        # A status that differs from the previous one only in a duration is not new until _REPEAT seconds have
        # passed.
        status, moment = _SECONDS.sub("", text), self.clock()
        if status == row.logged and moment - row.logged_at < _REPEAT:
            return False
        row.logged, row.logged_at = status, moment
        return True

    def _tick(self) -> None:
        while not self._ticking.wait(1.0):
            moment = self.clock()
            for row in self.active():
                due = _QUIET if row.announced == 0 else row.announced + _REMINDER
                if not self.preview and is_news(row.step) and moment - row.began >= due:
                    row.announced = moment - row.began
                    self._print(f"{label(row)} {WORDS[row.step.op].doing} ({row.announced:.0f}s)")

    def _print(self, line: str) -> None:
        with self.lock:
            print(line, file=self.stream, flush=True)


@dataclass
class LiveProgress(Progress):
    """A record for terminals: running steps stay visible at the bottom, finished ones scroll up."""

    shows_status: bool = True

    def start(self) -> None:
        self._console = Console(file=self.stream, highlight=False)
        self._live = Live(
            console=self._console, get_renderable=self._view, refresh_per_second=8, transient=True
        )
        self._live.start()

    def close(self) -> None:
        self._live.stop()

    def _print(self, line: str) -> None:
        sign = line.split(" ", 1)[0]
        colour = next((words.colour for words in WORDS.values() if words.sign == sign), "")
        self._console.print(Text(line, style=colour))

    def _view(self) -> Table:
        table = Table.grid(padding=(0, 1))
        for row in self.active():
            if is_news(row.step) or self.preview:
                words = WORDS[row.step.op]
                doing = "" if self.preview else f"{words.doing} ({self.clock() - row.began:.0f}s)"
                table.add_row(
                    Text(words.sign, words.colour),
                    *map(Text, _names(row.step)),
                    Text(doing),
                    Text(clean(row.status)),
                )
        return table


def is_news(step: Step) -> bool:
    return step.shown is not Op.SAME and step.op is not Op.REPLACE and not is_hidden(step)


def label(row: Row) -> str:
    type_, name = _names(row.step)
    return f"{WORDS[row.step.shown].sign:2} {type_} {name}"


def _names(step: Step) -> tuple[str, str]:
    return urns.short_type(urns.type_of(step.urn)), urns.name_of(step.urn)


def _duration(row: Row) -> float:
    return (row.ended or row.began) - row.began


def _prefix(urn: str) -> str:
    return f"{urns.name_of(urn)}: " if urn else ""
