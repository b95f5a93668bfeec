"""What happens during a run, as the displays hear of it."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from lab.engine.providers.diff import Diff
    from lab.engine.state.resources import Resource


class Op(enum.StrEnum):
    """What is done to one resource, in the CLI's words."""

    SAME = "same"
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    REPLACE = "replace"
    CREATE_REPLACEMENT = "create-replacement"
    DELETE_REPLACED = "delete-replaced"
    READ = "read"
    READ_REPLACEMENT = "read-replacement"
    REFRESH = "refresh"
    REMOVE_PENDING = "remove-pending-replace"
    IMPORT = "import"
    IMPORT_REPLACEMENT = "import-replacement"


class Severity(enum.StrEnum):
    """How much a message matters."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(eq=False)
class Step:
    """One operation on one resource, planned or running."""

    op: Op
    urn: str
    old: Resource | None = None
    new: Resource | None = None
    diff: Diff | None = None
    keeps_old: bool = False
    """A replacement that leaves the old resource to be deleted later (or, deleted, to be made again)."""
    skipped: bool = False
    """The resource is not among the targets and does not exist: nothing is made of it."""
    result: Op | None = None
    """What a refresh turned out to be."""

    @property
    def resource(self) -> Resource:
        """The resource, as new as it is known."""
        resource = self.new or self.old
        if resource is None:
            msg = f"step {self.op} of {self.urn} has no resource"
            raise ValueError(msg)
        return resource

    @property
    def shown(self) -> Op:
        """What to call the step once it is done."""
        return self.result or self.op


class Sink(Protocol):
    """Somebody who follows a run."""

    def started(self, step: Step) -> None:
        """A step begins."""

    def finished(self, step: Step) -> None:
        """A step ended well."""

    def failed(self, step: Step) -> None:
        """A step ended badly; a message says why."""

    def outputs(self, resource: Resource) -> None:
        """A component's outputs are known."""

    def message(self, severity: Severity, urn: str, text: str, *, fleeting: bool = False) -> None:
        """Somebody has something to say, about a resource or (no urn) about the run."""
