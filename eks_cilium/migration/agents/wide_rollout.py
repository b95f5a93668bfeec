"""Rolls Cilium's agents at a share of the nodes while this program has all of them restarted.

Cilium's chart replaces two agents at a time (`updateStrategy` in its values.yaml): thousands of waves in a
large cluster. Pods go on without their node's agent, since what it has loaded stays in the kernel
(docs.cilium.io, "Upgrade Guide"). What the DaemonSet said before is kept in an annotation of it, so that a
later run restores it where this one is killed. Called by `enforcement`.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from eks_cilium.migration.cni import CILIUM

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eks_cilium.cluster.objects import Object
    from eks_cilium.runtime.context import World

_PERCENT = 10
_BEFORE = "eks-cilium.io/max-unavailable-before"
"""Annotation: what `maxUnavailable` was, as JSON."""


@contextmanager
def widened(world: World) -> Iterator[None]:
    """Have agents replaced at a share of the nodes inside the block, where that is more than now."""
    daemon_set = world.api.get(CILIUM.path)
    if daemon_set is not None and _is_narrow(daemon_set):
        now = json.dumps(_most(daemon_set))
        _write(world, f"{_PERCENT}%", now)
    try:
        yield
    finally:
        restore(world)


def restore(world: World) -> None:
    """Set what the DaemonSet said before, also after a run that was killed."""
    daemon_set = world.api.get(CILIUM.path)
    before = (daemon_set["metadata"].get("annotations") or {}).get(_BEFORE) if daemon_set else None
    if before is not None:
        _write(world, json.loads(before), None)


def _is_narrow(daemon_set: Object) -> bool:
    strategy = daemon_set["spec"].get("updateStrategy") or {}
    rolling, now = strategy.get("rollingUpdate") or {}, _most(daemon_set)
    wanted = (daemon_set.get("status") or {}).get("desiredNumberScheduled", 0) * _PERCENT // 100
    rolls = strategy.get("type", "RollingUpdate") == "RollingUpdate" and not rolling.get("maxSurge")
    kept = _BEFORE in (daemon_set["metadata"].get("annotations") or {})
    return rolls and not kept and wanted > (now if isinstance(now, int) else wanted)


def _most(daemon_set: Object) -> Any:
    """How many agents may be unavailable: a number, or a percentage as text; 1 by default."""
    rolling = (daemon_set["spec"].get("updateStrategy") or {}).get("rollingUpdate") or {}
    return rolling.get("maxUnavailable", 1)


def _write(world: World, most: Any, before: str | None) -> None:
    world.guard()
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": most}}
    patch = {"metadata": {"annotations": {_BEFORE: before}}, "spec": {"updateStrategy": strategy}}
    world.api.merge(CILIUM.path, patch)
