"""The project file and the stacks' configuration files, as the Pulumi CLI reads and writes them.

`Pulumi.yaml` names the project, the folder of its program and the folder of stack files (`stackConfigDir`);
`Pulumi.<stack>.yaml` holds the configuration of that stack, with secrets encrypted under `secure:`.
"""

from __future__ import annotations

import itertools
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from lab.engine.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lab.engine.state.encryption import Crypter

_STACK_NAME = re.compile(r"^[A-Za-z0-9_.-]{1,100}$")


@dataclass(frozen=True)
class Project:
    """The contents of `Pulumi.yaml`, with resolved paths."""

    name: str
    directory: Path
    program: Path
    stack_files: Path
    schema: dict[str, Any]

    @classmethod
    def load(cls, directory: Path) -> Project:
        path = directory / "Pulumi.yaml"
        try:
            document = yaml.safe_load(path.read_text(encoding="utf-8"))
        except OSError as error:
            msg = f"no Pulumi project in {directory}: {error.strerror}"
            raise UserError(msg) from error
        except yaml.YAMLError as error:
            msg = f"{path} is not YAML: {error}"
            raise UserError(msg) from error
        if not isinstance(document, dict) or not document.get("name"):
            msg = f"{path} has no project name (`name:`)"
            raise UserError(msg)
        _require_python(path, document.get("runtime"))
        return cls(
            name=str(document["name"]),
            directory=directory,
            program=directory / str(document.get("main", ".")),
            stack_files=directory / str(document.get("stackConfigDir", ".")),
            schema=document.get("config") or {},
        )

    def stack_file(self, stack: str) -> Path:
        if not _STACK_NAME.match(stack):
            msg = f"'{stack}' is not a stack name (letters, digits, hyphens, underscores and periods)"
            raise UserError(msg)
        return self.stack_files / f"Pulumi.{stack}.yaml"

    def key(self, text: str) -> str:
        """A configuration key with its namespace; the default is the project's own."""
        return text if ":" in text else f"{self.name}:{text}"


def _require_python(path: Path, runtime: object) -> None:
    name = runtime.get("name") if isinstance(runtime, dict) else runtime
    if name != "python":
        msg = f"{path}: this engine runs Python programs only, not runtime '{name}'"
        raise UserError(msg)


class StackConfig:
    """The configuration file of one stack; saving keeps the user's order of keys."""

    def __init__(self, path: Path, document: dict[str, Any]) -> None:
        self.path = path
        self._document = document

    @classmethod
    def load(cls, path: Path) -> StackConfig:
        """Read a stack's file; a missing file is an empty configuration."""
        if not path.exists():
            return cls(path, {})
        try:
            document = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        except yaml.YAMLError as error:
            msg = f"{path} is not YAML: {error}"
            raise UserError(msg) from error
        if not isinstance(document, dict) or not isinstance(document.get("config") or {}, dict):
            msg = f"{path} is not a stack configuration (a mapping with `config:`)"
            raise UserError(msg)
        return cls(path, document)

    @property
    def salt(self) -> str | None:
        """The salt of the passphrase; None until the first secret is set."""
        return self._document.get("encryptionsalt")

    @salt.setter
    def salt(self, salt: str) -> None:
        self._document["encryptionsalt"] = salt

    @property
    def values(self) -> dict[str, Any]:
        """The values as written, with secrets still encrypted."""
        return self._document.get("config") or {}

    def save(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        text = yaml.safe_dump(self._document, sort_keys=False, width=110, allow_unicode=True)
        self.path.write_text(text, encoding="utf-8")

    def set(self, key: str, path: list[str | int], value: object) -> None:
        """Set a value or, with a path, a part of a structured value; missing parents are created."""
        config = self._document.setdefault("config", {})
        place: Any = config
        steps: list[str | int] = [key, *path]
        for step, following in itertools.pairwise(steps):
            place = _descend(place, step, [] if isinstance(following, int) else {})
        _assign(place, steps[-1], value)


def _descend(place: Any, step: str | int, empty: Any) -> Any:
    if isinstance(step, int):
        _extend(place, step)
        if not isinstance(place[step], type(empty)):
            place[step] = empty
        return place[step]
    if not isinstance(place.get(step), type(empty)):
        place[step] = empty
    return place[step]


def _assign(place: Any, step: str | int, value: object) -> None:
    if isinstance(step, int):
        _extend(place, step)
    place[step] = value


def _extend(items: list[Any], index: int) -> None:
    if index > len(items):
        msg = f"list index {index} is beyond the end of a list of {len(items)}"
        raise UserError(msg)
    if index == len(items):
        items.append(None)


def split_path(text: str) -> tuple[str, list[str | int]]:
    """Split `network.zones[0]` into its key and the path inside the value."""
    parts = list(re.findall(r'\["([^"]*)"\]|\[(\d+)\]|([^.\[\]]+)', text))
    steps: list[str | int] = [quoted or (int(index) if index else name) for quoted, index, name in parts]
    if not steps or not isinstance(steps[0], str):
        msg = f"'{text}' is not a configuration path"
        raise UserError(msg)
    return steps[0], steps[1:]


def parsed(text: str) -> object:
    """Convert a value given with `--path`: numbers and booleans keep their type, as in the Pulumi CLI."""
    if text in ("true", "false"):
        return text == "true"
    return int(text) if re.fullmatch(r"0|[1-9]\d*", text) else text


def is_secure(value: object) -> bool:
    return isinstance(value, dict) and set(value) == {"secure"} and isinstance(value["secure"], str)


def has_secure(value: object) -> bool:
    if is_secure(value):
        return True
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(has_secure(child) for child in children)


def decrypted(value: Any, decrypt: Callable[[str], str]) -> Any:
    if is_secure(value):
        return decrypt(value["secure"])
    if isinstance(value, dict):
        return {key: decrypted(item, decrypt) for key, item in value.items()}
    if isinstance(value, list):
        return [decrypted(item, decrypt) for item in value]
    return value


@dataclass(frozen=True)
class Configuration:
    """The configuration as the program gets it: strings (objects as JSON) and the keys that are secret."""

    values: dict[str, str]
    secret_keys: frozenset[str]


def configuration(project: Project, written: dict[str, Any], crypter: Crypter | None) -> Configuration:
    """Decrypt the values of a stack's file and add the defaults of the project file."""
    if crypter is None and has_secure(written):
        msg = "passphrase must be set with PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE"
        raise UserError(msg)
    named = {project.key(key): value for key, value in written.items()}
    for key, schema in project.schema.items():
        if isinstance(schema, dict) and "default" in schema:
            named.setdefault(project.key(key), schema["default"])
    reveal = crypter.decrypt if crypter else str
    values = {key: as_text(decrypted(value, reveal)) for key, value in named.items()}
    return Configuration(values, frozenset(key for key, value in named.items() if has_secure(value)))


def as_text(value: object) -> str:
    """A configuration value as the text that the program reads."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or value is None or isinstance(value, (dict, list)):
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return str(value)
