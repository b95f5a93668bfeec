"""Translates the gRPC errors of providers into messages and errors of the engine.

A provider's error arrives as a gRPC status with details; a Python provider puts a whole traceback into it.
The engine shows only the part that helps the user.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import grpc
from pulumi.runtime.proto import errors_pb2, provider_pb2, status_pb2

from lab.engine.errors import InitializationError, StepError

if TYPE_CHECKING:
    from collections.abc import Callable

_TRACEBACK = "Traceback (most recent call last):"
_RAISED = re.compile(r"^(?P<type>[A-Za-z_][\w.]*)(?:: (?P<text>.*))?$", re.DOTALL)
_CALLING = "Exception calling application: "


def step_error(urn: str, error: grpc.RpcError, package: str) -> StepError:
    code: grpc.StatusCode = error.code()
    details: str = error.details() or ""
    if code == grpc.StatusCode.UNAVAILABLE:
        return StepError(urn, f"provider '{package}' has ended: {details}")
    message = readable(details) or f"provider '{package}' failed with {code.name}"
    return StepError(urn, "\n".join([message, *_property_errors(error)]))


def _details(error: grpc.RpcError) -> list[Any]:
    metadata: Any = error.trailing_metadata() or ()
    for key, value in metadata:
        if key == "grpc-status-details-bin":
            return list(status_pb2.Status.FromString(value).details)
    return []


def _unpack(detail: Any, message: Any) -> Any:
    # Compared by the end of its name: the packing process may register the message in another package.
    if not detail.type_url.endswith(message.DESCRIPTOR.name):
        return None
    return message.FromString(detail.value)


def _property_errors(error: grpc.RpcError) -> list[str]:
    lines: list[str] = []
    for detail in _details(error):
        found = _unpack(detail, errors_pb2.InputPropertiesError)
        lines += [
            f"  - property {entry.property_path} has a problem: {entry.reason}"
            for entry in (found.errors if found else ())
        ]
    return lines


def initialization_error(
    urn: str, error: grpc.RpcError, received: Callable[[Any], dict[str, Any]]
) -> InitializationError | None:
    """The error of a resource that exists but did not become ready, if the call reports one."""
    for detail in _details(error):
        found = _unpack(detail, provider_pb2.ErrorResourceInitFailed)
        if found is not None:
            reasons = list(found.reasons)
            return InitializationError(
                urn,
                "\n".join(
                    ["the resource exists but did not become ready:", *(f"  {line}" for line in reasons)]
                ),
                resource_id=found.id,
                properties=received(found.properties),
                inputs=received(found.inputs),
                reasons=reasons,
            )
    return None


def readable(details: str) -> str:
    """A status text without the traceback of an error that was raised deliberately.

    An exception class of a module (`clients.errors.NotFound`) has a message for the user. A built-in one
    (`KeyError`) is a bug, so its traceback is kept.
    """
    text = details.removeprefix(_CALLING).strip()
    head, marker, trace = text.rpartition(_TRACEBACK)
    if not marker:
        return text
    raised = _RAISED.match(_raised_text(trace))
    if raised and "." in raised["type"] and raised["text"]:
        return "\n".join(
            filter(None, [head.strip() if _TRACEBACK not in head else "", raised["text"].strip()])
        )
    return text


def _raised_text(trace: str) -> str:
    """What follows the last frame of a traceback: the exception and its message."""
    lines = trace.strip("\n").split("\n")
    for index, line in enumerate(lines):
        if line and not line.startswith(" "):
            return "\n".join(lines[index:])
    return ""
