"""Reads kubeconfigs as kubectl does, and connects to the cluster that a context names.

The command line, the lab and the tests use it. It serves several files in $KUBECONFIG, client certificates,
tokens, credential plugins, basic authentication, impersonation (`as`), `proxy-url`, `tls-server-name` and
`insecure-skip-tls-verify`. Its rules are those of
kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig.
"""

# No library serves all of this. lightkube's KubeConfig (1.0.1) ignores `proxy-url`, `tls-server-name` and
# `as`, reads one file only, and refuses plugins of client.authentication.k8s.io/v1. kubernetes.config (37.0)
# ignores `as`, takes the last file's current context where kubectl takes the first, and weighs 126 MB.
# Neither says which line of a file is wrong.

from __future__ import annotations

import base64
import binascii
import json
import os
import ssl
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx
import yaml

from eks_cilium.clients.exec_plugin import ExecPlugin
from eks_cilium.clients.kubernetes import TIMEOUT, KubernetesApi, Patience
from eks_cilium.clients.tokens import BearerToken
from eks_cilium.errors import UserError
from eks_cilium.troubleshooting import Topic

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

Entry = dict[str, Any]

_AUTHORITY, _CERTIFICATE, _KEY = "certificate-authority", "client-certificate", "client-key"
# Keys with a path, relative to the file they are in.
_PATHS = {"cluster": (_AUTHORITY,), "user": (_CERTIFICATE, _KEY, "tokenFile"), "context": ()}


class KubeconfigError(UserError):
    """A kubeconfig that does not lead to a cluster. Says which part of which file, never what is in it."""

    topic: Topic | None = Topic.KUBECONFIG


@dataclass(frozen=True, repr=False)
class Access:
    """One context of a kubeconfig: the server, whom to trust, and the user."""

    server: str
    """URL of the API server."""
    cluster: Mapping[str, Any]
    """The cluster's entry; paths in it are absolute."""
    user: Mapping[str, Any]
    """The user's entry; paths in it are absolute."""
    namespace: str = "default"
    """The context's namespace."""
    source: str = "kubeconfig"
    """Where it was read, for messages."""

    @property
    def certificate_authority(self) -> str | None:
        """Whom to trust, PEM; None for the authorities that the machine trusts."""
        authority = _content(self.cluster, _AUTHORITY)
        return authority.decode() if authority else None

    def trust(self) -> ssl.SSLContext:
        """A TLS context that trusts the server and holds the client certificate, if the user has one.

        Raises:
            KubeconfigError: a certificate cannot be read or is none.
        """
        try:
            context = ssl.create_default_context(cadata=self.certificate_authority)
        except (ssl.SSLError, ValueError) as error:
            raise KubeconfigError(f"the cluster's {_AUTHORITY} holds no certificate in PEM") from error
        if self.cluster.get("insecure-skip-tls-verify"):
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        certificate, key = _content(self.user, _CERTIFICATE), _content(self.user, _KEY)
        if certificate and key:
            _load_pair(context, certificate + b"\n" + key)
        return context

    def connect(
        self,
        *,
        timeout: httpx.Timeout = TIMEOUT,
        patience: Patience | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> KubernetesApi:
        """The API of the cluster. Nothing is sent, and no plugin runs, before its first request.

        Args:
            timeout: Of one attempt, in seconds.
            patience: Attempts and pauses.
            transport: Connections, instead of those that the cluster's entry describes.

        Raises:
            KubeconfigError: a certificate, a token's file or the proxy cannot be used.
        """
        try:
            context = self.trust()
            token = self._token(context)
            transport = transport or self._transport(context)
        except KubeconfigError as error:
            raise KubeconfigError(f"{self.source}: {error}") from error.__cause__
        return KubernetesApi(
            self.server,
            token,
            transport=transport,
            headers=_identity(self.user),
            server_name=self.cluster.get("tls-server-name"),
            timeout=timeout,
            patience=patience,
        )

    def document(self) -> str:
        """A kubeconfig in JSON with this context alone and no paths, for a command such as Helm."""
        context = {"cluster": "cluster", "user": "user", "namespace": self.namespace}
        return json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": "cluster", "cluster": _inlined(self.cluster, _AUTHORITY)}],
                "users": [{"name": "user", "user": _inlined(self.user, _CERTIFICATE, _KEY)}],
                "contexts": [{"name": "context", "context": context}],
                "current-context": "context",
            }
        )

    def _token(self, context: ssl.SSLContext) -> BearerToken | None:
        # The order of client-go: a plugin is asked only where nothing else identifies the user.
        if path := self.user.get("tokenFile"):
            _read_bytes("tokenFile", path)  # a file that is not there is named before the first request
            return BearerToken(lambda: _read_bytes("tokenFile", path).decode().strip())
        if token := self.user.get("token"):
            return BearerToken.fixed(str(token))
        if (plugin := self.user.get("exec")) and not self.user.get("username"):
            if not plugin.get("command"):
                raise KubeconfigError("the user's exec plugin has no command")
            return BearerToken(ExecPlugin(plugin, load_certificate=lambda pair: _load_pair(context, pair)))
        return None

    def _transport(self, context: ssl.SSLContext) -> httpx.BaseTransport:
        # The URL is not quoted: it may hold a password.
        try:
            return httpx.HTTPTransport(verify=context, proxy=self.cluster.get("proxy-url") or None)
        except (ValueError, httpx.InvalidURL) as error:
            allowed = "allowed are http://, https:// and socks5:// with host and port"
            raise KubeconfigError(f"the cluster's proxy-url is no URL of a proxy: {allowed}") from error
        except ImportError as error:
            raise KubeconfigError("the cluster's proxy-url needs `pip install httpx[socks]`") from error


