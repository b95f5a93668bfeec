"""The errors of an emulated provider, by what the reader of the message can do.

Resources and functions raise them; `lab.providers.server` turns them into one line of gRPC status. Any other
exception is a bug of the lab and is reported as such, with its traceback on standard error.
"""

from collections.abc import Mapping, Sequence
from typing import Any


class ProviderError(Exception):
    """Base class of the errors that a provider raises deliberately; the message is one line."""


class RefusedError(ProviderError):
    """The request is wrong or the cloud refused it: the user must change the program."""


class UnavailableError(ProviderError):
    """The other side could not answer: the same request may succeed later."""


class NotOfferedError(RefusedError):
    """A type, property or function that the lab does not implement."""


class InitializationFailedError(ProviderError):
    """The resource exists but did not become ready; the engine saves it with the reasons."""

    def __init__(self, identifier: str, properties: Mapping[str, Any], reasons: Sequence[str]) -> None:
        super().__init__("; ".join(reasons))
        self.identifier = identifier
        self.properties = properties
        self.reasons = tuple(reasons)
