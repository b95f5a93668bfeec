"""What `eks_cilium/dynamic/` may ask of Cilium on top of the VPC CNI: one function per dynamic resource.

As `migration.operations` for a replacement: every function looks at the cluster first, does only what is
left to do, and returns plain facts.

The order: take_list, exclude_from_snat where there are peers, (Cilium is installed), pause_policies (of
`operations`), await_agents, restart_workload for every workload, await_managed, resume_policies. Before the
release is uninstalled, or a replacement begins: leave_nodes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eks_cilium.cluster.readiness import wait_until_ready
from eks_cilium.migration.aws_node import snat
from eks_cilium.migration.chaining import removal
from eks_cilium.migration.facts.nodes import node as known_node
from eks_cilium.migration.refresh import gate, listing, restarting
from eks_cilium.migration.refresh.pods import unable
from eks_cilium.migration.refresh.start import plan_now
from eks_cilium.runtime.errors import StoppedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eks_cilium.cluster.objects import Reference
    from eks_cilium.migration.run import Run

Facts = dict[str, Any]
"""Plain values: str, int, float, bool, None, and lists and dicts of them."""


def take_list(run: Run) -> Facts:
    """Write down, once, the workloads whose pods Cilium does not manage. {"taken", "workloads": [...]}."""
    run.world.guard()
    known = listing.read(run.world, run.refresh.round)
    if known is None:
        made = plan_now(run)
        known = listing.write(run.world, made, run.refresh.round)
        run.report(f"{made.pods} pods of {len(made.workloads)} workloads are to be restarted")
    return {"taken": known.taken, "workloads": [str(one) for one in known.references]}


def exclude_from_snat(run: Run, peers: Sequence[str]) -> Facts:
    """Have peers see pods' own addresses. {"changed", "exclusions"}."""
    return snat.exclude(run, peers)


def await_agents(run: Run) -> Facts:
    """The gate before pods are restarted: agents on every node that can have one. {"nodes": number}."""
    seen = wait_until_ready(
        run.world.api,
        minimum_nodes=1,
        timeout=run.limits.roll_out,
        report=run.report,
        time=run.world.time,
        serves=lambda node: not unable(known_node(node, {})),
    )
    return {"nodes": len(seen.nodes)}


def restart_workload(run: Run, workload: Reference) -> Facts:
    """Restart what Cilium does not manage of a workload. {"workload", "how", "pods", "seconds"}."""
    known = listing.read(run.world, run.refresh.round)
    if known is None:
        raise StoppedError("no list of workloads was written in this cluster yet")
    return restarting.restart(run, workload, known.taken)


def await_managed(run: Run) -> Facts:
    """The gate at the end: nothing is left that was to be restarted. {"managed", "of", "left": [...]}."""
    return gate.await_managed(run)


def leave_nodes(run: Run, *, everywhere: bool = False) -> Facts:
    """Take chained agents off nodes, which go back to the VPC CNI alone. {"chained", "nodes": [...]}."""
    return removal.leave(run, everywhere=everywhere)
