"""Values of the record that are too long for its ConfigMap: kept in parts, each in a ConfigMap of its own.

The record has an index in place of such a value. Parts are named for the whole text and never change, so a
write that is interrupted leaves the earlier index and its parts as they were; what it left is deleted after
the next long value under its key, or with the record. Called by `runtime.record` alone.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, Self

from eks_cilium.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Collection

    from eks_cilium.clients.kubernetes import KubernetesApi

NAMESPACE = "kube-system"
CONFIG_MAP = "eks-cilium-migration"
COLLECTION = f"/api/v1/namespaces/{NAMESPACE}/configmaps"
PATH_OF_PARTS = f"{COLLECTION}/{CONFIG_MAP}-part-"
"""How the paths of all parts begin. What is there never changes."""
LABEL = "eks-cilium.io/record"

LONGEST = 100_000
"""Bytes of a value that the record itself holds: its ConfigMap is sent to every watch at each change."""
MOST = 500_000
"""Bytes of a part. The values of a ConfigMap have 1 MiB (`MaxSecretSize`, pkg/apis/core/types.go of
Kubernetes)."""
_EXISTS = 409
_INDEX = "eks-cilium/parts"
_BEGINNING = f'{{"{_INDEX}":'
_KEY, _TEXT = "key", "text"


class Reading(Protocol):
    """Where the record is read: the client, or the view of a process."""

    def get(self, path: str) -> dict[str, Any] | None:
        """One object; None when it does not exist."""


@dataclass(frozen=True, slots=True)
class Index:
    """What the record has in place of a long value."""

    digest: str
    """Of the whole text."""
    parts: int

    @classmethod
    def of(cls, text: str) -> Self | None:
        """The index that a text of the record is; None where it is a value itself."""
        if not text.startswith(_BEGINNING):
            return None
        kept = json.loads(text)[_INDEX]
        return cls(kept["digest"], kept["parts"])

    @property
    def text(self) -> str:
        return json.dumps({_INDEX: {"digest": self.digest, "parts": self.parts}})

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths of its parts, in order."""
        return tuple(f"{PATH_OF_PARTS}{self.digest}-{number}" for number in range(self.parts))

    def whole(self, seen: Reading) -> str | None:
        """The text that the parts have together; None where one is missing."""
        texts = []
        for path in self.paths:
            found = seen.get(path)
            if found is None:
                return None
            texts.append(found["data"][_TEXT])
        text = "".join(texts)
        return text if _digest(text) == self.digest else None


def write(api: KubernetesApi, key: str, text: str) -> Index:
    """Write the parts of a value, which no index names yet. `text` is JSON in ASCII."""
    chunks = [text[first : first + MOST] for first in range(0, len(text), MOST)]
    index = Index(_digest(text), len(chunks))
    for path, chunk in zip(index.paths, chunks, strict=True):
        try:
            api.create(COLLECTION, _config_map(path, key, chunk))
        except RefusedError as error:
            # An earlier attempt wrote it: the same text, by its name.
            if error.status != _EXISTS:
                raise
    return index


def clean(api: KubernetesApi, keys: Collection[str] | None = None, *, keep: Collection[str] = ()) -> None:
    """Delete the parts of values under these keys, of all where None, but those with the paths in `keep`."""
    listed = api.each(COLLECTION, _path_and_key, labelSelector=f"{LABEL}=part")
    for path, key in listed:
        if path not in keep and (keys is None or key in keys):
            api.delete(path)


def _path_and_key(obj: dict[str, Any]) -> tuple[str, str]:
    return f"{COLLECTION}/{obj['metadata']['name']}", (obj.get("data") or {}).get(_KEY, "")


def _digest(text: str) -> str:
    return hashlib.blake2s(text.encode(), digest_size=10).hexdigest()


def _config_map(path: str, key: str, text: str) -> dict[str, Any]:
    name = path.rpartition("/")[2]
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": {LABEL: "part"}},
        "immutable": True,
        "data": {_KEY: key, _TEXT: text},
    }
