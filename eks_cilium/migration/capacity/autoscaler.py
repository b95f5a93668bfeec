"""Keeps the Cluster Autoscaler, where it runs, from removing new nodes: without pods they look idle.

New nodes get its annotation `scale-down-disabled` as soon as they can take pods, and lose it at the end of
the migration. Nodes join without the annotation, so none that the user has set is removed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eks_cilium.cluster.objects import reference
from eks_cilium.migration.facts.workloads import is_autoscaler
from eks_cilium.migration.inventory import marks
from eks_cilium.runtime.record import AUTOSCALER

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from eks_cilium.cluster.objects import Object
    from eks_cilium.migration.run import Run
    from eks_cilium.runtime.context import World

ANNOTATION = "cluster-autoscaler.kubernetes.io/scale-down-disabled"
_DEPLOYMENTS = "/apis/apps/v1/deployments"


def note(run: Run) -> None:
    """Record whether the Cluster Autoscaler runs; looked up once per migration."""
    record = run.world.record
    if record.get(AUTOSCALER) is not None:
        return
    deployments = run.world.api.each(_DEPLOYMENTS, lambda obj: reference("Deployment", obj))
    found = next(filter(is_autoscaler, deployments), None)
    record.put(AUTOSCALER, str(found or ""))
    if found:
        run.report(f"{found} is kept from removing new nodes")


def keep(world: World, nodes: Iterable[Object]) -> None:
    """Disable scale-down for these nodes."""
    missing = [node for node in nodes if not _is_kept(node)]
    if missing and world.record.get(AUTOSCALER):
        for node in missing:
            marks.annotate(world.api, node, ANNOTATION, "true")


def release(world: World, instances: Iterable[str], nodes: Mapping[str, Object]) -> None:
    """Enable scale-down again for the nodes of these instances."""
    if world.record.get(AUTOSCALER):
        for instance in instances:
            if instance in nodes:
                marks.annotate(world.api, nodes[instance], ANNOTATION, None)


def _is_kept(node: Object) -> bool:
    return ANNOTATION in (node["metadata"].get("annotations") or {})
