"""The schemas of Cilium's policies, so that a typing error in a policy is refused instead of dropped.

An API server silently drops keys that a CustomResourceDefinition does not have. `<minor>.json` beside this
file holds the schema of a rule in the definitions of the newest patch of that minor that was tried.
`python -m lab.toolchain release` writes it; a test compares it with the real definitions.
`eks_cilium.policy` checks policies by it.
"""

from __future__ import annotations

import difflib
import ipaddress
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator, FormatChecker

from eks_cilium.cilium.versions import minor_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

API_VERSION = "cilium.io/v2"
NAMESPACED, CLUSTERWIDE = "CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy"

KeyPath = tuple[str | int, ...]
_FORMATS = FormatChecker(formats=())
_NETWORKS = frozenset({"toCIDR", "fromCIDR", "cidr", "except"})


@dataclass(frozen=True)
class Violation:
    """A key or value of an object that its definition does not allow."""

    path: KeyPath
    value: Any
    allowed: str
    nearest: str | None = None
    """For an unknown key, the nearest known key."""


@cache
def rule_schema(version: str) -> Mapping[str, Any]:
    """The JSON Schema of a rule (`spec`, or an entry of `specs`) in that Cilium version."""
    schema: Mapping[str, Any] = json.loads(file_of(version).read_text())
    return schema


def file_of(version: str) -> Path:
    """Where the schema of a version's minor is kept."""
    return Path(__file__).parent / f"{minor_text(version)}.json"


def write(file: Path, schema: Mapping[str, Any]) -> None:
    """Write the schema of a rule."""
    file.write_text(json.dumps(schema, indent=1, sort_keys=True) + "\n")


def violations(version: str, rule: Any, above: KeyPath = ()) -> list[Violation]:
    """What the definitions of that version do not allow in a rule. `above` is put before each path."""
    found = sorted(_validator(version).iter_errors(rule), key=lambda error: list(map(str, error.path)))
    return [violation for error in found for violation in _violations(error, above)]


def knows(version: str, key: str) -> bool:
    """Whether any part of a rule has that key in that version; `endPort`, for example, exists since 1.16."""
    return json.dumps(key) + ":" in _text(version)


@cache
def _text(version: str) -> str:
    return json.dumps(rule_schema(version))


@cache
def _validator(version: str) -> Draft202012Validator:
    return Draft202012Validator(rule_schema(version), format_checker=_FORMATS)


@_FORMATS.checks("cidr", raises=ValueError)
def _is_network(text: object) -> bool:
    """Checks the format as Kubernetes does: host bits may be set, but the prefix length is required."""
    return not isinstance(text, str) or ("/" in text and bool(ipaddress.ip_network(text, strict=False)))


def _violations(error: Any, above: KeyPath) -> Iterator[Violation]:
    path = (*above, *error.absolute_path)
    if error.validator == "additionalProperties":
        yield from _unknown_keys(error, path)
    elif error.validator == "required":
        missing = [key for key in error.validator_value if key not in error.instance]
        yield from (Violation((*path, key), None, f"required in {_last(path)}") for key in missing)
    else:
        yield Violation(path, error.instance, _allowed(error))


def _unknown_keys(error: Any, path: KeyPath) -> Iterator[Violation]:
    known = sorted(error.schema["properties"])
    for key in error.instance:
        if key not in known:
            near = difflib.get_close_matches(str(key), known, n=1, cutoff=0.6)
            allowed = f"no such key; known here: {', '.join(known)}"
            yield Violation((*path, key), error.instance[key], allowed, near[0] if near else None)


def _allowed(error: Any) -> str:
    match error.validator:
        case "oneOf" | "anyOf":
            return _alternatives(error)
        case "type":
            return _a(error.validator_value)
        case "enum":
            return f"one of {', '.join(map(str, error.validator_value))}"
        case "format" | "pattern" if _NETWORKS.intersection(error.absolute_path):
            return "a network such as 10.0.0.0/16, also for a single address"
        case "pattern":
            return f"a text that matches {error.validator_value}"
    return f"{error.validator} {error.validator_value}"


def _alternatives(error: Any) -> str:
    """The alternatives in these definitions: either keys of which some are required, or types."""
    keys = [key for choice in error.validator_value for key in choice.get("required", ())]
    if not keys:
        return " or ".join(_a(choice["type"]) for choice in error.validator_value)
    amount = "exactly one" if error.validator == "oneOf" else "at least one"
    return f"{amount} of {', '.join(keys)}"


def _a(kind: str) -> str:
    if kind == "array":
        return "a list"
    return f"{'an' if kind[0] in 'aio' else 'a'} {kind}"


def _last(path: KeyPath) -> str:
    return str(path[-1]) if path else "the rule"
