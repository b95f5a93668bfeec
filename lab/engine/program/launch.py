"""Runs the Python program in a separate process.

The engine passes the configuration through the child's standard input, so that no secret is in an environment
variable or on a command line.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.engine.processes.children import Child, Children, Report
    from lab.engine.project.files import Configuration, Project
    from lab.engine.run import Options

RUNNER = Path(__file__).with_name("runner.py")


@dataclass(frozen=True)
class Program:
    project: Project
    configuration: Configuration
    options: Options
    environment: Mapping[str, str]

    def start(self, children: Children, address: str, report: Report) -> Child:
        """Start the program; it calls the engine's services at `address`."""
        child = children.start(
            [sys.executable, "-u", "-P", str(RUNNER)],
            directory=self.project.program,
            environment=self.environment,
            report=report,
            listen=True,
        )
        child.relay()
        print(json.dumps(self._settings(address)), file=child.stdin, flush=True)
        return child

    def _settings(self, address: str) -> dict[str, object]:
        return {
            "program": str(self.project.program),
            "config": self.configuration.values,
            "secretKeys": sorted(self.configuration.secret_keys),
            "settings": {
                "monitor": address,
                "engine": address,
                "project": self.project.name,
                "stack": self.options.stack,
                "parallel": self.options.parallel,
                "dry_run": self.options.preview,
                "organization": self.options.organization,
                "root_directory": str(self.project.directory),
            },
        }
