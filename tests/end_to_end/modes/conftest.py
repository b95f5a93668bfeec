"""One lab per test module, with a copy of the project, in which the tests run pulumi and other clients."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab import lifecycle, program
from lab.environment import STACK, Places, client_environment
from lab.toolchain import default_cache
from tests.end_to_end.running import Running, in_background


@dataclass
class Run:
    """The output and the exit code of a command."""

    code: int
    output: str

    def json(self) -> Any:
        return json.loads(self.output)


@dataclass
class LabOfTest:
    """A running lab, with the engine and the stack that `pulumi` uses."""

    places: Places
    engine: str = program.BUILT_IN
    variables: dict[str, str] = field(default_factory=dict)
    stack: str = STACK

    def pulumi(self, *arguments: str) -> Run:
        with program.prepared(self.places, self.stack, self.engine) as pulumi:
            environment = pulumi.environment | self.variables
            return run(pulumi.command(*arguments), environment, self.places.project)

    @contextmanager
    def started(self, *arguments: str) -> Iterator[Running]:
        """Run pulumi in the background; kill it at the end of the `with` block if it still runs."""
        with program.prepared(self.places, self.stack, self.engine) as pulumi:
            environment = pulumi.environment | self.variables
            with in_background(pulumi.command(*arguments), environment, self.places) as running:
                yield running

    def of(self, stack: str) -> "LabOfTest":
        return replace(self, stack=stack)

    def client(self, *command: str, **variables: str) -> Run:
        environment = client_environment(self.places) | variables
        return run(command, environment, self.places.project)

    def configure(self, change: Callable[[dict[str, Any]], None]) -> None:
        """Change the `config` section of the stack's file in the copy of the project."""
        file = self.places.stack_file(self.stack)
        content = yaml.safe_load(file.read_text())
        change(content["config"])
        file.write_text(yaml.safe_dump(content))
        program.provide_chart(self.places, print, self.stack)


def run(command: Sequence[str], environment: dict[str, str], directory: Path) -> Run:
    done = subprocess.run(
        command,
        cwd=directory,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        check=False,
    )
    return Run(done.returncode, done.stdout)


@pytest.fixture(scope="module")
def lab(
    tmp_path_factory: pytest.TempPathFactory, copy_of_project: Callable[[Path], Path]
) -> Iterator[LabOfTest]:
    """The module's own lab, without any stack in it yet."""
    folder = tmp_path_factory.mktemp("lab")
    project = copy_of_project(folder / "project")
    # The stack files name the chart repository relative to the project, so that the lab has to be inside it.
    places = Places(project / ".lab", default_cache(), project)
    with lifecycle.running(places, print):
        own = LabOfTest(places)
        own.configure(lambda config: None)
        yield own
    left = [command for pid, command in lifecycle.processes(places) if pid != os.getpid()]
    assert left == [], f"processes still run after the lab was stopped: {left}"
