"""The gate before pods are restarted: Cilium's chained agents are ready on every node that can have one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eks_cilium.cluster.readiness import wait_until_ready
from eks_cilium.migration.facts.nodes import node as known_node
from eks_cilium.migration.refresh.pods import why_no_agent

if TYPE_CHECKING:
    from eks_cilium.migration.run import Run


def await_agents(run: Run) -> dict[str, Any]:
    """Wait for the agents. Returns {"nodes": number}; raises NotReadyError with what is missing."""
    seen = wait_until_ready(
        run.world.api,
        minimum_nodes=1,
        timeout=run.limits.roll_out,
        report=run.report,
        time=run.world.time,
        serves=lambda node: not why_no_agent(known_node(node, {})),
    )
    return {"nodes": len(seen.nodes)}
