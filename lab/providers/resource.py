"""What a stand-in provider has to say about one type of resource, and the words it says it with.

`lab.providers.server` speaks gRPC and calls these; `lab.providers.aws` and `lab.providers.kubernetes`
implement them.
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
    """One call about one resource: whom it concerns, and where to say how it is going.

    `timeout` is what the program's `custom_timeouts` allow, in seconds; 0 leaves it to the resource.
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
    """One reason why inputs cannot be accepted; `property` is a property path or empty."""

    property: str
    reason: str


@dataclass(frozen=True)
class Checked:
    """The answer of `check`: the inputs with names and defaults filled in, or what is wrong with them."""

    inputs: Properties
    failures: Sequence[Failure] = ()


@dataclass(frozen=True)
class Change:
    """One property that differs: its path, how, and whether that takes a new resource."""

    path: str
    kind: Kind = "update"
    replaces: bool = False

    @property
    def top_level(self) -> str:
        """The first step of the path, which is what the engine matches options against."""
        return self.path.split(".")[0].split("[")[0]


@dataclass(frozen=True)
class Difference:
    """The answer of `diff`; no changes means the resource stays as it is."""

    changes: Sequence[Change] = ()
    delete_before_replace: bool = False


@dataclass(frozen=True)
class State:
    """A resource as it is: its id (empty in a preview), its properties, and the inputs that would make it."""

    identifier: str
    properties: Properties
    inputs: Properties | None = None


class Resource(ABC):
    """One resource type, already configured (credentials, region or kubeconfig of its provider instance)."""

    token: str

    @abstractmethod
    def check(
        self, operation: Operation, inputs: Properties, olds: Properties | None, seed: bytes
    ) -> Checked:
        """Refuse unknown properties, fill in names (`automatic_name`) and defaults; `olds` are old inputs."""

    @abstractmethod
    def diff(
        self,
        operation: Operation,
        identifier: str,
        old_inputs: Properties,
        olds: Properties,
        news: Properties,
    ) -> Difference:
        """What changes from the old inputs and state to the checked new inputs; unknowns count as changed."""

    @abstractmethod
    def create(self, operation: Operation, inputs: Properties, *, preview: bool) -> State:
        """Make it and wait until it is usable; in a preview, `UNKNOWN` stands for what the cloud decides."""

    @abstractmethod
    def read(
        self, operation: Operation, identifier: str, properties: Properties, inputs: Properties
    ) -> State | None:
        """The resource as it is now, `None` when gone; without properties and inputs it is an import."""

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
        """Bring it to the new inputs and answer all its properties."""

    @abstractmethod
    def delete(
        self, operation: Operation, identifier: str, old_inputs: Properties, properties: Properties
    ) -> None:
        """Remove it and wait until it is gone; one that is gone already is no error."""


def automatic_name(operation: Operation, seed: bytes, *, length: int = 7, longest: int = 255) -> str:
    """`name-0a1b2c3`, the same for the same seed, so that a preview and its update agree."""
    material = seed or secrets.token_bytes(16)
    digest = hashlib.sha256(material + operation.urn.encode()).hexdigest()
    return f"{operation.name[: longest - length - 1]}-{digest[:length]}"


def changes_between(
    old_inputs: Properties, news: Properties, replaces: Callable[[str], bool] = lambda _: False
) -> list[Change]:
    """All changed properties by path; `replaces` is asked with the name of the top-level property."""
    found = [Change(path, kind) for path, kind in differences(old_inputs, news)]
    return [replace(change, replaces=replaces(change.top_level)) for change in found]


def wait_until(
    operation: Operation,
    look: Callable[[], Seen],
    done: Callable[[Seen], bool],
    say: Callable[[Seen], str],
    *,
    limit: float,
    every: float = 1.0,
) -> Seen | None:
    """Look until done, saying on the resource's row how it stands; `None` when the time is over."""
    started = operation.clock()
    while not done(seen := look()):
        passed = operation.clock() - started
        if passed >= (operation.timeout or limit):
            return None
        operation.progress(f"{say(seen)} ({passed:.0f}s)")
        operation.sleep(every)
    return seen
