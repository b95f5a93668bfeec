"""Tokens of credential plugins: kept, renewed, never shown; and what the API client does with a 401."""

import json
from datetime import UTC, datetime

import httpx
import pytest

from lab.providers.kubernetes.connection.api import (
    AlreadyExistsError,
    ApiError,
    ApiServer,
    NotFoundError,
    UnreachableError,
)
from lab.providers.kubernetes.connection.credentials import (
    CredentialPluginError,
    ExecPlugin,
    FixedToken,
    run_plugin,
)
from lab.providers.kubernetes.connection.kubeconfig import Access

pytestmark = pytest.mark.simulation

SPECIFICATION = {
    "apiVersion": "client.authentication.k8s.io/v1beta1",
    "command": "aws",
    "args": ["eks", "get-token"],
    "env": [{"name": "AWS_PROFILE", "value": "lab"}],
}


class Plugin:
    """Hands out numbered tokens that live 100 seconds."""

    def __init__(self):
        self.now = 1_000_000.0
        self.calls = []

    def run(self, command, environment):
        self.calls.append((command, environment))
        ends = datetime.fromtimestamp(self.now + 100, UTC).isoformat()
        return json.dumps({"status": {"token": f"token-{len(self.calls)}", "expirationTimestamp": ends}})


@pytest.fixture
def plugin():
    return Plugin()


@pytest.fixture
def credential(plugin):
    return ExecPlugin(SPECIFICATION, plugin.run, lambda: plugin.now)


def test_plugin_is_run_as_the_kubeconfig_says(plugin, credential):
    credential.token()

    command, environment = plugin.calls[0]
    assert command == ["aws", "eks", "get-token"]
    assert environment["AWS_PROFILE"] == "lab"
    assert json.loads(environment["KUBERNETES_EXEC_INFO"])["apiVersion"] == SPECIFICATION["apiVersion"]


def test_token_is_kept_until_shortly_before_its_end(plugin, credential):
    assert [credential.token(), credential.token()] == ["token-1", "token-1"]

    plugin.now += 80  # 20 seconds before the end
    assert credential.token() == "token-2"


def test_rejected_token_is_fetched_again_but_only_once_for_many_threads(plugin, credential):
    first = credential.token()

    assert credential.reject(first)
    assert credential.token() == "token-2"
    assert credential.reject(first), "another thread still held the old one"
    assert credential.token() == "token-2"


@pytest.mark.parametrize("answer", ["not json", '{"status": {}}', '["s3cret"]', '{"token": "s3cret"}'])
def test_answer_of_a_broken_plugin_is_not_shown(answer):
    with pytest.raises(CredentialPluginError) as error:
        ExecPlugin(SPECIFICATION, lambda *_: answer).token()

    assert "s3cret" not in str(error.value)
    assert error.value.__cause__ is None
    assert error.value.__suppress_context__ or error.value.__context__ is None


def test_failing_and_missing_plugins_are_explained():
    with pytest.raises(CredentialPluginError, match="'false' failed"):
        run_plugin(["false"], {})
    with pytest.raises(CredentialPluginError, match="no-such-plugin' is not on PATH"):
        run_plugin(["no-such-plugin"], {})


def api(handler, credential):
    access = Access("http://one.lab.test", {}, {}, "default")
    return ApiServer(access, credential, httpx.MockTransport(handler))


def test_unauthorized_request_is_repeated_with_a_new_token(plugin, credential):
    seen = []

    def handler(request):
        seen.append(request.headers["Authorization"])
        return httpx.Response(200 if seen[-1] == "Bearer token-2" else 401, json={"kind": "Status"})

    api(handler, credential).get("/version")

    assert seen == ["Bearer token-1", "Bearer token-2"]


def test_unauthorized_fixed_token_is_final():
    def handler(request):
        return httpx.Response(401, json={"reason": "Unauthorized", "message": "Unauthorized"})

    with pytest.raises(ApiError, match="Unauthorized") as error:
        api(handler, FixedToken("t")).get("/version")
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
        api(handler, FixedToken(None)).get("/api/v1/pods")


def test_silent_api_server_is_unreachable():
    def handler(request):
        raise httpx.ConnectError("refused")

    with pytest.raises(UnreachableError, match=r"one\.lab\.test"):
        api(handler, FixedToken(None)).get("/version")
