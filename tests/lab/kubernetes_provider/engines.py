"""The same Pulumi program on the built-in engine and on the official CLI, with the emulated provider."""

import json
import os
import shutil
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lab.environment import ROOT

PROVIDER: tuple[str, ...] = (sys.executable, "-m", "lab.providers.kubernetes")
PROGRAM = Path(__file__).parent / "subject" / "__main__.py"


class Engine(ABC):
    """Runs pulumi commands on one project."""

    def __init__(self, directory: Path) -> None:
        self.project = directory / "project"
        self.state = directory / "state"
        for folder in (self.project, self.state):
            folder.mkdir(parents=True)
        runtime = {"name": "python", "options": {"toolchain": "pip", "virtualenv": str(ROOT / ".venv")}}
        (self.project / "Pulumi.yaml").write_text(json.dumps({"name": "subject", "runtime": runtime}))
        shutil.copy(PROGRAM, self.project)
        self.environment = {**os.environ, "PULUMI_CONFIG_PASSPHRASE": "test", "PYTHONPATH": str(ROOT)}

    def run(self, *arguments: str) -> str:
        words = [*self._command(), *arguments, "--stack", "dev", "--non-interactive"]
        done = subprocess.run(
            words, cwd=self.project, env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def json(self, *arguments: str) -> Any:
        return json.loads(self.run(*arguments))

    def planned(self) -> set[tuple[str, str]]:
        """The steps of a preview: operation and URN."""
        steps = self.json("preview", "--json")["steps"]
        return {(step["op"], step["urn"]) for step in steps if step["op"] != "same"}

    def up(self) -> None:
        self.run("up", "--yes", "--skip-preview")

    @abstractmethod
    def _command(self) -> list[str]: ...


class BuiltIn(Engine):
    provider = PROVIDER

    def _command(self) -> list[str]:
        served = f"kubernetes={' '.join(self.provider)}"
        own = ["--program", str(self.project), "--state", str(self.state), "--providers", served]
        return [sys.executable, "-m", "lab.engine", *own, "--"]


class BuiltInWithPlugin(BuiltIn):
    provider = (shutil.which("pulumi-resource-kubernetes") or "",)


class Official(Engine):
    def _command(self) -> list[str]:
        return ["pulumi"]


@contextmanager
def built_in(directory: Path, **variables: str) -> Iterator[Engine]:
    engine = BuiltIn(directory)
    engine.environment |= variables
    yield _with_stack(engine)


@contextmanager
def built_in_with_plugin(directory: Path, **variables: str) -> Iterator[Engine]:
    """The built-in engine with the official plugin from PATH."""
    engine = BuiltInWithPlugin(directory)
    engine.environment |= variables
    yield _with_stack(engine)


@contextmanager
def official(directory: Path, **variables: str) -> Iterator[Engine]:
    engine = Official(directory)
    engine.environment |= variables | {
        "PULUMI_HOME": str(directory / "home"),
        "PULUMI_BACKEND_URL": f"file://{engine.state}",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
    }
    provider = subprocess.Popen(PROVIDER, env=engine.environment, stdout=subprocess.PIPE, text=True)
    try:
        assert provider.stdout is not None
        engine.environment["PULUMI_DEBUG_PROVIDERS"] = f"kubernetes:{provider.stdout.readline().strip()}"
        yield _with_stack(engine)
    finally:
        provider.terminate()
        provider.communicate()


def _with_stack(engine: Engine) -> Engine:
    engine.run("stack", "init")
    return engine
