"""Errors that a user can act on are reported by their message alone; bugs keep their stack trace.

Pulumi's server of dynamic resources answers every exception with `traceback.format_exc()` and has no hook for
another wording (pulumi/dynamic/__main__.py, `_abort_with_traceback`). So the function it calls is replaced in
that one module. Should a later SDK report errors in another way, they come with their traces again, and a
test over the real protocol fails.
"""

from __future__ import annotations

import sys
import traceback
from types import SimpleNamespace

from pulumi.dynamic import ConfigureRequest, ResourceProvider

from eks_cilium.dynamic.shell.cancelling import listen
from eks_cilium.dynamic.shell.workers import widen
from eks_cilium.errors import ProgramError, UnexpectedAnswerError
from eks_cilium.troubleshooting import linked

_SERVER = "pulumi.dynamic.__main__"


class PlainErrorsProvider(ResourceProvider):
    """A provider whose errors for the user are reported without a stack trace."""

    serialize_as_secret_always = False

    def configure(self, _req: ConfigureRequest) -> None:
        """Called by Pulumi once in the process that serves the provider, before any other method."""
        widen()
        listen()
        server = sys.modules["__main__"]
        if server.__spec__ is not None and server.__spec__.name == _SERVER:
            server.traceback = SimpleNamespace(format_exc=message_or_trace)  # type: ignore[attr-defined] # the SDK's


def message_or_trace() -> str:
    """What the user reads of the exception that is being handled."""
    error = sys.exception()
    if isinstance(error, ProgramError) and not isinstance(error, UnexpectedAnswerError):
        return linked(str(error), error.topic)
    return traceback.format_exc()
