"""Generates `stacks/configuration.schema.json` from the model: what editors know about a stack's file.

A developer runs it after changing `settings/model/`; a test compares the file with the model. Each stack file
names it in its first line, for the YAML language server of editors. Draft 7 is the one that it knows best.
Rules between keys are not in it: a preview and `eks-cilium check` apply those.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from pydantic.json_schema import models_json_schema

from eks_cilium.settings.generated_page import write_page
from eks_cilium.settings.model import MODELS, NewChainedClusterSettings, Settings
from eks_cilium.settings.problems import NAMESPACE

if TYPE_CHECKING:
    from collections.abc import Sequence

FILE = "stacks/configuration.schema.json"
_OTHER_PACKAGES = f"^(?!{NAMESPACE}:|aws:)"
_REFERENCE = "#/$defs/{model}"


def main(arguments: Sequence[str]) -> int:
    """Write the schema to the file that is named; without arguments only print the help."""
    return write_page(
        arguments,
        module="eks_cilium.settings.schema",
        description="Write the JSON schema of stack files.",
        file=FILE,
        page=lambda: json.dumps(schema(), indent=1) + "\n",
    )


def schema() -> dict[str, Any]:
    """The schema of a stack's file, in draft 7: the keys of `config` depend on the mode."""
    definitions = _definitions()
    for models in MODELS.values():
        for model in models:
            definitions[model.__name__] = _as_in_a_file(definitions[model.__name__])
    mode, region = f"{NAMESPACE}:mode", "aws:region"
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "A stack's file of eks-cilium, written by `python -m eks_cilium.settings.schema`",
        "type": "object",
        "required": ["config"],
        "properties": {
            "config": {
                "type": "object",
                "required": [mode, region],
                "properties": {mode: {"enum": list(MODELS)}},
                "allOf": [_branch(mode, name, models) for name, models in MODELS.items()],
            }
        },
        "$defs": definitions,
    }


def _definitions() -> dict[str, Any]:
    models = [(model, "validation") for models in MODELS.values() for model in models]
    _, document = models_json_schema(models, by_alias=True)  # type: ignore[arg-type]  # a list is invariant
    definitions: dict[str, Any] = document["$defs"]
    return {name: _for_editors(definition) for name, definition in definitions.items()}


def _branch(mode: str, name: str, models: tuple[type[Settings], ...]) -> dict[str, Any]:
    """What follows from a mode; `anyOf` would report each mistake once for every kind of stack."""
    then: dict[str, Any] = {"$ref": _REFERENCE.format(model=models[0].__name__)}
    if len(models) > 1:
        then = {"if": _MAKES_A_CLUSTER, "then": {"$ref": _NEW_CHAINED}, "else": then}
    return {"if": {"required": [mode], "properties": {mode: {"const": name}}}, "then": then}


def _as_in_a_file(definition: dict[str, Any]) -> dict[str, Any]:
    """The top level of a configuration, its keys with the package, as Pulumi stores them."""
    return {
        **definition,
        "properties": {_full(key): value for key, value in definition["properties"].items()},
        "required": [_full(key) for key in definition["required"]],
        "patternProperties": {_OTHER_PACKAGES: {}},
    }


def _full(key: str) -> str:
    return key if ":" in key else f"{NAMESPACE}:{key}"


def _for_editors(node: Any) -> Any:
    """Pydantic's schema, with `allowed` and `example` of `option` in the words of JSON schema."""
    if isinstance(node, list):
        return [_for_editors(item) for item in node]
    if not isinstance(node, dict):
        return node
    found = {key: _for_editors(value) for key, value in node.items() if not _is_title(key, value)}
    if isinstance(found.get("allowed"), str) and "example" in found:
        allowed, example = found.pop("allowed"), found.pop("example")
        says = " ".join(filter(None, (found.get("description"), allowed and f"Allowed: {allowed}.")))
        # Pydantic leaves the text out where it is that of the model which is referred to.
        found |= {"description": says} if says else {}
        found["examples"] = [example]
    return found


def _is_title(key: str, value: Any) -> bool:
    # Pydantic makes titles of names; a property that is called so has an object for its value.
    return key == "title" and isinstance(value, str)


_NEW_CHAINED = _REFERENCE.format(model=NewChainedClusterSettings.__name__)
_CLUSTER = f"{NAMESPACE}:cluster"
_MAKES_A_CLUSTER = {
    "properties": {_CLUSTER: {"required": ["existing"], "properties": {"existing": {"const": False}}}}
}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
