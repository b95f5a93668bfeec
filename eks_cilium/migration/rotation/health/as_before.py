"""Whether workloads whose pods moved are as healthy as before.

Before a node is cordoned, the ready replicas of every workload with pods on it are recorded. When the node
is terminated, the same workloads must have as many ready replicas again. Where a workload wants fewer
replicas by now, that number counts. Of a workload of an unknown kind the ready pods of the same owner are
counted. With `migration.waitUntilHealthy` the rotation waits for it (`recovery`); else `settling` judges it
while further nodes are replaced.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from eks_cilium.cluster.objects import Reference
from eks_cilium.migration.facts import pods, workloads
from eks_cilium.migration.facts.on_demand import BackingReader
from eks_cilium.migration.options import covers
from eks_cilium.migration.replicas import custom_owners
from eks_cilium.migration.replicas.scheduling import sentence
from eks_cilium.migration.rotation import before as records
from eks_cilium.migration.rotation import pending, volumes
from eks_cilium.migration.rotation.before import Before, CustomReady
from eks_cilium.texts import named

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from eks_cilium.cluster.objects import Object
    from eks_cilium.migration.facts.model import Owner
    from eks_cilium.migration.inventory.model import Outgoing
    from eks_cilium.migration.run import MigrationRun
    from eks_cilium.runtime.context import World

_MOST_NAMED = 5


def record(run: MigrationRun, node: Outgoing, objects: Sequence[Object]) -> None:
    """Record how healthy the workloads of a node are; what an earlier run recorded is kept."""
    if records.of(run.world, node) is not None:
        return
    ready, found = _ready(run.world, objects)
    before = Before(
        uid=node.uid,
        ready=ready,
        custom=_custom(run.world, objects),
        attachments=volumes.attached(run.world, node),
        addresses=tuple(sorted(ip for obj in objects if (ip := _address(obj)))),
        working=_working(run.world, objects),
        pending=tuple(pod.obj["metadata"]["uid"] for pod in pending.read(run.world)),
        pods=dict(found),
    )
    records.keep(run.world, node, before)


def _ready(world: World, objects: Sequence[Object]) -> tuple[dict[str, int], Counter[str]]:
    """How many pods of each workload are ready, and how many of its pods these objects are."""
    backing = BackingReader(world.seen).of(objects)
    ready, found = dict[str, int](), Counter[str]()
    for pod in (pods.pod(obj) for obj in objects):
        if pod is None or pod.terminal or pod.owner is None:
            continue
        owner = backing.owners.get(backing.workload_of(pod))
        if owner is not None and owner.desired is not None:
            key = records.key(owner.reference)
            ready[key] = min(owner.ready, owner.desired)
            found[key] += 1
    return ready, found


def _working(world: World, objects: Sequence[Object]) -> tuple[str, ...]:
    backing = BackingReader(world.seen).of(objects)
    known = [pod for obj in objects if (pod := pods.pod(obj)) and not pod.terminal]
    working = {backing.workload_of(pod) for pod in known if backing.works_to_completion(pod)}
    return tuple(sorted(map(records.key, working)))


def _custom(world: World, objects: Sequence[Object]) -> tuple[CustomReady, ...]:
    owners = {owner.uid: owner for obj in objects if (owner := custom_owners.custom_owner(obj))}
    return tuple(CustomReady(owner, _count_ready(world, owner)) for owner in owners.values())


def _count_ready(world: World, owner: custom_owners.CustomOwner) -> int:
    return sum(map(custom_owners.is_ready, custom_owners.pods_of(world.api, owner)))


def missing(run: MigrationRun, before: Before) -> str:
    """Workloads that are not as healthy as before, in one sentence; empty where all are."""
    found = worse(run, before)
    return sentence_of(run, before, found) if found else ""


def sentence_of(run: MigrationRun, before: Before, found: Mapping[str, str]) -> str:
    """What `worse` found, in one sentence, with pods that have no node."""
    no_node = sentence(pending.of_workloads(run, before))
    return named(found.values(), _MOST_NAMED, separator="; ") + (f"; {no_node}" if no_node else "")


def worse(run: MigrationRun, before: Before, elsewhere: Mapping[str, int] | None = None) -> dict[str, str]:
    """Workloads that are not as healthy as before, by their keys, each with its numbers.

    So many pods of a workload may be missing on account of other nodes that are drained meanwhile,
    `elsewhere`: their own rotations answer for these.
    """
    others = elsewhere or {}
    lines = {key: _worse(run, key, ready, others.get(key, 0)) for key, ready in sorted(before.ready.items())}
    lines |= {each.owner.uid: _worse_custom(run, each) for each in before.custom}
    return {key: line for key, line in lines.items() if line}


def _worse(run: MigrationRun, key: str, before: int, elsewhere: int) -> str:
    # A workload that was deleted meanwhile is not worse off.
    reference = records.reference(key)
    path = workloads.path_of(reference)
    obj = run.world.seen.get(path) if path else None
    owner: Owner | None = workloads.owner(reference.kind, obj) if obj else None
    if owner is None or owner.desired is None or covers(run.options.allow.stranded_pods, reference):
        return ""
    wanted = min(before, owner.desired)
    return (
        "" if owner.ready + elsewhere >= wanted else f"{reference} has {owner.ready} of {wanted} pods ready"
    )


def _worse_custom(run: MigrationRun, before: CustomReady) -> str:
    owner = before.owner
    if covers(run.options.allow.stranded_pods, Reference(owner.kind, owner.namespace, owner.name)):
        return ""
    ready = _count_ready(run.world, owner)
    if ready >= before.ready:
        return ""
    now = custom_owners.wanted(run.world.api, owner)
    wanted = before.ready if now.pods is None else min(before.ready, now.pods)
    if not now.exists or ready >= wanted:
        return ""
    return f"{owner} has {ready} of {wanted} pods ready"


def _address(obj: Object) -> str:
    """The address of a pod that moves and has one of its own."""
    pod = pods.pod(obj)
    owned_by_node = pod is None or pod.mirror or (pod.owner is not None and pod.owner.kind == "DaemonSet")
    return "" if owned_by_node or obj["spec"].get("hostNetwork") else obj.get("status", {}).get("podIP", "")
