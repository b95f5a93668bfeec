"""A sample cluster in its own lab, a copy of the project to run on it, and the logs that show what happened.

The fixture `make_existing` of modes `replacement` and `chaining` creates it.
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
from lab.demo.comparison import Snapshot, take_snapshot
from lab.disturbances.credentials import SessionCredentials
from lab.environment import Cloud, Places
from lab.evidence.audit import AuditLog
from lab.evidence.calls import CallLog
from lab.sample_cluster.clients import Aws, Kubectl
from lab.sample_cluster.create import create_cluster
from lab.sample_cluster.spec import ClusterSpec
from lab.toolchain import default_cache
from tests.end_to_end.modes.conftest import Run, run

ENGINEER = "arn:aws:iam::123456789012:user/engineer"
TIMEOUT = 900.0


@dataclass
class ExistingCluster:
    """A cluster on the AWS VPC CNI, the program configured to change it, and the logs of both."""

    places: Places
    kubectl: Kubectl
    stack: str
    section: str
    """The key of the stack's file that configures the mode: `migration` or `refresh`."""
    engine: str
    audit: AuditLog
    calls: CallLog
    before: Snapshot
    credentials: SessionCredentials | None = None
    """With which AWS credentials the program runs; None for the engineer's own keys."""

    @property
    def aws(self) -> Aws:
        return Aws(Cloud.read(self.places.cloud))

    def now(self) -> Snapshot:
        return take_snapshot(self.kubectl, self.aws)

    def configure(self, **keys: Any) -> None:
        """Set keys of the mode's section in the stack's file; other keys keep their values."""
        self.change(lambda config: config[f"eks-cilium:{self.section}"].update(keys))

    @contextmanager
    def named(self, cluster: str) -> Iterator[None]:
        """Configure the program for a cluster of another name for the length of a `with` block."""

        def set_name(name: str) -> None:
            self.change(lambda config: config["eks-cilium:cluster"].update(name=name))

        set_name(cluster)
        try:
            yield
        finally:
            set_name(self.kubectl.context)

    def change(self, change: Callable[[dict[str, Any]], None]) -> None:
        """Change the `config` section of the stack's file."""
        file = self.places.stack_file(self.stack)
        content = yaml.safe_load(file.read_text())
        change(content["config"])
        file.write_text(yaml.safe_dump(content))

    def pulumi(self, *arguments: str) -> Run:
        with program.prepared(self.places, self.stack, self.engine) as pulumi:
            command = pulumi.command(*arguments, "--stack", self.stack)
            return run(command, self._environment(pulumi), self.places.project)

    def up(self) -> Run:
        return self.pulumi("up", "--yes", "--skip-preview")

    @contextmanager
    def started(self, *arguments: str) -> Iterator["Running"]:
        """Run the program in the background; kill it at the end of the `with` block if it still runs."""
        output = self.places.directory / f"run-{time.monotonic_ns()}.out"
        with program.prepared(self.places, self.stack, self.engine) as pulumi:
            process = subprocess.Popen(
                pulumi.command(*arguments, "--stack", self.stack),
                cwd=self.places.project,
                env=self._environment(pulumi),
                stdout=output.open("wb"),
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
            )
            running = Running(process, output)
            try:
                yield running
            finally:
                running.kill()

    def _environment(self, pulumi: program.Pulumi) -> dict[str, str]:
        return self.credentials.environment(pulumi.environment) if self.credentials else pulumi.environment

    def on(self, engine: str) -> "ExistingCluster":
        return replace(self, engine=engine)

    def of_another_engineer(self) -> "ExistingCluster":
        """Return the same cluster for an engineer with another state: another machine, another backend."""
        folder = self.places.directory / "another"
        here = self.places
        places = _Elsewhere(here.directory, here.cache, here.project, here.providers, own=folder)
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
    """A run of the program in the background."""

    process: subprocess.Popen[bytes]
    output: Path

    def output_so_far(self) -> str:
        return self.output.read_text(errors="replace")

    def interrupt(self) -> None:
        """Send the signal that the engine gets on a Ctrl-C."""
        self.process.send_signal(signal.SIGINT)

    def kill(self) -> None:
        """Kill the engine, the program and its providers with SIGKILL, at once."""
        for pid in reversed(_descendants(self.process.pid)):
            _kill(pid)
        self.process.wait()

    def pause(self) -> None:
        time.sleep(0.03)

    def wait(self, limit: float = TIMEOUT) -> int:
        return self.process.wait(limit)

    def wait_until(self, holds: Callable[[], Any], limit: float = TIMEOUT) -> Any:
        """Wait until `holds` returns something true; fail when the program ends before that."""
        deadline = time.monotonic() + limit
        while not (found := holds()):
            assert self.process.poll() is None, f"the program ended too early:\n{self.output_so_far()}"
            assert time.monotonic() < deadline, (
                f"the condition did not hold within {limit:.0f} s:\n{self.output_so_far()}"
            )
            self.pause()
        return found


def _descendants(pid: int) -> list[int]:
    """Return a process and all its descendants, each after its parent."""
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


MakeExisting = Callable[..., ExistingCluster]


@contextmanager
def cluster_factory(
    stack: str, section: str, new_folder: Callable[[], Path], copy_of_project: Callable[[Path], Path]
) -> Iterator[MakeExisting]:
    """Yield `make_existing(spec, **keys)`: creates a cluster and sets keys in a section of the stack's file.

    Its labs are stopped at the end of the `with` block.
    """
    with ExitStack() as labs:

        def make_existing(spec: ClusterSpec, engine: str = program.BUILT_IN, **keys: Any) -> ExistingCluster:
            project = copy_of_project(new_folder() / "project")
            places = Places(project / ".lab", default_cache(), project)
            labs.enter_context(lifecycle.running(places, print))
            version = program.configured_cilium_version(places, stack)
            assert version
            lifecycle.provide_chart(places, version, print)
            kubectl = create_cluster(places, spec, print)
            existing = ExistingCluster(
                places,
                kubectl,
                stack,
                section,
                engine,
                AuditLog(places.directory / "clusters" / spec.name / "audit.jsonl", datetime.now(UTC)),
                CallLog(places.directory / "calls.jsonl", time.time()),
                take_snapshot(kubectl, Aws(Cloud.read(places.cloud))),
            )
            existing.configure(**keys)
            return existing

        yield make_existing
