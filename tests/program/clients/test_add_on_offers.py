"""Whether the configuration of an add-on fits the schema that EKS has for it."""

import json
from typing import Any

import pytest

from eks_cilium.clients.add_on_offers import misfits

pytestmark = pytest.mark.unit

CLOSED = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "type": "object",
    "additionalProperties": False,
    "properties": {"replicas": {"type": "integer"}, "args": {"type": "array", "items": {"type": "string"}}},
}


@pytest.mark.parametrize(
    ("values", "places"),
    [
        ({}, []),
        ({"replicas": 2, "args": ["a"]}, []),
        ({"replicas": "2"}, [("replicas",)]),
        ({"args": ["a", 5]}, [("args", 1)]),
        ({"replica": 2}, [()]),
        ({"args": [1, 2, 3, 4, 5]}, [("args", 0), ("args", 1), ("args", 2)]),
    ],
)
def test_where_values_do_not_fit(values: dict[str, Any], places: list[tuple[str | int, ...]]) -> None:
    assert [place for place, _ in misfits(values, json.dumps(CLOSED))] == places


def test_without_a_schema_everything_fits() -> None:
    assert list(misfits({"a": 1}, "")) == []


def test_a_schema_in_another_document_is_left_to_eks() -> None:
    elsewhere = {"properties": {"a": {"$ref": "https://example.com/schema.json"}}}

    assert list(misfits({"a": 1}, json.dumps(elsewhere))) == []
