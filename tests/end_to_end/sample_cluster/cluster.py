"""A sample cluster in its own lab, a copy of the project to run on it, and the logs that show what happened.

The fixture `make_existing` of modes `replacement` and `chaining` creates it.
"""

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
from tests.end_to_end.running import Running, in_background

ENGINEER = "arn:aws:iam::123456789012:user/engineer"


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

    @property
    def state_file(self) -> Path:
        """The stack's state, as the built-in engine writes it."""
        return self.places.state / ".pulumi/stacks/eks-cilium" / f"{self.stack}.json"

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
    def started(self, *arguments: str) -> Iterator[Running]:
        """Run the program in the background; kill it at the end of the `with` block if it still runs."""
        with program.prepared(self.places, self.stack, self.engine) as pulumi:
            command = pulumi.command(*arguments, "--stack", self.stack)
            with in_background(command, self._environment(pulumi), self.places) as running:
                yield running

    def _environment(self, pulumi: program.Pulumi) -> dict[str, str]:
        return self.credentials.environment(pulumi.environment) if self.credentials else pulumi.environment

    def on(self, engine: str) -> "ExistingCluster":
        return replace(self, engine=engine)

    def from_now(self) -> "ExistingCluster":
        """Return the same cluster with logs and a state of before that begin now."""
        return replace(
            self,
            audit=AuditLog(self.audit.path, datetime.now(UTC)),
            calls=CallLog(self.calls.path, time.time()),
            before=self.now(),
        )

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
