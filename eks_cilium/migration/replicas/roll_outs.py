"""How many pods of a workload its own roll-out may have missing at once.

Where no PodDisruptionBudget says how many may be missing, this is what its authors accept with each change of
it. Used by drains and restarts, and by the plan, which says so beforehand.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eks_cilium.migration.facts.model import Owner, RollOut

_DEFAULT = "25%"
"""Of a Deployment's maxUnavailable and maxSurge (pkg/apis/apps/v1/defaults.go, SetDefaults_Deployment)."""


def most_unavailable(owner: Owner | None, pods: int) -> int:
    """How many pods of a workload may be missing at once: as many as in its own roll-out, at least one.

    `pods` is the number of pods of a DaemonSet, whose spec does not have it. A Deployment rounds percentages
    down, a DaemonSet up (API reference of their strategies). A StatefulSet replaces one pod after another.
    """
    if owner is None or owner.roll_out is None or owner.roll_out.kind != "RollingUpdate":
        return 1
    match owner.reference.kind:
        case "StatefulSet":
            return 1
        case "DaemonSet":
            return max(math.ceil(_scaled(owner.roll_out.max_unavailable, pods)), 1)
        case _:
            return max(unavailable(owner.roll_out, owner.desired or 1), 1)


def unavailable(roll_out: RollOut, wanted: int) -> int:
    """Of a Deployment's rolling update; may be zero.

    Percentages of maxUnavailable are rounded down, those of maxSurge up; when both come to zero, one pod may
    be unavailable (pkg/controller/deployment/util/deployment_util.go, ResolveFenceposts).
    """
    missing = math.floor(_scaled(_or_default(roll_out.max_unavailable), wanted))
    surge = math.ceil(_scaled(_or_default(roll_out.max_surge), wanted))
    return max(missing, 1) if surge == 0 else missing


def _or_default(value: int | str | None) -> int | str:
    return _DEFAULT if value is None else value


def _scaled(value: int | str | None, whole: int) -> float:
    if isinstance(value, str):
        return int(value.rstrip("%")) * whole / 100
    return value or 0
