"""The schema of stack files, which editors read, knows what the model knows."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from pydantic import ValidationError

from eks_cilium.settings import read
from eks_cilium.settings.model import MODELS, Settings
from eks_cilium.settings.model.fields import Part
from eks_cilium.settings.reading import _model_for
from eks_cilium.settings.schema import FILE, schema
from tests.program.settings.bad_access import BAD_ACCESS
from tests.program.settings.bad_configurations import (
    BAD,
    EXISTING,
    GOOD,
    GOOD_CHAINING,
    GOOD_MESH,
    GOOD_NEW_CHAINING,
    GOOD_OVERLAY,
    GOOD_REPLACEMENT,
    Bad,
    changed,
)

pytestmark = pytest.mark.unit

ROOT = Path(__file__).resolve().parents[3]
EXAMPLES = sorted(ROOT.glob("stacks/Pulumi.*.yaml"))
STACK_FILES = sorted([*EXAMPLES, *ROOT.glob("lab/stacks/Pulumi.*.yaml")])
SCHEMA = schema()
VALIDATOR = jsonschema.Draft7Validator(SCHEMA)
IN_CODE = {"value_error", "assertion_error"}
"""What a model refuses in Python code of its own, which no schema has."""


def as_file(configuration: dict[str, Any]) -> dict[str, Any]:
    return {
        "config": {key if ":" in key else f"eks-cilium:{key}": value for key, value in configuration.items()}
    }


def refused_by_its_shape(bad: Bad) -> bool:
    document = changed(bad.base, bad.change)
    try:
        _model_for(document).model_validate(document, by_alias=True, by_name=False)
    except ValidationError as error:
        return any(details["type"] not in IN_CODE for details in error.errors())
    return False


OF_SHAPE = [bad for bad in (*BAD, *BAD_ACCESS) if refused_by_its_shape(bad)]


def test_the_file_is_the_one_generated_from_the_model():
    assert (ROOT / FILE).read_text() == json.dumps(SCHEMA, indent=1) + "\n", (
        f"run `python -m eks_cilium.settings.schema --write {FILE}`"
    )


def test_it_is_a_schema():
    jsonschema.Draft7Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("file", STACK_FILES, ids=lambda file: file.name)
def test_every_stack_file_names_the_schema_and_fits_it(file: Path):
    first = file.read_text().splitlines()[0]
    named = first.removeprefix("# yaml-language-server: $schema=")

    assert (file.parent / named).resolve() == ROOT / FILE
    VALIDATOR.validate(yaml.safe_load(file.read_text()))


@pytest.mark.parametrize(
    "good",
    [GOOD, EXISTING, GOOD_OVERLAY, GOOD_CHAINING, GOOD_NEW_CHAINING, GOOD_REPLACEMENT, GOOD_MESH],
)
def test_good_configurations_fit(good: dict[str, Any]):
    VALIDATOR.validate(as_file(good))


@pytest.mark.parametrize("bad", OF_SHAPE, ids=lambda bad: bad.name)
def test_every_configuration_of_a_wrong_shape_is_refused(bad: Bad):
    assert not VALIDATOR.is_valid(as_file(changed(bad.base, bad.change)))


def test_many_bad_configurations_are_of_a_wrong_shape():
    assert len(OF_SHAPE) > 50


@pytest.mark.parametrize("model", [model for models in MODELS.values() for model in models])
def test_every_key_explains_itself_in_an_editor(model: type[Settings]):
    properties = SCHEMA["$defs"][model.__name__]["properties"]

    assert len(properties) == len(model.model_fields)
    for key, found in properties.items():
        assert ":" in key
        referred = SCHEMA["$defs"].get(found.get("$ref", "").rpartition("/")[2], {})
        assert found.get("description") or referred["description"], key
        assert found["examples"], key


def test_values_of_other_packages_and_fields_of_pulumi_are_left_alone():
    VALIDATOR.validate(
        {"encryptionsalt": "v1:x", "config": {**as_file(GOOD)["config"], "kubernetes:cluster": "x"}}
    )


def defaults_in(model: Part, document: dict[str, Any], above: str = "") -> Iterator[str]:
    """The keys that are set to what they are without being set."""
    for name, field in type(model).model_fields.items():
        alias = field.alias or name
        key = alias if alias in document else f"eks-cilium:{alias}"
        if key not in document:
            continue
        value = getattr(model, name)
        if not field.is_required() and field.get_default(call_default_factory=True) == value:
            yield f"{above}{key}"
        parts = value if isinstance(value, dict) else {None: value}
        for inner, part in parts.items():
            if isinstance(part, Part):
                below = document[key] if inner is None else document[key][inner]
                yield from defaults_in(part, below, f"{above}{key}.")


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.name)
def test_the_examples_are_minimal_and_commented(file: Path):
    text = file.read_text()
    configuration = yaml.safe_load(text)["config"]
    raw = {
        key: value if isinstance(value, str) else json.dumps(value) for key, value in configuration.items()
    }

    assert list(defaults_in(read(raw), configuration)) == []
    assert len(re.findall(r"^ *# ", text, re.MULTILINE)) >= 4