@dataclass(frozen=True, repr=False)
class Kubeconfig:
    """The contexts of one or several kubeconfigs."""

    contexts: Mapping[str, Entry]
    clusters: Mapping[str, Entry]
    users: Mapping[str, Entry]
    current: str
    """Name of the current context; empty when none is chosen."""
    source: str
    """Where it was read, for messages."""

    @classmethod
    def read(cls, path: Path) -> Kubeconfig:
        """One file.

        Raises:
            KubeconfigError: the file cannot be read or is no kubeconfig.
        """
        try:
            text = path.read_text()
        except OSError as error:
            raise KubeconfigError(f"cannot read kubeconfig {path}: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise KubeconfigError(f"kubeconfig {path} is no YAML: it is not encoded in UTF-8") from error
        return cls.parse(text, str(path), path.absolute().parent)

    @classmethod
    def parse(cls, text: str, source: str, folder: Path | None = None) -> Kubeconfig:
        """The content of a file, YAML or JSON.

        Args:
            text: The content.
            source: Where it is from, for messages.
            folder: Where the paths in it begin; by default the working directory.

        Raises:
            KubeconfigError: the text is no kubeconfig.
        """
        try:
            config = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise KubeconfigError(f"kubeconfig {source} is no YAML: {_position(error)}") from error
        if not isinstance(config, dict):
            raise KubeconfigError(f"kubeconfig {source} holds no configuration")
        parts = {kind: dict(_entries(config, kind, folder or Path.cwd())) for kind in _PATHS}
        return cls(
            parts["context"],
            parts["cluster"],
            parts["user"],
            str(config.get("current-context") or ""),
            source,
        )

    @classmethod
    def default(cls, environment: Mapping[str, str] = os.environ) -> Kubeconfig:
        """What kubectl takes without --kubeconfig: the files in $KUBECONFIG merged, else ~/.kube/config.

        Of parts with the same name the first file's counts, and so does the first current context. Files in
        $KUBECONFIG that do not exist are left out.

        Raises:
            KubeconfigError: no file exists, or one of them is no kubeconfig.
        """
        names = [name for name in environment.get("KUBECONFIG", "").split(os.pathsep) if name]
        if not names:
            return cls.read(Path.home() / ".kube" / "config")
        paths = [Path(name) for name in names]
        found = [cls.read(path) for path in paths if path.exists()]
        if not found:
            raise KubeconfigError(f"$KUBECONFIG names no file that exists: {', '.join(names)}")
        return _merged(found)

    def entry(self, context: str | None = None, cluster: str | None = None) -> Mapping[str, Any] | None:
        """The cluster's entry that a context (or `cluster`) selects, without paths; None when there is none.

        Raises:
            KubeconfigError: the file of its certificate authority cannot be read.
        """
        chosen = self.contexts.get(context or self.current)
        found = chosen and self.clusters.get(str(cluster or chosen.get("cluster") or ""))
        return _inlined(found, _AUTHORITY) if found else None

    def access(self, context: str | None = None, cluster: str | None = None) -> Access:
        """A context, or the current one; `cluster` replaces the cluster it names.

        Raises:
            KubeconfigError: a part is missing, or the user's kind of credentials is not served.
        """
        chosen = self._part("context", self.contexts, context or self.current)
        cluster_name = str(cluster or chosen.get("cluster") or "")
        entry = self._part("cluster", self.clusters, cluster_name)
        # A context without a user is served by kubectl as well: it sends no identity.
        name = chosen.get("user")
        user = self._part("user", self.users, str(name)) if name else {}
        server = str(entry.get("server") or "")
        if not server.startswith("http"):
            raise KubeconfigError(f"{self.source}: cluster {cluster_name} has no server URL")
        if user.get("auth-provider") is not None:
            raise KubeconfigError(
                f"{self.source}: user has 'auth-provider', which kubectl replaced by credential plugins: "
                f"describe the same login with `kubectl config set-credentials {name} --exec-command=...`, "
                "for example with kubelogin, gke-gcloud-auth-plugin or `aws eks get-token`"
            )
        return Access(server, entry, user, str(chosen.get("namespace") or "default"), self.source)

    def _part(self, kind: str, parts: Mapping[str, Entry], name: str) -> Entry:
        if name in parts:
            return parts[name]
        raise KubeconfigError(
            f"kubeconfig {self.source} has no {kind} {name!r}; it has: {', '.join(parts) or 'none'}"
        )


def api_of(path: Path | None = None, context: str | None = None) -> KubernetesApi:
    """The API of the cluster that a context of a kubeconfig names.

    Args:
        path: The file; None for those that kubectl takes by default.
        context: Name of the context; None for the current one.

    Raises:
        KubeconfigError: the kubeconfig does not lead to a cluster.
    """
    return (Kubeconfig.read(path) if path else Kubeconfig.default()).access(context).connect()


def _merged(configs: Sequence[Kubeconfig]) -> Kubeconfig:
    def first_counts(parts: Sequence[Mapping[str, Entry]]) -> dict[str, Entry]:
        return {name: entry for part in reversed(parts) for name, entry in part.items()}

    return Kubeconfig(
        contexts=first_counts([config.contexts for config in configs]),
        clusters=first_counts([config.clusters for config in configs]),
        users=first_counts([config.users for config in configs]),
        current=next((config.current for config in configs if config.current), ""),
        source=os.pathsep.join(config.source for config in configs),
    )


def _entries(config: Entry, kind: str, folder: Path) -> Iterator[tuple[str, Entry]]:
    """Named parts: `contexts`, `clusters` and `users` are lists of a name and an entry each."""
    parts = config.get(f"{kind}s")
    for part in parts if isinstance(parts, list) else ():
        if not isinstance(part, dict):
            continue
        entry = part.get(kind)
        yield (
            str(part.get("name")),
            _with_absolute_paths(kind, entry, folder) if isinstance(entry, dict) else {},
        )


def _with_absolute_paths(kind: str, entry: Entry, folder: Path) -> Entry:
    paths: Entry = {key: str(folder / str(entry[key])) for key in _PATHS[kind] if entry.get(key)}
    plugin = entry.get("exec")
    if kind == "user" and isinstance(plugin, dict) and "/" in str(plugin.get("command")):
        paths["exec"] = {**plugin, "command": str(folder / str(plugin["command"]))}
    return {**entry, **paths}


def _position(error: yaml.YAMLError) -> str:
    """Where and why; never the line itself, which may hold a secret."""
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or "it cannot be parsed"
    return f"line {mark.line + 1}, column {mark.column + 1}: {problem}" if mark else str(problem)


def _content(entry: Mapping[str, Any], key: str) -> bytes | None:
    """What `key`-data holds in base64, else the file that `key` names."""
    if data := entry.get(f"{key}-data"):
        try:
            return base64.b64decode(str(data), validate=False)
        except binascii.Error as error:
            raise KubeconfigError(f"{key}-data is no base64") from error
    return _read_bytes(key, str(entry[key])) if entry.get(key) else None


def _read_bytes(key: str, path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise KubeconfigError(f"cannot read {key} {path}: {error.strerror}") from error


def _inlined(entry: Mapping[str, Any], *keys: str) -> Entry:
    others = {key: value for key, value in entry.items() if key not in keys}
    contents = {key: found for key in keys if (found := _content(entry, key))}
    return others | {f"{key}-data": base64.b64encode(found).decode() for key, found in contents.items()}


def _load_pair(context: ssl.SSLContext, pair: bytes) -> None:
    # OpenSSL reads files only: this one is private, and deleted at once.
    descriptor, name = tempfile.mkstemp()
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(pair)
        context.load_cert_chain(name)
    except ssl.SSLError as error:
        raise KubeconfigError(f"the user's {_CERTIFICATE} and {_KEY} are no pair in PEM") from error
    finally:
        Path(name).unlink()


def _identity(user: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Headers of basic authentication and of impersonation; a group is a header of its own."""
    headers = []
    if user.get("username"):
        pair = f"{user['username']}:{user.get('password') or ''}"
        headers.append(("Authorization", f"Basic {base64.b64encode(pair.encode()).decode()}"))
    # kubernetes.io/docs/reference/access-authn-authz/authentication/#user-impersonation
    for key, header in (("as", "Impersonate-User"), ("as-uid", "Impersonate-Uid")):
        if user.get(key):
            headers.append((header, str(user[key])))
    headers += [("Impersonate-Group", str(group)) for group in user.get("as-groups") or ()]
    for name, values in (user.get("as-user-extra") or {}).items():
        headers += [(f"Impersonate-Extra-{quote(str(name), safe='')}", str(value)) for value in values]
    return headers
