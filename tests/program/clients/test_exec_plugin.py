"""Tokens of credential plugins: kept, renewed, never shown."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from eks_cilium.clients.exec_plugin import CredentialPluginError, ExecPlugin, run_plugin
from eks_cilium.clients.tokens import BearerToken, IssuedToken

pytestmark = pytest.mark.simulation

SPECIFICATION = {
    "apiVersion": "client.authentication.k8s.io/v1beta1",
    "command": "aws",
    "args": ["eks", "get-token"],
    "env": [{"name": "AWS_PROFILE", "value": "lab"}],
}


class Plugin:
    """Hands out numbered tokens that live 100 seconds."""

    def __init__(self) -> None:
        self.now = 1_000_000.0
        self.calls: list[tuple[list[str], Mapping[str, str]]] = []

    def run(self, command: list[str], environment: Mapping[str, str]) -> str:
        self.calls.append((command, environment))
        ends = datetime.fromtimestamp(self.now + 100, UTC).isoformat()
        return json.dumps({"status": {"token": f"token-{len(self.calls)}", "expirationTimestamp": ends}})


@pytest.fixture
def plugin() -> Plugin:
    return Plugin()


@pytest.fixture
def credential(plugin: Plugin) -> BearerToken:
    return BearerToken(
        ExecPlugin(SPECIFICATION, run=plugin.run, now=lambda: plugin.now), clock=lambda: plugin.now
    )


def test_plugin_is_run_as_the_kubeconfig_says(plugin: Plugin, credential: BearerToken) -> None:
    credential.current()

    command, environment = plugin.calls[0]
    assert command == ["aws", "eks", "get-token"]
    assert environment["AWS_PROFILE"] == "lab"
    assert json.loads(environment["KUBERNETES_EXEC_INFO"])["apiVersion"] == SPECIFICATION["apiVersion"]


def test_token_is_kept_until_shortly_before_its_end(plugin: Plugin, credential: BearerToken) -> None:
    assert [credential.current(), credential.current()] == ["token-1", "token-1"]

    plugin.now += 80  # 20 seconds before the end
    assert credential.current() == "token-2"


def test_rejected_token_is_fetched_again_but_only_once_for_many_threads(
    plugin: Plugin, credential: BearerToken
) -> None:
    first = credential.current()

    assert credential.forget(first)
    assert credential.current() == "token-2"
    assert credential.forget(first), "another thread still held the old one"
    assert credential.current() == "token-2"


@pytest.mark.parametrize("answer", ["not json", '{"status": {}}', '["s3cret"]', '{"token": "s3cret"}'])
def test_answer_of_a_broken_plugin_is_not_shown(answer: str) -> None:
    with pytest.raises(CredentialPluginError) as error:
        ExecPlugin(SPECIFICATION, run=lambda *_: answer)()

    assert "s3cret" not in str(error.value)
    assert error.value.__cause__ is None
    assert error.value.__suppress_context__ or error.value.__context__ is None


def test_failing_and_missing_plugins_are_explained() -> None:
    with pytest.raises(CredentialPluginError, match="'false' failed"):
        run_plugin(["false"], {})
    with pytest.raises(CredentialPluginError, match="no-such-plugin' is not on PATH"):
        run_plugin(["no-such-plugin"], {})


def test_a_plugin_that_says_no_end_is_asked_again_only_after_a_refusal(plugin: Plugin) -> None:
    answers = iter(['{"status": {"token": "one"}}', '{"status": {"token": "two"}}'])
    credential = BearerToken(
        ExecPlugin(SPECIFICATION, run=lambda *_: next(answers)), clock=lambda: plugin.now
    )

    assert credential.current() == "one"
    plugin.now += 1e6
    assert credential.current() == "one"
    credential.forget("one")
    assert credential.current() == "two"


def test_a_certificate_of_a_plugin_is_loaded_and_no_token_is_sent() -> None:
    loaded: list[bytes] = []
    status = {"clientCertificateData": "certificate", "clientKeyData": "key"}
    plugin = ExecPlugin(
        SPECIFICATION, load_certificate=loaded.append, run=lambda *_: json.dumps({"status": status})
    )

    assert BearerToken(plugin).current() == ""
    assert loaded == [b"certificate\nkey"]


def test_a_fixed_token_has_no_successor() -> None:
    token = BearerToken.fixed("t")

    assert token.current() == "t"
    assert not token.forget("t")
    assert token.current() == "t"


def test_tokens_do_not_show() -> None:
    assert "s3cret" not in repr(IssuedToken("s3cret"))
    assert "s3cret" not in repr(BearerToken.fixed("s3cret"))
