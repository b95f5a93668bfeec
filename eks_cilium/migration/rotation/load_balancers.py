"""Waits until load balancers have stopped sending to a drained node."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eks_cilium.migration.inventory.model import Outgoing
    from eks_cilium.migration.run import MigrationRun
    from eks_cilium.runtime.context import World


def await_stopped(run: MigrationRun, node: Outgoing, *, cordoned: float) -> None:
    """Wait for load balancers to stop sending; the time counts from when this run cordoned the node."""
    pause = run.limits.load_balancer - (run.world.time.monotonic() - cordoned)
    if pause <= 0 or not _has_load_balancers(run.world):
        return
    run.report(f"load balancers have {pause:.0f} s to stop sending to {node.name}")
    run.world.pause(seconds=pause, every=run.limits.poll_interval)


def _has_load_balancers(world: World) -> bool:
    return any(world.api.each("/api/v1/services", lambda obj: obj["spec"].get("type") == "LoadBalancer"))
