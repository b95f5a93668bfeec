"""Conversion of Pulumi's wire values to plain Python and back."""

import pytest
from google.protobuf import struct_pb2

from lab.providers.errors import RefusedError
from lab.providers.values import (
    OUTPUT,
    RESOURCE,
    SECRET,
    SIGNATURE,
    UNKNOWN,
    UNKNOWN_ON_THE_WIRE,
    Asset,
    Secret,
    decode,
    differences,
    encode,
    has_unknown,
    property_path,
)

pytestmark = pytest.mark.unit


def on_the_wire(value):
    struct = struct_pb2.Struct()
    struct.update({"value": value})
    return struct


@pytest.mark.parametrize(
    ("wire", "plain"),
    [
        (1.0, 1),
        (1.5, 1.5),
        (True, True),
        (None, None),
        (UNKNOWN_ON_THE_WIRE, UNKNOWN),
        ({SIGNATURE: SECRET, "value": {"a": ["b"]}}, {"a": ["b"]}),
        ({SIGNATURE: OUTPUT, "value": "x", "secret": True}, "x"),
        ({SIGNATURE: OUTPUT}, UNKNOWN),
        ({SIGNATURE: RESOURCE, "urn": "urn:pulumi:a::b::c::d", "id": "vpc-1"}, "vpc-1"),
        ({SIGNATURE: RESOURCE, "urn": "urn:pulumi:a::b::c::d", "id": ""}, UNKNOWN),
        ({SIGNATURE: RESOURCE, "urn": "urn:pulumi:a::b::c::d"}, "urn:pulumi:a::b::c::d"),
    ],
)
def test_decoded_values_are_plain(wire, plain):
    decoded = decode(on_the_wire(wire))["value"]
    assert decoded == plain
    assert type(decoded) is type(plain)


def test_an_unknown_kind_of_value_is_refused():
    with pytest.raises(RefusedError, match="0def7320"):
        decode(on_the_wire({SIGNATURE: "0def7320"}))


def test_encoding_and_decoding_is_lossless():
    properties = {"a": 1, "b": [True, {"c": UNKNOWN}], "d": "x", "e": Asset(path="values.yaml")}
    assert decode(encode(properties)) == properties


def test_nothing_is_sent_for_none():
    assert "a" not in encode({"a": None, "b": {"c": None}}).fields


def test_a_secret_is_encoded_as_secret_and_hidden_in_its_repr():
    marked = encode({"password": Secret("hunter2")}).fields["password"].struct_value
    assert marked.fields[SIGNATURE].string_value == SECRET
    assert "hunter2" not in repr(Secret("hunter2"))


def test_unknowns_are_found_at_any_depth():
    assert has_unknown({"a": [{"b": UNKNOWN}]})
    assert not has_unknown({"a": [{"b": "known"}]})


@pytest.mark.parametrize(
    ("parent", "key", "path"),
    [
        ("", "tags", "tags"),
        ("tags", "Name", "tags.Name"),
        ("tags", "kubernetes.io/cluster/a", 'tags["kubernetes.io/cluster/a"]'),
        ("subnetIds", 0, "subnetIds[0]"),
    ],
)
def test_paths_are_spelled_as_pulumi_does(parent, key, path):
    assert property_path(parent, key) == path


def test_differences_name_the_innermost_property():
    old = {"a": 1, "tags": {"x": "1", "y": "2"}, "list": ["a", "b"]}
    new = {"a": True, "tags": {"x": "1", "z": "3"}, "list": ["a", "c", "d"]}
    assert dict(differences(old, new)) == {
        "a": "update",
        "tags.y": "delete",
        "tags.z": "add",
        "list[1]": "update",
        "list[2]": "add",
    }


def test_an_unknown_always_differs():
    assert list(differences({"a": "x"}, {"a": UNKNOWN})) == [("a", "update")]
    assert not list(differences({"a": "x"}, {"a": "x"}))
