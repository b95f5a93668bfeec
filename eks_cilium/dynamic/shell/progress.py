"""Reports the progress of a long operation on the row of its resource.

Pulumi's engine takes log lines for a resource over gRPC; its address is the last argument of the process
that serves dynamic resources. Without one, as in a test, lines are printed, which the engine shows as well.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import grpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, provider_pb2

Report = Callable[[str], None]

_REQUESTS = (provider_pb2.CreateRequest, provider_pb2.UpdateRequest, provider_pb2.DeleteRequest)


def reporter() -> Report:
    """Returns a function that shows a line on the row of the resource that this thread works for."""
    address, urn = sys.argv[-1], urn_of_request()
    if not _is_address(address) or not urn:
        return print
    channel = grpc.insecure_channel(address)
    engine = engine_pb2_grpc.EngineStub(channel)

    def report(line: str) -> None:
        request = engine_pb2.LogRequest(severity=engine_pb2.INFO, message=line, urn=urn, ephemeral=True)
        try:
            engine.Log(request, timeout=5)
        except grpc.RpcError:
            print(line)

    return report


def urn_of_request() -> str:
    """The URN of the resource that Pulumi has called this thread for; empty where there is no such call.

    The engine's requests have it, and Pulumi's server hands a provider their properties alone
    (pulumi/dynamic/__main__.py): it is found where the server keeps the request, in the frames that called.
    As an input it would be in the state twice for each resource. Should a later SDK differ, lines are
    printed.
    """
    frame = sys._getframe()
    while (caller := frame.f_back) is not None:
        frame = caller
        request = frame.f_locals.get("request")
        if isinstance(request, _REQUESTS):
            return str(request.urn)
    return ""


def _is_address(text: str) -> bool:
    host, _, port = text.rpartition(":")
    return bool(host) and port.isdigit()
