"""Learns that the user has pressed Ctrl-C, so that operations with much left to do begin nothing further.

Pulumi's engine then calls `Cancel` of every provider, and lets what runs finish (pulumi/pulumi,
pkg/resource/deploy/deployment_executor.go, Execute: SignalCancellation). Its server of dynamic resources
answers that call and has no hook for it (pulumi/dynamic/__main__.py). It has given its method to gRPC before
any of this is imported, so the code of that method is replaced. Should a later SDK differ, nothing is learnt:
an operation that is running then finishes all it was to do.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from google.protobuf import empty_pb2

from eks_cilium.dynamic.shell.process import THIS_PROCESS

if TYPE_CHECKING:
    from collections.abc import Callable


def listen() -> bool:
    """Have `THIS_PROCESS.cancelled` set by the engine's call; returns whether there is such a server."""
    server = getattr(sys.modules["__main__"], "DynamicResourceProviderServicer", None)
    method = getattr(server, "Cancel", None)
    if method is None or method.__closure__:
        return False
    # The code runs with the names of another module: what it needs comes with its parameters.
    method.__code__, method.__defaults__ = _cancel.__code__, _cancel.__defaults__
    return True


def _cancel(
    self: Any,  # noqa: ARG001 - as gRPC calls it
    request: Any,  # noqa: ARG001 - the same
    context: Any,  # noqa: ARG001 - the same
    note: Callable[[], None] = THIS_PROCESS.cancelled.set,
    answer: Callable[[], Any] = empty_pb2.Empty,
) -> Any:
    note()
    return answer()
