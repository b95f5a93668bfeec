"""Two engines with one interface: ours and the Pulumi CLI, each with a stack of the scenario program."""

import contextlib
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.engine.__main__ import main

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = Path(__file__).with_name("program")


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str


class Project:
    """A directory with the scenario program and the description that it reads."""

    def __init__(self, directory: Path, name: str = "scenario") -> None:
        self.directory = directory
        self.name = name
        shutil.copytree(PROGRAM, directory, ignore=shutil.ignore_patterns("__pycache__"))
        runtime = {"name": "python", "options": {"toolchain": "pip", "virtualenv": sys.prefix}}
        document = {"name": name, "runtime": runtime, "stackConfigDir": "stacks"}
        (directory / "Pulumi.yaml").write_text(json.dumps(document))
        (directory / "stacks").mkdir()
        self.describe([])

    def describe(self, resources: Sequence[dict[str, Any]], **more: Any) -> None:
        """Replace the description of what the program registers."""
        description = {"resources": list(resources), **more}
        (self.directory / "program.json").write_text(json.dumps(description))


class Engine:
    """One engine with one project and the stack `dev`."""

    def __init__(self, project: Project, state: Path, world_port: int) -> None:
        self.project = project
        self.state = state
        self.world_port = world_port
        state.mkdir(parents=True, exist_ok=True)

    def command(self) -> list[str]:
        """The command to which arguments of pulumi are appended."""
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("PULUMI_")}
        return {**kept, "PULUMI_CONFIG_PASSPHRASE": "correct horse"}

    def start(self, *arguments: str, **more: Any) -> subprocess.Popen[str]:
        """Start a command in its own process group."""
        return subprocess.Popen(
            [*self.command(), *arguments],
            cwd=self.project.directory,
            env={**self.environment(), **more.pop("env", {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            **more,
        )

    def run(self, *arguments: str, **more: Any) -> Outcome:
        process = self.start(*arguments, **more)
        out, _ = process.communicate(timeout=120)
        return Outcome(process.returncode, out)

    def up(self, *arguments: str) -> Outcome:
        return self.run("up", "--yes", "--skip-preview", "--non-interactive", "-s", "dev", *arguments)

    def do(self, verb: str, *arguments: str) -> Outcome:
        if verb == "preview":
            return self.run("preview", "--non-interactive", "-s", "dev", *arguments)
        return self.run(verb, "--yes", "--skip-preview", "--non-interactive", "-s", "dev", *arguments)

    def deployment(self) -> dict[str, Any]:
        """The deployment in the state file."""
        path = self.state / ".pulumi" / "stacks" / self.project.name / "dev.json"
        return json.loads(path.read_text())["checkpoint"]["latest"] or {}

    def exported(self) -> dict[str, Any]:
        """The exported deployment, with secrets in plain text."""
        return json.loads(self.run("stack", "export", "--show-secrets", "-s", "dev").out)["deployment"]


class Ours(Engine):
    def command(self) -> list[str]:
        engine = [sys.executable, "-m", "lab.engine", "--program", str(self.project.directory)]
        return [*engine, "--state", str(self.state), "--providers", f"world={self.world_port}", "--"]

    def environment(self) -> dict[str, str]:
        return {**super().environment(), "PYTHONPATH": str(ROOT)}

    def run(self, *arguments: str, env: dict[str, str] | None = None) -> Outcome:
        """Run a command in this process, which is faster than starting another one."""
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            try:
                own = self.command()[3:]
                code = main([*own, *arguments], {**self.environment(), **(env or {})})
            except SystemExit as ended:
                code = int(ended.code or 0)
        return Outcome(code, out.getvalue())


class Official(Engine):
    def command(self) -> list[str]:
        return ["pulumi"]

    def environment(self) -> dict[str, str]:
        home = self.state / "home"
        home.mkdir(exist_ok=True)
        return {
            **super().environment(),
            "PULUMI_HOME": str(home),
            "PULUMI_BACKEND_URL": f"file://{self.state}",
            "PULUMI_DEBUG_PROVIDERS": f"world:{self.world_port}",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        }
