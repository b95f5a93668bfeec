"""Generates `docs/configuration.md` from the model, so that the page cannot differ from it.

A developer runs it after changing a text in `settings/model/`; a test compares the page with the model.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any, get_args, get_origin

from pydantic import BaseModel

from eks_cilium.settings.generated_page import write_page
from eks_cilium.settings.model import MODELS
from eks_cilium.settings.model.fields import allowed_value
from eks_cilium.settings.problems import NAMESPACE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pydantic.fields import FieldInfo

_OPENING = """\
# Configuration

<!-- Written by `python -m eks_cilium.settings.reference --write docs/configuration.md`;
change the texts in eks_cilium/settings/model/. -->

One file per environment: `stacks/Pulumi.<environment>.yaml`. Every key can also be set from the command
line, as in `pulumi config set --path 'eks-cilium:nodeGroups.system.desiredSize' 3`. The first line of a file
names [its schema](../stacks/configuration.schema.json): editors with the YAML language server complete and
check the keys.

The whole configuration is checked before anything is created. A preview names every mistake, with its key,
what is allowed and how to fix it; an unknown key is a mistake. Keys of the `aws` package other than those
below are refused, because they would reach only one part of the program: credentials come from the
environment or from the profile.
"""


def main(arguments: Sequence[str]) -> int:
    """Write the page to the file that is named; without arguments only print the help."""
    return write_page(
        arguments,
        module="eks_cilium.settings.reference",
        description="Write the reference of the configuration.",
        file="docs/configuration.md",
        page=reference,
    )


def reference() -> str:
    written: dict[type[BaseModel], str] = {}
    modes = "\n".join(
        section
        for mode, kinds in MODELS.items()
        for settings in kinds
        for path, model in _models(settings, "")
        for section in _once(settings.title or f"Mode `{mode}`", path, model, written)
    )
    return f"{_OPENING}\n{modes}"


def _once(
    title: str, path: str, model: type[BaseModel], written: dict[type[BaseModel], str]
) -> Iterator[str]:
    """A section, or a line that refers to an earlier kind of stack with the same part."""
    if model in written and written[model] != title:
        yield f"### `{path}`\n\nAs in {written[model][:1].lower()}{written[model][1:]}.\n"
        return
    written[model] = title
    yield _section(title, path, model)


def _models(model: type[BaseModel], above: str) -> Iterator[tuple[str, type[BaseModel]]]:
    """A model and all models below it, each with the path that leads to it."""
    yield above, model
    for name, field in model.model_fields.items():
        inner, step = _inner(field.annotation)
        if inner is not None:
            path = f"{above}.{field.alias or name}" if above else _top(field.alias or name)
            yield from _models(inner, path + step)


def _top(alias: str) -> str:
    return alias if ":" in alias else f"{NAMESPACE}:{alias}"


def _inner(annotation: Any) -> tuple[type[BaseModel] | None, str]:
    """The model in an annotation, and what a path to its keys has to add."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, ""
    steps = {dict: ".<name>", tuple: "[n]"}
    for argument in get_args(annotation):
        inner, step = _inner(argument)
        if inner is not None:
            return inner, steps.get(get_origin(annotation), "") + step
    return None, ""


def _section(title: str, path: str, model: type[BaseModel]) -> str:
    heading = f"### `{path}`" if path else f"## {title}"
    doc = (model.__doc__ or "").strip()
    rows = "\n".join(_row(field, name, path) for name, field in model.model_fields.items())
    return f"{heading}\n\n{doc}\n\n| key | default | meaning | allowed |\n| --- | --- | --- | --- |\n{rows}\n"


def _row(field: FieldInfo, name: str, path: str) -> str:
    alias = field.alias or name
    key = alias if path else _top(alias)
    cells = (f"`{key}`", _default(field), field.description or "", allowed_value(field))
    return "| " + " | ".join(cell.replace("|", "\\|").replace("<", "&lt;") for cell in cells) + " |"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if value is None or value in ({}, ()) or isinstance(value, BaseModel):
        return ""
    return f"`{json.dumps(value)}`"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
