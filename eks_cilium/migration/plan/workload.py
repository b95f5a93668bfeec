"""What stands behind a pod, and how many pods that wants."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from eks_cilium.cluster.objects import Reference
    from eks_cilium.migration.facts.model import Owner, Pod

_DEEPEST = 5


def behind(pod: Pod, owners: Mapping[Reference, Owner]) -> Reference:
    """The workload people know: the Deployment or CronJob; the pod itself where nothing stands behind it."""
    found = pod.owner
    for _ in range(_DEEPEST):
        owner = owners.get(found) if found else None
        if owner is None or owner.owner is None:
            break
        found = owner.owner
    return found or pod.reference


def scale(controller: Reference, owners: Mapping[Reference, Owner]) -> tuple[Reference, int] | None:
    """Whose replicas count for a controller's pods, and how many: a Deployment's, not its ReplicaSet's.

    None for what has no replicas, or is of a kind nobody here knows.
    """
    owner = owners.get(controller)
    if owner is None:
        return None
    above = owners.get(owner.owner) if owner.owner else None
    if above is not None and above.desired is not None:
        return above.reference, above.desired
    return None if owner.desired is None else (owner.reference, owner.desired)
