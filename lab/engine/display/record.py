"""What was seen of a run: its steps, messages and outputs, for whatever is shown of it."""

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
    """One step as it went."""

    step: Step
    began: float
    ended: float | None = None
    failed: bool = False
    status: str = ""
    """The last thing somebody said about the resource while it was worked on."""
    announced: float = 0.0
    told: str = ""
    """The last status that a log has told, without the time in it."""
    told_at: float = 0.0


@dataclass(frozen=True)
class Message:
    """Something said, about a resource or about the run."""

    severity: Severity
    urn: str
    text: str


@dataclass
class Record:
    """A sink that only remembers; displays build on it."""

    clock: Callable[[], float] = time.monotonic
    rows: list[Row] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    outputs_of: dict[str, Resource] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.lock = threading.RLock()
        self.began = self.clock()
        self._active: dict[str, Row] = {}

    def started(self, step: Step) -> None:
        """A step begins."""
        with self.lock:
            row = Row(step, self.clock())
            self.rows.append(row)
            self._active[step.urn] = row

    def finished(self, step: Step) -> None:
        """A step ended well."""
        self._end(step, failed=False)

    def failed(self, step: Step) -> None:
        """A step ended badly."""
        self._end(step, failed=True)

    def outputs(self, resource: Resource) -> None:
        """A component's outputs are known."""
        with self.lock:
            self.outputs_of[resource.urn] = resource

    def message(self, severity: Severity, urn: str, text: str, *, fleeting: bool = False) -> None:
        """Somebody has something to say."""
        with self.lock:
            if not fleeting:
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
        """The steps that run now."""
        with self.lock:
            return list(self._active.values())

    def changes(self) -> list[Step]:
        """The steps that do something, but for the halves of replacements."""
        return [row.step for row in self.rows if row.step.shown is not Op.SAME and not is_hidden(row.step)]

    def counts(self) -> dict[Op, int]:
        """How often each operation was done, as summaries count."""
        counted = Counter(
            row.step.shown
            for row in self.rows
            if row.step.shown not in _UNCOUNTED and not row.failed and not is_hidden(row.step)
        )
        return dict(counted)


def is_hidden(step: Step) -> bool:
    """Whether a step is the engine's own business: default providers come and go unseen."""
    return step.skipped or (
        urns.is_provider(urns.type_of(step.urn)) and urns.name_of(step.urn).startswith("default")
    )
