"""Writes: what is sent, what is sent again, and the answers to evictions."""

import json
from typing import Any

import httpx
import pytest

from eks_cilium.clients.evictions import NO_ANSWER
from eks_cilium.clients.kubernetes import KubernetesApi, Patience
from eks_cilium.clients.tokens import BearerToken
from eks_cilium.errors import RefusedError, TransientError

pytestmark = pytest.mark.unit


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

    @property
    def body(self) -> Any:
        return json.loads(self.requests[-1].content)


def api(server: Server) -> KubernetesApi:
    return KubernetesApi(
        "https://cluster.example",
        BearerToken(lambda: "token", clock=lambda: 0.0),
        transport=httpx.MockTransport(server),
        patience=Patience(attempts=3, first_pause=1.0),
        sleep=lambda _: None,
    )


def ok(**body: Any) -> httpx.Response:
    return httpx.Response(200, json=body)


def test_a_merge_patch_names_its_kind_and_its_sender() -> None:
    server = Server(ok())

    api(server).merge("/api/v1/nodes/a", {"spec": {"unschedulable": None}})

    request = server.requests[0]
    assert request.method == "PATCH"
    assert request.headers["content-type"] == "application/merge-patch+json"
    assert dict(request.url.params) == {"fieldManager": "eks-cilium"}
    assert server.body == {"spec": {"unschedulable": None}}


@pytest.mark.parametrize("force", [True, False])
def test_server_side_apply_takes_fields_over_only_on_request(force: bool) -> None:
    server = Server(ok())

    api(server).apply("/apis/apps/v1/namespaces/a/daemonsets/b", {"kind": "DaemonSet"}, force=force)

    assert server.requests[0].headers["content-type"] == "application/apply-patch+yaml"
    assert ("force" in server.requests[0].url.params) is force


def test_an_object_that_exists_is_a_refusal_with_its_status() -> None:
    with pytest.raises(RefusedError) as error:
        api(Server(httpx.Response(409, json={"message": "already exists"}))).create("/api/v1/nodes", {})

    assert error.value.status == 409


def test_a_write_whose_answer_was_lost_is_sent_again() -> None:
    server = Server(httpx.ReadError("EOF"), httpx.Response(503), ok(kind="x"))

    assert api(server).replace("/x", {"a": 1}) == {"kind": "x"}
    assert [json.loads(request.content) for request in server.requests] == [{"a": 1}] * 3


def test_a_write_that_never_gets_through_is_given_up() -> None:
    with pytest.raises(TransientError, match="PUT /x failed 3 times, last with HTTP 503"):
        api(Server(*[httpx.Response(503)] * 3)).replace("/x", {})


@pytest.mark.parametrize(("status", "deleted"), [(200, True), (404, False), (409, False)])
def test_a_deletion_names_a_uid(status: int, deleted: bool) -> None:
    server = Server(httpx.Response(status, json={"message": "no"}))

    assert api(server).delete("/api/v1/nodes/a", uid="u") is deleted
    assert server.body == {"propagationPolicy": "Background", "preconditions": {"uid": "u"}}


def test_a_deletion_that_is_forbidden_is_a_refusal() -> None:
    with pytest.raises(RefusedError):
        api(Server(httpx.Response(403, json={"message": "no"}))).delete("/api/v1/nodes/a")


def test_an_eviction_names_a_uid() -> None:
    server = Server(httpx.Response(201, json={}))

    answer = api(server).evict("shop", "web", uid="u")

    assert answer.status == 201
    assert server.requests[0].url.path == "/api/v1/namespaces/shop/pods/web/eviction"
    assert server.body["deleteOptions"] == {"preconditions": {"uid": "u"}}


@pytest.mark.parametrize("status", [404, 409, 429, 500, 503])
def test_no_answer_to_an_eviction_is_tried_again_here(status: int) -> None:
    server = Server(httpx.Response(status, json={"message": "no"}))

    assert api(server).evict("shop", "web", uid="u").status == status
    assert len(server.requests) == 1


def test_a_budgets_cause_and_patience_are_understood() -> None:
    details = {
        "causes": [{"reason": "DisruptionBudget", "message": "needs 3 healthy pods and has 3"}],
        "retryAfterSeconds": 10,
    }
    answer = api(Server(httpx.Response(429, json={"message": "no", "details": details}))).evict(
        "shop", "web", uid="u"
    )

    assert answer.cause("DisruptionBudget") == "needs 3 healthy pods and has 3"
    assert answer.cause("NamespaceTerminating") is None
    assert answer.retry_after == 10


def test_a_lost_connection_is_no_answer_to_an_eviction() -> None:
    answer = api(Server(httpx.ReadError("EOF"))).evict("shop", "web", uid="u")

    assert (answer.status, answer.message) == (NO_ANSWER, "ReadError: EOF")


def test_a_proxys_page_is_quoted_in_short() -> None:
    answer = api(Server(httpx.Response(502, text="<html>" + "x" * 999))).evict("shop", "web", uid="u")

    assert answer.status == 502
    assert len(answer.message) == 400


def test_an_eviction_renews_its_token_once() -> None:
    server = Server(httpx.Response(401), httpx.Response(201, json={}))

    assert api(server).evict("shop", "web", uid="u").status == 201
