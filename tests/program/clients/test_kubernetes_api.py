"""Tokens, retries, pages, and the errors of rejected requests."""

import gc
import threading
import weakref
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from eks_cilium.clients.kubernetes import KubernetesApi, Patience
from eks_cilium.clients.tokens import BearerToken
from eks_cilium.errors import RefusedError, TransientError, UnexpectedAnswerError

pytestmark = pytest.mark.unit

Handler = Callable[[httpx.Request], httpx.Response]


class Server:
    """Gives its answers in order, and records the requests."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


class Tokens:
    def __init__(self) -> None:
        self.issued = 0

    def __call__(self) -> str:
        self.issued += 1
        return f"token-{self.issued}"


def api(server: Server, slept: list[float] | None = None, tokens: Tokens | None = None) -> KubernetesApi:
    return KubernetesApi(
        "https://cluster.example",
        BearerToken(tokens or Tokens(), clock=lambda: 0.0),
        transport=httpx.MockTransport(server),
        patience=Patience(attempts=4, first_pause=1.0, longest_pause=2.0),
        sleep=(slept if slept is not None else []).append,
    )


def ok(**body: Any) -> httpx.Response:
    return httpx.Response(200, json=body)


def test_it_asks_with_a_token() -> None:
    server = Server(ok(metadata={"name": "a"}))

    assert api(server).get("/api/v1/nodes/a") == {"metadata": {"name": "a"}}
    assert server.requests[0].headers["authorization"] == "Bearer token-1"


def test_a_missing_object_is_none_and_a_missing_collection_is_empty() -> None:
    assert api(Server(httpx.Response(404, json={"message": "no"}))).get("/api/v1/nodes/a") is None
    assert api(Server(httpx.Response(404, json={"message": "no"}))).list("/apis/x/v1/things") == []


def test_a_collection_is_read_page_by_page() -> None:
    server = Server(ok(items=[1], metadata={"continue": "next"}), ok(items=[2], metadata={}))

    items: list[Any] = api(server).list("/api/v1/pods", labelSelector="a=b")

    assert items == [1, 2]
    assert dict(server.requests[1].url.params) == {"labelSelector": "a=b", "limit": "500", "continue": "next"}


def test_a_list_that_expired_half_way_is_started_over() -> None:
    server = Server(
        ok(items=[1], metadata={"continue": "next"}),
        httpx.Response(410, json={"message": "too old"}),
        ok(items=[3], metadata={}),
    )

    items: list[Any] = api(server).list("/api/v1/pods")

    assert items == [3]
    assert "continue" not in server.requests[2].url.params


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_passing_failure_is_tried_again(status: int) -> None:
    slept: list[float] = []

    assert api(Server(httpx.Response(status), ok(kind="x")), slept).get("/x") == {"kind": "x"}
    assert slept == [1.0]


def test_a_lost_connection_is_tried_again() -> None:
    assert api(Server(httpx.ConnectError("refused"), httpx.ReadTimeout("slow"), ok(kind="x"))).get("/x")


def test_it_gives_up_and_says_how_often_it_tried() -> None:
    slept: list[float] = []
    server = Server(*[httpx.Response(503)] * 4)

    with pytest.raises(TransientError, match="failed 4 times, last with HTTP 503"):
        api(server, slept).get("/x")

    assert slept == [1.0, 2.0, 2.0]


def test_a_refused_token_is_renewed_once() -> None:
    tokens = Tokens()
    server = Server(httpx.Response(401), ok(kind="x"))

    assert api(server, tokens=tokens).get("/x") == {"kind": "x"}
    assert server.requests[1].headers["authorization"] == "Bearer token-2"


def test_a_second_401_is_a_refusal() -> None:
    with pytest.raises(RefusedError) as error:
        api(Server(httpx.Response(401), httpx.Response(401, json={"message": "Unauthorized"}))).get("/x")

    assert error.value.status == 401
    assert "token-" not in str(error.value)


def test_a_refusal_is_quoted_in_short_and_never_tried_again() -> None:
    server = Server(httpx.Response(403, json={"message": "nodes is forbidden " + "x" * 999}))

    with pytest.raises(
        RefusedError, match="GET /api/v1/nodes was refused with HTTP 403: nodes is forbidden"
    ) as error:
        api(server).list("/api/v1/nodes")

    assert len(str(error.value)) < 350


def test_an_answer_that_is_no_object_is_a_bug_somewhere() -> None:
    with pytest.raises(UnexpectedAnswerError):
        api(Server(httpx.Response(200, text="<html>"))).get("/x")


def test_a_token_is_kept_until_it_is_old() -> None:
    now, tokens = [0.0], Tokens()
    token = BearerToken(tokens, life=600, clock=lambda: now[0])

    first = token.current()
    now[0] = 599.0
    assert token.current() == first
    now[0] = 601.0
    assert token.current() == "token-2"


def test_the_next_page_is_asked_for_before_the_objects_of_this_one_are_taken() -> None:
    server = Server(ok(items=[1, 2], metadata={"continue": "next"}), ok(items=[3], metadata={}))
    asked = threading.Event()
    taken: list[Any] = []

    def answer(request: httpx.Request) -> httpx.Response:
        if "continue" in request.url.params:
            asked.set()
        return server(request)

    def keep(obj: Any) -> Any:
        assert asked.wait(10), "the second page was not asked for"
        taken.append(obj)
        return obj

    with KubernetesApi("https://cluster.example", None, transport=httpx.MockTransport(answer)) as client:
        assert client.each("/api/v1/pods", keep) == [1, 2, 3]
    assert taken == [1, 2, 3]


def test_an_error_of_a_page_that_was_read_ahead_is_raised() -> None:
    server = Server(ok(items=[1], metadata={"continue": "next"}), httpx.Response(403, json={"message": "no"}))

    with pytest.raises(RefusedError, match="no"):
        api(server).list("/api/v1/pods")


def test_a_mistake_with_an_object_is_no_unexpected_answer() -> None:
    def keep(_: Any) -> Any:
        raise ValueError("a mistake in the program")

    with pytest.raises(ValueError, match="a mistake in the program"):
        api(Server(ok(items=[1]))).each("/api/v1/pods", keep)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[1]", b'{"items": 1', b'{"items": [{"a": tru}]}'])
def test_a_list_that_is_no_list_is_an_unexpected_answer(body: bytes) -> None:
    with pytest.raises(UnexpectedAnswerError, match="/api/v1/pods was answered with something"):
        api(Server(httpx.Response(200, content=body))).list("/api/v1/pods")


def test_bodies_do_not_wait_for_the_garbage_collector() -> None:
    bodies: list[weakref.ref[Any]] = []
    server = Server(ok(kind="x"))

    def answer(request: httpx.Request) -> httpx.Response:
        response = server(request)
        bodies.append(weakref.ref(response))
        return response

    gc.disable()
    try:
        with KubernetesApi("https://cluster.example", None, transport=httpx.MockTransport(answer)) as client:
            client.get("/x")
            assert bodies[0]() is None
    finally:
        gc.enable()
