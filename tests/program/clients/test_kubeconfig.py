"""Kubeconfigs: who is asked, as whom, and what is said of those that lead nowhere."""

import base64
import os
import ssl
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from eks_cilium.clients.exec_plugin import CredentialPluginError
from eks_cilium.clients.kubeconfig import Kubeconfig, KubeconfigError, api_of
from eks_cilium.clients.kubernetes import Patience
from eks_cilium.errors import TransientError

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


def request_of(path: Path, context: str | None = None) -> httpx.Request:
    """What a client of the kubeconfig sends, without a server."""
    sent: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200, json={})

    with Kubeconfig.read(path).access(context).connect(transport=httpx.MockTransport(answer)) as api:
        api.get("/version")
    return sent[0]


def authorization(path: Path) -> str | None:
    """Who the client says it is."""
    header: str | None = request_of(path).headers.get("Authorization")
    return header


def test_a_token_in_the_file_is_sent(tmp_path: Path) -> None:
    assert authorization(written(tmp_path, user={"token": "secret"})) == "Bearer secret"


def test_a_token_in_another_file_is_found_beside_it(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from-file\n")

    assert authorization(written(tmp_path, user={"tokenFile": "token"})) == "Bearer from-file"


def test_a_plugin_is_asked_with_its_environment(tmp_path: Path) -> None:
    user = plugin(
        "request = json.loads(os.environ['KUBERNETES_EXEC_INFO'])",
        "token = os.environ['CLUSTER_NAME'] + '-' + request['kind']",
        "print(json.dumps({'status': {'token': token}}))",
    )

    assert authorization(written(tmp_path, user=user)) == "Bearer shop-ExecCredential"


def test_without_a_token_there_is_no_header(tmp_path: Path) -> None:
    assert authorization(written(tmp_path)) is None


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (("sys.exit('not logged in')",), "failed: not logged in"),
        (("print('hello')",), "printed no credential with a token"),
        (("print('{}')",), "printed no credential with a token"),
    ],
)
def test_a_plugin_that_fails_is_quoted(tmp_path: Path, lines: tuple[str, ...], says: str) -> None:
    with pytest.raises(CredentialPluginError, match=says):
        authorization(written(tmp_path, user=plugin(*lines)))


def test_a_plugin_that_is_not_installed_is_named(tmp_path: Path) -> None:
    with pytest.raises(CredentialPluginError, match="'no-such-plugin' is not on PATH; install it"):
        authorization(written(tmp_path, user={"exec": {"command": "no-such-plugin"}}))
    hint = {"command": "no-such-plugin", "installHint": "brew install it"}
    with pytest.raises(CredentialPluginError, match="'no-such-plugin' is not on PATH; brew install it"):
        authorization(written(tmp_path, user={"exec": hint}))


@pytest.mark.parametrize(
    ("cluster", "user", "says"),
    [
        ({}, {}, "cluster one has no server"),
        ({"server": "cluster.example"}, {}, "cluster one has no server URL"),
        (
            {**CLUSTER, "certificate-authority": "gone.crt"},
            {},
            "cannot read certificate-authority .*/gone.crt",
        ),
        ({**CLUSTER, "certificate-authority-data": "c2VjcmV0"}, {}, "holds no certificate in PEM"),
        ({**CLUSTER, "certificate-authority-data": "secret"}, {}, "certificate-authority"),
        (
            {**CLUSTER, "proxy-url": "ftp://me:secret@proxy"},
            {},
            "proxy-url is no URL of a proxy: allowed are",
        ),
        (CLUSTER, {"client-certificate-data": "c2VjcmV0", "client-key-data": "c2VjcmV0"}, "no pair in PEM"),
        (CLUSTER, {"tokenFile": "gone"}, "cannot read tokenFile .*/gone"),
        (CLUSTER, {"exec": {"args": ["secret"]}}, "exec plugin has no command"),
        (CLUSTER, {"auth-provider": {"name": "oidc"}}, "set-credentials me --exec-command"),
    ],
)
def test_what_cannot_be_used_is_refused_by_name_and_never_quoted(
    tmp_path: Path, cluster: dict[str, Any], user: dict[str, Any], says: str
) -> None:
    with pytest.raises(KubeconfigError, match=says) as refused:
        api_of(written(tmp_path, cluster=cluster, user=user))

    assert "secret" not in str(refused.value)


def test_a_context_that_is_not_there_is_answered_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(KubeconfigError, match="no context 'there'; it has: here, broken"):
        api_of(written(tmp_path), "there")
    with pytest.raises(KubeconfigError, match="no cluster 'nowhere'; it has: one"):
        api_of(written(tmp_path), "broken")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "cannot read"),
        ("a: [", "is no YAML: line 1, column 5: "),
        ("a: 1\nb:\n\tc: secret", "is no YAML: line 3, column 1: "),
        ("text", "holds no configuration"),
        ("clusters: none", "has no context '.*'; it has: none"),
    ],
)
def test_a_file_that_is_no_kubeconfig_is_refused(tmp_path: Path, content: str | None, says: str) -> None:
    path = tmp_path / "config"
    if content is not None:
        path.write_text(content)

    with pytest.raises(KubeconfigError, match=says) as refused:
        api_of(path)

    assert "secret" not in str(refused.value)


def test_a_name_and_password_are_basic_authentication(tmp_path: Path) -> None:
    sent = authorization(written(tmp_path, user={"username": "ana", "password": "secret"}))

    assert sent == f"Basic {base64.b64encode(b'ana:secret').decode()}"


