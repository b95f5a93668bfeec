"""Commands in pods, against a server that speaks the API server's own subprotocol over a socket."""

import asyncio
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path

import pytest
from websockets.asyncio.server import ServerConnection as AsyncServerConnection
from websockets.asyncio.server import serve as serve_async
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve

from eks_cilium.clients.pods import PROTOCOL, CommandResult, PodExec
from eks_cilium.clients.tokens import BearerToken
from eks_cilium.errors import RefusedError, TransientError, UnexpectedAnswerError
from lab.cluster.authority import Authority

pytestmark = pytest.mark.simulation

SUCCESS = b"\x03" + json.dumps({"status": "Success"}).encode()
Answer = Callable[[ServerConnection], None]


def saying(*messages: bytes) -> Answer:
    def answer(connection: ServerConnection) -> None:
        for message in messages:
            connection.send(message)

    return answer


@contextmanager
def api_server(
    answer: Answer, refuse: Callable[[Request], HTTPStatus | None] = lambda _: None
) -> Iterator[tuple[str, list[Request]]]:
    """Yields the endpoint, and the requests that it received."""
    requests: list[Request] = []

    def process(connection: ServerConnection, request: Request) -> Response | None:
        requests.append(request)
        status = refuse(request)
        return connection.respond(status, "no\n") if status else None

    with serve(answer, "127.0.0.1", 0, subprotocols=[PROTOCOL], process_request=process) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.socket.getsockname()[1]}", requests
        finally:
            server.shutdown()
            thread.join()


def run(endpoint: str, token: BearerToken | None = None) -> CommandResult:
    return PodExec(endpoint, token, seconds=5).run("kube-system", "cilium-x", "agent", ["cilium", "status"])


def test_streams_arrive_apart_and_whole() -> None:
    with api_server(saying(b"\x01", b"\x01one ", b"\x02oops", b"\x01two", SUCCESS)) as (endpoint, requests):
        assert run(endpoint) == CommandResult("one two", "oops", 0)

    assert requests[0].path == (
        "/api/v1/namespaces/kube-system/pods/cilium-x/exec"
        "?container=agent&stdout=true&stderr=true&command=cilium&command=status"
    )


def test_the_exit_code_is_the_commands() -> None:
    status = {"status": "Failure", "details": {"causes": [{"reason": "ExitCode", "message": "3"}]}}

    with api_server(saying(b"\x03" + json.dumps(status).encode())) as (endpoint, _):
        assert run(endpoint).code == 3


def test_a_command_that_does_not_exist_says_why() -> None:
    status = {"status": "Failure", "message": "executable file not found"}

    with api_server(saying(b"\x03" + json.dumps(status).encode())) as (endpoint, _):
        assert run(endpoint) == CommandResult("", "executable file not found", 127)


def test_an_expired_token_is_renewed_once() -> None:
    tokens = iter(["old", "new"])
    token = BearerToken(lambda: next(tokens))

    def refuse(request: Request) -> HTTPStatus | None:
        return None if request.headers["Authorization"] == "Bearer new" else HTTPStatus.UNAUTHORIZED

    with api_server(saying(SUCCESS), refuse) as (endpoint, requests):
        assert run(endpoint, token).code == 0
    assert len(requests) == 2


@pytest.mark.parametrize("status", [HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND])
def test_a_refusal_is_the_servers_word(status: HTTPStatus) -> None:
    with api_server(saying(), lambda _: status) as (endpoint, _), pytest.raises(RefusedError) as refused:
        run(endpoint)

    assert refused.value.status == status


def test_a_server_error_may_pass() -> None:
    def unavailable(_: Request) -> HTTPStatus:
        return HTTPStatus.SERVICE_UNAVAILABLE

    with api_server(saying(), unavailable) as (endpoint, _), pytest.raises(TransientError, match="503"):
        run(endpoint)


def test_an_answer_that_breaks_off_may_pass() -> None:
    with api_server(saying(b"\x01half")) as (endpoint, _), pytest.raises(TransientError, match="broke off"):
        run(endpoint)


def test_a_server_that_does_not_answer_is_transient() -> None:
    with pytest.raises(TransientError, match="cilium-x"):
        run("http://127.0.0.1:1")


def test_an_answer_that_is_no_status_is_unexpected() -> None:
    with api_server(saying(b"\x03nonsense")) as (endpoint, _), pytest.raises(UnexpectedAnswerError):
        run(endpoint)


@contextmanager
def single_threaded_tls_server(context: ssl.SSLContext, *messages: bytes) -> Iterator[str]:
    """Yields the endpoint of a server that uses no TLS connection in two threads itself."""
    loop = asyncio.new_event_loop()

    async def answer(connection: AsyncServerConnection) -> None:
        for message in messages:
            await connection.send(message)

    async def start() -> int:
        server = await serve_async(answer, "127.0.0.1", 0, subprotocols=[PROTOCOL], ssl=context)
        return int(next(iter(server.sockets)).getsockname()[1])

    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        port = asyncio.run_coroutine_threadsafe(start(), loop).result()
        yield f"https://127.0.0.1:{port}"
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


@pytest.mark.endurance
def test_commands_of_several_threads_over_tls_are_all_answered(tmp_path: Path) -> None:
    """No TLS connection is used by two threads at once, which ends in lost answers or SIGSEGV.

    OpenSSL needs a lock for that, which CPython has from 3.13.4 on (python/cpython#134698).
    """
    authority = Authority("authority")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.server("api-server", ["127.0.0.1"]).write(tmp_path, "server"))
    trusted = authority.pair.certificate.decode()

    def ask(endpoint: str) -> int:
        pods = PodExec(endpoint, None, context=ssl.create_default_context(cadata=trusted), seconds=10)
        return len(pods.run("kube-system", "cilium-x", "agent", ["cilium", "status"]).stdout)

    messages = [*[b"\x01" + b"x" * 3000] * 20, SUCCESS]
    with single_threaded_tls_server(context, *messages) as endpoint, ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(ask, [endpoint] * 2000))

    assert answers == [20 * 3000] * 2000
