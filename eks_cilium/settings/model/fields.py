"""How a key of the configuration is declared, and the kinds of text that several parts share."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema
from pydantic.alias_generators import to_camel

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from pydantic.fields import FieldInfo

ADDON_VERSION = r"^v\d+\.\d+\.\d+-eksbuild\.\d+$"


LogRetention = Literal[1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731]
RETENTIONS = "a retention that CloudWatch offers: " + ", ".join(map(str, get_args(LogRetention)))


def option(default: Any = ..., *, says: str, allowed: str = "", example: Any, **constraints: Any) -> Any:
    """Declare one key of the configuration.

    Args:
        default: Its value when it is not set; the key is required without one.
        says: What the key means, for docs/configuration.md.
        allowed: The values it may have, for messages; for an object of a model, the model's keys when empty.
        example: A value that is right, for the command that fixes a wrong one.
        constraints: Constraints of pydantic such as `pattern`.
    """
    return Field(
        default, description=says, json_schema_extra={"allowed": allowed, "example": example}, **constraints
    )


def allowed_value(field: FieldInfo) -> str:
    """What a key may be, in words."""
    allowed = str(_extra(field).get("allowed") or "")
    model = model_in(field.annotation)
    return allowed or (_object_of(model) if model is not None else "")


def example_of(field: FieldInfo | None) -> Any:
    """A value of a key that is right."""
    return _extra(field).get("example", "...") if field is not None else "..."


def model_in(annotation: Any) -> type[BaseModel] | None:
    """The model in an annotation, which may be optional, or an item of a tuple or dict."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = map(model_in, get_args(annotation))
    return next((model for model in found if model is not None), None)


def _extra(field: FieldInfo) -> dict[str, Any]:
    return field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}


def _object_of(model: type[BaseModel]) -> str:
    keys = {field.alias or name: field.is_required() for name, field in model.model_fields.items()}
    required = [key for key, is_required in keys.items() if is_required]
    optional = [key for key, is_required in keys.items() if not is_required]
    any_of = f"any of {', '.join(optional)}" if len(optional) > 1 else "".join(optional)
    return f"an object with {', and '.join(filter(None, (' and '.join(required), any_of)))}"


def one_of(choices: Collection[str]) -> Callable[[str], str]:
    def check(text: str) -> str:
        if text not in choices:
            raise ValueError("not one of the choices")
        return text

    return check


def _network(text: str) -> str:
    ipaddress.IPv4Network(text)
    return text


SecurityGroupId = Annotated[str, Field(pattern=r"^sg-[0-9a-f]{8,17}$")]
"""The id of a security group."""

Cidr = Annotated[
    str,
    AfterValidator(_network),
    WithJsonSchema({"type": "string", "pattern": r"^(\d{1,3}\.){3}\d{1,3}/\d{1,2}$"}),
]
"""An IPv4 network without host bits."""


class Part(BaseModel):
    """A part of the configuration: frozen, without unknown keys, its keys in camel case."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        # In code fields go by their names; `settings.reading` accepts aliases alone.
        populate_by_name=True,
        hide_input_in_errors=True,
    )

    def changed(self, *, without: Collection[str] = ()) -> dict[str, Any]:
        """What differs from the defaults, spelled as in the configuration; some fields left out.

        `model_validate` makes the same value of it again, even when Pulumi has made floats of its numbers.
        """
        return self.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude=set(without))


def key_of(part: type[Part], field: str) -> str:
    """How a field is spelled in the configuration."""
    return part.model_fields[field].alias or field
