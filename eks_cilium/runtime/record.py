"""What a run records in the cluster before it changes something, so that any later run can undo it.

One ConfigMap, one key per matter, each value JSON; a long value is kept in parts (`runtime.parts`). Parallel
rotations write keys of their own, as merge patches, so that no write undoes another.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, TypeVar

from eks_cilium.errors import RefusedError
from eks_cilium.runtime.errors import StoppedError
from eks_cilium.runtime.storage import parts
from eks_cilium.runtime.storage.parts import COLLECTION, CONFIG_MAP, NAMESPACE, Index
from eks_cilium.troubleshooting import Topic

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from eks_cilium.clients.kubernetes import KubernetesApi
    from eks_cilium.runtime.storage.parts import Reading

PATH = f"{COLLECTION}/{CONFIG_MAP}"

_MISSING, _EXISTS = 404, 409

NODES = "inventory"
GROUPS = "groups"
AFFINITY = "aws-node-affinity"
POLICY = "policy"
AWS_NODE = "aws-node"
AUTOSCALER = "autoscaler"
REFRESH = "refresh"
SNAT = "snat"
STOP = "stop"
PROGRESS = "progress"
MOVED = "moved"


def of_node(name: str) -> str:
    """The key of what is recorded while one node is being replaced."""
    return f"node.{name}"


PHASES = "phase."
"""How the keys of `phase_of` begin."""


def phase_of(name: str) -> str:
    """The key of what a node in work is at; for people, and for `eks-cilium status`."""
    return f"{PHASES}{name}"


def of_group(name: str) -> str:
    """The key of what is recorded about one Auto Scaling group; its name may have spaces and slashes."""
    return f"group.{hashlib.blake2s(name.encode(), digest_size=10).hexdigest()}"


RESTARTS = "restart."
"""How the keys of `of_workload` begin."""


def of_workload(workload: str) -> str:
    """The key of what is recorded while one workload is being restarted; its name may be too long."""
    return f"{RESTARTS}{hashlib.blake2s(workload.encode(), digest_size=10).hexdigest()}"


Recorded = TypeVar("Recorded")


class Record:
    """The record of one cluster; with `seen` it is read there instead of being asked for each time."""

    def __init__(self, api: KubernetesApi, seen: Reading | None = None) -> None:
        self._api, self._seen = api, seen or api

    def get(self, key: str) -> Any | None:
        """The value under a key; None where there is none. Raises StoppedError where a part of it is lost."""
        text = self.text(key)
        return None if text is None else json.loads(text)

    def text(self, key: str) -> str | None:
        """The JSON of the value under a key, as `get`."""
        text = self._kept().get(key)
        return None if text is None else self._whole(key, text)

    def load(self, key: str, parse: Callable[[Any], Recorded]) -> Recorded | None:
        """The value under a key, as the type that wrote it; None where there is none."""
        kept = self.get(key)
        return None if kept is None else parse(kept)

    def each(self, prefix: str) -> dict[str, Any]:
        """The values of all keys that begin with `prefix`, read at once."""
        kept = self._kept()
        return {key: json.loads(self._whole(key, kept[key])) for key in kept if key.startswith(prefix)}

    def several(self, *keys: str) -> dict[str, Any]:
        """The values of those keys that there are, by one read."""
        kept = self._kept()
        return {key: json.loads(self._whole(key, kept[key])) for key in keys if key in kept}

    def _kept(self, seen: Reading | None = None) -> Mapping[str, str]:
        return ((seen or self._seen).get(PATH) or {}).get("data") or {}

    def _whole(self, key: str, text: str) -> str:
        """The text of a value, from its parts where it has some."""
        index = Index.of(text)
        if index is None:
            return text
        whole = index.whole(self._seen)
        if whole is None:  # perhaps it was written anew between two requests
            text = self._kept(self._api).get(key, "")
            index = Index.of(text)
            whole = index.whole(self._api) if index else text
        if not whole:
            raise StoppedError(
                Topic.NOT_RECORDED,
                f"parts of `{key}` in the record of this cluster are lost: not all of {NAMESPACE}/"
                f"{CONFIG_MAP}-part-{index.digest if index else ''}-* are there as they were written",
                "Restore them from a backup, then run `pulumi up` again.",
            )
        return whole

    def put(self, key: str, value: Any) -> None:
        """Write the value of a key, and leave all other keys unchanged."""
        self.change({key: value})

    def change(self, values: Mapping[str, Any | None]) -> None:
        """Write several values in one request, and delete the keys whose value is None."""
        if not values:
            return
        texts = {key: _text(value) for key, value in values.items()}
        indexes = {
            key: parts.write(self._api, key, text)
            for key, text in texts.items()
            if text is not None and len(text) > parts.LONGEST
        }
        self._write({**texts, **{key: index.text for key, index in indexes.items()}})
        if indexes:
            named = {path for index in indexes.values() for path in index.paths}
            parts.clean(self._api, indexes.keys(), keep=named)

    def _write(self, data: Mapping[str, str | None]) -> None:
        if self._is_merged(data):
            return
        kept = {key: text for key, text in data.items() if text is not None}
        if not kept:
            return
        try:
            self._api.create(COLLECTION, _config_map(kept))
        except RefusedError as error:
            if error.status != _EXISTS:
                raise
            self._api.merge(PATH, {"data": data})

    def _is_merged(self, data: Mapping[str, str | None]) -> bool:
        """Whether there is a record, which has these values then."""
        try:
            self._api.merge(PATH, {"data": data})
        except RefusedError as error:
            if error.status != _MISSING:
                raise
            return False
        return True

    def drop(self, *keys: str) -> None:
        kept = self._kept()
        if kept.keys().isdisjoint(keys):
            return
        self._api.merge(PATH, {"data": dict.fromkeys(keys)})
        if split := [key for key in keys if key in kept and Index.of(kept[key])]:
            parts.clean(self._api, split)

    def drop_all_but(self, *keys: str) -> None:
        """Delete all other keys, those of single nodes and workloads included."""
        self.drop(*(key for key in self._kept() if key not in keys))

    def delete(self) -> None:
        self._api.delete(PATH)
        parts.clean(self._api)


def _text(value: Any | None) -> str | None:
    return None if value is None else json.dumps(value, sort_keys=True)


def _config_map(data: dict[str, str]) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": CONFIG_MAP, "namespace": NAMESPACE},
        "data": data,
    }
