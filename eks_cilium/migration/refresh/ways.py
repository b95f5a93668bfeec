"""How a workload is restarted: by its own roll-out, or pod by pod through the Eviction API.

A roll-out asks no disruption budget. So it is only used where it can not undercut one: where a Deployment
makes every new pod before an old one goes (`maxUnavailable` of zero, which is also what 25 % of up to three
replicas come to). There it is the better way: a single pod is never down, and a budget that never allows a
disruption is in nobody's way. Everything else is evicted, so that the API server itself keeps the budgets;
at most so many pods at once as the workload's own roll-out would let go missing, and never more than its
budget allows. Evicted as well are Deployments that could not start a second pod beside the first: a volume
for one node at a time, a port of the node.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from eks_cilium.migration.options import covers
from eks_cilium.migration.refresh.model import How

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eks_cilium.cluster.objects import Reference
    from eks_cilium.migration.facts.backing import Backing
    from eks_cilium.migration.facts.model import Owner, Pod, RollOut
    from eks_cilium.settings.model.migration import RefreshOptions


def way(workload: Reference, pods: Sequence[Pod], backing: Backing, asked: RefreshOptions) -> tuple[How, str]:
    """How, and why so."""
    owner = backing.owners.get(workload)
    if workload.kind != "Deployment" or owner is None:
        return How.EVICT, f"{workload.kind}s make a new pod when an old one is gone"
    if against := _against(owner, pods, backing, asked):
        return How.EVICT, against
    return How.ROLL_OUT, "its roll-out makes each new pod before an old one goes"


def width(owner: Owner | None, pods: int) -> int:
    """How many pods of a workload may be missing at once: what its own roll-out would allow, at least one.

    `pods` is how many a DaemonSet has, which does not say it itself. A Deployment rounds percentages down, a
    DaemonSet up (the API reference of their strategies).
    """
    if owner is None or owner.roll_out is None or owner.roll_out.kind != "RollingUpdate":
        return 1
    match owner.reference.kind:
        case "StatefulSet":
            return 1
        case "DaemonSet":
            return max(math.ceil(_scaled(owner.roll_out.max_unavailable, pods)), 1)
        case _:
            return max(_unavailable(owner.roll_out, owner.desired or 1), 1)


def _against(owner: Owner, pods: Sequence[Pod], backing: Backing, asked: RefreshOptions) -> str:
    """Why a Deployment is evicted all the same; nothing where it is not."""
    roll_out, wanted = owner.roll_out, owner.desired or 0
    if roll_out is None or roll_out.kind != "RollingUpdate":
        return "its roll-out would stop all pods first"
    missing = _unavailable(roll_out, wanted)
    reasons = (
        ("as configured", covers(asked.evict, owner.reference)),
        ("its roll-outs are paused", roll_out.paused),
        (f"its roll-out would let {missing} of {wanted} pods go missing and not ask a budget", missing > 0),
        ("its pods hold a port of their node", any(pod.host_ports for pod in pods)),
        ("its volume is for one node at a time", any(_is_exclusive(pod, backing) for pod in pods)),
    )
    return next((reason for reason, holds in reasons if holds), "")


def _is_exclusive(pod: Pod, backing: Backing) -> bool:
    return any(volume is None or not volume.shared for volume in backing.volumes_of(pod))


def _unavailable(roll_out: RollOut, wanted: int) -> int:
    """As Kubernetes rounds it: percentages down; when both come to nothing, one pod may be missing."""
    missing = math.floor(_scaled(roll_out.max_unavailable, wanted))
    surge = math.ceil(_scaled(roll_out.max_surge, wanted))
    return max(missing, 1) if surge == 0 else missing


def _scaled(value: int | str | None, whole: int) -> float:
    if isinstance(value, str):
        return int(value.rstrip("%")) * whole / 100
    return value or 0
