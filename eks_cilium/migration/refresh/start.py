"""What a refresh finds and records when it starts: its workloads in the order of restarts, and the plan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eks_cilium.migration.control import stop
from eks_cilium.migration.refresh import listing, reading
from eks_cilium.migration.refresh.planning import plan

if TYPE_CHECKING:
    from eks_cilium.cluster.objects import Reference
    from eks_cilium.migration.control.stop import StopRequest
    from eks_cilium.migration.refresh.model import RefreshPlan
    from eks_cilium.migration.run import RefreshRun


@dataclass(frozen=True, slots=True)
class RefreshStart:
    """The state of a refresh when its program starts."""

    workloads: tuple[Reference, ...]
    """All that have been or will be restarted, in the order of restarts."""
    plan: RefreshPlan | None
    """None where the list of workloads is already recorded."""
    nodes: int
    """How many nodes the cluster has."""
    stop: StopRequest | None = None
    """Who asked runs on this cluster to begin nothing further."""


def read_start(run: RefreshRun) -> RefreshStart:
    """The workloads from the recorded list, or from a plan where no list is recorded yet."""
    nodes = len(run.world.api.list("/api/v1/nodes"))
    asked = stop.requested(run.world.api)
    known = listing.read(run.world, run.options.round)
    if known is not None:
        return RefreshStart(known.references, plan=None, nodes=nodes, stop=asked)
    new = plan_now(run)
    workloads = tuple(planned.workload for planned in new.workloads)
    return RefreshStart(workloads, plan=new, nodes=nodes, stop=asked)


def plan_now(run: RefreshRun) -> RefreshPlan:
    """The plan of the restarts that are left, from facts read now."""
    return plan(reading.read(run.world, run.report), run.options, vpc_cni_version=run.vpc_cni_version)


def record_workloads(run: RefreshRun) -> dict[str, Any]:
    """Record, once, the workloads whose pods Cilium does not manage. {"taken", "workloads": [...]}."""
    run.world.guard()
    known = listing.read(run.world, run.options.round)
    if known is None:
        new = plan_now(run)
        known = listing.write(run.world, new, run.options.round)
        run.report(f"{new.pods} pods of {len(new.workloads)} workloads will be restarted")
    return {"taken": known.recorded_at, "workloads": [str(workload) for workload in known.references]}
