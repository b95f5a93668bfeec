"""Pods that the scheduler finds no node for, while nodes are being replaced.

A drained node is terminated only when the successors of its pods have nodes, and no further node is cordoned
while pods of nodes in work have none. The scheduler's own message says why: condition PodScheduled with
reason Unschedulable (k8s.io/api/core/v1/types.go). Only Pending pods are read, never the whole cluster.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from eks_cilium.cluster.objects import controller, is_cordoned, reference
from eks_cilium.migration.facts import pods
from eks_cilium.migration.facts.nodes import is_silent
from eks_cilium.migration.facts.on_demand import BackingReader
from eks_cilium.migration.inventory import marks, recording
from eks_cilium.migration.options import covers
from eks_cilium.migration.placement.candidates import Candidate
from eks_cilium.migration.placement.needs import need_of
from eks_cilium.migration.replicas.scheduling import sentence, unscheduled
from eks_cilium.migration.rotation import before as records
from eks_cilium.runtime.errors import StoppedError
from eks_cilium.troubleshooting import Topic

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eks_cilium.cluster.objects import Object, Reference
    from eks_cilium.migration.inventory.model import Outgoing
    from eks_cilium.migration.placement.needs import Need
    from eks_cilium.migration.replicas.scheduling import Unscheduled
    from eks_cilium.migration.rotation.before import Before
    from eks_cilium.migration.run import MigrationRun
    from eks_cilium.runtime.context import World

_CORDONED = "unschedulable"
"""In the scheduler's message where a node is cordoned: `1 node(s) were unschedulable`."""


def await_successors(run: MigrationRun, node: Outgoing) -> None:
    """Wait until the successors of a drained node's pods have nodes.

    Raises TimedOutError with the scheduler's messages. The drain is given up then, and the node uncordoned,
    which is what these pods need.
    """
    before = records.of(run.world, node)
    obj = run.world.seen.get(marks.path(node.name))
    if before is None or obj is None or is_silent(obj):
        return  # nothing can run on a dead node: to replace it is what its pods need
    run.wait(
        lambda: sentence(of_workloads(run, before)),
        waited_for=f"the successors of the pods of node {node.name} to be scheduled",
        seconds=run.options.pending_timeout_seconds,
        topic=Topic.PODS_PENDING,
        wakes=True,
    )


def missing(run: MigrationRun) -> str:
    """Pods that have no node on account of this migration, in one sentence; empty where all have one.

    Those of workloads of nodes in work, and those that a cordon of this program keeps from a node that suits
    them. Raises StoppedError when one of them has had none for too long.
    """
    unplaced = read(run.world)
    if not unplaced:
        return ""
    found = _of_workloads(run, list(records.by_node(run.world).values()), unplaced)
    found += [pod for pod in _kept_out(run, unplaced) if pod not in found]
    limit, now = run.options.pending_timeout_seconds, run.world.time.now()
    if late := [pod for pod in found if pod.longer_than(limit, now)]:
        raise StoppedError(
            Topic.PODS_PENDING,
            f"pods have had no node for more than {limit} s on account of the migration: {sentence(late)}",
            "No further node was cordoned. Give them a node (capacity, zone, labels), or permit it in "
            "`migration.allow.strandedPods`, and run `pulumi up` again: it continues from here.",
        )
    return sentence(found)


def of_workloads(run: MigrationRun, before: Before) -> list[Unscheduled]:
    """Pods without a node of the workloads that a node had, except those that may stay Pending."""
    return _of_workloads(run, [before], read(run.world))


def _of_workloads(
    run: MigrationRun, befores: Sequence[Before], unplaced: Sequence[Unscheduled]
) -> list[Unscheduled]:
    """A pod that had no node before the cordon already is left out: the migration did not take it."""
    reader = BackingReader(run.world.seen)
    return [
        pod
        for pod in unplaced
        if any(_is_of(pod.obj, before, reader) for before in befores) and not _may_stay(run, pod.obj, reader)
    ]


def _kept_out(run: MigrationRun, unplaced: Sequence[Unscheduled]) -> list[Unscheduled]:
    """Pods that a node which this program cordoned would suit, by its labels, taints and zone.

    The scheduler names cordoned nodes first (plugins/nodeunschedulable), whether they suit the pod or not.
    """
    named = [pod for pod in unplaced if _CORDONED in pod.message]
    if not named:
        return []
    began = recording.required(run.world, run.options.target).taken
    cordoned = [
        Candidate(run.world, node)
        for node in run.world.seen.list("/api/v1/nodes")
        if marks.is_ours(node) and is_cordoned(node)
    ]
    reader = BackingReader(run.world.seen)
    return [
        pod
        for pod in named
        if pod.since
        and pod.since >= datetime.fromisoformat(began)
        and not _may_stay(run, pod.obj, reader)
        and any(node.suits_but_for_its_cordon(_need(pod.obj, reader)) for node in cordoned)
    ]


def _need(obj: Object, reader: BackingReader) -> Need:
    # A pod without a node has no facts; what it needs is read as if it were bound.
    bound = {**obj, "spec": {**obj["spec"], "nodeName": "none"}}
    pod = pods.pod(bound)
    assert pod is not None, "it is bound"
    return need_of(obj, pod, (volume for volume in reader.of([bound]).volumes_of(pod) if volume))


def read(world: World) -> list[Unscheduled]:
    """All pods that the scheduler has found no node for."""
    found = world.seen.each("/api/v1/pods", unscheduled, fieldSelector="status.phase=Pending")
    return [pod for pod in found if pod is not None]


def _is_of(obj: Object, before: Before, reader: BackingReader) -> bool:
    if obj["metadata"]["uid"] in before.pending:
        return False
    custom = {each.owner.uid for each in before.custom}
    owners = obj["metadata"].get("ownerReferences") or ()
    if any(each.get("controller") and each.get("uid") in custom for each in owners):
        return True
    names = {*before.ready, *before.working}
    return any(records.key(workload) in names for workload in _workloads(obj, reader))


def _may_stay(run: MigrationRun, obj: Object, reader: BackingReader) -> bool:
    workloads = _workloads(obj, reader)
    return covers(run.options.allow.stranded_pods, reference("Pod", obj), *workloads)


def _workloads(obj: Object, reader: BackingReader) -> list[Reference]:
    owner = controller(obj)
    return list(reader.of([obj]).chain(owner)) if owner else []
