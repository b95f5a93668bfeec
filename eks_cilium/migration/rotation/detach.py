"""A drained node is let go: by the load balancers that still send to it, and by the volumes of its pods.

Both waits are bounded. A volume that is not let go in time comes off with the instance; that takes minutes
longer for the pod that waits for it, and is written in the journal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eks_cilium.migration.facts.storage import attachment
from eks_cilium.runtime.errors import TimedOutError

if TYPE_CHECKING:
    from eks_cilium.migration.inventory.model import Outgoing
    from eks_cilium.migration.run import MigrationRun
    from eks_cilium.runtime.context import World


def await_load_balancers(run: MigrationRun, node: Outgoing, *, cordoned: float) -> None:
    """Give load balancers their time, counted from when the node was cordoned by this run."""
    pause = run.limits.load_balancer - (run.world.time.monotonic() - cordoned)
    if pause <= 0 or not _has_load_balancers(run.world):
        return
    run.report(f"load balancers have {pause:.0f} s to stop sending to {node.name}")
    run.world.pause(seconds=pause, every=run.limits.poll_interval)


def await_volumes(run: MigrationRun, node: Outgoing) -> None:
    """Wait until no volume is attached to the node any more."""

    def missing() -> str:
        attached = run.world.api.each("/apis/storage.k8s.io/v1/volumeattachments", attachment)
        volumes = sorted(one[0] for one in attached if one is not None and one[1] == node.name)
        return f"still attached to {node.name}: {', '.join(volumes)}" if volumes else ""

    try:
        run.wait(missing, waited_for=f"the volumes of {node.name}", seconds=run.limits.volumes)
    except TimedOutError as error:
        run.report(f"{error.missing}; they come off with the instance")
        run.world.note("volumes-not-let-go", node=node.name, missing=error.missing)


def _has_load_balancers(world: World) -> bool:
    return any(world.api.each("/api/v1/services", lambda one: one["spec"].get("type") == "LoadBalancer"))
