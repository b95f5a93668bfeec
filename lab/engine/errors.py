"""What can go wrong in the engine, by who can do something about it.

EngineError
+-- UserError                 the command line, a file or a passphrase is wrong
|   +-- StackNotFoundError        there is no such stack
|   +-- NoChangesExpectedError    something would change though nothing should
+-- RunStopped                the run is ending; nothing new may start
+-- StepError                 a provider refused or failed an operation on a resource
|   +-- InitializationError       the resource exists but did not become ready
+-- ProviderError             a provider process could not be started or spoke out of turn
+-- StateError                the state file is damaged or not ours
"""

from __future__ import annotations

from typing import Any


class EngineError(Exception):
    """Root of every error the engine raises on purpose."""

    exit_code = 1


class UserError(EngineError):
    """Something the person at the keyboard can fix; printed as one clean message."""

    def __init__(self, message: str, *, exit_code: int | None = None) -> None:
        super().__init__(message)
        if exit_code is not None:
            self.exit_code = exit_code


class StackNotFoundError(UserError):
    """There is no such stack, or none was chosen."""

    exit_code = 6


class NoChangesExpectedError(UserError):
    """Something would change though the person said that nothing should."""

    exit_code = 7


class RunStopped(EngineError):  # noqa: N818 - it is no error but the news of one, told elsewhere
    """The run failed or was interrupted, so this operation is not started."""


class StepError(EngineError):
    """An operation on one resource failed."""

    def __init__(self, urn: str, message: str) -> None:
        super().__init__(message)
        self.urn = urn


class InitializationError(StepError):
    """The provider made the resource, but it did not come up: it is kept with its errors."""

    def __init__(
        self,
        urn: str,
        message: str,
        *,
        resource_id: str,
        properties: dict[str, Any],
        inputs: dict[str, Any],
        reasons: list[str],
    ) -> None:
        super().__init__(urn, message)
        self.resource_id = resource_id
        self.properties = properties
        self.inputs = inputs
        self.reasons = reasons


class ProviderError(EngineError):
    """A provider process cannot be used at all."""


class StateError(EngineError):
    """The state file contradicts itself or cannot be read."""
