"""The gate at the end of a refresh: how many pods Cilium manages, and which are still without it.

It waits for pods of Jobs where the configuration says so. Workloads that created pods after the list was
recorded and before Cilium was on their node are added to the list here, for the next run.

The wait may last an hour, so it watches the pods and workloads it waits for, and reads the whole cluster
again only when none of these is left.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eks_cilium.migration.facts import pods
from eks_cilium.migration.refresh import listing
from eks_cilium.migration.refresh.model import Listed
from eks_cilium.migration.refresh.observation import WorkloadReader
from eks_cilium.migration.refresh.start import plan_now
from eks_cilium.runtime.errors import StoppedError, TimedOutError
from eks_cilium.settings.model.migration import Jobs
from eks_cilium.texts import named
from eks_cilium.troubleshooting import Topic

if TYPE_CHECKING:
    from collections.abc import Callable

    from eks_cilium.cluster.objects import Reference
    from eks_cilium.migration.refresh.model import RefreshPlan, WorkloadPlan
    from eks_cilium.migration.run import RefreshRun

# A pod that has just started gets its CiliumEndpoint within seconds.
_SECONDS_TO_ENDPOINTS = 120.0


def await_managed(run: RefreshRun) -> dict[str, Any]:
    """Wait until Cilium manages all pods that had to be restarted. {"managed", "of", "left": [...]}."""
    run.world.guard()
    gate = _Gate(run)
    if run.options.jobs is Jobs.WAIT:
        gate.wait(gate.running_jobs, "the Jobs that began before Cilium", run.options.job_timeout_seconds)
    try:
        gate.wait(gate.pods_without_cilium, "Cilium to manage every pod", _SECONDS_TO_ENDPOINTS)
    except TimedOutError:
        _add_late_workloads(run, gate.plan)
        raise
    run.report(gate.summary)
    left = sorted(map(str, gate.plan.not_restarted))
    return {"managed": gate.plan.managed, "of": gate.plan.total, "left": left}


class _Gate:
    def __init__(self, run: RefreshRun) -> None:
        self._run = run
        self.plan: RefreshPlan = self._read()

    @property
    def summary(self) -> str:
        left = sorted(map(str, self.plan.not_restarted))
        not_restarted = f"; not restarted: {named(left)}" if left else ""
        return f"{self.plan.managed} of {self.plan.total} pods managed by Cilium{not_restarted}"

    def running_jobs(self) -> str:
        """The pods of Jobs that are still running without Cilium; empty when there are none."""
        if not any(map(self._runs, self.plan.jobs)):
            self.plan = self._read()
        running = sorted(map(str, filter(self._runs, self.plan.jobs)))
        return f"{self.summary}; running Jobs: {named(running)}" if running else ""

    def pods_without_cilium(self) -> str:
        """The workloads with pods that still have to be restarted; empty when there are none."""
        if not any(map(self._lacks_cilium, self.plan.workloads)):
            self.plan = self._read()
        late = [str(planned.workload) for planned in filter(self._lacks_cilium, self.plan.workloads)]
        return f"{self.summary}; pods without Cilium: {named(late)}" if late else ""

    def wait(self, missing: Callable[[], str], waited_for: str, seconds: float) -> None:
        self._run.wait(
            missing,
            waited_for=waited_for,
            seconds=seconds,
            readings=self._run.options.settle_readings,
            topic=Topic.PODS_WITHOUT_CILIUM,
        )

    def _runs(self, pod: Reference) -> bool:
        path = f"/api/v1/namespaces/{pod.namespace}/pods"
        found = self._run.world.seen.each(path, pods.pod, fieldSelector=f"metadata.name={pod.name}")
        return any(known is not None and not known.terminal for known in found)

    def _lacks_cilium(self, planned: WorkloadPlan) -> bool:
        return bool(WorkloadReader(self._run.world, planned.workload).read().unmanaged)

    def _read(self) -> RefreshPlan:
        return plan_now(self._run.silent())


def _add_late_workloads(run: RefreshRun, plan: RefreshPlan) -> None:
    known = listing.read(run.world, run.options.round)
    if known is None:
        return
    late = [planned for planned in plan.workloads if not known.has(planned.workload)]
    if late:
        listing.add(run.world, known, (Listed(planned.workload, planned.uid) for planned in late))
        names = named([str(planned.workload) for planned in late])
        raise StoppedError(
            Topic.WORKLOADS_APPEARED,
            f"{names} created pods after the list of workloads was recorded, before Cilium was on their node",
            "They have been added to the list. Run `pulumi up` again: it restarts them too.",
        )
