"""Runs commands in pods, as `kubectl exec` does, without a terminal or input.

`eks_cilium.mesh` asks Cilium's agents for their state with it: `cilium-dbg status` is the only source that
every version has. The protocol is `v4.channel.k8s.io` over a WebSocket: a message begins with the number of
its stream, and the last one holds a Status.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlencode, urlsplit, urlunsplit

from websockets.asyncio.client import connect
from websockets.exceptions import InvalidHandshake, InvalidStatus, WebSocketException
from websockets.typing import Subprotocol

from eks_cilium.clients.aws import Credentials, eks_tokens
from eks_cilium.clients.tokens import BearerToken
from eks_cilium.errors import RefusedError, TransientError, UnexpectedAnswerError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from websockets.asyncio.client import ClientConnection

PROTOCOL = Subprotocol("v4.channel.k8s.io")
_STDOUT, _STDERR, _STATUS = 1, 2, 3
_UNAUTHORIZED, _SERVER_ERROR = 401, 500
_LONGEST_QUOTE = 256
_LONGEST_ANSWER = 16 * 1024 * 1024


@dataclass(frozen=True)
class CommandResult:
    """What a command printed, and its exit code."""

    stdout: str
    stderr: str
    """The server's words when the command printed nothing there."""
    code: int
    """0 for success; 127 where the command could not be started."""


@dataclass
class _Streams:
    parts: dict[int, bytearray] = field(default_factory=dict)

    def take(self, message: str | bytes) -> None:
        data = message.encode() if isinstance(message, str) else message
        if data:
            self.parts.setdefault(data[0], bytearray()).extend(data[1:])

    def text(self, stream: int) -> str:
        return bytes(self.parts.get(stream, b"")).decode(errors="replace")


class PodExec:
    """Runs commands in the pods of one cluster.

    Args:
        endpoint: URL of the API server.
        token: Identifies the user; None where a client certificate in `context` does.
        context: Whom to trust.
        seconds: Longest wait for the connection and for each message.
    """

    def __init__(
        self,
        endpoint: str,
        token: BearerToken | None,
        *,
        context: ssl.SSLContext | None = None,
        seconds: float = 30.0,
    ) -> None:
        self._endpoint, self._token, self._context, self._seconds = endpoint, token, context, seconds

    @classmethod
    def for_eks(
        cls, *, cluster_name: str, endpoint: str, certificate_authority: bytes, credentials: Credentials
    ) -> Self:
        """The pods of an EKS cluster, as the user that AWS credentials identify.

        Args:
            cluster_name: Name of the cluster in EKS; tokens are valid for it alone.
            endpoint: URL of its API server.
            certificate_authority: Whom to trust, PEM.
            credentials: Whose identity to use.
        """
        context = ssl.create_default_context(cadata=certificate_authority.decode())
        return cls(endpoint, BearerToken(eks_tokens(credentials, cluster_name)), context=context)

    def run(self, namespace: str, pod: str, container: str, command: Sequence[str]) -> CommandResult:
        """Run a command in a container and wait for its end. A command that fails is no error.

        Raises:
            RefusedError: the API server rejects the request.
            TransientError: the connection failed, or broke off before the end.
            UnexpectedAnswerError: the end is no Status of Kubernetes.
        """
        url = _url(self._endpoint, namespace, pod, container, command)
        token = self._token.current() if self._token else ""
        try:
            return self._result(url, pod, token)
        except InvalidStatus as error:
            renewable = error.response.status_code == _UNAUTHORIZED and self._token
            if not (renewable and self._token and self._token.forget(token)):
                raise _refused(pod, error) from error
        try:
            return self._result(url, pod, self._token.current())
        except InvalidStatus as error:
            raise _refused(pod, error) from error

    def _result(self, url: str, pod: str, token: str) -> CommandResult:
        try:
            return _ending(asyncio.run(self._streams(url, token)), pod)
        except InvalidStatus:
            raise
        except (OSError, InvalidHandshake, WebSocketException) as error:
            raise TransientError(
                f"no whole answer from pod {pod}: {type(error).__name__}: {error}"
            ) from error

    async def _streams(self, url: str, token: str) -> _Streams:
        # Not the threaded client of websockets: it reads and writes one TLS connection in two threads, which
        # OpenSSL does not allow for one SSL object. About one request in 200 was never answered (measured
        # against a real API server on Python 3.11; none in 1,000 with this client).
        async with connect(
            url,
            ssl=self._context,
            subprotocols=[PROTOCOL],
            additional_headers={"Authorization": f"Bearer {token}"} if token else {},
            open_timeout=self._seconds,
            close_timeout=self._seconds,
            max_size=_LONGEST_ANSWER,
            proxy=None,
        ) as connection:
            return await _read(connection, self._seconds)


async def _read(connection: ClientConnection, seconds: float) -> _Streams:
    streams = _Streams()
    while _STATUS not in streams.parts:
        try:
            streams.take(await asyncio.wait_for(connection.recv(), seconds))
        except WebSocketException:
            break
    return streams


def _ending(streams: _Streams, pod: str) -> CommandResult:
    said = streams.text(_STATUS)
    if not said:
        raise TransientError(f"the answer from pod {pod} broke off")
    try:
        status: dict[str, Any] = json.loads(said)
        code = 0 if status.get("status") == "Success" else _exit_code(status)
    except (ValueError, AttributeError) as error:
        raise UnexpectedAnswerError(f"pod {pod} ended with something that is no Status") from error
    return CommandResult(
        streams.text(_STDOUT), streams.text(_STDERR) or str(status.get("message") or ""), code
    )


def _exit_code(status: dict[str, Any]) -> int:
    for cause in (status.get("details") or {}).get("causes") or ():
        if cause.get("reason") == "ExitCode":
            return int(cause["message"])
    return 127


def _url(endpoint: str, namespace: str, pod: str, container: str, command: Sequence[str]) -> str:
    parts = urlsplit(endpoint)
    query = urlencode(
        [("container", container), ("stdout", "true"), ("stderr", "true"), *(("command", c) for c in command)]
    )
    path = f"{parts.path.rstrip('/')}/api/v1/namespaces/{namespace}/pods/{pod}/exec"
    return urlunsplit(("ws" if parts.scheme == "http" else "wss", parts.netloc, path, query, ""))


def _refused(pod: str, error: InvalidStatus) -> RefusedError | TransientError:
    status = error.response.status_code
    said = bytes(error.response.body or b"").decode(errors="replace")[:_LONGEST_QUOTE]
    message = f"a command in pod {pod} was refused with HTTP {status}: {said}"
    return TransientError(message) if status >= _SERVER_ERROR else RefusedError(message, status=status)
