"""What a kubeconfig says: which server, trusted how, entered by whom.

Used by the provider's configuration (a path, YAML or JSON text) and, rewritten for one context, by Helm.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from lab.providers.errors import RefusedError

FILE_KEYS = {
    "certificate-authority": "certificate-authority-data",
    "client-certificate": "client-certificate-data",
    "client-key": "client-key-data",
}
CLUSTER_KEYS = frozenset({"server", "certificate-authority-data", "insecure-skip-tls-verify", "extensions"})
USER_KEYS = frozenset({"exec", "token", "tokenFile", "client-certificate-data", "client-key-data"})


class KubeconfigError(RefusedError):
    """A kubeconfig that cannot be used; says which part, never what is in it."""


@dataclass(frozen=True, repr=False)
class Access:
    """One context of a kubeconfig, resolved: everything needed to speak to its cluster."""

    server: str
    cluster: Mapping[str, Any]
    user: Mapping[str, Any]
    namespace: str

    @property
    def certificate_authority(self) -> str | None:
        """The PEM bundle that the server's certificate must come from."""
        return _decoded(self.cluster, "certificate-authority-data")

    @property
    def client_certificate(self) -> tuple[str, str] | None:
        """Certificate and key in PEM, when the user has them."""
        certificate, key = (_decoded(self.user, f"client-{part}-data") for part in ("certificate", "key"))
        return (certificate, key) if certificate and key else None

    def document(self) -> str:
        """A kubeconfig of this context alone, as Helm reads it (JSON is YAML)."""
        context = {"cluster": "cluster", "user": "user", "namespace": self.namespace}
        return json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": "cluster", "cluster": dict(self.cluster)}],
                "users": [{"name": "user", "user": dict(self.user)}],
                "contexts": [{"name": "context", "context": context}],
                "current-context": "context",
            }
        )


@dataclass(frozen=True, repr=False)
class Kubeconfig:
    """A parsed kubeconfig; files it names are read in, so that it can be written anywhere."""

    document: Mapping[str, Any]

    @classmethod
    def parse(cls, path_or_text: str) -> "Kubeconfig":
        """From a path (with `~`) or the content itself, YAML or JSON."""
        path = _existing_file(path_or_text)
        text = path.read_text() if path else path_or_text
        try:
            document = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise KubeconfigError("kubeconfig is neither an existing file nor YAML or JSON") from error
        if not isinstance(document, dict) or not document.get("clusters"):
            raise KubeconfigError("kubeconfig is neither an existing file nor a document with clusters")
        return cls(_with_files_read(document, path.parent if path else Path()))

    def active_cluster(
        self, context: str | None = None, cluster: str | None = None
    ) -> Mapping[str, Any] | None:
        """The cluster entry a context (or an override) selects; what tells one cluster from another."""
        chosen = self._entry("contexts", "context", context or self.document.get("current-context"))
        if chosen is None:
            return None
        return self._entry("clusters", "cluster", cluster or chosen.get("cluster"))

    def access(self, context: str | None = None, cluster: str | None = None) -> Access:
        """Everything needed to use a context; refused with the missing part's name."""
        name = context or self.document.get("current-context")
        chosen = self._required("contexts", "context", name)
        entry = self._required("clusters", "cluster", cluster or chosen.get("cluster"))
        user = self._required("users", "user", chosen.get("user"))
        _supported("user", user, USER_KEYS)
        _supported("cluster", entry, CLUSTER_KEYS)
        if not str(entry.get("server", "")).startswith("http"):
            raise KubeconfigError(f"kubeconfig cluster {chosen.get('cluster')!r} has no server URL")
        return Access(entry["server"], entry, user, chosen.get("namespace") or "default")

    def _entry(self, plural: str, singular: str, name: str | None) -> Mapping[str, Any] | None:
        for item in self.document.get(plural) or []:
            if item.get("name") == name:
                return item.get(singular) or {}
        return None

    def _required(self, plural: str, singular: str, name: str | None) -> Mapping[str, Any]:
        entry = self._entry(plural, singular, name)
        if entry is None:
            raise KubeconfigError(f"kubeconfig has no {singular} {name!r}")
        return entry


def _supported(what: str, entry: Mapping[str, Any], keys: frozenset[str]) -> None:
    unsupported = sorted(set(entry) - keys)
    if unsupported:
        raise KubeconfigError(f"kubeconfig {what} has {unsupported[0]!r}, which is not supported here")


def _existing_file(text: str) -> Path | None:
    if "\n" in text or len(text) > 4096 or text.lstrip().startswith("{"):
        return None
    path = Path(text).expanduser()
    return path if path.is_file() else None


def _with_files_read(document: dict[str, Any], base: Path) -> dict[str, Any]:
    """The same document with every certificate file replaced by its content."""
    for plural, singular in (("clusters", "cluster"), ("users", "user")):
        for item in document.get(plural) or []:
            entry = item.get(singular) or {}
            for key, inline in FILE_KEYS.items():
                if entry.get(key):
                    content = _read(base / entry.pop(key), key)
                    entry.setdefault(inline, base64.b64encode(content).decode())
    return document


def _read(path: Path, key: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise KubeconfigError(f"kubeconfig names a {key} file that cannot be read: {path}") from error


def _decoded(entry: Mapping[str, Any], key: str) -> str | None:
    return base64.b64decode(entry[key]).decode() if entry.get(key) else None
