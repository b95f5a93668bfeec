"""The options of a migration on the command line, made from the model of the configuration.

`eks-cilium plan` calls it, so that an option of the command has the name, default, limits and meaning of its
key in the configuration.
"""

from __future__ import annotations

import textwrap
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import typer
from pydantic import ValidationError

from eks_cilium.errors import UserError
from eks_cilium.settings.model.fields import allowed_value, key_of
from eks_cilium.settings.model.migration import Allow, MigrationOptions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pydantic.fields import FieldInfo
    from typer.models import OptionInfo

DEFAULTS = MigrationOptions()
"""What is planned without any option."""

ONLY = "either nodes=NUMBER, from 1, or groups=PATTERN, which may be repeated"

_SWITCHES = {key_of(Allow, name): name for name in Allow.switches()}
_PATTERNS = {key_of(Allow, name): name for name in Allow.patterns()}
_EXCEPTIONS = f"{', '.join(_SWITCHES)}, {', '.join(f'{key}=PATTERN' for key in _PATTERNS)}"


def option_of(field: str, panel: str, metavar: str | None = None) -> OptionInfo:
    """Make the option for a key of `migration` in the configuration, with its meaning and limits as help.

    `metavar` names what to write where that is not a choice; the help says then which values are allowed.
    """
    model = MigrationOptions.model_fields[field]
    limits = f" Allowed: {allowed_value(model)}." if metavar else ""
    info: OptionInfo = typer.Option(
        f"--{field.replace('_', '-')}",
        metavar=metavar,
        help=f"{model.description}{limits}",
        rich_help_panel=panel,
    )
    return info


def exceptions_help() -> str:
    """List what `--allow` takes, one exception after the other with its meaning, as an indented paragraph."""
    return "\n".join(line for name in Allow.model_fields for line in _exception_help(name))


def _exception_help(name: str) -> Iterator[str]:
    key, field = key_of(Allow, name), Allow.model_fields[name]
    if name in Allow.switches():
        yield f"  {key}"
        yield textwrap.indent(textwrap.fill(str(field.description), 70), "      ")
    else:
        yield f"  {key}=PATTERN"
        text = f"{field.description} PATTERN: {_items(field)}."
        yield textwrap.indent(textwrap.fill(text, 70), "      ")


def _items(field: FieldInfo) -> str:
    """What one item of a list may be, in the words for the list."""
    return allowed_value(field).removeprefix("a list of ")


def migration_options(
    chosen: Mapping[str, Any], allow: Iterable[str], only: Iterable[str] = ()
) -> MigrationOptions:
    """Make the options of a migration from the values of a command line, by the names of the model's fields.

    `allow` holds texts such as `karpenterNodes` and `barePods=debug/*`, `only` texts such as `nodes=2` and
    `groups=eks-workers-*`. Raises UserError for a value that the configuration would not take either.
    """
    given = {**chosen, "allow": _exceptions(allow), "only": _part(only)}
    try:
        return MigrationOptions.model_validate(given)
    except ValidationError as error:
        raise UserError("\n  ".join(map(_problem, error.errors(include_url=False)))) from None


def _exceptions(written: Iterable[str]) -> Mapping[str, Any]:
    chosen: dict[str, Any] = defaultdict(list)
    for text in written:
        key, _, pattern = text.partition("=")
        if key in _PATTERNS and pattern:
            chosen[key].append(pattern)
        elif key in _SWITCHES and not pattern:
            chosen[key] = True
        else:
            raise UserError(f"--allow {text}: allowed are {_EXCEPTIONS}")
    return chosen


def _part(written: Iterable[str]) -> Mapping[str, Any] | None:
    chosen: dict[str, Any] = {}
    for text in written:
        key, _, value = text.partition("=")
        if key == "groups" and value:
            chosen.setdefault(key, []).append(value)
        elif key == "nodes" and value.isdigit():
            chosen[key] = int(value)
        else:
            raise UserError(f"--only {text}: allowed are {ONLY}")
    return chosen or None


def _problem(details: Any) -> str:
    key, *below = details["loc"]
    if key == "only":
        return f"--only {details['input']}: allowed are {ONLY}"
    if below:
        field = Allow.model_fields[_PATTERNS[below[0]]]
        return f"--allow {below[0]}={details['input']}: allowed are {_items(field)}"
    field = next(field for name, field in MigrationOptions.model_fields.items() if key in (name, field.alias))
    return f"--{key} is {details['input']}: allowed are {allowed_value(field)}"
