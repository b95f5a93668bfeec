"""Converts Pulumi's property values between their gRPC form and plain Python.

A provider works with plain dictionaries. Two values have no plain form: one that is not known yet (`UNKNOWN`,
in previews only) and, in results, one that must be encrypted in the state (`Secret`). In requests, secrets
are decoded to their values, output values too, and a resource reference becomes the id of that resource.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, cast

from google.protobuf import struct_pb2

from lab.providers.errors import RefusedError

Properties = dict[str, Any]
Kind = Literal["add", "delete", "update"]

SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
SECRET: Final = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105  # marks a secret, is none
OUTPUT: Final = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
RESOURCE: Final = "5cf8f73096256a8f31e491e813e4eb8e"
ASSET: Final = "c44067f5952c0a294b673a41bacd8c17"
UNKNOWN_ON_THE_WIRE: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


class Unknown:
    """The type of `UNKNOWN`, its single instance."""

    def __repr__(self) -> str:
        return "UNKNOWN"

    def __deepcopy__(self, memo: object) -> "Unknown":
        return self


UNKNOWN: Final = Unknown()


@dataclass(frozen=True)
class Secret:
    """Marks a returned value as secret; `repr` never shows it."""

    value: Any

    def __repr__(self) -> str:
        return "Secret(...)"


@dataclass(frozen=True)
class Asset:
    """A file or text given as an asset: one of `path`, `text` and `uri`."""

    path: str | None = None
    text: str | None = None
    uri: str | None = None


def decode(struct: struct_pb2.Struct) -> Properties:
    return {key: _decode(value) for key, value in struct.fields.items()}


def encode(properties: Mapping[str, Any]) -> struct_pb2.Struct:
    # Only here is None left out: Pulumi sends null inside of an object, and Helm takes such a key away
    # (pulumi/pulumi-kubernetes#2997).
    struct = struct_pb2.Struct()
    struct.update({key: _encode(value) for key, value in properties.items() if value is not None})
    return struct


def _decode(value: struct_pb2.Value) -> Any:
    match value.WhichOneof("kind"):
        case "struct_value":
            return _decode_object(dict(value.struct_value.fields))
        case "list_value":
            return [_decode(item) for item in value.list_value.values]
        case "string_value":
            return UNKNOWN if value.string_value == UNKNOWN_ON_THE_WIRE else value.string_value
        case "number_value":
            return int(value.number_value) if value.number_value.is_integer() else value.number_value
        case "bool_value":
            return value.bool_value
        case _:
            return None


def _decode_object(fields: dict[str, struct_pb2.Value]) -> Any:
    if SIGNATURE not in fields:
        return {key: _decode(item) for key, item in fields.items()}
    match fields[SIGNATURE].string_value:
        case s if s == SECRET:
            return _decode(fields["value"])
        case s if s == OUTPUT:
            return _decode(fields["value"]) if "value" in fields else UNKNOWN
        case s if s == RESOURCE:
            return _decode_reference(fields)
        case s if s == ASSET:
            return Asset(
                **{key: fields[key].string_value for key in ("path", "text", "uri") if key in fields}
            )
        case other:
            raise RefusedError(f"a property value of an unsupported kind (signature {other})")


def _decode_reference(fields: dict[str, struct_pb2.Value]) -> Any:
    # A component has no id and is identified by its URN.
    if "id" not in fields:
        return fields["urn"].string_value
    identifier = _decode(fields["id"])
    return UNKNOWN if identifier == "" else identifier


def _encode(value: Any) -> Any:
    match value:
        case Unknown():
            return UNKNOWN_ON_THE_WIRE
        case Secret():
            return {SIGNATURE: SECRET, "value": _encode(value.value)}
        case Asset():
            given = {"path": value.path, "text": value.text, "uri": value.uri}
            return {SIGNATURE: ASSET} | {key: text for key, text in given.items() if text is not None}
        case Mapping():
            return {str(key): _encode(item) for key, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_encode(item) for item in value]
        case _:
            return value


def has_unknown(value: Any) -> bool:
    match value:
        case Unknown():
            return True
        case Mapping():
            return any(has_unknown(item) for item in value.values())
        case list() | tuple():
            return any(has_unknown(item) for item in value)
        case _:
            return False


def property_path(parent: str, key: str | int) -> str:
    """A property path: `tags.Name`, `tags["a/b"]`, `subnetIds[0]`."""
    if isinstance(key, int):
        return f"{parent}[{key}]"
    if not all(character.isalnum() or character in "_-" for character in key) or not key:
        escaped = key.replace("\\", "\\\\").replace('"', '\\"')
        return f'{parent}["{escaped}"]'
    return f"{parent}.{key}" if parent else key


def differences(old: Any, new: Any, path: str = "") -> Iterator[tuple[str, Kind]]:
    """The differences of two values: pairs of property path and `add`, `delete` or `update`."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        yield from _differing_items(dict(old), dict(new), path)
    elif isinstance(old, list) and isinstance(new, list):
        yield from _differing_items(_indexed(old), _indexed(new), path)
    elif isinstance(new, Unknown) or type_strict_key(old) != type_strict_key(new):
        yield path, "update"


def _indexed(items: list[Any]) -> dict[str | int, Any]:
    return cast("dict[str | int, Any]", dict(enumerate(items)))


def _differing_items(old: dict[Any, Any], new: dict[Any, Any], path: str) -> Iterator[tuple[str, Kind]]:
    for key in {**old, **new}:
        inner = property_path(path, key)
        if key not in new:
            yield inner, "delete"
        elif key not in old:
            yield inner, "add"
        else:
            yield from differences(old[key], new[key], inner)


def type_strict_key(value: Any) -> tuple[bool, Any]:
    # In Python `True == 1`; in Pulumi they differ.
    return isinstance(value, bool), value


def parse_option(text: Any) -> Any:
    # SDKs send every option that is not a string as JSON in a string.
    if not isinstance(text, str):
        return text
    try:
        parsed = json.loads(text)
    except ValueError:
        return text
    return parsed if isinstance(parsed, bool | Mapping | list) else text
