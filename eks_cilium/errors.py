"""Every way in which work with the outside world fails.

    ProgramError
    ├── UserError               somebody can fix it: the configuration, rights, the cluster
    │   ├── RefusedError        the other side understood and said no
    │   └── NotReadyError       the cluster did not get there in time; names what is missing
    ├── TransientError          connection lost, throttled, server error: may pass, was tried several times
    └── UnexpectedAnswerError   an answer nobody here understands: a bug here, or a change there

`settings.ConfigurationError` is a UserError as well; it lives with the configuration.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "NotReadyError",
    "ProgramError",
    "RefusedError",
    "TransientError",
    "UnexpectedAnswerError",
    "UserError",
]


class ProgramError(Exception):
    """Something this program does could not be finished."""


class UserError(ProgramError):
    """Something a person can fix."""


class RefusedError(UserError):
    """The other side understood and said no; trying again does not help."""

    def __init__(self, message: str, *, status: int) -> None:
        super().__init__(message)
        self.status = status


class NotReadyError(UserError):
    """Time ran out; `missing` says what for."""

    def __init__(self, seconds: float, missing: Sequence[str]) -> None:
        self.missing = tuple(missing)
        lines = "".join(f"\n  - {line}" for line in self.missing)
        super().__init__(
            f"Cilium is not ready on every node after {seconds:.0f} s:{lines}\n"
            "Nothing is lost: fix what is named, then run `pulumi up` again; it goes on from here."
        )


class TransientError(ProgramError):
    """May pass when tried again later."""


class UnexpectedAnswerError(ProgramError):
    """An answer nobody here understands."""
