"""Errors a user can act on, without the stack trace that Pulumi's dynamic providers put around them.

The server of dynamic resources reports every exception with its whole trace. It formats the trace by the
interpreter's own limit, so the limit is lowered just for errors whose message says it all, and left alone
for bugs.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from eks_cilium.errors import ProgramError, UnexpectedAnswerError

if TYPE_CHECKING:
    from collections.abc import Iterator

_BUGS = (UnexpectedAnswerError,)


@contextmanager
def plainly() -> Iterator[None]:
    """Let what people can fix end in its message alone."""
    sys.tracebacklimit = 1000
    try:
        yield
    except ProgramError as error:
        if not isinstance(error, _BUGS):
            sys.tracebacklimit = 0
            error.__cause__ = error.__context__ = None
        raise
