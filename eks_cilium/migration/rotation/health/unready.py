"""Whether a workload that moved has been unready for too long: then no further node is begun.

Each rotation waits for its own workloads. This finds what broke later, or beside it: before every cordon the
workloads that moved last in this run are read, and of those with fewer ready pods than before, their pods.
What counts is how long a single pod has been unready, since a workload of many pods is short of one for as
long as its nodes are drained. Called before each cordon (`migration.abort.unreadySeconds`).
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from eks_cilium.cluster.objects import Reference, condition, controller, moment
from eks_cilium.cluster.selectors import labels_in_request
from eks_cilium.migration.facts import workloads
from eks_cilium.migration.facts.on_demand import BackingReader
from eks_cilium.migration.options import covers
from eks_cilium.migration.replicas import custom_owners
from eks_cilium.migration.rotation import before as records
from eks_cilium.runtime.errors import StoppedError
from eks_cilium.texts import named
from eks_cilium.troubleshooting import Topic

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from eks_cilium.cluster.objects import Object
    from eks_cilium.migration.rotation.before import CustomReady
    from eks_cilium.migration.run import MigrationRun

_LATEST = 30
"""So many workloads are read before a cordon, the latest to move: a rotation takes minutes, a read little."""
_ENDED = frozenset({"Succeeded", "Failed"})


def refuse_where_unready(run: MigrationRun) -> None:
    """Raise StoppedError where a workload that moved has been unready for longer than the options say."""
    limit = run.options.abort.unready_seconds
    late = [
        f"{workload}: {named(pods)} not ready for more than {limit} s" for workload, pods in _late(run, limit)
    ]
    if late:
        raise StoppedError(
            Topic.WORKLOAD_UNREADY,
            f"no further node is begun; workloads that moved are unready: {named(late, separator='; ')}",
            "Repair them, or raise migration.abort.unreadySeconds, and run `pulumi up` again: it continues "
            "from here.",
        )


def _late(run: MigrationRun, limit: int) -> Iterator[tuple[str, list[str]]]:
    moved = records.moved(run.world, of_this_run=True)
    for name, ready in islice(moved.ready.items(), _LATEST):
        workload = Reference(*name.split("/"))
        if pods := _late_pods(run, workload, ready, limit):
            yield str(workload), pods
    for each in moved.custom[:_LATEST]:
        if pods := _late_pods_of_custom(run, each, limit):
            yield str(each.owner), pods


def _late_pods(run: MigrationRun, workload: Reference, before: int, limit: int) -> list[str]:
    """The pods of a workload that are late, if it is worse off by them than before."""
    path = workloads.path_of(workload)
    obj = run.world.seen.get(path) if path else None
    owner = workloads.owner(workload.kind, obj) if obj else None
    if owner is None or owner.desired is None or covers(run.options.allow.stranded_pods, workload):
        return []
    wanted = min(before, owner.desired)
    if owner.ready >= wanted:
        return []

    def ask() -> tuple[str, float]:
        reader = BackingReader(run.world.seen)
        pods = _pods_in_reach(run, workload, obj)
        unready = _unready(run, (pod for pod in pods if _is_of(pod, workload, reader)))
        # No further pod is late before this time is over, those included that get unready from now on.
        return ",".join(_names_of_late(unready, limit)), limit - max(unready.values(), default=0.0)

    names = run.world.remembered(f"late pods of {workload}", ask)
    late = names.split(",") if names else []
    # So many were missing before it moved, and may have been unready since.
    return late if len(late) > owner.desired - wanted else []


def _pods_in_reach(run: MigrationRun, workload: Reference, obj: Object | None) -> list[Object]:
    """The pods with the labels of a workload's selector; all of its namespace where it has none."""
    selector = labels_in_request(obj["spec"].get("selector")) if obj else ""
    path = f"/api/v1/namespaces/{workload.namespace}/pods"
    return run.world.api.list(path, **({"labelSelector": selector} if selector else {}))


def _late_pods_of_custom(run: MigrationRun, before: CustomReady, limit: int) -> list[str]:
    owner = before.owner
    if covers(run.options.allow.stranded_pods, Reference(owner.kind, owner.namespace, owner.name)):
        return []
    pods = custom_owners.pods_of(run.world.api, owner)
    if sum(map(custom_owners.is_ready, pods)) >= before.ready:
        return []
    late = _names_of_late(_unready(run, pods), limit)
    return late if len(late) > max(len(pods) - before.ready, 0) else []


def _is_of(pod: Object, workload: Reference, reader: BackingReader) -> bool:
    owner = controller(pod)
    return owner is not None and workload in reader.of([pod]).chain(owner)


def _names_of_late(unready: Mapping[str, float], limit: int) -> list[str]:
    return sorted(f"pod {name}" for name, seconds in unready.items() if seconds > limit)


def _unready(run: MigrationRun, pods: Iterable[Object]) -> dict[str, float]:
    """The pods of a namespace that should be ready and are not: the seconds since then, by name."""
    found = {}
    now = run.world.time.now()
    for pod in pods:
        ready = condition(pod, "Ready")
        ends = pod["metadata"].get("deletionTimestamp") or pod.get("status", {}).get("phase") in _ENDED
        if ends or ready.get("status") == "True":
            continue
        since = moment(ready.get("lastTransitionTime") or pod["metadata"].get("creationTimestamp"))
        if since:
            found[str(pod["metadata"]["name"])] = (now - since).total_seconds()
    return found
