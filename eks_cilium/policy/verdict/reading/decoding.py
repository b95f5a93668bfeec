"""Decodes a policy as agents do, which are programs in Go: of each value only its type counts.

An API server keeps values of another type out, unless its definitions are those of another release. Go
(encoding/json, as used by k8s.io/client-go) ignores unknown keys and takes `null` for the empty value, but
for a value of another type it gives up the whole object. Called by `reading.rules` before the rules are read.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from eks_cilium.cilium import crds
from eks_cilium.policy.objects.checking import path_text
from eks_cilium.policy.verdict.reading.network_policies import KIND as NETWORK_POLICY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from eks_cilium.policy.objects import Policy

_Path = tuple[str | int, ...]
_NUMBERS = {"int32": range(-(2**31), 2**31), "": range(2**8)}
"""Numbers without a format are of type uint8: the priority of a listener, and the type of ICMP up to 1.15."""
# Fields that are no pointers in Go: `null` is decoded to a selector that selects every pod
# (EndpointSelector.UnmarshalJSON in pkg/policy/api/selector.go).
_SELECTORS = frozenset(("endpointSelector", "nodeSelector"))

_TEXT: dict[str, Any] = {"type": "string"}
_SELECTOR: dict[str, Any] = {
    "type": "object",
    "properties": {
        "matchLabels": {"type": "object", "additionalProperties": _TEXT},
        "matchExpressions": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "key": _TEXT,
                    "operator": _TEXT,
                    "values": {"type": "array", "items": _TEXT},
                },
            },
        },
    },
}


def _entries(peers: str) -> dict[str, Any]:
    block = {"cidr": _TEXT, "except": {"type": "array", "items": _TEXT}}
    peer = {
        "podSelector": _SELECTOR,
        "namespaceSelector": _SELECTOR,
        "ipBlock": {"type": "object", "properties": block},
    }
    port = {
        "protocol": _TEXT,
        "port": {"anyOf": [{"type": "integer"}, _TEXT]},
        "endPort": {"type": "integer", "format": "int32"},
    }
    listed = {
        peers: {"type": "array", "items": {"type": "object", "properties": peer}},
        "ports": {"type": "array", "items": {"type": "object", "properties": port}},
    }
    return {"type": "array", "items": {"type": "object", "properties": listed}}


_NETWORK_POLICY: dict[str, Any] = {
    "type": "object",
    "properties": {
        "podSelector": _SELECTOR,
        "policyTypes": {"type": "array", "items": _TEXT},
        "ingress": _entries("from"),
        "egress": _entries("to"),
    },
}
"""NetworkPolicySpec of k8s.io/api/networking/v1, as far as agents read it."""


def decoded(policy: Policy, version: str) -> Policy:
    """The policy as agents of a release know it: without unknown keys and without `null`.

    Args:
        policy: A policy of a kind that the agents read.
        version: Their release, such as `1.19.7`.

    Returns:
        The same policy with other rules.

    Raises:
        ValueError: A value has a type that its key does not have.
    """
    written = policy.object
    schema = _NETWORK_POLICY if policy.kind == NETWORK_POLICY else crds.rule_schema(version)
    definitions = schema.get("$defs", {})
    rules: dict[str, Any] = {}
    if written.get("spec") is not None:
        rules["spec"] = _value(written["spec"], schema, definitions, ("spec",))
    if written.get("specs") is not None and policy.kind != NETWORK_POLICY:
        listed = _list(written["specs"], ("specs",))
        # Go has pointers to rules here, and an agent that follows the empty one ends.
        rules["specs"] = [
            _object(rule, schema, definitions, ("specs", place)) for place, rule in enumerate(listed)
        ]
    others = {key: value for key, value in written.items() if key not in ("spec", "specs")}
    return replace(policy, object={**others, **rules})


def _value(value: Any, schema: Mapping[str, Any], definitions: Mapping[str, Any], path: _Path) -> Any:
    while "$ref" in schema:
        schema = definitions[schema["$ref"].rpartition("/")[2]]
    types = [schema.get("type")] if "type" in schema else [each["type"] for each in schema.get("anyOf", ())]
    match types:
        case ["object"]:
            return _object({} if value is None else value, schema, definitions, path)
        case ["array"]:
            items = schema["items"]
            listed = enumerate(_list(value, path))
            return [_value(item, items, definitions, (*path, place)) for place, item in listed]
        case ["string"]:
            return _text(value, path)
        case ["boolean"]:
            return _checked(value, value is None or isinstance(value, bool), "true or false", path)
        case _:
            if isinstance(value, str) and "string" in types:
                return value
            kind = schema.get("format", "int32" if len(types) > 1 else "")
            return _number(value, _NUMBERS[kind], path)


def _object(
    value: Any, schema: Mapping[str, Any], definitions: Mapping[str, Any], path: _Path
) -> dict[str, Any]:
    _checked(value, isinstance(value, dict), "an object", path)
    if isinstance(schema.get("additionalProperties"), dict):
        return {_text(key, path): _text(each, (*path, key)) for key, each in value.items()}
    known = schema.get("properties", {})
    return {
        key: _value(each, known[key], definitions, (*path, key))
        for key, each in value.items()
        if key in known and (each is not None or key in _SELECTORS)
    }


def _list(value: Any, path: _Path) -> list[Any]:
    found: list[Any] = _checked(value, isinstance(value, list), "a list", path)
    return found


def _text(value: Any, path: _Path) -> str:
    text: str = _checked(
        "" if value is None else value, value is None or isinstance(value, str), "a text", path
    )
    return text


def _number(value: Any, possible: range, path: _Path) -> Any:
    sound = isinstance(value, int) and not isinstance(value, bool) and value in possible
    return _checked(value, value is None or sound, "a whole number", path)


def _checked(value: Any, sound: bool, allowed: str, path: _Path) -> Any:
    if not sound:
        raise ValueError(f"{path_text(path)} is {value!r}, allowed: {allowed}")
    return value
