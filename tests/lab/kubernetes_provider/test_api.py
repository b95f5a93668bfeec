"""How the API client handles a 401, and which errors the answers of an API server become."""

from itertools import count

import httpx
import pytest

from eks_cilium.clients.exec_plugin import ExecPlugin
from eks_cilium.clients.kubernetes import KubernetesApi
from eks_cilium.clients.tokens import BearerToken
from lab.providers.kubernetes.connection.api import (
    AlreadyExistsError,
    ApiError,
    ApiServer,
    CredentialPluginError,
    NotFoundError,
    UnreachableError,
)

pytestmark = pytest.mark.simulation


def api(handler, credential=None):
    transport = httpx.MockTransport(handler)
    return ApiServer(KubernetesApi("http://one.lab.test", credential, transport=transport))


def test_unauthorized_request_is_repeated_with_a_new_token():
    tokens = (f"token-{number}" for number in count(1))
    seen = []

    def handler(request):
        seen.append(request.headers["Authorization"])
        return httpx.Response(200 if seen[-1] == "Bearer token-2" else 401, json={"kind": "Status"})

    api(handler, BearerToken(lambda: next(tokens))).get("/version")

    assert seen == ["Bearer token-1", "Bearer token-2"]


def test_unauthorized_fixed_token_is_final():
    def handler(request):
        return httpx.Response(401, json={"reason": "Unauthorized", "message": "Unauthorized"})

    with pytest.raises(ApiError, match="Unauthorized") as error:
        api(handler, BearerToken.fixed("t")).get("/version")
    assert error.value.code == 401


@pytest.mark.parametrize(
    ("code", "reason", "kind"),
    [
        (404, "NotFound", NotFoundError),
        (409, "AlreadyExists", AlreadyExistsError),
        (409, "Conflict", ApiError),
        (422, "Invalid", ApiError),
        (503, "ServiceUnavailable", UnreachableError),
    ],
)
def test_refusals_speak_the_api_servers_words(code, reason, kind):
    def handler(request):
        return httpx.Response(code, json={"reason": reason, "message": "because"})

    with pytest.raises(kind, match="because"):
        api(handler).get("/api/v1/pods")


def test_silent_api_server_is_unreachable():
    def handler(request):
        raise httpx.ConnectError("refused")

    with pytest.raises(UnreachableError, match=r"one\.lab\.test"):
        api(handler).get("/version")


def test_a_plugin_that_is_missing_means_that_the_cluster_cannot_be_asked():
    credential = BearerToken(ExecPlugin({"command": "no-such-plugin"}))

    with pytest.raises(CredentialPluginError, match="no-such-plugin' is not on PATH"):
        api(lambda _: httpx.Response(200, json={}), credential).get("/version")


def test_a_fixed_token_is_not_sent_twice():
    seen = []

    def handler(request):
        seen.append(request.headers["Authorization"])
        return httpx.Response(401, json={"kind": "Status"})

    with pytest.raises(ApiError):
        api(handler, BearerToken.fixed("t")).get("/version")
    assert seen == ["Bearer t"]
