"""Updates: changes of a cluster, a node group or an add-on that take time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lab.cloud.eks.records.descriptions import Description, new_id

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass
class Update:
    """A change in progress or done, as in DescribeUpdate. `finish` applies it when it is due."""

    kind: str
    created_at: float
    parameters: list[tuple[str, str]]
    due: float | None
    finish: Callable[[], None] | None = None
    identifier: str = field(default_factory=new_id)
    status: str = "InProgress"
    errors: list[Description] = field(default_factory=list)

    def fail(self, code: str, message: str, *resources: str) -> None:
        """End the update as failed."""
        self.status = "Failed"
        self.errors.append({"errorCode": code, "errorMessage": message, "resourceIds": list(resources)})

    def describe(self) -> Description:
        return {
            "id": self.identifier,
            "status": self.status,
            "type": self.kind,
            "params": [{"type": kind, "value": value} for kind, value in self.parameters],
            "createdAt": self.created_at,
            "errors": self.errors,
        }


def in_progress(updates: dict[str, Update]) -> bool:
    """Return whether any of the updates is not done."""
    return any(update.status == "InProgress" for update in updates.values())


def finish_due(updates: dict[str, Update], now: float) -> None:
    """Apply the updates that are due. One that raises stays in progress and is tried again."""
    for update in tuple(updates.values()):
        if update.status == "InProgress" and update.due is not None and update.due <= now:
            if update.finish:
                update.finish()
            update.status = "Successful"
