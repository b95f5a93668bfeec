"""The entry point of `python -m lab.engine`; `cli.arguments` describes the command line."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from lab.engine.cli import config_commands, stack_commands
from lab.engine.cli.arguments import parse
from lab.engine.cli.run_commands import Command
from lab.engine.errors import EngineError
from lab.engine.project.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    # Errors that the user can fix are printed as one line, without a traceback.
    parsed = parse(arguments)
    try:
        workspace = Workspace(parsed.program, parsed.state, environment, getattr(parsed, "config_file", None))
        if parsed.verb == "stack":
            stack_commands.stack(workspace, parsed)
            return 0
        if parsed.verb == "config":
            config_commands.config(workspace, parsed)
            return 0
        command = Command(workspace, parsed)
        return command.preview() if parsed.verb == "preview" else command.change()
    except EngineError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
