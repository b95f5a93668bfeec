"""An existing cluster in a lab of its own, with the program in a copy of the project and witnesses of both.

Made by the fixture `make_existing` of each mode that works on a running cluster.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from lab import lifecycle, program
from lab.demo.comparison import Snapshot, take
from lab.environment import Cloud, Places
from lab.existing.access import Aws, Kubectl
from lab.existing.making import make
from lab.existing.shape import Shape
from lab.toolchain import default_cache
from tests.end_to_end.modes.conftest import Run, run

from .witness import AuditLog, CallLog

ENGINEER = "arn:aws:iam::123456789012:user/engineer"
PATIENCE = 900.0


@dataclass
class Existing:
    """A cluster on the AWS VPC CNI, the program configured to change it, and what is witnessed of both."""

    places: Places
    kubectl: Kubectl
    stack: str
    section: str
    """Of the stack's file: what the mode is configured by."""
    engine: str
    audit: AuditLog
    calls: CallLog
    before: Snapshot

    @property
    def aws(self) -> Aws:
        return Aws(Cloud.read(self.places.cloud))

    def now(self) -> Snapshot:
        return take(self.kubectl, self.aws)

    def configure(self, **keys: Any) -> None:
        """Set keys of the mode's section in the stack's file; others keep what they have."""
        self.change(lambda config: config[f"eks-cilium:{self.section}"].update(keys))

    @contextmanager
    def named(self, cluster: str) -> Iterator[None]:
        """Configure the program for a cluster of another name for a while."""

        def name(wanted: str) -> None:
            self.change(lambda config: config["eks-cilium:cluster"].update(name=wanted))

        name(cluster)
        try:
            yield
        finally:
            name(self.kubectl.context)

    def change(self, change: Callable[[dict[str, Any]], None]) -> None:
        """Change the `config` section of the stack's file."""
        file = self.places.stack_file(self.stack)
        content = yaml.safe_load(file.read_text())
        change(content["config"])
        file.write_text(yaml.safe_dump(content))

    def pulumi(self, *arguments: str) -> Run:
        """Run the program to its end."""
        with program.prepared(self.places, self.stack, self.engine) as pulumi:
            command = pulumi.command(*arguments, "--stack", self.stack)
            return run(command, pulumi.environment, self.places.project)

    def up(self) -> Run:
        return self.pulumi("up", "--yes", "--skip-preview")

    @contextmanager
    def started(self, *arguments: str) -> Iterator["Running"]:
        """Run the program beside the test. What is left of it at the end is killed."""
        output = self.places.directory / f"run-{time.monotonic_ns()}.out"
        with program.prepared(self.places, self.stack, self.engine) as pulumi:
            process = subprocess.Popen(
                pulumi.command(*arguments, "--stack", self.stack),
                cwd=self.places.project,
                env=pulumi.environment,
                stdout=output.open("wb"),
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
            )
            running = Running(process, output)
            try:
                yield running
            finally:
                running.kill()

    def on(self, engine: str) -> "Existing":
        """The same cluster and program, on another engine."""
        return replace(self, engine=engine)

    def of_another_engineer(self) -> "Existing":
        """The same cluster, seen by somebody with a state of their own: another machine, another backend."""
        folder = self.places.directory / "another"
        places = _Elsewhere(self.places.directory, self.places.cache, self.places.project, folder)
        return replace(self, places=places)


@dataclass(frozen=True)
class _Elsewhere(Places):
    """The same lab, with the engine's state in another folder."""

    own: Path = Path()

    @property
    def state(self) -> Path:
        return self.own / "state"

    @property
    def pulumi_home(self) -> Path:
        return self.own / "pulumi"


@dataclass
class Running:
    """A run of the program that goes on beside the test."""

    process: subprocess.Popen[bytes]
    output: Path

    def says(self) -> str:
        return self.output.read_text(errors="replace")

    def interrupt(self) -> None:
        """Ctrl-C, as the engine gets it."""
        self.process.send_signal(signal.SIGINT)

    def kill(self) -> None:
        """Kill -9: the engine, the program, its providers, all at one moment."""
        for pid in reversed(_descendants(self.process.pid)):
            _kill(pid)
        self.process.wait()

    def pause(self) -> None:
        """Let the program go on for a moment."""
        time.sleep(0.03)

    def wait(self, limit: float = PATIENCE) -> int:
        return self.process.wait(limit)

    def wait_until(self, holds: Callable[[], Any], limit: float = PATIENCE) -> Any:
        """Wait for something while the program runs; fails when the program ends before."""
        deadline = time.monotonic() + limit
        while not (found := holds()):
            assert self.process.poll() is None, f"the program ended before:\n{self.says()}"
            assert time.monotonic() < deadline, f"not so after {limit:.0f} s:\n{self.says()}"
            self.pause()
        return found


def _descendants(pid: int) -> list[int]:
    """A process and all below it, each after its parent."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            children.setdefault(parent, []).append(int(entry.name))
    found = [pid]
    for each in found:
        found.extend(children.get(each, ()))
    return found


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


MakeExisting = Callable[..., Existing]


@contextmanager
def making(
    stack: str, section: str, new_folder: Callable[[], Path], copy_of_project: Callable[[Path], Path]
) -> Iterator[MakeExisting]:
    """`make_existing(shape, **keys)` makes a cluster, with keys of a section set in the stack's file.

    Labs are taken down at the end of the `with` block.
    """
    with ExitStack() as labs:

        def begin(shape: Shape, engine: str = program.BUILT_IN, **keys: Any) -> Existing:
            project = copy_of_project(new_folder() / "project")
            places = Places(project / ".lab", default_cache(), project)
            labs.enter_context(lifecycle.running(places, print))
            version = program.configured_cilium_version(places, stack)
            assert version
            lifecycle.provide_chart(places, version, print)
            kubectl = make(places, shape, print)
            own = Existing(
                places,
                kubectl,
                stack,
                section,
                engine,
                AuditLog(places.directory / "clusters" / shape.name / "audit.jsonl", datetime.now(UTC)),
                CallLog(places.directory / "calls.jsonl", time.time()),
                take(kubectl, Aws(Cloud.read(places.cloud))),
            )
            own.configure(**keys)
            return own

        yield begin
