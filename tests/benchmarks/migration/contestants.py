"""The programs that are compared: how each is prepared, started, and how many nodes it may have in work.

Each gets a fresh cluster. Everything before `Contestant.command` is no part of what is measured.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from eks_cilium.settings.model import width
from lab import program
from lab.demo.replacement import STACK
from lab.environment import Cloud, Places, client_environment
from lab.sample_cluster.clients import Aws, Kubectl
from tests.benchmarks.migration import rolling_update
from tests.benchmarks.migration.floor import Width

EXTRA = "30%"
"""Extra nodes of each group for this program; the others double each group."""
_WAITS = ", waiting"
"""After the width where a node keeps its place until its workloads are healthy."""


@dataclass(frozen=True)
class Started:
    """A command line with its environment, and the folder that it starts in."""

    command: list[str]
    environment: dict[str, str]
    folder: Path


@dataclass(frozen=True)
class Contestant:
    """A program in one configuration."""

    name: str
    at_once: str
    """How many nodes it has in work, in words."""
    prepared: Callable[[Kubectl], AbstractContextManager[Started]]
    width: Callable[[dict[str, int]], Width]
    """The places and the extra nodes, given the nodes of each group."""
    in_turn: bool = False
    """Whether it widens a group only when the one before it is done."""


def contestants() -> tuple[Contestant, ...]:
    """Return all of them, in the order in which they run."""
    return (
        Contestant("the article's script", "1", _article, _doubled),
        Contestant(
            f"eks-rolling-update {rolling_update.VERSION}", "1", _rolling_update, _doubled, in_turn=True
        ),
        _ours(1, waits=True),
        *(_ours(parallel) for parallel in (1, 4, "10%")),
    )


def _doubled(nodes: dict[str, int]) -> Width:
    return Width({"": 1}, nodes)


@contextmanager
def _article(kubectl: Kubectl) -> Iterator[Started]:
    places, version = kubectl.places, program.configured_cilium_version(kubectl.places, STACK)
    chart = places.charts / f"cilium-{version}.tgz"
    words = ["-m", "tests.benchmarks.migration.article", kubectl.context, str(chart)]
    yield Started([sys.executable, *words], client_environment(places), Path.cwd())


@contextmanager
def _rolling_update(kubectl: Kubectl) -> Iterator[Started]:
    places = kubectl.places
    folder = rolling_update.install(places.cache)
    rolling_update.outdate(Aws(Cloud.read(places.cloud)), kubectl.context)
    environment = rolling_update.environment(
        client_environment(places), places.binaries / "kubectl", places.directory / "translating"
    )
    yield Started(rolling_update.command(folder, kubectl.context), environment, Path.cwd())


def _ours(parallel: int | str, *, waits: bool = False) -> Contestant:
    @contextmanager
    def prepared(kubectl: Kubectl) -> Iterator[Started]:
        places = _Configured.of(kubectl.places, parallel, waits=waits)
        with program.prepared(places, STACK, program.BUILT_IN) as pulumi:
            command = pulumi.command("up", "--yes", "--skip-preview", "--parallel", "32", "--stack", STACK)
            yield Started(command, pulumi.environment, places.project)

    def of(nodes: dict[str, int]) -> Width:
        extra = {group: width.besides(EXTRA, count) for group, count in nodes.items()}
        if isinstance(parallel, int):
            return Width({"": parallel}, extra)
        return Width({group: width.at_once(parallel, count) for group, count in nodes.items()}, extra)

    return Contestant("this program", f"{parallel}{_WAITS if waits else ''}", prepared, of)


@dataclass(frozen=True)
class _Configured(Places):
    """The same lab, with a stack file of the benchmark's own."""

    file: Path = Path()

    def stack_file(self, stack: str) -> Path:
        """Return the benchmark's file, whatever stack it is."""
        return self.file

    @classmethod
    def of(cls, places: Places, parallel: int | str, *, waits: bool) -> "_Configured":
        """Write the stack file of the lab's sample cluster with this width."""
        chosen = {"parallel": parallel, "surge": EXTRA, "waitUntilHealthy": waits}
        content: dict[str, Any] = yaml.safe_load(places.stack_file(STACK).read_text())
        content["config"]["eks-cilium:cilium"]["chartRepository"] = str(places.charts)
        content["config"]["eks-cilium:migration"] |= chosen
        file = places.directory / "Pulumi.bench.yaml"
        file.write_text(yaml.safe_dump(content))
        return cls(places.directory, places.cache, places.project, places.providers, file)
