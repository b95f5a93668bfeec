"""What happens during a run, as reported to the displays."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from lab.engine.providers.diff import Diff
    from lab.engine.state.resources import Resource


class Op(enum.StrEnum):
    """The operations on a resource, named as in the Pulumi CLI."""

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
    # A replacement that leaves the old resource in the state: to be deleted later or, if deleted, to be
    # recreated.
    keeps_old: bool = False
    # The resource is not among the targets and does not exist, so it is not created.
    skipped: bool = False
    # The operation that a refresh turned out to be.
    result: Op | None = None

    @property
    def resource(self) -> Resource:
        """The new state of the resource, or the old one if there is no new state."""
        resource = self.new or self.old
        if resource is None:
            msg = f"step {self.op} of {self.urn} has no resource"
            raise ValueError(msg)
        return resource

    @property
    def shown(self) -> Op:
        """The operation to display once the step has finished."""
        return self.result or self.op


class Sink(Protocol):
    """A receiver of the events of a run."""

    def started(self, step: Step) -> None: ...

    def finished(self, step: Step) -> None: ...

    def failed(self, step: Step) -> None:
        """The step failed; a separate message gives the reason."""

    def outputs(self, resource: Resource) -> None:
        """The outputs of a component or of the stack are known."""

    def message(self, severity: Severity, urn: str, text: str, *, ephemeral: bool = False) -> None:
        """A message about a resource or, without a URN, about the run; a ephemeral one is a status."""
