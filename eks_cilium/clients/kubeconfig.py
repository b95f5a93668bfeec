"""The API of a cluster by way of a kubeconfig file, as kubectl would reach it.

Called by `python -m migration`, so that it can look at any cluster kubectl can. Serves what kubeconfigs of
EKS and of certificates hold; anything else is refused by name rather than ignored.
"""

from __future__ import annotations

import base64
import json
import os
import ssl
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import yaml

from eks_cilium.clients.kubernetes import BearerToken, KubernetesApi
from eks_cilium.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Entry = dict[str, Any]
_PLUGIN_SECONDS = 60
_UNSERVED = {
    "cluster": ("proxy-url", "insecure-skip-tls-verify"),
    "user": ("auth-provider", "username", "password", "as"),
}


class KubeconfigError(UserError):
    """A kubeconfig that does not lead to a cluster. Says which part of which file."""


def api_of(path: Path, context: str | None = None) -> KubernetesApi:
    """The API of the cluster that a context of a kubeconfig names, or its current context."""
    config = _read(path)
    name = context or config.get("current-context") or ""
    chosen = _entry(path, config, "context", name)
    cluster = _entry(path, config, "cluster", chosen.get("cluster", ""))
    user = _entry(path, config, "user", chosen.get("user", ""))
    for kind, entry in (("cluster", cluster), ("user", user)):
        for key in _UNSERVED[kind]:
            if entry.get(key):
                raise KubeconfigError(f"{path}: {kind} has {key}, which is not served here")
    server = cluster.get("server")
    if not server:
        raise KubeconfigError(f"{path}: cluster {chosen.get('cluster')} has no server")
    source = _token_source(path, user)
    return KubernetesApi(
        server,
        BearerToken(source) if source else None,
        transport=httpx.HTTPTransport(verify=_trust(path, cluster, user)),
    )


def _read(path: Path) -> Entry:
    try:
        config = yaml.safe_load(path.read_text())
    except OSError as error:
        raise KubeconfigError(f"cannot read kubeconfig {path}: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise KubeconfigError(f"kubeconfig {path} is no YAML") from error
    if not isinstance(config, dict):
        raise KubeconfigError(f"kubeconfig {path} holds no configuration")
    return config


def _entry(path: Path, config: Entry, kind: str, name: str) -> Entry:
    """The part with a name: `contexts`, `clusters` and `users` are lists of named parts."""
    for part in config.get(f"{kind}s") or ():
        if part.get("name") == name:
            return part.get(kind) or {}
    names = ", ".join(str(part.get("name")) for part in config.get(f"{kind}s") or ()) or "none"
    raise KubeconfigError(f"kubeconfig {path} has no {kind} {name!r}; it has: {names}")


def _trust(path: Path, cluster: Entry, user: Entry) -> ssl.SSLContext:
    """Whom to trust, and the client certificate if there is one."""
    authority = _bytes(path, cluster, "certificate-authority")
    context = ssl.create_default_context(cadata=authority.decode() if authority else None)
    certificate, key = _bytes(path, user, "client-certificate"), _bytes(path, user, "client-key")
    if certificate and key:
        _load(context, certificate + b"\n" + key)
    return context


def _load(context: ssl.SSLContext, chain: bytes) -> None:
    """Load a certificate with its key. OpenSSL takes only files: one nobody else can read, for a moment."""
    descriptor, name = tempfile.mkstemp()
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(chain)
        context.load_cert_chain(name)
    finally:
        Path(name).unlink()


def _bytes(path: Path, entry: Entry, key: str) -> bytes | None:
    """What stands in the file itself, base64, or in another one whose path is relative to it."""
    if data := entry.get(f"{key}-data"):
        return base64.b64decode(data)
    if name := entry.get(key):
        try:
            return (path.parent / str(name)).read_bytes()
        except OSError as error:
            raise KubeconfigError(f"{path}: cannot read {key} {name}: {error.strerror}") from error
    return None


def _token_source(path: Path, user: Entry) -> Callable[[], str] | None:
    if plugin := user.get("exec"):
        return lambda: _plugin_token(path, plugin)
    if file := user.get("tokenFile"):
        return lambda: (path.parent / file).read_text().strip()
    if token := user.get("token"):
        return lambda: str(token)
    return None


def _plugin_token(path: Path, plugin: Entry) -> str:
    """A token of a credential plugin such as `aws eks get-token`."""
    version = plugin.get("apiVersion", "client.authentication.k8s.io/v1")
    request = {"apiVersion": version, "kind": "ExecCredential", "spec": {"interactive": False}}
    environment = {
        **os.environ,
        **{one["name"]: one["value"] for one in plugin.get("env") or ()},
        "KUBERNETES_EXEC_INFO": json.dumps(request),
    }
    answer = _run(path, [plugin["command"], *(plugin.get("args") or ())], environment)
    try:
        token = json.loads(answer)["status"]["token"]
    except (ValueError, KeyError, TypeError) as error:
        raise KubeconfigError(f"{path}: {plugin['command']} printed no credential with a token") from error
    return str(token)


def _run(path: Path, command: list[str], environment: Mapping[str, str]) -> str:
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=_PLUGIN_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise KubeconfigError(f"{path}: cannot run {command[0]}: {error}") from error
    if done.returncode:
        raise KubeconfigError(f"{path}: {command[0]} failed: {done.stderr.strip()[-200:]}")
    return done.stdout