def test_a_token_counts_more_than_a_password_and_a_password_more_than_a_plugin(tmp_path: Path) -> None:
    basic = {"username": "ana", "password": "secret", **plugin("sys.exit('asked')")}

    assert authorization(written(tmp_path, user={**basic, "token": "t"})) == "Bearer t"
    assert (authorization(written(tmp_path, user=basic)) or "").startswith("Basic ")


def test_a_user_can_act_as_another(tmp_path: Path) -> None:
    user = {
        "token": "t",
        "as": "ops",
        "as-uid": "7",
        "as-groups": ["admins", "oncall"],
        "as-user-extra": {"reason/why": ["drill"]},
    }

    headers = request_of(written(tmp_path, user=user)).headers

    assert headers["Impersonate-User"] == "ops"
    assert headers["Impersonate-Uid"] == "7"
    assert headers.get_list("Impersonate-Group") == ["admins", "oncall"]
    assert headers["Impersonate-Extra-reason%2Fwhy"] == "drill"


def test_a_server_name_is_what_the_certificate_is_checked_against(tmp_path: Path) -> None:
    cluster = {**CLUSTER, "tls-server-name": "inside.example"}

    assert request_of(written(tmp_path, cluster=cluster)).extensions["sni_hostname"] == "inside.example"


def test_a_server_below_a_path_is_asked_there(tmp_path: Path) -> None:
    cluster = {"server": "https://proxy.example/clusters/one"}

    assert (
        str(request_of(written(tmp_path, cluster=cluster)).url)
        == "https://proxy.example/clusters/one/version"
    )


def test_a_context_without_a_user_sends_no_identity(tmp_path: Path) -> None:
    config = {
        "contexts": [{"name": "here", "context": {"cluster": "one"}}],
        "clusters": [{"name": "one", "cluster": CLUSTER}],
    }
    (tmp_path / "config").write_text(yaml.safe_dump(config))

    assert "Authorization" not in request_of(tmp_path / "config", "here").headers


def test_verification_can_be_switched_off(tmp_path: Path) -> None:
    insecure = {**CLUSTER, "insecure-skip-tls-verify": True}

    assert Kubeconfig.read(written(tmp_path)).access().trust().verify_mode is ssl.CERT_REQUIRED
    trust = Kubeconfig.read(written(tmp_path, cluster=insecure)).access().trust()
    assert (trust.verify_mode, trust.check_hostname) == (ssl.CERT_NONE, False)


def test_a_proxy_is_asked_for_the_server(tmp_path: Path) -> None:
    asked: list[str] = []

    class Proxy(BaseHTTPRequestHandler):
        def do_CONNECT(self) -> None:
            asked.append(self.path)
            self.send_error(502)

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Proxy)
    threading.Thread(target=server.handle_request, daemon=True).start()
    cluster = {**CLUSTER, "proxy-url": f"http://127.0.0.1:{server.server_port}"}
    access = Kubeconfig.read(written(tmp_path, cluster=cluster)).access()

    with (
        access.connect(patience=Patience(attempts=1)) as api,
        pytest.raises(TransientError, match="ProxyError"),
    ):
        api.get("/version")

    server.server_close()
    assert asked == ["cluster.example:443"]


def test_a_plugin_in_the_folder_of_the_file_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "login"
    script.write_text('#!/bin/sh\necho \'{"status": {"token": "beside"}}\'\n')
    script.chmod(0o700)
    monkeypatch.chdir("/")

    assert authorization(written(tmp_path, user={"exec": {"command": "./login"}})) == "Bearer beside"


def part(kind: str, name: str, **entry: Any) -> dict[str, Any]:
    return {f"{kind}s": [{"name": name, kind: entry}]}


def test_several_files_are_merged_as_kubectl_merges_them(tmp_path: Path) -> None:
    """The first file that has a name decides, and so does the first current context."""
    (tmp_path / "apart").mkdir()
    first, second = tmp_path / "first", tmp_path / "apart" / "second"
    (tmp_path / "apart" / "ca.crt").write_text("the authority")
    first.write_text(
        yaml.safe_dump(part("context", "a", cluster="c", user="u") | part("user", "u", token="of-first"))
    )
    second.write_text(
        yaml.safe_dump(
            part("context", "b", cluster="c", user="u")
            | part("user", "u", token="of-second")
            | part("cluster", "c", server="https://c.example", **{"certificate-authority": "ca.crt"})
            | {"current-context": "b"}
        )
    )
    names = os.pathsep.join(map(str, (tmp_path / "gone", first, second)))

    merged = Kubeconfig.default({"KUBECONFIG": names})

    assert merged.access().user == {"token": "of-first"}
    assert merged.access("a").server == "https://c.example"
    assert merged.access("a").certificate_authority == "the authority"
    with pytest.raises(
        KubeconfigError, match=f"kubeconfig {first}{os.pathsep}{second} has no context 'x'; it has"
    ):
        merged.access("x")


def test_kubectls_own_file_is_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".kube").mkdir()
    written(tmp_path / ".kube")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("KUBECONFIG", raising=False)

    with api_of() as api:
        assert api
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "gone"))
    with pytest.raises(KubeconfigError, match=r"\$KUBECONFIG names no file that exists"):
        api_of()


def test_a_document_needs_none_of_the_files_it_was_read_from(tmp_path: Path) -> None:
    (tmp_path / "ca.crt").write_text("the authority")
    path = written(tmp_path, cluster={**CLUSTER, "certificate-authority": "ca.crt"}, user={"token": "t"})

    document = Kubeconfig.parse(Kubeconfig.read(path).access().document(), "a document").access()

    assert document.certificate_authority == "the authority"
    assert (document.server, document.user["token"]) == (CLUSTER["server"], "t")
    assert "certificate-authority" not in document.cluster
