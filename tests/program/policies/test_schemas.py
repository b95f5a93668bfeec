"""The stored schemas are those of the real definitions, and they name what is wrong with a rule."""

import json
from typing import Any

import pytest

from eks_cilium.cilium import crds
from eks_cilium.cilium.crds import extraction, rule_schema, violations
from eks_cilium.cilium.versions import TRIED
from lab.toolchain import Toolchain

ANYTHING: dict[str, Any] = {"endpointSelector": {}, "egress": [{}]}


@pytest.mark.charts
@pytest.mark.parametrize("version", TRIED)
def test_the_stored_schema_is_that_of_the_definitions(toolchain: Toolchain, version: str) -> None:
    assert rule_schema(version) == extraction.extract(toolchain.crds(version) / "v2")


@pytest.mark.unit
@pytest.mark.parametrize("version", TRIED)
def test_a_sound_rule_is_sound_in_every_version(version: str) -> None:
    assert violations(version, ANYTHING) == []


@pytest.mark.unit
@pytest.mark.parametrize(
    ("rule", "path", "allowed"),
    [
        ({**ANYTHING, "egres": []}, ("egres",), "no such key"),
        (
            {**ANYTHING, "egress": [{"toEntities": ["wrld"]}]},
            ("egress", 0, "toEntities", 0),
            "one of all, world",
        ),
        ({**ANYTHING, "egress": {}}, ("egress",), "a list"),
        ({"egress": [{}]}, (), "exactly one of endpointSelector, nodeSelector"),
        ({"endpointSelector": {}}, (), "at least one of ingress, ingressDeny, egress, egressDeny"),
        (
            {**ANYTHING, "egress": [{"toPorts": [{"ports": [{"protocol": "TCP", "port": 80}]}]}]},
            ("egress", 0, "toPorts", 0, "ports", 0, "port"),
            "a string",
        ),
        (
            {**ANYTHING, "egress": [{"toCIDR": ["10.0.0.0/33"]}]},
            ("egress", 0, "toCIDR", 0),
            "a network such as",
        ),
        (
            {"endpointSelector": {"matchExpressions": [{"key": "a"}]}, "egress": [{}]},
            ("endpointSelector", "matchExpressions", 0, "operator"),
            "required",
        ),
    ],
)
def test_a_violation_says_where_it_is_and_what_is_allowed(
    rule: dict[str, Any], path: tuple[str | int, ...], allowed: str
) -> None:
    (found,) = violations("1.19.7", rule)

    assert found.path == path
    assert found.allowed.startswith(allowed)


@pytest.mark.unit
def test_an_unknown_key_names_the_nearest_known_key() -> None:
    (found,) = violations("1.19.7", {**ANYTHING, "egress": [{"toEndpoint": []}]})

    assert found.nearest == "toEndpoints"


@pytest.mark.unit
def test_each_version_has_keys_of_its_own() -> None:
    assert [version for version in TRIED if crds.knows(version, "endPort")] == [
        *("1.16.19", "1.17.15", "1.18.11", "1.19.7", "1.20.2")
    ]
    assert violations("1.15.19", {**ANYTHING, "enableDefaultDeny": {"egress": False}})
    assert not violations("1.16.19", {**ANYTHING, "enableDefaultDeny": {"egress": False}})


@pytest.mark.unit
def test_repeated_parts_of_a_schema_are_stored_once_and_validate_the_same() -> None:
    part = {
        "type": "object",
        "properties": {key: {"type": "string"} for key in "abcdefgh"},
        "additionalProperties": False,
    }
    schema = {"type": "object", "properties": {"one": part, "two": {"type": "array", "items": part}}}

    shared = extraction.shared(schema)

    assert shared["properties"] == {
        "one": {"$ref": "#/$defs/one"},
        "two": {"type": "array", "items": {"$ref": "#/$defs/one"}},
    }
    assert len(json.dumps(shared)) < len(json.dumps(schema))
