"""Lines on a resource's row in the engine's display, as an operation goes on.

Where the engine listens is learnt per connection (from Handshake or Attach) or once from the command line.
Nobody may be listening any more; that must never fail the operation that only wanted to say how it is going.
"""

import threading
from typing import Any

import grpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc

INFO, WARNING = engine_pb2.INFO, engine_pb2.WARNING
PATIENCE = 5.0


class EngineLog:
    """Says lines to whichever engine a connection belongs to."""

    def __init__(self, default_address: str = "") -> None:
        self._default = default_address
        self._by_peer: dict[str, str] = {}
        self._stubs: dict[str, Any] = {}
        self._lock = threading.Lock()

    def engine_of(self, peer: str, address: str) -> None:
        """Remember which engine is behind a connection."""
        if address:
            self._by_peer[peer] = address

    def progress(self, peer: str, urn: str, message: str) -> None:
        """A line that the next one replaces."""
        self._say(peer, urn, message, INFO, ephemeral=True)

    def warn(self, peer: str, urn: str, message: str) -> None:
        """A line that stays."""
        self._say(peer, urn, message, WARNING, ephemeral=False)

    def _say(self, peer: str, urn: str, message: str, severity: Any, *, ephemeral: bool) -> None:
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
