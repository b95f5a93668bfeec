"""Keeps the Cluster Autoscaler, where it runs, from removing nodes of a group that is larger than usual.

New nodes without pods look idle, and beside them old nodes do. Both get its annotation `scale-down-disabled`,
and lose it at the end of the migration; a second annotation tells such a node from a node that the user
has annotated. Source: cluster-autoscaler/FAQ.md, "How can I prevent Cluster Autoscaler from scaling down a
particular node?" (kubernetes/autoscaler 1.34).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eks_cilium.cluster.objects import reference
from eks_cilium.migration.facts.workloads import is_autoscaler
from eks_cilium.migration.inventory import marks
from eks_cilium.runtime.record import AUTOSCALER

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from eks_cilium.cluster.objects import Object
    from eks_cilium.migration.run import Run
    from eks_cilium.runtime.context import World

ANNOTATION = "cluster-autoscaler.kubernetes.io/scale-down-disabled"
KEPT = "eks-cilium.io/scale-down-disabled"
"""Beside `ANNOTATION`, where this program has set it."""
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
        run.report(f"{found} is kept from removing nodes")


def keep(world: World, nodes: Iterable[Object]) -> None:
    """Disable scale-down for these nodes."""
    missing = [node for node in nodes if not _is_kept(node)]
    if missing and world.record.get(AUTOSCALER):
        for node in missing:
            marks.annotate(world.api, node, {ANNOTATION: "true", KEPT: "true"})


def release(world: World, nodes: Iterable[Object], old: Collection[str]) -> None:
    """Enable scale-down again for nodes that were kept; `old` are the names of the nodes to be replaced.

    Earlier versions of this program kept new nodes only, and set no second annotation.
    """
    if not world.record.get(AUTOSCALER):
        return
    for node in nodes:
        if KEPT in _annotations(node) or node["metadata"]["name"] not in old:
            marks.annotate(world.api, node, {ANNOTATION: None, KEPT: None})


def _is_kept(node: Object) -> bool:
    return ANNOTATION in _annotations(node)


def _annotations(node: Object) -> Mapping[str, str]:
    return node["metadata"].get("annotations") or {}
