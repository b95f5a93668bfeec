"""Which field managers own the fields of an object, and how an update takes fields over. Pure functions.

Fields belong to those that wrote them. Before an update the official provider takes over what it wrote when
it created the object, and what `kubectl` wrote since: a field that kubectl added then goes, since the update
does not name it (pulumi-kubernetes, provider/pkg/await/await.go, `fixCSAFieldManagers`).
"""

from collections.abc import Mapping
from typing import Any

from lab.providers.values import Properties

CREATOR = "pulumi-kubernetes"
"""Owns the fields of an object from its creation to its first change; the official provider's name."""
_TAKEN_OVER = (
    ("kubectl", "Apply"),
    ("kubectl", "Update"),
    ("before-first-apply", "Update"),
    (CREATOR, "Update"),
    ("pulumi-resource-kubernetes", "Update"),
)
"""How the name of a manager begins, and what it did."""


def take_over_patch(live: Mapping[str, Any], owner: str) -> list[Properties]:
    """A JSON patch that gives such fields to `owner`, unless the object has changed since; else empty."""
    entries = live["metadata"].get("managedFields") or []
    own = [entry for entry in entries if _is_owners(entry, owner)]
    taken = [entry for entry in entries if _is_taken_over(entry)]
    if not taken:
        return []
    merged = {**(own or taken)[0], "manager": owner, "operation": "Apply"}
    for entry in [*own, *taken]:
        merged["fieldsV1"] = _union(merged.get("fieldsV1") or {}, entry.get("fieldsV1") or {})
    others = [entry for entry in entries if entry not in own and entry not in taken]
    return [
        {"op": "test", "path": "/metadata/resourceVersion", "value": live["metadata"]["resourceVersion"]},
        {"op": "replace", "path": "/metadata/managedFields", "value": [*others, merged]},
    ]


def _is_owners(entry: Mapping[str, Any], owner: str) -> bool:
    return entry["manager"] == owner and entry["operation"] == "Apply" and not entry.get("subresource")


def _is_taken_over(entry: Mapping[str, Any]) -> bool:
    did = entry["operation"]
    return not entry.get("subresource") and any(
        entry["manager"].startswith(name) and did == operation for name, operation in _TAKEN_OVER
    )


def _union(left: Mapping[str, Any], right: Mapping[str, Any]) -> Properties:
    """Two sets of fields, each a tree of names."""
    return {key: _union(left.get(key) or {}, right.get(key) or {}) for key in {**left, **right}}
