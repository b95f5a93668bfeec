"""`pulumi config`: shows and edits the configuration file of a stack."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lab.engine.display.text import columns
from lab.engine.errors import UserError
from lab.engine.project import files
from lab.engine.project.files import as_text, decrypted, has_secure

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from lab.engine.project.workspace import Workspace


def config(workspace: Workspace, arguments: argparse.Namespace) -> None:
    commands: dict[str | None, Callable[[Workspace, argparse.Namespace], None]] = {
        None: _config_all,
        "get": _config_get,
        "set": _config_set,
    }
    commands[arguments.command](workspace, arguments)


def _config_all(workspace: Workspace, arguments: argparse.Namespace) -> None:
    name = workspace.stack(getattr(arguments, "stack", None))
    written = workspace.config(name).values
    rows = [("KEY", "VALUE")]
    for key, value in written.items():
        secret = has_secure(value) and not arguments.show_secrets
        text = "[secret]" if secret else as_text(_readable(workspace, name, value))
        rows.append((key.removeprefix(f"{workspace.project.name}:"), text))
    print("\n".join(columns(rows)))


def _readable(workspace: Workspace, stack_name: str, value: Any) -> Any:
    return decrypted(value, workspace.crypter(stack_name).decrypt) if has_secure(value) else value


def _config_get(workspace: Workspace, arguments: argparse.Namespace) -> None:
    name = workspace.stack(getattr(arguments, "stack", None))
    key, path = files.split_path(arguments.key) if arguments.path else (arguments.key, [])
    value: Any = _written(workspace, name, key)
    for step in path:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            _refuse_missing(arguments.key)
    if value is None:
        _refuse_missing(arguments.key)
    print(as_text(_readable(workspace, name, value)))


def _written(workspace: Workspace, stack_name: str, key: str) -> Any:
    # The key is in the file with or without the project's name.
    written = {
        workspace.project.key(name): value for name, value in workspace.config(stack_name).values.items()
    }
    return written.get(workspace.project.key(key))


def _refuse_missing(key: str) -> None:
    msg = f"configuration key '{key}' not found"
    raise UserError(msg)


def _config_set(workspace: Workspace, arguments: argparse.Namespace) -> None:
    name = workspace.stack(getattr(arguments, "stack", None))
    file = workspace.config(name)
    key, path = files.split_path(arguments.key) if arguments.path else (arguments.key, [])
    value: Any = files.parsed(arguments.value) if arguments.path else arguments.value
    if arguments.secret:
        crypter = workspace.crypter(name)
        file.salt = crypter.salt
        value = {"secure": crypter.encrypt(arguments.value)}
    file.set(workspace.project.key(key), path, value)
    file.save()
