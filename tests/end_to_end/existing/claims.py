"""What a migration must have done, checked against the witnesses. A claim returns what speaks against it."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

from lab.demo.comparison import Snapshot

from .witness import AuditLog, CallLog


def each_node_cordoned_once(audit: AuditLog, nodes: Sequence[str]) -> list[str]:
    """Every old node was cordoned, never uncordoned, never cordoned again."""
    told = audit.cordons()
    return [f"{node}: {told.get(node, [])}" for node in nodes if told.get(node) != [True]]


def no_pod_evicted_twice(audit: AuditLog) -> list[str]:
    """No eviction was repeated for the same pod."""
    uids = [event.body["deleteOptions"]["preconditions"]["uid"] for event in audit.evictions()]
    return sorted(uid for uid in set(uids) if uids.count(uid) > 1)


def evicted_only_where_cordoned(audit: AuditLog) -> list[str]:
    """Pods were evicted from nodes that had been cordoned before, and from no others."""
    cordoned_at = {
        event.name: event.time
        for event in audit.of("nodes", "patch", "update")
        if isinstance(event.body, dict) and event.body.get("spec", {}).get("unschedulable")
    }
    return [
        f"{event.key} from {node}"
        for node, events in audit.evictions_by_node().items()
        for event in events
        if node != "unknown" and not (node in cordoned_at and cordoned_at[node] <= event.time)
    ]


def only_evicted(audit: AuditLog) -> list[str]:
    """No pod was deleted past its budgets."""
    return [f"{event.user} deleted {event.key}" for event in audit.deletions_by_people()]


def fell_to_zero(audit: AuditLog, daemon_set: str, start: int) -> list[int]:
    """The wanted agents went from `start` to zero and never up; answers what they did instead."""
    counts = audit.desired(daemon_set)
    falls = all(later < earlier for earlier, later in pairwise(counts))
    return [] if counts and counts[-1] == 0 and counts[0] == start and falls else counts or [-1]


def rose_to(audit: AuditLog, daemon_set: str, end: int, *, most: int) -> list[int]:
    """The wanted agents went up from zero to at most `most`, and to `end`; answers what they did instead."""
    counts = audit.desired(daemon_set)
    peak = counts.index(max(counts)) if counts else 0
    rises = counts[: peak + 1] == sorted(counts[: peak + 1])
    return [] if counts and rises and counts[0] == 0 and counts[-1] == end <= max(counts) <= most else counts


def deleted_after_last_node(audit: AuditLog, daemon_set: str) -> list[str]:
    """The DaemonSet was deleted, once, when it was wanted nowhere any more."""
    deletions = [event for event in audit.of("daemonsets", "delete") if event.name == daemon_set]
    if len(deletions) != 1:
        return [f"deleted {len(deletions)} times"]
    zero_since = None
    for event in audit.of("daemonsets/status", "update", "patch"):
        if event.name == daemon_set:
            wanted = event.body["status"].get("desiredNumberScheduled", 0)
            zero_since = None if wanted else zero_since or event.time
    return [] if zero_since and zero_since <= deletions[0].time else ["deleted while it was wanted"]


def each_instance_terminated_once(calls: CallLog, before: Snapshot) -> list[str]:
    """Every old instance was ended by its id, once."""
    ended = calls.terminated()
    return [
        f"{instance}: {ended.count(instance)} times"
        for instance in sorted(before.instances)
        if ended.count(instance) != 1
    ]


def restarted_once(audit: AuditLog, pods: Mapping[str, int]) -> list[str]:
    """As many pods were placed anew as there were, by the beginning of their names with their namespace."""
    placed = [event.key for event in audit.of("pods/binding", "create")]
    counts = {name: sum(key.startswith(f"{name}-") for key in placed) for name in pods}
    return [
        f"{name}: {counts[name]} placed, not {wanted}"
        for name, wanted in pods.items()
        if counts[name] != wanted
    ]


def rolled_out_once(audit: AuditLog) -> list[str]:
    """Nobody but the cluster's controllers changed a Deployment or StatefulSet more than once."""
    asked = [
        f"{event.resource} {event.key}"
        for kind in ("deployments", "statefulsets")
        for event in audit.of(kind, "patch", "update")
        if not event.by_the_cluster
    ]
    return sorted(one for one in set(asked) if asked.count(one) > 1)


def not_written(audit: AuditLog, daemon_set: str) -> list[str]:
    """Nobody changed a DaemonSet of kube-system."""
    return [
        f"{event.verb} by {event.user}"
        for event in audit.of("daemonsets", "create", "update", "patch", "delete")
        if event.name == daemon_set
    ]
