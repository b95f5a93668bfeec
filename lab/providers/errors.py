"""What can go wrong inside a stand-in provider, by what the reader of the message can do about it.

Raised by resources and invokes; turned into one line of gRPC status by `lab.providers.server`. Anything
that is not a `ProviderError` is a bug of the lab and is reported as one, with its traceback on the
provider's stderr.
"""

from collections.abc import Mapping, Sequence
from typing import Any


class ProviderError(Exception):
    """Base of everything a provider says no with; the message is one line for a person."""


class RefusedError(ProviderError):
    """The request is wrong, or the cloud said no: the user changes the program and tries again."""


class UnavailableError(ProviderError):
    """The other side could not answer now: the same request may pass later."""


class NotOfferedError(RefusedError):
    """A type, property or invoke that the lab does not have; it never passes silently."""


class InitializationFailedError(ProviderError):
    """The resource exists but never became healthy; the engine saves it with these reasons."""

    def __init__(self, identifier: str, properties: Mapping[str, Any], reasons: Sequence[str]) -> None:
        super().__init__("; ".join(reasons))
        self.identifier = identifier
        self.properties = properties
        self.reasons = tuple(reasons)
