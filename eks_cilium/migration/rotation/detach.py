"""Waits until load balancers and volumes are detached from a drained node, before its instance is terminated.

Both waits are bounded. A volume that is not detached in time is detached with the instance; the pod that
waits for it then starts minutes later, which the journal records. Called by the rotation of each node.
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
    """Wait for load balancers to stop sending; the time counts from when this run cordoned the node."""
    pause = run.limits.load_balancer - (run.world.time.monotonic() - cordoned)
    if pause <= 0 or not _has_load_balancers(run.world):
        return
    run.report(f"load balancers have {pause:.0f} s to stop sending to {node.name}")
    run.world.pause(seconds=pause, every=run.limits.poll_interval)


def await_volumes(run: MigrationRun, node: Outgoing) -> None:
    def missing() -> str:
        attached = run.world.api.each("/apis/storage.k8s.io/v1/volumeattachments", attachment)
        volumes = sorted(found[0] for found in attached if found is not None and found[1] == node.name)
        return f"still attached to {node.name}: {', '.join(volumes)}" if volumes else ""

    try:
        run.wait(missing, waited_for=f"the volumes of {node.name}", seconds=run.limits.volumes)
    except TimedOutError as error:
        run.report(f"{error.missing}; they are detached with the instance")
        run.world.note("volumes-not-detached", node=node.name, missing=error.missing)


def _has_load_balancers(world: World) -> bool:
    return any(world.api.each("/api/v1/services", lambda obj: obj["spec"].get("type") == "LoadBalancer"))
