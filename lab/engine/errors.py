"""The errors of the engine, by who can act on them.

EngineError
+-- UserError                 the command line, a file or a passphrase is wrong
|   +-- StackNotFoundError        the stack does not exist
|   +-- NoChangesExpectedError    there are changes although --expect-no-changes was given
+-- RunStopped                the run is ending; no operation may start
+-- StepError                 a provider refused or failed an operation on a resource
|   +-- InitializationError       the resource exists but did not become ready
+-- ProviderError             a provider process could not be started or broke the protocol
+-- StateError                the state file is damaged or in another format
"""

from __future__ import annotations

from typing import Any


class EngineError(Exception):
    """Base class of every error that the engine raises deliberately."""

    exit_code = 1


class UserError(EngineError):
    """An error that the user can fix; printed as one line."""

    def __init__(self, message: str, *, exit_code: int | None = None) -> None:
        super().__init__(message)
        if exit_code is not None:
            self.exit_code = exit_code


class StackNotFoundError(UserError):
    """The stack does not exist, or no stack is selected."""

    exit_code = 6


class NoChangesExpectedError(UserError):
    """There are changes although the user expected none."""

    exit_code = 7


class RunStopped(EngineError):  # noqa: N818 - the error itself is reported elsewhere
    """The run failed or was interrupted, so this operation is not started."""


class StepError(EngineError):
    def __init__(self, urn: str, message: str) -> None:
        super().__init__(message)
        self.urn = urn


class InitializationError(StepError):
    """The provider created the resource, but it did not become ready; the state keeps it with the reasons."""

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
    """A provider process cannot be started or does not follow the protocol."""


class StateError(EngineError):
    """The state file contradicts itself or cannot be read."""
