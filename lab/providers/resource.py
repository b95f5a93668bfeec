"""The interface of one resource type, and the values that its methods take and return.

`lab.providers.server` calls it for gRPC requests; `lab.providers.aws`, `kubernetes` and `tls` implement it.
"""

import hashlib
import secrets
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from lab.providers.values import Kind, Properties, differences

Seen = TypeVar("Seen")


@dataclass(frozen=True)
class Operation:
    """One call about one resource: its identity, and where to report progress.

    `timeout` is that of the program's `custom_timeouts` in seconds; 0 means the default of the resource.
    """

    urn: str
    token: str
    name: str
    timeout: float = 0
    progress: Callable[[str], None] = field(default=lambda _: None)
    warn: Callable[[str], None] = field(default=lambda _: None)
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True)
class Failure:
    """One reason to refuse inputs; `property` is a property path or empty."""

    property: str
    reason: str


@dataclass(frozen=True)
class Checked:
    """The result of `check`: the inputs with names and defaults, or the reasons to refuse them."""

    inputs: Properties
    failures: Sequence[Failure] = ()


@dataclass(frozen=True)
class Change:
    """One property that differs: its path, the kind of change, and whether it replaces."""

    path: str
    kind: Kind = "update"
    replaces: bool = False
    of_inputs: bool = False
    """Whether a CLI shows the old and the new input; otherwise it shows the old state and the new input."""

    @property
    def top_level(self) -> str:
        """The first step of the path, which the engine compares with its options."""
        return self.path.split(".")[0].split("[")[0]


@dataclass(frozen=True)
class Difference:
    """The result of `diff`; without changes the resource stays as it is."""

    changes: Sequence[Change] = ()
    delete_before_replace: bool = False


@dataclass(frozen=True)
class State:
    """A resource: its id (empty in a preview), its properties, and the inputs that would create it."""

    identifier: str
    properties: Properties
    inputs: Properties | None = None


class Resource(ABC):
    """One resource type with the configuration of its provider instance."""

    token: str

    @abstractmethod
    def check(
        self, operation: Operation, inputs: Properties, olds: Properties | None, seed: bytes
    ) -> Checked:
        """Refuse unknown properties; fill in names (`automatic_name`) and defaults."""

    @abstractmethod
    def diff(
        self,
        operation: Operation,
        identifier: str,
        old_inputs: Properties,
        olds: Properties,
        news: Properties,
    ) -> Difference:
        """The changes from the old inputs and state to the checked new inputs; unknowns count as changed."""

    @abstractmethod
    def create(self, operation: Operation, inputs: Properties, *, preview: bool) -> State:
        """Create it and wait until it is usable; in a preview `UNKNOWN` marks what the cloud decides."""

    @abstractmethod
    def read(
        self, operation: Operation, identifier: str, properties: Properties, inputs: Properties
    ) -> State | None:
        """The current resource, None if there is none; without properties and inputs this is an import."""

    @abstractmethod
    def update(
        self,
        operation: Operation,
        identifier: str,
        old_inputs: Properties,
        olds: Properties,
        news: Properties,
        *,
        preview: bool,
    ) -> Properties:
        """Apply the new inputs and return all properties."""

    @abstractmethod
    def delete(
        self, operation: Operation, identifier: str, old_inputs: Properties, properties: Properties
    ) -> None:
        """Delete it and wait until it no longer exists; a missing one is no error."""


def automatic_name(operation: Operation, seed: bytes, *, length: int = 7, longest: int = 255) -> str:
    """`name-0a1b2c3`: the same for the same seed, so that a preview and its update agree."""
    material = seed or secrets.token_bytes(16)
    digest = hashlib.sha256(material + operation.urn.encode()).hexdigest()
    return f"{operation.name[: longest - length - 1]}-{digest[:length]}"


def changes_between(
    old_inputs: Properties, news: Properties, replaces: Callable[[str], bool] = lambda _: False
) -> list[Change]:
    """All changed properties by path; `replaces` gets the name of the top-level property."""
    found = [Change(path, kind) for path, kind in differences(old_inputs, news)]
    return [replace(change, replaces=replaces(change.top_level)) for change in found]


def wait_until(
    operation: Operation,
    read: Callable[[], Seen],
    done: Callable[[Seen], bool],
    describe: Callable[[Seen], str],
    *,
    limit: float,
    every: float = 1.0,
) -> Seen | None:
    """Read until done, reporting a status after each reading; None if the time is over."""
    started = operation.clock()
    while not done(seen := read()):
        passed = operation.clock() - started
        if passed >= (operation.timeout or limit):
            return None
        operation.progress(f"{describe(seen)} ({passed:.0f}s)")
        operation.sleep(every)
    return seen
