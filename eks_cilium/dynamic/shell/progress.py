"""Reports the progress of a long operation on the row of its resource.

Pulumi's engine takes log lines for a resource over gRPC; its address is the last argument of the process
that serves dynamic resources. Without one, as in a test, lines are printed, which the engine shows as well.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import grpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc

Report = Callable[[str], None]


def reporter(urn: str) -> Report:
    """Returns a function that shows a line on the row of the resource with this URN."""
    address = sys.argv[-1]
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


def _is_address(text: str) -> bool:
    host, _, port = text.rpartition(":")
    return bool(host) and port.isdigit()
