"""Pods that the scheduler finds no node for, while nodes are being replaced.

A drained node is terminated only when the successors of its pods have nodes, and no further node is cordoned
while pods of nodes in work have none. The scheduler's own message says why: condition PodScheduled with
reason Unschedulable (k8s.io/api/core/v1/types.go). Only Pending pods are read, never the whole cluster.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eks_cilium.cluster.objects import controller, reference
from eks_cilium.migration.facts.on_demand import BackingReader
from eks_cilium.migration.options import covers
from eks_cilium.migration.replicas.scheduling import sentence, unscheduled
from eks_cilium.migration.rotation import before as records
from eks_cilium.runtime.errors import StoppedError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from eks_cilium.cluster.objects import Object, Reference
    from eks_cilium.migration.inventory.model import Outgoing
    from eks_cilium.migration.replicas.scheduling import Unscheduled
    from eks_cilium.migration.rotation.before import Before
    from eks_cilium.migration.run import MigrationRun
    from eks_cilium.runtime.context import World


def await_successors(run: MigrationRun, node: Outgoing) -> None:
    """Wait until the successors of a drained node's pods have nodes.

    Raises TimedOutError with the scheduler's messages. The drain is given up then, and the node uncordoned,
    which is what these pods need.
    """
    before = records.of(run.world, node)
    if before is None:
        return
    run.wait(
        lambda: sentence(of_workloads(run, [before])),
        waited_for=f"the successors of the pods of node {node.name} to be scheduled",
        seconds=run.options.pending_timeout_seconds,
    )


def missing(run: MigrationRun) -> str:
    """Pods of nodes in work that have no node yet, in one sentence; empty where all have one.

    Raises StoppedError when one of them has had none for too long.
    """
    found = of_workloads(run, records.in_work(run.world))
    limit, now = run.options.pending_timeout_seconds, run.world.time.now()
    late = [pod for pod in found if pod.longer_than(limit, now)]
    if late:
        raise StoppedError(
            f"pods of nodes in work have had no node for more than {limit} s: {sentence(late)}",
            "No further node was cordoned. Give them a node (capacity, zone, labels), or permit it in "
            "`migration.allow.strandedPods`, and run `pulumi up` again: it continues from here.",
        )
    return sentence(found)


def of_workloads(run: MigrationRun, befores: Sequence[Before]) -> list[Unscheduled]:
    """Pods without a node of the workloads in these records, except those that may stay Pending.

    A pod that had none before the cordon already is left out: the migration did not take its node.
    """
    if not befores:
        return []
    already = {uid for before in befores for uid in before.pending}
    names = {name for before in befores for name in before.ready}
    custom = {each.owner.uid for before in befores for each in before.custom}
    reader = BackingReader(run.world.api)
    return [
        pod
        for pod in read(run.world)
        if pod.obj["metadata"]["uid"] not in already
        and _is_of(pod.obj, names, custom, reader)
        and not _may_stay(run, pod.obj, reader)
    ]


def read(world: World) -> list[Unscheduled]:
    """All pods that the scheduler has found no node for."""
    found = world.api.each("/api/v1/pods", unscheduled, fieldSelector="status.phase=Pending")
    return [pod for pod in found if pod is not None]


def _is_of(obj: Object, names: Collection[str], custom: Collection[str], reader: BackingReader) -> bool:
    owners = obj["metadata"].get("ownerReferences") or ()
    if any(each.get("controller") and each.get("uid") in custom for each in owners):
        return True
    return any(records.key(workload) in names for workload in _workloads(obj, reader))


def _may_stay(run: MigrationRun, obj: Object, reader: BackingReader) -> bool:
    workloads = _workloads(obj, reader)
    return covers(run.options.allow.stranded_pods, reference("Pod", obj), *workloads)


def _workloads(obj: Object, reader: BackingReader) -> list[Reference]:
    owner = controller(obj)
    return list(reader.of([obj]).chain(owner)) if owner else []
