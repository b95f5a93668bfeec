"""What a run records in the cluster before it changes something, so that any later run can undo it.

One ConfigMap, one key per matter, each value JSON. Parallel rotations write keys of their own, as merge
patches, so that no write undoes another.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from eks_cilium.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from eks_cilium.clients.kubernetes import KubernetesApi

NAMESPACE = "kube-system"
CONFIG_MAP = "eks-cilium-migration"

_COLLECTION = f"/api/v1/namespaces/{NAMESPACE}/configmaps"
PATH = f"{_COLLECTION}/{CONFIG_MAP}"

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


def of_workload(workload: str) -> str:
    """The key of what is recorded while one workload is being restarted; its name may be too long."""
    return f"restart.{hashlib.blake2s(workload.encode(), digest_size=10).hexdigest()}"


Recorded = TypeVar("Recorded")


class Reading(Protocol):
    """Where the record is read: the client, or the view of a process."""

    def get(self, path: str) -> dict[str, Any] | None:
        """One object; None when it does not exist."""


class Record:
    """The record of one cluster; with `seen` it is read there instead of being asked for each time."""

    def __init__(self, api: KubernetesApi, seen: Reading | None = None) -> None:
        self._api, self._seen = api, seen or api

    def get(self, key: str) -> Any | None:
        """The value under a key; None where there is none."""
        found = self._seen.get(PATH)
        text = ((found or {}).get("data") or {}).get(key)
        return None if text is None else json.loads(text)

    def load(self, key: str, parse: Callable[[Any], Recorded]) -> Recorded | None:
        """The value under a key, as the type that wrote it; None where there is none."""
        kept = self.get(key)
        return None if kept is None else parse(kept)

    def each(self, prefix: str) -> dict[str, Any]:
        """The values of all keys that begin with `prefix`, read at once."""
        data = (self._seen.get(PATH) or {}).get("data") or {}
        return {key: json.loads(text) for key, text in data.items() if key.startswith(prefix)}

    def several(self, *keys: str) -> dict[str, Any]:
        """The values of those keys that there are, by one read."""
        data = (self._seen.get(PATH) or {}).get("data") or {}
        return {key: json.loads(data[key]) for key in keys if key in data}

    def put(self, key: str, value: Any) -> None:
        """Write the value of a key, and leave all other keys unchanged."""
        self.change({key: value})

    def change(self, values: Mapping[str, Any | None]) -> None:
        """Write several values in one request, and delete the keys whose value is None."""
        if not values:
            return
        data = {key: _text(value) for key, value in values.items()}
        if self._is_merged(data):
            return
        kept = {key: text for key, text in data.items() if text is not None}
        if not kept:
            return
        try:
            self._api.create(_COLLECTION, _config_map(kept))
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
        kept = (self._seen.get(PATH) or {}).get("data") or {}
        if not kept.keys().isdisjoint(keys):
            self._api.merge(PATH, {"data": dict.fromkeys(keys)})

    def drop_all_but(self, *keys: str) -> None:
        """Delete all other keys, those of single nodes and workloads included."""
        kept = (self._seen.get(PATH) or {}).get("data") or {}
        self.drop(*(key for key in kept if key not in keys))

    def delete(self) -> None:
        self._api.delete(PATH)


def _text(value: Any | None) -> str | None:
    return None if value is None else json.dumps(value, sort_keys=True)


def _config_map(data: dict[str, str]) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": CONFIG_MAP, "namespace": NAMESPACE},
        "data": data,
    }
