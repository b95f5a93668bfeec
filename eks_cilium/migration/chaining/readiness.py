"""The gate before pods are restarted: Cilium's chained agents are ready on every node that can have one.

Nodes whose kubelet does not answer are not waited for: nothing starts there, and their pods are down already
or end before an agent comes back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eks_cilium.cluster.gates.readiness import wait_until_ready
from eks_cilium.migration.facts.nodes import is_silent
from eks_cilium.migration.facts.nodes import node as known_node
from eks_cilium.migration.refresh.pods import why_no_agent

if TYPE_CHECKING:
    from eks_cilium.cluster.objects import Object
    from eks_cilium.migration.run import Run


def await_agents(run: Run) -> dict[str, Any]:
    """Wait for the agents. Returns {"nodes": number}; raises NotReadyError with what is missing."""
    silent: set[str] = set()

    def answers(node: Object) -> bool:
        name = node["metadata"]["name"]
        (silent.add if is_silent(node) else silent.discard)(name)
        return name not in silent

    seen = wait_until_ready(
        run.world.api,
        minimum_nodes=1,
        timeout=run.limits.roll_out,
        report=run.report,
        time=run.world.time,
        serves=lambda node: not why_no_agent(known_node(node, {})),
        is_awaited=answers,
    )
    if silent:
        run.report(f"not waited for, because the kubelet does not answer: {', '.join(sorted(silent))}")
    return {"nodes": len(seen.nodes)}
