"""The gate at the end of a refresh: how many of the pods Cilium manages, and what is left.

Pods of Jobs are waited for, where that is asked for. Workloads that made pods without Cilium after the list
was written, and before Cilium was on their node, are added to the list here, for the next run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eks_cilium.migration.refresh import listing
from eks_cilium.migration.refresh.model import Listed
from eks_cilium.migration.refresh.start import plan_now
from eks_cilium.runtime.errors import StoppedError, TimedOutError
from eks_cilium.settings.model.migration import Jobs
from eks_cilium.texts import named

if TYPE_CHECKING:
    from eks_cilium.migration.refresh.model import RefreshPlan
    from eks_cilium.migration.run import RefreshRun

_PATIENCE = 120.0
"""For pods that are just starting to get their endpoint."""


def await_managed(run: RefreshRun) -> dict[str, Any]:
    """Wait until Cilium manages all pods that were to be restarted. {"managed", "of", "left": [...]}."""
    run.world.guard()
    gate = _Gate(run)
    if run.options.jobs is Jobs.WAIT:
        gate.wait(gate.jobs, "the Jobs that began before Cilium", run.options.job_timeout_seconds)
    try:
        gate.wait(gate.workloads, "Cilium to manage every pod", _PATIENCE)
    except TimedOutError:
        _add_late_ones(run, gate.seen)
        raise
    run.report(gate.told)
    return {"managed": gate.seen.managed, "of": gate.seen.total, "left": sorted(map(str, gate.seen.left))}


class _Gate:
    def __init__(self, run: RefreshRun) -> None:
        self._run = run
        self.seen: RefreshPlan = self._look()

    @property
    def told(self) -> str:
        """The remainder, as `cilium status` says it."""
        left = f"; left as they are: {named(sorted(map(str, self.seen.left)))}" if self.seen.left else ""
        return f"{self.seen.managed} of {self.seen.total} pods managed by Cilium{left}"

    def jobs(self) -> str:
        """Whether pods of Jobs are left."""
        self.seen = self._look()
        running = sorted(map(str, self.seen.jobs))
        return f"{self.told}; Jobs that run: {named(running)}" if running else ""

    def workloads(self) -> str:
        """Whether pods are left that ought to have been restarted."""
        self.seen = self._look()
        late = [str(one.workload) for one in self.seen.workloads]
        return f"{self.told}; pods without Cilium: {named(late)}" if late else ""

    def wait(self, missing: Any, waited_for: str, seconds: float) -> None:
        """Look until nothing is missing."""
        self._run.wait(
            missing, waited_for=waited_for, seconds=seconds, readings=self._run.options.settle_readings
        )

    def _look(self) -> RefreshPlan:
        return plan_now(self._run.silent())


def _add_late_ones(run: RefreshRun, seen: RefreshPlan) -> None:
    known = listing.read(run.world, run.options.round)
    if known is None:
        return
    late = [one for one in seen.workloads if one.workload not in known.references]
    if late:
        listing.add(run.world, known, (Listed(one.workload, one.uid) for one in late))
        names = named([str(one.workload) for one in late])
        raise StoppedError(
            f"{names} made pods after the list of workloads was written and before Cilium was on their node",
            "They are in the list now. Run `pulumi up` again: it restarts them too.",
        )
