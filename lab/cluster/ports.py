"""Loopback ports that stay reserved from their choice until a component listens on them.

A free port may be taken a moment later, here by a second cluster that starts at the same time. A socket with
SO_REUSEPORT therefore stays bound to it without listening; the component binds with SO_REUSEPORT too, which
the kernel allows the same user only. Connections go to the socket that listens.
"""

import socket
from types import TracebackType

LOOPBACK = "127.0.0.1"


class Reservation:
    """A free port, reserved until the reservation is closed."""

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
