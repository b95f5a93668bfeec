"""Kubeconfigs: who is asked, as whom, and what is said of those that lead nowhere."""

import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from eks_cilium.clients.kubeconfig import KubeconfigError, api_of

pytestmark = pytest.mark.simulation

CLUSTER = {"server": "https://cluster.example"}


def written(
    folder: Path, *, cluster: dict[str, Any] | None = None, user: dict[str, Any] | None = None
) -> Path:
    config = {
        "current-context": "here",
        "contexts": [
            {"name": "here", "context": {"cluster": "one", "user": "me"}},
            {"name": "broken", "context": {"cluster": "nowhere", "user": "me"}},
        ],
        "clusters": [{"name": "one", "cluster": CLUSTER if cluster is None else cluster}],
        "users": [{"name": "me", "user": user or {}}],
    }
    path = folder / "config"
    path.write_text(yaml.safe_dump(config))
    return path


def plugin(*lines: str) -> dict[str, Any]:
    return {
        "exec": {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": sys.executable,
            "args": ["-c", "\n".join(("import json, os, sys", *lines))],
            "env": [{"name": "CLUSTER_NAME", "value": "shop"}],
        }
    }


def authorization(path: Path) -> str | None:
    """Who the client says it is; the header it sends, without a server."""
    with api_of(path) as api:
        return api._headers().get("Authorization")


def test_a_token_in_the_file_is_sent(tmp_path):
    assert authorization(written(tmp_path, user={"token": "secret"})) == "Bearer secret"


def test_a_token_in_another_file_is_found_beside_it(tmp_path):
    (tmp_path / "token").write_text("from-file\n")

    assert authorization(written(tmp_path, user={"tokenFile": "token"})) == "Bearer from-file"


def test_a_plugin_is_asked_with_its_environment(tmp_path):
    user = plugin(
        "request = json.loads(os.environ['KUBERNETES_EXEC_INFO'])",
        "token = os.environ['CLUSTER_NAME'] + '-' + request['kind']",
        "print(json.dumps({'status': {'token': token}}))",
    )

    assert authorization(written(tmp_path, user=user)) == "Bearer shop-ExecCredential"


def test_without_a_token_there_is_no_header(tmp_path):
    assert authorization(written(tmp_path)) is None


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (("sys.exit('not logged in')",), "failed: not logged in"),
        (("print('hello')",), "printed no credential with a token"),
        (("print('{}')",), "printed no credential with a token"),
    ],
)
def test_a_plugin_that_fails_is_quoted(tmp_path, lines, says):
    with pytest.raises(KubeconfigError, match=says):
        authorization(written(tmp_path, user=plugin(*lines)))


def test_a_plugin_that_is_not_installed_is_named(tmp_path):
    with pytest.raises(KubeconfigError, match="cannot run no-such-plugin"):
        authorization(written(tmp_path, user={"exec": {"command": "no-such-plugin"}}))


@pytest.mark.parametrize(
    ("cluster", "user", "says"),
    [
        ({}, {}, "cluster one has no server"),
        ({**CLUSTER, "insecure-skip-tls-verify": True}, {}, "insecure-skip-tls-verify"),
        (CLUSTER, {"username": "ana", "password": "secret"}, "user has username"),
        ({**CLUSTER, "certificate-authority": "gone.crt"}, {}, "cannot read certificate-authority gone.crt"),
    ],
)
def test_what_is_not_served_is_refused_by_name_and_never_quoted(tmp_path, cluster, user, says):
    with pytest.raises(KubeconfigError, match=says) as refused:
        api_of(written(tmp_path, cluster=cluster, user=user))

    assert "secret" not in str(refused.value)


def test_a_context_that_is_not_there_is_answered_with_those_that_are(tmp_path):
    with pytest.raises(KubeconfigError, match="no context 'there'; it has: here, broken"):
        api_of(written(tmp_path), "there")
    with pytest.raises(KubeconfigError, match="no cluster 'nowhere'; it has: one"):
        api_of(written(tmp_path), "broken")


@pytest.mark.parametrize(
    ("content", "says"), [(None, "cannot read"), ("a: [", "is no YAML"), ("text", "holds no configuration")]
)
def test_a_file_that_is_no_kubeconfig_is_refused(tmp_path, content, says):
    path = tmp_path / "config"
    if content is not None:
        path.write_text(content)

    with pytest.raises(KubeconfigError, match=says):
        api_of(path)
