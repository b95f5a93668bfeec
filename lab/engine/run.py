"""One run over a stack (preview, update, refresh or destroy): the data its parts share.

The planner, the executor and the monitor use the same run from many threads. It holds the previous state and
the displays, and it decides whether new operations may start.
"""

from __future__ import annotations

import contextlib
import datetime
import fnmatch
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lab.engine.errors import RunStopped
from lab.engine.events import Severity, Sink

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lab.engine.project.files import Configuration
    from lab.engine.providers.registry import Providers
    from lab.engine.state.deployment import Deployment
    from lab.engine.state.resources import Resource
    from lab.engine.state.snapshot import Snapshot


@dataclass(frozen=True)
class Options:
    """The options of a run."""

    stack: str
    project: str
    preview: bool
    parallel: int = 8
    targets: tuple[str, ...] = ()
    organization: str = "organization"

    def targeted(self, urn: str) -> bool:
        """Whether the run includes this resource; without targets it includes all."""
        return not self.targets or any(fnmatch.fnmatchcase(urn, target) for target in self.targets)


@dataclass
class Run:
    options: Options
    configuration: Configuration
    previous: Deployment
    snapshot: Snapshot | None
    providers: Providers
    sink: Sink
    olds: dict[str, Resource] = field(default_factory=dict)
    news: dict[str, Resource] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.olds = {resource.urn: resource for resource in self.previous.resources if not resource.delete}
        self._lock = threading.Condition()
        self._active = 0
        self._stopped = False
        self.failed = False
        self.interrupted = False
        self._slots = threading.BoundedSemaphore(self.options.parallel)

    @property
    def preview(self) -> bool:
        """Whether the run must not change anything."""
        return self.options.preview

    @property
    def stopped(self) -> bool:
        """Whether new operations are refused."""
        return self._stopped

    def stop(self) -> None:
        """Let running operations finish and start no more."""
        with self._lock:
            self._stopped = True
            self._lock.notify_all()

    def interrupt(self) -> None:
        """Stop because the user asked for it."""
        self.interrupted = True
        self.stop()
        # This is called by the handler of a signal, which must not wait for other threads.
        threading.Thread(target=self.providers.cancel, daemon=True).start()

    def fail(self, urn: str, text: str) -> None:
        self.error(urn, text)
        self.stop()

    def error(self, urn: str, text: str) -> None:
        """Report an error that fails the run without stopping it, so that a preview shows all errors."""
        self.failed = True
        self.sink.message(Severity.ERROR, urn, text)

    def warn(self, urn: str, text: str) -> None:
        self.sink.message(Severity.WARNING, urn, text)

    def raise_if_stopped(self) -> None:
        """Raise RunStopped if no operation may start any more."""
        if self._stopped:
            raise RunStopped

    @contextlib.contextmanager
    def slot(self) -> Iterator[None]:
        """Hold one of the `parallel` places for operations."""
        self.raise_if_stopped()
        with self._slots:
            with self._lock:
                self.raise_if_stopped()
                self._active += 1
            try:
                yield
            finally:
                with self._lock:
                    self._active -= 1
                    self._lock.notify_all()

    def wait_idle(self, timeout: float | None = None) -> bool:
        with self._lock:
            return self._lock.wait_for(lambda: self._active == 0, timeout)


def now() -> str:
    """The current time in the format of state files."""
    return datetime.datetime.now(datetime.UTC).isoformat().replace("+00:00", "Z")
