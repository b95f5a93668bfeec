"""What happened in a run: its steps, messages and outputs. All displays build on this record."""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lab.engine.events import Op, Severity, Step
from lab.engine.state import urns

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.engine.state.resources import Resource

_UNCOUNTED = {
    Op.CREATE_REPLACEMENT,
    Op.DELETE_REPLACED,
    Op.READ_REPLACEMENT,
    Op.IMPORT_REPLACEMENT,
    Op.REMOVE_PENDING,
}


@dataclass
class Row:
    step: Step
    began: float
    ended: float | None = None
    failed: bool = False
    # The latest message about the resource while the step was running.
    status: str = ""
    announced: float = 0.0
    # The last status that a log has printed, without durations.
    logged: str = ""
    logged_at: float = 0.0


@dataclass(frozen=True)
class Message:
    severity: Severity
    urn: str
    text: str


@dataclass
class Record:
    """A receiver of events that only stores them."""

    clock: Callable[[], float] = time.monotonic
    rows: list[Row] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    outputs_of: dict[str, Resource] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.lock = threading.RLock()
        self.began = self.clock()
        self._active: dict[str, Row] = {}

    def started(self, step: Step) -> None:
        with self.lock:
            row = Row(step, self.clock())
            self.rows.append(row)
            self._active[step.urn] = row

    def finished(self, step: Step) -> None:
        self._end(step, failed=False)

    def failed(self, step: Step) -> None:
        self._end(step, failed=True)

    def outputs(self, resource: Resource) -> None:
        with self.lock:
            self.outputs_of[resource.urn] = resource

    def message(self, severity: Severity, urn: str, text: str, *, ephemeral: bool = False) -> None:
        with self.lock:
            if not ephemeral:
                self.messages.append(Message(severity, urn, text))
            if urn in self._active and text.strip():
                self._active[urn].status = text.strip().splitlines()[0]

    def _end(self, step: Step, *, failed: bool) -> Row | None:
        with self.lock:
            row = self._active.pop(step.urn, None)
            if row:
                row.ended, row.failed = self.clock(), failed
            return row

    def active(self) -> list[Row]:
        with self.lock:
            return list(self._active.values())

    def changes(self) -> list[Step]:
        """The steps that change something, without the halves of replacements."""
        return [row.step for row in self.rows if row.step.shown is not Op.SAME and not is_hidden(row.step)]

    def counts(self) -> dict[Op, int]:
        """The number of operations by kind, as summaries count them."""
        counted = Counter(
            row.step.shown
            for row in self.rows
            if row.step.shown not in _UNCOUNTED and not row.failed and not is_hidden(row.step)
        )
        return dict(counted)


def is_hidden(step: Step) -> bool:
    """Whether a step is internal to the engine: default providers are not shown."""
    return step.skipped or (
        urns.is_provider(urns.type_of(step.urn)) and urns.name_of(step.urn).startswith("default")
    )
