"""`pulumi up` and `pulumi preview` of mode replacement, over a simulated cluster.

The program itself says which resources there are, by Pulumi's mocks; the providers are called for them as
Pulumi's engine calls them, in the order of registration, with the state of the last `up`.
"""

import json
from dataclasses import dataclass, replace
from typing import Any

from eks_cilium.dynamic.shell.operation import OperationProvider
from eks_cilium.migration.inventory import recording
from eks_cilium.migration.start import read_start
from eks_cilium.settings.model.migration import MigrationOptions, Target
from stacks import replacement
from stacks.running_cluster import ClusterReading
from tests.program.components.recording import Recorder, Registration, record
from tests.program.components.test_replacement_resources import CLUSTER, settings_of
from tests.program.rotation.migrations import QUICK, quiet, run
from tests.program.rotation.simulation.world import DAEMON_SETS, Simulation

from .shells import over
from .test_resources import KINDS

PROVIDERS = {kind.__name__.removesuffix("Provider"): kind for kind in KINDS}


@dataclass
class Kept:
    """A resource in the stack's state."""

    kind: str
    inputs: dict[str, Any]
    outputs: dict[str, Any]


class Engine:
    """One stack. Steps are `create`, `update` and `delete` with the name of the resource's kind and node."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self.state: dict[str, Kept] = {}
        self.failures: list[str] = []
        self.shown: dict[str, list[str]] = {}
        """What the last preview or update showed of the resources, by kind and by step."""
        self._world: dict[str, Any] = {}

    def preview(self, migration: dict[str, Any]) -> list[str]:
        """The steps that an update would take; what blocks it is in `failures`."""
        return self._steps(self._registered(migration, preview=True), act=False)

    def up(self, migration: dict[str, Any]) -> list[str]:
        """Take the steps; returns them. The error of a resource ends the update."""
        self._world = {"run_id": self._simulation.world().run_id}
        return self._steps(self._registered(migration, preview=False), act=True)

    def outputs(self, migration: dict[str, Any]) -> dict[str, Any]:
        """What the stack exports in an update."""
        kept: dict[str, Any] = {}
        reading, settings = self._reading(migration), self._settings(migration)
        record(lambda: kept.update(replacement.run(settings, lambda _: reading)))
        return kept

    def kinds(self) -> set[str]:
        """The kinds of resources in the state."""
        return {kept.kind for kept in self.state.values()}

    def _settings(self, migration: dict[str, Any]) -> Any:
        return settings_of({"cluster": {"name": "demo"}, "migration": migration})

    def _reading(self, migration: dict[str, Any]) -> Any:
        options: MigrationOptions = self._settings(migration).migration
        start = read_start(run(self._simulation.world(), options))
        return ClusterReading(replace(CLUSTER, name="demo"), start)

    def _registered(self, migration: dict[str, Any], *, preview: bool) -> Recorder:
        reading, settings = self._reading(migration), self._settings(migration)
        return record(lambda: replacement.run(settings, lambda _: reading), preview=preview)

    def _steps(self, registered: Recorder, *, act: bool) -> list[str]:
        steps: list[str] = []
        self.failures = []
        for entry in registered.registrations:
            kind = entry.type.rpartition(":")[2]
            if kind == "Release" and act:
                self._install()
            if kind in PROVIDERS:
                steps += self._step(entry, kind, act=act)
        wanted = {entry.urn for entry in registered.registrations}
        for urn in [urn for urn in reversed(self.state) if urn not in wanted]:
            steps.append(f"delete {self.state[urn].kind}")
            if act:
                self._delete(urn)
        return steps

    def _step(self, entry: Registration, kind: str, *, act: bool) -> list[str]:
        provider, known = self._provider(kind), self.state.get(entry.urn)
        olds = known.outputs if known else {}
        inputs = json.loads(json.dumps(entry.inputs))
        inputs = {key: value for key, value in inputs.items() if key not in ("__provider", "result")}
        if "migration" in inputs:
            inputs["migration"] = self._taken(inputs["target"])
        checked = provider.check({**known.inputs} if known else {}, inputs)
        self.failures += [failure.reason for failure in checked.failures]
        news = checked.inputs
        name = f"{kind} {news['node']}" if "node" in news else kind
        self.shown[kind] = self.shown[name] = list(news.get("plan") or news.get("stays") or ())
        if known is None:
            if act:
                made = provider.create(news)
                self.state[entry.urn] = Kept(kind, news, {**(made.outs or {})})
            return [f"create {name}"]
        if not provider.diff("id", {**olds}, {**news}).changes:
            if act:
                known.inputs = news
            return []
        if act:
            changed = provider.update("id", {**olds}, {**news})
            known.inputs, known.outputs = news, {**(changed.outs or {})}
        return [f"update {name}"]

    def _provider(self, kind: str) -> OperationProvider[Any]:
        provider = over(self._simulation, PROVIDERS[kind], **self._world)
        made = type(provider)
        inner = made.run_of

        def run_of(self: Any, props: Any, _report: Any) -> Any:
            start = inner(self, props, quiet)
            return lambda world: replace(start(world), limits=QUICK)

        quick: OperationProvider[Any] = type(made.__name__, (made,), {"run_of": run_of})()
        return quick

    def _taken(self, target: str) -> str:
        found = recording.read(self._simulation.world(), Target(target))
        return found.taken if found else "not known"

    def _install(self) -> None:
        if self._simulation.api.find(DAEMON_SETS, "kube-system", "cilium") is None:
            self._simulation.install_cilium()

    def _delete(self, urn: str) -> None:
        kept = self.state[urn]
        self._provider(kept.kind).delete("id", kept.outputs)
        del self.state[urn]
