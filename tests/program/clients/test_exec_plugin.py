"""Tokens of credential plugins: kept, renewed, never shown."""

import json
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
    return BearerToken(
        ExecPlugin(SPECIFICATION, run=plugin.run, now=lambda: plugin.now), clock=lambda: plugin.now
    )


def test_plugin_is_run_as_the_kubeconfig_says(plugin, credential):
    credential.current()

    command, environment = plugin.calls[0]
    assert command == ["aws", "eks", "get-token"]
    assert environment["AWS_PROFILE"] == "lab"
    assert json.loads(environment["KUBERNETES_EXEC_INFO"])["apiVersion"] == SPECIFICATION["apiVersion"]


def test_token_is_kept_until_shortly_before_its_end(plugin, credential):
    assert [credential.current(), credential.current()] == ["token-1", "token-1"]

    plugin.now += 80  # 20 seconds before the end
    assert credential.current() == "token-2"


def test_rejected_token_is_fetched_again_but_only_once_for_many_threads(plugin, credential):
    first = credential.current()

    assert credential.forget(first)
    assert credential.current() == "token-2"
    assert credential.forget(first), "another thread still held the old one"
    assert credential.current() == "token-2"


@pytest.mark.parametrize("answer", ["not json", '{"status": {}}', '["s3cret"]', '{"token": "s3cret"}'])
def test_answer_of_a_broken_plugin_is_not_shown(answer):
    with pytest.raises(CredentialPluginError) as error:
        ExecPlugin(SPECIFICATION, run=lambda *_: answer)()

    assert "s3cret" not in str(error.value)
    assert error.value.__cause__ is None
    assert error.value.__suppress_context__ or error.value.__context__ is None


def test_failing_and_missing_plugins_are_explained():
    with pytest.raises(CredentialPluginError, match="'false' failed"):
        run_plugin(["false"], {})
    with pytest.raises(CredentialPluginError, match="no-such-plugin' is not on PATH"):
        run_plugin(["no-such-plugin"], {})


def test_a_plugin_that_says_no_end_is_asked_again_only_after_a_refusal(plugin):
    answers = iter(['{"status": {"token": "one"}}', '{"status": {"token": "two"}}'])
    credential = BearerToken(
        ExecPlugin(SPECIFICATION, run=lambda *_: next(answers)), clock=lambda: plugin.now
    )

    assert credential.current() == "one"
    plugin.now += 1e6
    assert credential.current() == "one"
    credential.forget("one")
    assert credential.current() == "two"


def test_a_certificate_of_a_plugin_is_loaded_and_no_token_is_sent():
    loaded = []
    status = {"clientCertificateData": "certificate", "clientKeyData": "key"}
    plugin = ExecPlugin(
        SPECIFICATION, load_certificate=loaded.append, run=lambda *_: json.dumps({"status": status})
    )

    assert BearerToken(plugin).current() == ""
    assert loaded == [b"certificate\nkey"]


def test_a_fixed_token_has_no_successor():
    token = BearerToken.fixed("t")

    assert token.current() == "t"
    assert not token.forget("t")
    assert token.current() == "t"


def test_tokens_do_not_show():
    assert "s3cret" not in repr(IssuedToken("s3cret"))
    assert "s3cret" not in repr(BearerToken.fixed("s3cret"))
