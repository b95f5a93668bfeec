"""The gate at the end of a refresh: how many of the pods Cilium manages, and what is left.

Pods of Jobs are waited for, where that is asked for. Workloads that made pods without Cilium after the list
was written, and before Cilium was on their node, are added to the list here, for the next run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eks_cilium.migration.agents.rollout import named
from eks_cilium.migration.options import Jobs
from eks_cilium.migration.refresh import listing
from eks_cilium.migration.refresh.model import Listed
from eks_cilium.migration.refresh.start import plan_now
from eks_cilium.runtime.errors import StoppedError, TimedOutError

if TYPE_CHECKING:
    from eks_cilium.migration.options import Rules
    from eks_cilium.migration.refresh.model import RefreshPlan
    from eks_cilium.runtime.context import Report, World

_PATIENCE = 120.0
"""For pods that are just starting to get their endpoint."""


def await_managed(world: World, rules: Rules, report: Report) -> dict[str, Any]:
    """Wait until Cilium manages all pods that were to be restarted. {"managed", "of", "left": [...]}."""
    world.guard()
    gate = _Gate(world, rules, report)
    if rules.refresh.jobs is Jobs.WAIT:
        gate.wait(gate.jobs, "the Jobs that began before Cilium", rules.refresh.job_timeout)
    try:
        gate.wait(gate.workloads, "Cilium to manage every pod", _PATIENCE)
    except TimedOutError:
        _add_late_ones(world, rules, gate.seen)
        raise
    report(gate.told)
    return {"managed": gate.seen.managed, "of": gate.seen.total, "left": sorted(map(str, gate.seen.left))}


class _Gate:
    def __init__(self, world: World, rules: Rules, report: Report) -> None:
        self._world, self._rules, self._report = world, rules, report
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
        self._world.wait(
            missing,
            waited_for=waited_for,
            seconds=seconds,
            every=self._rules.limits.between_looks,
            report=self._report,
            readings=self._rules.options.settle_readings,
        )

    def _look(self) -> RefreshPlan:
        return plan_now(self._world, self._rules, lambda _: None)


def _add_late_ones(world: World, rules: Rules, seen: RefreshPlan) -> None:
    known = listing.read(world, rules.refresh.round)
    if known is None:
        return
    late = [one for one in seen.workloads if one.workload not in known.references]
    if late:
        listing.add(world, known, (Listed(one.workload, one.uid) for one in late))
        names = named([str(one.workload) for one in late])
        raise StoppedError(
            f"{names} made pods after the list of workloads was written and before Cilium was on their node",
            "They are in the list now. Run `pulumi up` again: it restarts them too.",
        )
