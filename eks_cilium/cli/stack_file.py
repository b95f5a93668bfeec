"""Reads the file of a Pulumi stack as Pulumi hands it to a program, without Pulumi and without decrypting.

Called by `eks-cilium check`. Values become text, objects JSON; the project's own defaults (`config:` of
`Pulumi.yaml`) stand below the stack's values; keys without a namespace are the project's.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from eks_cilium.errors import UserError
from eks_cilium.settings.problems import NAMESPACE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KeyPath = tuple[str | int, ...]
"""A key and the way into its value, as `settings.Problem.path` has it: `("cluster", "admins", 0)`."""

PROJECT_FILE = "Pulumi.yaml"
_HIDDEN = "(encrypted)"


@dataclass(frozen=True)
class StackFile:
    """The configuration of one stack."""

    path: Path
    project: Path
    """Folder of `Pulumi.yaml`, where the program runs; the working directory where there is none."""
    values: dict[str, str]
    """The values by full key such as `eks-cilium:cluster`, without what is encrypted."""
    masked_values: dict[str, str]
    """The same, with a text in place of each encrypted value."""
    encrypted: tuple[KeyPath, ...]
    """Where encrypted values are."""

    @property
    def mode(self) -> str | None:
        """What the stack is for, as it is written; None where it is not set."""
        return self.masked_values.get(f"{NAMESPACE}:mode")


def read_stack_file(path: Path) -> StackFile:
    """Read a stack's file and the project it belongs to, which is searched from the file's folder upwards.

    Raises UserError for a file that cannot be read, is not YAML, or is not the file of a stack.
    """
    document = _document(path)
    if "runtime" in document:
        raise UserError(
            f"{path} is the project's file: give the file of a stack, such as stacks/Pulumi.dev.yaml"
        )
    project = _project_folder(path)
    settings = _document(project / PROJECT_FILE) if project else {}
    name = str(settings.get("name") or NAMESPACE)
    written = {**_defaults(settings, name), **_named(_config(path, document), name)}
    encrypted = tuple(place for key, value in written.items() for place in _encrypted(value, (_top(key),)))
    readable = {key: _without(value) for key, value in written.items() if not _is_encrypted(value)}
    return StackFile(
        path=path,
        project=project or path.cwd(),
        values={key: _as_text(value) for key, value in readable.items()},
        masked_values={key: _as_text(_masked(value)) for key, value in written.items()},
        encrypted=encrypted,
    )


def _document(path: Path) -> dict[str, Any]:
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"cannot read {path}: it is not UTF-8 text") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f" in line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise UserError(f"{path} is not YAML{where}: {error.problem}") from error
    except yaml.YAMLError as error:
        raise UserError(f"{path} is not YAML: {error}") from error
    if document is not None and not isinstance(document, dict):
        raise UserError(f"{path} is not a Pulumi file: it has to be an object with the key `config`")
    return document or {}


def _config(path: Path, document: dict[str, Any]) -> dict[str, Any]:
    config = document.get("config")
    if config is not None and not isinstance(config, dict):
        raise UserError(f"{path}: `config` has to be an object of keys such as {NAMESPACE}:mode")
    return config or {}


def _project_folder(path: Path) -> Path | None:
    return next(
        (folder for folder in path.resolve().parents if (folder / PROJECT_FILE).is_file()),
        None,
    )


def _defaults(settings: dict[str, Any], project: str) -> dict[str, Any]:
    """The values that `config` of the project's file gives every stack; the rest of it is a schema."""
    found: dict[str, Any] = {}
    for key, value in (settings.get("config") or {}).items():
        if not isinstance(value, dict):
            found[key] = value
        elif "value" in value or "default" in value:
            found[key] = value.get("value", value.get("default"))
    return _named(found, project)


def _named(values: dict[str, Any], project: str) -> dict[str, Any]:
    """The values by their full keys: a key without a namespace is the project's own."""
    return {key if ":" in key else f"{project}:{key}": value for key, value in values.items()}


def _top(key: str) -> str:
    """The first part of a path in the way of `settings`: keys of this program have no namespace there."""
    return key.removeprefix(f"{NAMESPACE}:")


def _is_encrypted(value: object) -> bool:
    return isinstance(value, dict) and set(value) == {"secure"} and isinstance(value["secure"], str)


def _encrypted(value: object, place: KeyPath) -> Iterator[KeyPath]:
    if _is_encrypted(value):
        yield place
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _encrypted(item, (*place, str(key)))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _encrypted(item, (*place, index))


def _without(value: Any) -> Any:
    """The value without what is encrypted in it; items of lists keep their place."""
    if isinstance(value, dict):
        return {key: _without(item) for key, item in value.items() if not _is_encrypted(item)}
    if isinstance(value, list):
        return [_HIDDEN if _is_encrypted(item) else _without(item) for item in value]
    return value


def _masked(value: Any) -> Any:
    if _is_encrypted(value):
        return _HIDDEN
    if isinstance(value, dict):
        return {key: _masked(item) for key, item in value.items()}
    return [_masked(item) for item in value] if isinstance(value, list) else value


def _as_text(value: object) -> str:
    """A value as Pulumi hands it to a program."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or value is None or isinstance(value, (dict, list)):
        return json.dumps(value, separators=(",", ":"), default=str)
    return str(value)
