"""What the program of a refresh finds when it starts: its workloads in the order of work, and the plan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from eks_cilium.migration.refresh import listing
from eks_cilium.migration.refresh.planning import plan
from eks_cilium.migration.refresh.reading import find

if TYPE_CHECKING:
    from eks_cilium.cluster.objects import Reference
    from eks_cilium.migration.refresh.model import RefreshPlan
    from eks_cilium.migration.run import RefreshRun


@dataclass(frozen=True, slots=True)
class RefreshBeginning:
    """Where a refresh stands when a program starts."""

    workloads: tuple[Reference, ...]
    """All that are or were to be restarted, in the order of work."""
    plan: RefreshPlan | None
    """Made when no list was written yet."""
    nodes: int
    """How many nodes the cluster has."""


def begin(run: RefreshRun) -> RefreshBeginning:
    """Look for the list, and plan where there is none."""
    nodes = len(run.world.api.list("/api/v1/nodes"))
    known = listing.read(run.world, run.options.round)
    if known is not None:
        return RefreshBeginning(known.references, plan=None, nodes=nodes)
    made = plan_now(run)
    return RefreshBeginning(tuple(one.workload for one in made.workloads), plan=made, nodes=nodes)


def plan_now(run: RefreshRun) -> RefreshPlan:
    """The plan of what is left to do, from facts read now."""
    return plan(find(run.world, run.report), run.options, vpc_cni_version=run.vpc_cni_version)
