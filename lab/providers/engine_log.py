"""Status lines on a resource's row in the engine's display while an operation runs.

The address of the engine is known per connection (from Handshake or Attach) or from the command line. A log
call to an engine that has ended must never fail the operation.
"""

import threading
from typing import Any

import grpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc

INFO, WARNING = engine_pb2.INFO, engine_pb2.WARNING
PATIENCE = 5.0


class EngineLog:
    """Sends lines to the engine of a connection."""

    def __init__(self, default_address: str = "") -> None:
        self._default = default_address
        self._by_peer: dict[str, str] = {}
        self._stubs: dict[str, Any] = {}
        self._lock = threading.Lock()

    def engine_of(self, peer: str, address: str) -> None:
        """Remember the engine behind a connection."""
        if address:
            self._by_peer[peer] = address

    def progress(self, peer: str, urn: str, message: str) -> None:
        """Report a status, which the next one replaces."""
        self._log(peer, urn, message, INFO, ephemeral=True)

    def warn(self, peer: str, urn: str, message: str) -> None:
        self._log(peer, urn, message, WARNING, ephemeral=False)

    def _log(self, peer: str, urn: str, message: str, severity: Any, *, ephemeral: bool) -> None:
        stub = self._stub(self._by_peer.get(peer, self._default))
        if stub is None:
            return
        request = engine_pb2.LogRequest(severity=severity, message=message, urn=urn, ephemeral=ephemeral)
        try:
            stub.Log(request, timeout=PATIENCE)
        except grpc.RpcError:
            return

    def _stub(self, address: str) -> Any:
        if not address:
            return None
        with self._lock:
            if address not in self._stubs:
                self._stubs[address] = engine_pb2_grpc.EngineStub(grpc.insecure_channel(address))
            return self._stubs[address]
