"""Property values: conversion to gRPC, the state file and back is lossless; secrets are never shown."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.engine.state import values
from lab.engine.state.resources import Resource

pytestmark = pytest.mark.simulation

numbers = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
scalars = st.none() | st.booleans() | numbers | st.text() | st.just(values.UNKNOWN)
marked = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(), inner, max_size=4)
        | inner.map(values.secret)
        | inner.map(
            lambda value: {values.SIGNATURE: values.OUTPUT, "value": value, "dependencies": ["urn:a"]}
        )
        | st.just({values.SIGNATURE: values.OUTPUT})
        | st.just(values.reference("urn:x", "id-1"))
    ),
    max_leaves=12,
)
properties = st.dictionaries(st.text(min_size=1), marked, max_size=5)


def canonical(value):
    """Numbers as protobuf stores them: doubles only."""
    if isinstance(value, dict):
        return {key: canonical(item) for key, item in value.items()}
    if isinstance(value, list):
        return [canonical(item) for item in value]
    return (
        values.whole(float(value))
        if isinstance(value, (int, float)) and not isinstance(value, bool)
        else value
    )


@given(properties)
def test_the_wire_keeps_every_value(given_properties):
    back = values.from_struct(values.to_struct(given_properties))

    assert values.equal(canonical(given_properties), back)


@given(properties)
def test_the_state_keeps_every_value_and_no_secret_in_plain_text(given_properties):
    sealed = []

    def encrypt(text):
        sealed.append(text)
        return f"sealed-{len(sealed) - 1}"

    resource = Resource("urn:a", "t", custom=True, inputs=values.without_outputs(given_properties))
    written = json.loads(json.dumps(resource.to_json(encrypt)))
    back = Resource.from_json(written, lambda text: sealed[int(text.removeprefix("sealed-"))])

    assert values.equal(resource.inputs, back.inputs)
    assert values.has_secrets(resource.inputs) == bool(sealed)


@given(properties)
def test_downgraded_values_have_no_output_values_left(given_properties):
    downgraded = values.without_outputs(given_properties)

    assert not [item for item in values.walk(downgraded) if values.is_output(item)]
    assert values.has_secrets(given_properties) <= values.has_secrets(downgraded) or values.has_unknowns(
        downgraded
    )


@given(properties)
def test_upgrading_and_downgrading_loses_nothing(given_properties):
    downgraded = values.without_outputs(given_properties)

    assert values.equal(downgraded, values.without_outputs(values.as_outputs(downgraded)))


@given(properties)
def test_an_update_sends_a_provider_no_unknowns(given_properties):
    assert not values.has_unknowns(values.without_unknowns(values.without_outputs(given_properties)))


@given(st.text(min_size=8, alphabet="xyz"), properties)
def test_masked_values_show_no_secret(word, other):
    hidden = {
        "a": values.secret(word),
        "b": [values.secret({"c": word})],
        "d": {values.SIGNATURE: values.OUTPUT, "value": word, "secret": True},
    }
    shown = values.masked({**other, "hidden": hidden})["hidden"]

    assert shown == {"a": "[secret]", "b": ["[secret]"], "d": "[secret]"}


def test_a_typed_unknown_is_an_unknown():
    sent = values.to_struct({"a": "3eeb2bf0-c639-47a8-9e75-3b44932eb421"})

    assert values.from_struct(sent) == {"a": values.UNKNOWN}


def test_outputs_echoing_secret_inputs_are_secret_again():
    inputs = {
        "a": values.secret("x"),
        "b": {"c": values.secret("y"), "d": 1},
        "e": [1, values.secret(2)],
        "f": 1,
    }
    outputs = {"a": "x", "b": {"c": "y", "d": 1}, "e": [1, 2], "f": 1, "g": "new"}

    marked_again = values.mark_like(outputs, inputs)

    assert values.secret("x") == marked_again["a"]
    assert {"c": values.secret("y"), "d": 1} == marked_again["b"]
    assert values.secret([1, 2]) == marked_again["e"]
    assert (marked_again["f"], marked_again["g"]) == (1, "new")


def test_true_is_not_one():
    assert not values.equal({"a": [True]}, {"a": [1]})
    assert values.equal({"a": [1]}, {"a": [1.0]})


def test_a_reference_becomes_an_id_where_references_are_not_supported():
    properties_ = {"a": values.reference("urn:x", "id-1"), "b": values.reference("urn:y", None)}

    assert values.without_references(properties_) == {"a": "id-1", "b": "urn:y"}


def test_dependencies_inside_values_are_found():
    value = {"a": [{values.SIGNATURE: values.OUTPUT, "value": 1, "dependencies": ["urn:a", "urn:b"]}]}

    assert {"urn:a", "urn:b"} == values.dependencies_of(value)
