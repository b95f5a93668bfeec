"""Reads the schema of a rule from the CustomResourceDefinitions of a release, without texts and strict.

`lab.toolchain.new_release` and the test that compares the stored schemas with the definitions call it.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_FILES = ("ciliumnetworkpolicies.yaml", "ciliumclusterwidenetworkpolicies.yaml")
_KEPT = frozenset(
    {
        "enum",
        "format",
        "items",
        "maxItems",
        "maxLength",
        "maximum",
        "minItems",
        "minLength",
        "minimum",
        "pattern",
        "properties",
        "required",
        "type",
    }
)
_ALTERNATIVES = ("anyOf", "oneOf")
_SHORTEST_SHARED = 120
"""A part with at least this many characters is written once where it occurs more than once."""


def extract(definitions: Path) -> dict[str, Any]:
    """The schema of a rule. `definitions` is the folder of a release's CRDs of API version v2.

    Raises ValueError where the schemas of the two kinds, or of `spec` and `specs`, differ.
    """
    rules = [rule for name in _FILES for rule in _rules(definitions / name)]
    if any(rule != rules[0] for rule in rules):
        raise ValueError("the definitions have more than one schema of a rule")
    return shared(rules[0])


def _rules(file: Path) -> Iterator[dict[str, Any]]:
    (version,) = yaml.load(file.read_text(), _LOADER)["spec"]["versions"]  # noqa: S506 - a safe loader either way
    properties = version["schema"]["openAPIV3Schema"]["properties"]
    yield strict(properties["spec"])
    yield strict(properties["specs"]["items"])


_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def strict(node: dict[str, Any]) -> dict[str, Any]:
    """A structural schema as JSON Schema, without texts. Unknown keys are errors instead of being dropped."""
    result = {key: node[key] for key in _KEPT & node.keys()}
    if "properties" in node:
        result["properties"] = {key: strict(inner) for key, inner in node["properties"].items()}
        result["additionalProperties"] = False
    if "items" in node:
        result["items"] = strict(node["items"])
    if isinstance(node.get("additionalProperties"), dict):
        result["additionalProperties"] = strict(node["additionalProperties"])
    for key in _ALTERNATIVES:
        if key in node:
            result[key] = [_alternative(choice) for choice in node[key]]
    return result


def _alternative(node: dict[str, Any]) -> dict[str, Any]:
    """An alternative with the only keywords that these definitions use: `required` and `type`."""
    return {key: node[key] for key in ("required", "type") if key in node}


def shared(schema: dict[str, Any]) -> dict[str, Any]:
    """The same schema; parts that occur more than once are under `$defs`, named after their key."""
    occurrences = Counter(_written(part) for _, part in _parts(schema, "rule"))
    names: dict[str, str] = {}
    for name, part in _parts(schema, "rule"):
        text = _written(part)
        if occurrences[text] > 1 and len(text) >= _SHORTEST_SHARED and text not in names:
            taken = sum(other.rstrip("0123456789") == name for other in names.values())
            names[text] = f"{name}{taken + 1}" if taken else name
    definitions = {name: _referring(json.loads(text), names, top=True) for text, name in names.items()}
    return {**_referring(schema, names, top=True), "$defs": definitions}


def _parts(schema: dict[str, Any], name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema below `schema`, with its key; `name` is that of `schema` itself."""
    for key, inner in schema.get("properties", {}).items():
        yield key, inner
        yield from _parts(inner, key)
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            yield name, schema[key]
            yield from _parts(schema[key], name)


def _referring(schema: dict[str, Any], names: dict[str, str], *, top: bool = False) -> dict[str, Any]:
    if not top and (name := names.get(_written(schema))):
        return {"$ref": f"#/$defs/{name}"}
    result = dict(schema)
    if "properties" in schema:
        result["properties"] = {key: _referring(part, names) for key, part in schema["properties"].items()}
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            result[key] = _referring(schema[key], names)
    return result


def _written(part: dict[str, Any]) -> str:
    return json.dumps(part, sort_keys=True)
