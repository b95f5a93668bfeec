"""Property values in Pulumi's wire format: JSON in which special objects carry a signature.

The engine keeps every value exactly as it was sent (secrets, references and output values are tagged objects,
an unknown is a fixed string), so a value passes from the program to a provider and the state file without
loss. All functions are pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from google.protobuf import struct_pb2

Value = Any
Properties = dict[str, Any]

SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - a type tag of the wire format
OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
REFERENCE = "5cf8f73096256a8f31e491e813e4eb8e"
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
# Older providers use one sentinel per type for unknown values.
_TYPED_UNKNOWNS = frozenset(
    {
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "030794c1-ac77-496b-92df-f27374a8bd58",
        "e48ece36-62e2-4504-bad9-02848725956a",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    }
)

_MAX_EXACT_INTEGER = 2**53


def from_struct(message: struct_pb2.Struct) -> Properties:
    return {key: _from_value(value) for key, value in message.fields.items()}


def _from_value(message: struct_pb2.Value) -> Value:
    kind = message.WhichOneof("kind")
    if kind == "string_value":
        return UNKNOWN if message.string_value in _TYPED_UNKNOWNS else message.string_value
    if kind == "struct_value":
        return from_struct(message.struct_value)
    if kind == "list_value":
        return [_from_value(item) for item in message.list_value.values]
    if kind == "number_value":
        return whole(message.number_value)
    if kind == "bool_value":
        return message.bool_value
    return None


def whole(number: float) -> int | float:
    """The number as an integer where this is exact, so that state files contain `1` instead of `1.0`."""
    if number.is_integer() and abs(number) <= _MAX_EXACT_INTEGER:
        return int(number)
    return number


def to_struct(properties: Mapping[str, Value]) -> struct_pb2.Struct:
    message = struct_pb2.Struct()
    for key, value in properties.items():
        _fill(message.fields[key], value)
    return message


def _fill(message: struct_pb2.Value, value: Value) -> None:
    if value is None:
        message.null_value = struct_pb2.NULL_VALUE
    elif isinstance(value, bool):
        message.bool_value = value
    elif isinstance(value, (int, float)):
        message.number_value = value
    elif isinstance(value, str):
        message.string_value = value
    elif isinstance(value, Mapping):
        message.struct_value.SetInParent()
        for key, item in value.items():
            _fill(message.struct_value.fields[key], item)
    elif isinstance(value, (list, tuple)):
        message.list_value.SetInParent()
        for item in value:
            _fill(message.list_value.values.add(), item)
    else:
        msg = f"a {type(value).__name__} is not a property value"
        raise TypeError(msg)


def _tag(value: Value) -> str | None:
    if isinstance(value, dict):
        tag = value.get(SIGNATURE)
        return tag if isinstance(tag, str) else None
    return None


def is_secret(value: Value) -> bool:
    """Whether the value itself, not a part of it, is marked secret."""
    return _tag(value) == SECRET


def is_output(value: Value) -> bool:
    """Whether it is an output value (with dependencies, possibly secret or unknown)."""
    return _tag(value) == OUTPUT


def is_reference(value: Value) -> bool:
    return _tag(value) == REFERENCE


def is_unknown(value: Value) -> bool:
    return isinstance(value, str) and value == UNKNOWN


def secret(value: Value) -> Value:
    return value if is_secret(value) else {SIGNATURE: SECRET, "value": value}


def reveal(value: Value) -> Value:
    """The value without its own secret mark."""
    return value.get("value") if is_secret(value) else value


def reference(urn: str, resource_id: str | None) -> Properties:
    """A reference to a resource; components have no id."""
    tagged: Properties = {SIGNATURE: REFERENCE, "urn": urn}
    if resource_id is not None:
        tagged["id"] = resource_id
    return tagged


def walk(value: Value) -> Iterator[Value]:
    """The value and every value inside it, including marks."""
    yield value
    if isinstance(value, dict):
        for item in value.values():
            yield from walk(item)
    elif isinstance(value, list):
        for item in value:
            yield from walk(item)


def has_unknowns(value: Value) -> bool:
    return any(is_unknown(item) or (is_output(item) and "value" not in item) for item in walk(value))


def has_secrets(value: Value) -> bool:
    return any(is_secret(item) or (is_output(item) and item.get("secret")) for item in walk(value))


def _rewrite(value: Value, change: Callable[[Value], Value]) -> Value:
    # Innermost values first, so that `change` sees children that were already changed.
    if isinstance(value, dict):
        return change({key: _rewrite(item, change) for key, item in value.items()})
    if isinstance(value, list):
        return change([_rewrite(item, change) for item in value])
    return change(value)


def rewrite(properties: Mapping[str, Value], change: Callable[[Value], Value]) -> Properties:
    return {key: _rewrite(value, change) for key, value in properties.items()}


def _plain_output(value: Value) -> Value:
    if is_secret(value) and is_secret(value["value"]):
        return value["value"]
    if not is_output(value):
        return value
    inner = value.get("value", UNKNOWN)
    return secret(inner) if value.get("secret") else inner


def without_outputs(properties: Mapping[str, Value]) -> Properties:
    """Convert output values to unknown, secret or plain values."""
    return rewrite(properties, _plain_output)


def without_secrets(properties: Mapping[str, Value]) -> Properties:
    """Remove all secret marks, for providers that do not support them."""
    return rewrite(properties, reveal)


def _id_of(value: Value) -> Value:
    if not is_reference(value):
        return value
    return value.get("id", value["urn"]) or UNKNOWN


def without_references(properties: Mapping[str, Value]) -> Properties:
    """Replace resource references by ids (URNs for components), for readers that do not support them."""
    return rewrite(properties, _id_of)


def without_unknowns(properties: Mapping[str, Value]) -> Properties:
    """Remove unknown values at any depth."""
    return {key: _drop_unknown(value) for key, value in properties.items() if not _is_unknown_inside(value)}


def _is_unknown_inside(value: Value) -> bool:
    return is_unknown(reveal(value)) or (is_output(value) and "value" not in value)


def _drop_unknown(value: Value) -> Value:
    if isinstance(value, dict):
        return {key: _drop_unknown(item) for key, item in value.items() if not _is_unknown_inside(item)}
    if isinstance(value, list):
        return [_drop_unknown(item) for item in value if not _is_unknown_inside(item)]
    return value


def as_outputs(properties: Mapping[str, Value]) -> Properties:
    """Convert unknown and secret values to output values, which component providers expect."""
    return {key: _as_output(value) for key, value in properties.items()}


def _as_output(value: Value) -> Value:
    if is_output(value) or is_reference(value):
        return value
    if is_unknown(value):
        return {SIGNATURE: OUTPUT}
    if is_secret(value):
        inner = value["value"]
        tagged = {SIGNATURE: OUTPUT, "secret": True}
        return tagged if is_unknown(inner) else {**tagged, "value": inner}
    if isinstance(value, dict):
        return as_outputs(value)
    if isinstance(value, list):
        return [_as_output(item) for item in value]
    return value


def dependencies_of(value: Value) -> set[str]:
    """The URNs named by output values inside the value."""
    found: set[str] = set()
    for item in walk(value):
        if is_output(item):
            found.update(item.get("dependencies", []))
    return found


def mark_like(outputs: Mapping[str, Value], inputs: Mapping[str, Value]) -> Properties:
    """Mark outputs secret where the input of the same key was secret.

    A provider that does not support secrets returns them unmarked. Objects are compared key by key; a list
    with a secret in it becomes secret as a whole, since its elements may have moved.
    """
    return {key: _mark_value_like(value, inputs.get(key)) for key, value in outputs.items()}


def _mark_value_like(value: Value, pattern: Value) -> Value:
    if is_secret(pattern):
        return secret(value)
    if (
        isinstance(value, dict)
        and isinstance(pattern, dict)
        and _tag(value) is None
        and _tag(pattern) is None
    ):
        return mark_like(value, pattern)
    if isinstance(pattern, list) and has_secrets(pattern):
        return secret(value)
    return value


def mark_keys(properties: Mapping[str, Value], keys: Iterable[str]) -> Properties:
    names = set(keys)
    return {key: secret(value) if key in names else value for key, value in properties.items()}


def masked(value: Value) -> Value:
    """The value for display: `[secret]` for secrets, `[unknown]` for unknown values."""

    def cover(item: Value) -> Value:
        if is_secret(item):
            return "[secret]"
        return "[unknown]" if is_unknown(item) else item

    return _rewrite(_rewrite(value, _plain_output), cover)


def revealed(value: Value) -> Value:
    """The value with all secrets in plain text, for `--show-secrets` and for programs."""
    return _rewrite(_rewrite(value, _plain_output), reveal)


def equal(left: Value, right: Value) -> bool:
    """Deep equality in which `True` differs from `1`."""
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(equal(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(equal, left, right))
    return isinstance(left, bool) == isinstance(right, bool) and bool(left == right)
