"""Ports on loopback that stay ours between the moment they are chosen and the moment a component listens.

A port that was free a moment ago may be taken the next one, here by a second cluster that starts at once.
So a socket keeps it, bound but never listening, with SO_REUSEPORT; the component is told to bind with
SO_REUSEPORT too, which the kernel grants to the same user only. Connections go to whoever listens.
"""

import socket
from types import TracebackType

LOOPBACK = "127.0.0.1"


class Reservation:
    """A free port, kept until the reservation is closed."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            self._socket.bind((LOOPBACK, 0))
        except OSError:
            self._socket.close()
            raise
        self.port: int = self._socket.getsockname()[1]

    def __enter__(self) -> "Reservation":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()
