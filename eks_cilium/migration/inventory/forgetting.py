"""The end of a rollback: labels and records that nothing needs any more are deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eks_cilium.cluster.names import CNI_LABEL
from eks_cilium.migration.cni import AWS, CILIUM
from eks_cilium.migration.inventory import marks, recording
from eks_cilium.runtime.record import NODES
from eks_cilium.settings.model.migration import Target

if TYPE_CHECKING:
    from eks_cilium.migration.run import Run
    from eks_cilium.runtime.context import World


def forget(run: Run) -> dict[str, Any]:
    """Remove the labels from the nodes and delete the record. {"unlabelled": [...]}.

    Only the inventory of a rollback is kept, so that a program that runs again finds its nodes.
    """
    run.world.guard()
    unlabelled = []
    for node in run.world.api.list("/api/v1/nodes"):
        if (node["metadata"].get("labels") or {}).get(CNI_LABEL) in (AWS.label, CILIUM.label):
            marks.label(run.world.api, node, CNI_LABEL, None)
            unlabelled.append(node["metadata"]["name"])
    record = run.world.record
    if recording.inventory(record, Target.AWS_VPC_CNI) is None:
        record.delete()
    else:
        record.drop_all_but(NODES)
    run.report(f"took the label {CNI_LABEL} off {len(unlabelled)} nodes")
    return {"unlabelled": sorted(unlabelled)}


def forget_rollback(world: World) -> None:
    """Delete what is left of the record of a rollback; that of a migration to Cilium stays."""
    record = world.record
    if recording.inventory(record, Target.AWS_VPC_CNI) is not None:
        world.guard()
        record.delete()
