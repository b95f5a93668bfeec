"""How a key of the configuration is declared, and the kinds of text several parts share."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

ADDON_VERSION = r"^v\d+\.\d+\.\d+-eksbuild\.\d+$"


def option(default: Any = ..., *, says: str, allowed: str, example: Any, **constraints: Any) -> Any:
    """Describe one key: its meaning, the values it may have and one that is right."""
    return Field(
        default, description=says, json_schema_extra={"allowed": allowed, "example": example}, **constraints
    )


def one_of(choices: Collection[str]) -> Callable[[str], str]:
    """A check that a text is among the choices."""

    def check(text: str) -> str:
        if text not in choices:
            raise ValueError("not one of the choices")
        return text

    return check


def _network(text: str) -> str:
    ipaddress.IPv4Network(text)
    return text


Cidr = Annotated[str, AfterValidator(_network)]
"""An IPv4 network without host bits."""


class Part(BaseModel):
    """A part of the configuration: frozen, without unknown keys, spelled in camel case."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        populate_by_name=False,
        hide_input_in_errors=True,
    )
