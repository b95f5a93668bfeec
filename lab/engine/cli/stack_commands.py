"""`pulumi stack`: lists, creates, selects, exports, imports and removes stacks."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any

from lab.engine.display.property_changes import output_lines
from lab.engine.display.text import columns
from lab.engine.errors import UserError
from lab.engine.state import values

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.engine.project.workspace import Workspace

Arguments = argparse.Namespace


def stack(workspace: Workspace, arguments: Arguments) -> None:
    commands: dict[str | None, Callable[[Workspace, Arguments], None]] = {
        None: _show,
        "ls": _ls,
        "init": _init,
        "select": _select,
        "output": _output,
        "export": _export,
        "import": _import,
        "rm": _rm,
    }
    commands[arguments.command](workspace, arguments)


def _named(workspace: Workspace, arguments: Arguments) -> str:
    return workspace.stack(getattr(arguments, "stack", None))


def _show(workspace: Workspace, arguments: Arguments) -> None:
    name = _named(workspace, arguments)
    deployment = workspace.deployment(name)
    print(f"Current stack is {name}:")
    print(f"Current stack resources ({len(deployment.resources)}):")
    rows = [("TYPE", "NAME"), *((r.type, r.urn.split("::", 3)[3]) for r in deployment.resources)]
    for line in columns(rows):
        print(f"    {line}")


def _ls(workspace: Workspace, arguments: Arguments) -> None:
    current = workspace.store.selected()
    listed = []
    for name in workspace.store.stacks():
        document = workspace.store.read(name)
        listed.append(
            {
                "name": name,
                "current": name == current,
                "lastUpdate": (document.get("manifest") or {}).get("time", ""),
                "resourceCount": len(document.get("resources") or []),
            }
        )
    if arguments.json:
        print(json.dumps(listed, indent=2))
        return
    rows = [("NAME", "LAST UPDATE", "RESOURCE COUNT")]
    rows += [
        (
            f"{entry['name']}{'*' if entry['current'] else ''}",
            str(entry["lastUpdate"]),
            str(entry["resourceCount"]),
        )
        for entry in listed
    ]
    print("\n".join(columns(rows)))


def _wanted_name(arguments: Arguments) -> str:
    name = arguments.name or getattr(arguments, "stack", None)
    if not name:
        msg = "no stack name given: pass it as an argument or with --stack"
        raise UserError(msg)
    return str(name)


def _init(workspace: Workspace, arguments: Arguments) -> None:
    name = _wanted_name(arguments)
    workspace.init(name)
    print(f"Created stack '{name}'")


def _select(workspace: Workspace, arguments: Arguments) -> None:
    workspace.store.select(workspace.stack(_wanted_name(arguments)))


def _output(workspace: Workspace, arguments: Arguments) -> None:
    outputs = workspace.deployment(_named(workspace, arguments)).stack_outputs()
    show: Callable[[Any], Any] = values.revealed if arguments.show_secrets else values.masked
    if arguments.name:
        if arguments.name not in outputs:
            msg = f"current stack does not have output property '{arguments.name}'"
            raise UserError(msg)
        value = show(outputs[arguments.name])
        print(json.dumps(value, indent=2) if arguments.json or not isinstance(value, str) else value)
    elif arguments.json:
        print(json.dumps({key: show(value) for key, value in sorted(outputs.items())}, indent=2))
    else:
        lines = output_lines({}, outputs, planned=False, show_secrets=arguments.show_secrets)
        print("\n".join([f"Current stack outputs ({len(outputs)}):", *(f"  {line}" for line in lines)]))


def _export(workspace: Workspace, arguments: Arguments) -> None:
    text = workspace.export(_named(workspace, arguments), show_secrets=arguments.show_secrets)
    if arguments.file:
        arguments.file.write_text(text + "\n", encoding="utf-8")
    else:
        print(text)


def _import(workspace: Workspace, arguments: Arguments) -> None:
    text = arguments.file.read_text(encoding="utf-8") if arguments.file else sys.stdin.read()
    workspace.import_(_named(workspace, arguments), text)
    print("Import complete.")


def _rm(workspace: Workspace, arguments: Arguments) -> None:
    name = workspace.stack(arguments.name or getattr(arguments, "stack", None))
    if not arguments.yes:
        msg = "--yes must be passed in to proceed"
        raise UserError(msg, exit_code=2)
    left = [r for r in workspace.deployment(name).resources if r.needs_calls]
    if left and not arguments.force:
        msg = f"'{name}' still has {len(left)} resources; destroy them or pass --force"
        raise UserError(msg)
    workspace.store.path(name).unlink()
    print(f"Stack '{name}' has been removed!")
