"""Records, once, the workloads whose pods have to be restarted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eks_cilium.migration.refresh import listing
from eks_cilium.migration.refresh.start import plan_now

if TYPE_CHECKING:
    from eks_cilium.migration.run import RefreshRun


def record_workloads(run: RefreshRun) -> dict[str, Any]:
    """Record the workloads whose pods Cilium does not manage. {"taken", "workloads": [...]}."""
    run.world.guard()
    known = listing.read(run.world, run.options.round)
    if known is None:
        plan = plan_now(run)
        known = listing.write(run.world, plan, run.options.round)
        run.report(f"{plan.pods} pods of {len(plan.workloads)} workloads will be restarted")
    return {"taken": known.recorded_at, "workloads": [str(workload) for workload in known.references]}
