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
    from eks_cilium.migration.options import Rules
    from eks_cilium.runtime.context import Report, World

Facts = dict[str, Any]
"""Plain values: str, int, float, bool, None, and lists and dicts of them."""


def take_list(world: World, rules: Rules, report: Report) -> Facts:
    """Write down, once, the workloads whose pods Cilium does not manage. {"taken", "workloads": [...]}."""
    world.guard()
    known = listing.read(world, rules.refresh.round)
    if known is None:
        made = plan_now(world, rules, report)
        known = listing.write(world, made, rules.refresh.round)
        report(f"{made.pods} pods of {len(made.workloads)} workloads are to be restarted")
    return {"taken": known.taken, "workloads": [str(one) for one in known.references]}


def exclude_from_snat(world: World, peers: Sequence[str], rules: Rules, report: Report) -> Facts:
    """Have peers see pods' own addresses. {"changed", "exclusions"}."""
    return snat.exclude(world, peers, rules, report)


def await_agents(world: World, rules: Rules, report: Report) -> Facts:
    """The gate before pods are restarted: agents on every node that can have one. {"nodes": number}."""
    seen = wait_until_ready(
        world.api,
        minimum_nodes=1,
        timeout=rules.limits.roll_out,
        report=report,
        clock=world.time.monotonic,
        sleep=world.time.sleep,
        serves=lambda node: not unable(known_node(node, {})),
    )
    return {"nodes": len(seen.nodes)}


def restart_workload(world: World, workload: Reference, rules: Rules, report: Report) -> Facts:
    """Restart what Cilium does not manage of a workload. {"workload", "how", "pods", "seconds"}."""
    known = listing.read(world, rules.refresh.round)
    if known is None:
        raise StoppedError("no list of workloads was written in this cluster yet")
    return restarting.restart(world, workload, known.taken, rules, report)


def await_managed(world: World, rules: Rules, report: Report) -> Facts:
    """The gate at the end: nothing is left that was to be restarted. {"managed", "of", "left": [...]}."""
    return gate.await_managed(world, rules, report)


def leave_nodes(world: World, rules: Rules, report: Report, *, everywhere: bool = False) -> Facts:
    """Take chained agents off nodes, which go back to the VPC CNI alone. {"chained", "nodes": [...]}."""
    return removal.leave(world, rules, report, everywhere=everywhere)
