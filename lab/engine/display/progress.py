"""What is seen while a run goes: one line per event in a log, live rows on a terminal."""

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

_QUIET = 2.0
"""Seconds an operation may take before a log says that it runs."""
_REMINDER = 30.0
_REPEAT = 10.0
"""Seconds between lines of a log that differ in the time only, as those of a wait that counts."""
_SECONDS = re.compile(r"\d+(?:\.\d+)? ?s\b")


@dataclass
class Progress(Record):
    """A record that prints lines as things happen; `preview` keeps it to what is said."""

    stream: TextIO | None = None
    preview: bool = False
    shows_status: bool = False
    """Whether the last thing said about a resource is on view anyway."""
    _ticking: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        """Begin to follow."""
        threading.Thread(target=self._tick, daemon=True).start()

    def close(self) -> None:
        """Follow no more."""
        self._ticking.set()

    def finished(self, step: Step) -> None:
        """A step ended well."""
        row = self._end(step, failed=False)
        if row and not self.preview and is_news(step):
            self._print(f"{label(row)} {WORDS[step.shown].done} ({seconds(_taken(row))})")

    def failed(self, step: Step) -> None:
        """A step ended badly."""
        row = self._end(step, failed=True)
        if row and not is_hidden(step):
            self._print(f"{label(row)} {WORDS[step.op].doing} failed ({seconds(_taken(row))})")

    def message(self, severity: Severity, urn: str, text: str, *, fleeting: bool = False) -> None:
        """Somebody has something to say."""
        super().message(severity, urn, text, fleeting=fleeting)
        if severity is Severity.ERROR or (severity is Severity.WARNING and self.preview):
            return  # these are told together, at the end
        with self.lock:
            row = self._active.get(urn)
        if row and fleeting and (self.shows_status or not self._is_new(row, text)):
            return
        for line in clean(text).splitlines():
            if line.strip():
                self._print(f"{label(row)} {line}" if row else f"    {_whose(urn)}{line}")

    def _is_new(self, row: Row, text: str) -> bool:
        """Whether a status says more than the one before it did; the time going by does not, for a while."""
        told, moment = _SECONDS.sub("", text), self.clock()
        if told == row.told and moment - row.told_at < _REPEAT:
            return False
        row.told, row.told_at = told, moment
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
    """A record that keeps the running steps in view on a terminal and scrolls up what is done."""

    shows_status: bool = True

    def start(self) -> None:
        """Begin to follow."""
        self._console = Console(file=self.stream, highlight=False)
        self._live = Live(
            console=self._console, get_renderable=self._view, refresh_per_second=8, transient=True
        )
        self._live.start()

    def close(self) -> None:
        """Follow no more."""
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
    """Whether a step is worth a line."""
    return step.shown is not Op.SAME and step.op is not Op.REPLACE and not is_hidden(step)


def label(row: Row) -> str:
    """The sign, type and name of a step."""
    type_, name = _names(row.step)
    return f"{WORDS[row.step.shown].sign:2} {type_} {name}"


def _names(step: Step) -> tuple[str, str]:
    return urns.short_type(urns.type_of(step.urn)), urns.name_of(step.urn)


def _taken(row: Row) -> float:
    return (row.ended or row.began) - row.began


def _whose(urn: str) -> str:
    return f"{urns.name_of(urn)}: " if urn else ""
