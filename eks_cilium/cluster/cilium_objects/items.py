"""What is kept of each object that verdicts depend on, as an API server returns it.

Definitions of another release, or none, let an API server keep what is not of the shape of its kind. Each
function raises ShapeError then, so that `reading` can name the object and do without it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from eks_cilium.clients.kubernetes import Object

_KEPT_OF_METADATA = ("name", "namespace")
_Value = TypeVar("_Value")


class ShapeError(ValueError):
    """A value is not of the type that its kind of object has there."""


def rules_and_name(item: Object) -> Object:
    """A policy without its kind. Its rules may have any shape, which their evaluation says."""
    rules: Object = {key: item[key] for key in ("spec", "specs") if key in item}
    return {"metadata": _metadata(item), **rules}


def endpoint(item: Object) -> Object:
    """A CiliumEndpoint as `{metadata, labels, namedPorts, addresses}`."""
    status = _mapping(item, "status")
    addressing = _listed(_mapping(status, "networking"), "addressing", dict)
    return {
        "metadata": _metadata(item),
        "labels": _listed(_mapping(status, "identity"), "labels", str),
        "namedPorts": [_port(each, "port") for each in _listed(status, "named-ports", dict)],
        "addresses": [address for pair in addressing if (address := _text(pair, "ipv4"))],
    }


def pod(item: Object) -> Object:
    """A pod as `{namespace, name, hostNetwork, ports, workload, nodeAddress}`; an agent's has its image."""
    spec = _mapping(item, "spec")
    containers = _listed(spec, "containers", dict)
    images = [_text(each, "image") for each in containers if each.get("name") == "cilium-agent"]
    agent: Object = {"agent": images[0]} if images else {}
    return {
        **_metadata(item),
        "hostNetwork": bool(spec.get("hostNetwork")),
        "ports": [
            _port(port, "containerPort") for each in containers for port in _listed(each, "ports", dict)
        ],
        "workload": _workload(_mapping(item, "metadata")),
        "nodeAddress": _text(_mapping(item, "status"), "hostIP"),
        **agent,
    }


def service(item: Object) -> Object:
    """A Service as `{namespace, name, labels, selector, clusterIPs}`."""
    spec, metadata = _mapping(item, "spec"), _metadata(item)
    return {
        **metadata,
        "namespace": metadata.get("namespace", ""),
        "labels": _texts(_mapping(item, "metadata"), "labels"),
        "selector": _texts(spec, "selector"),
        "clusterIPs": _listed(spec, "clusterIPs", str),
    }


def endpoint_slice(item: Object) -> Object:
    """An EndpointSlice as `{namespace, service, addresses}`."""
    metadata = _mapping(item, "metadata")
    return {
        "namespace": _text(metadata, "namespace"),
        "service": _texts(metadata, "labels").get("kubernetes.io/service-name", ""),
        "addresses": [
            address
            for each in _listed(item, "endpoints", dict)
            for address in _listed(each, "addresses", str)
        ],
    }


def node_config(item: Object) -> Object:
    """A CiliumNodeConfig as `{name, defaults}`."""
    return {"name": _metadata(item)["name"], "defaults": _texts(_mapping(item, "spec"), "defaults")}


def group(item: Object) -> Object:
    """A CiliumCIDRGroup as `{name, labels, networks}`."""
    return {
        "name": _metadata(item)["name"],
        "labels": _texts(_mapping(item, "metadata"), "labels"),
        "networks": _listed(_mapping(item, "spec"), "externalCIDRs", str),
    }


def data(item: Object) -> dict[str, str]:
    """The data of a ConfigMap."""
    return _texts(item, "data")


def name_of(item: object) -> str:
    """Namespace and name of an object of any shape, for a message."""
    metadata = item.get("metadata") if isinstance(item, dict) else None
    found = metadata if isinstance(metadata, dict) else {}
    return "/".join(str(found[key]) for key in reversed(_KEPT_OF_METADATA) if found.get(key)) or "?"


def _metadata(item: Object) -> Object:
    found = _mapping(item, "metadata")
    if not _text(found, "name"):
        raise ShapeError("metadata has no name")
    return {key: _text(found, key) for key in _KEPT_OF_METADATA if key in found}


def _workload(metadata: Object) -> str:
    """The name of what owns a pod, a Deployment in place of its ReplicaSet; empty for a pod of its own."""
    owners = _listed(metadata, "ownerReferences", dict)
    owner = next((each for each in owners if each.get("controller")), None)
    if owner is None:
        return ""
    made_from = _texts(metadata, "labels").get("pod-template-hash")
    name = _text(owner, "name")
    return name.removesuffix(f"-{made_from}") if owner.get("kind") == "ReplicaSet" and made_from else name


def _port(item: Object, key: str) -> Object:
    number = item.get(key)
    if not isinstance(number, int) or isinstance(number, bool):
        raise ShapeError(f"{key} is {number!r}, not a number")
    for each in ("name", "protocol"):
        _text(item, each)
    return item


def _mapping(item: Object, key: str) -> Object:
    return _of_type(item, key, dict, dict)


def _text(item: Object, key: str) -> str:
    return _of_type(item, key, str, str)


def _texts(item: Object, key: str) -> dict[str, str]:
    found = _mapping(item, key)
    return {each: _text(found, each) for each in found}


def _listed(item: Object, key: str, kind: type[_Value]) -> list[_Value]:
    found: list[Any] = _of_type(item, key, list, list)
    if not all(isinstance(each, kind) for each in found):
        raise ShapeError(f"{key} is {found!r}, not a list of {_WORDS[kind]}s")
    return found


def _of_type(item: Object, key: str, kind: type[_Value], empty: Callable[[], _Value]) -> _Value:
    found = item.get(key)
    if found is None:
        return empty()
    if not isinstance(found, kind):
        raise ShapeError(f"{key} is {found!r}, not a {_WORDS[kind]}")
    return found


_WORDS: dict[type, str] = {dict: "mapping", list: "list", str: "text"}
