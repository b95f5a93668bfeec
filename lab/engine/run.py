"""One run over a stack (a preview, an update, a refresh, a destroy): what its parts share.

The planner, the executor and the monitor work on the same run from many threads. It knows what the last
run left, whether this one may go on, and whom to tell.
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
    """How a run was asked for."""

    stack: str
    project: str
    preview: bool
    parallel: int = 8
    targets: tuple[str, ...] = ()
    organization: str = "organization"

    def targeted(self, urn: str) -> bool:
        """Whether the run is about this resource; without targets it is about all."""
        return not self.targets or any(fnmatch.fnmatchcase(urn, target) for target in self.targets)


@dataclass
class Run:
    """A run in progress."""

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
        """Whether nothing may be changed."""
        return self.options.preview

    @property
    def stopped(self) -> bool:
        """Whether nothing new may start."""
        return self._stopped

    def stop(self) -> None:
        """Let what runs finish and start nothing more."""
        with self._lock:
            self._stopped = True
            self._lock.notify_all()

    def interrupt(self) -> None:
        """Stop because the person asked for it."""
        self.interrupted = True
        self.stop()

    def fail(self, urn: str, text: str) -> None:
        """Report an error and stop."""
        self.error(urn, text)
        self.stop()

    def error(self, urn: str, text: str) -> None:
        """Report an error that makes the run a failure but lets it go on (a preview shows them all)."""
        self.failed = True
        self.sink.message(Severity.ERROR, urn, text)

    def warn(self, urn: str, text: str) -> None:
        """Report something the person should know."""
        self.sink.message(Severity.WARNING, urn, text)

    def check_going(self) -> None:
        """Refuse to start anything once the run is stopping."""
        if self._stopped:
            raise RunStopped

    @contextlib.contextmanager
    def slot(self) -> Iterator[None]:
        """One of the operations that may run at a time."""
        self.check_going()
        with self._slots:
            with self._lock:
                self.check_going()
                self._active += 1
            try:
                yield
            finally:
                with self._lock:
                    self._active -= 1
                    self._lock.notify_all()

    def wait_idle(self, timeout: float | None = None) -> bool:
        """Wait until no operation runs."""
        with self._lock:
            return self._lock.wait_for(lambda: self._active == 0, timeout)


def now() -> str:
    """The time as state files write it."""
    return datetime.datetime.now(datetime.UTC).isoformat().replace("+00:00", "Z")
