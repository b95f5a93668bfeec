"""Rules that a migration has to obey, checked against the API server's audit log and the log of AWS calls.

Each function is named after a rule and returns its violations; an empty list means that the rule was obeyed.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise

from lab.demo.comparison import Snapshot
from lab.evidence.audit import AuditLog
from lab.evidence.calls import CallLog


def each_node_cordoned_once(audit: AuditLog, nodes: Sequence[str]) -> list[str]:
    """Every old node was cordoned once and never uncordoned."""
    cordons = audit.cordons()
    return [f"{node}: {cordons.get(node, [])}" for node in nodes if cordons.get(node) != [True]]


def no_pod_evicted_twice(audit: AuditLog) -> list[str]:
    uids = [event.body["deleteOptions"]["preconditions"]["uid"] for event in audit.evictions()]
    return sorted(uid for uid in set(uids) if uids.count(uid) > 1)


def evicted_only_where_cordoned(audit: AuditLog) -> list[str]:
    """Pods were evicted only from nodes that had been cordoned before."""
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
    """No pod was deleted directly, which would bypass its PodDisruptionBudget."""
    return [f"{event.user} deleted {event.key}" for event in audit.direct_deletions()]


def fell_to_zero(audit: AuditLog, daemon_set: str, start: int) -> list[int]:
    """The number of wanted agents fell from `start` to zero and never rose; returns all numbers if not."""
    counts = audit.desired(daemon_set)
    falls = all(later < earlier for earlier, later in pairwise(counts))
    return [] if counts and counts[-1] == 0 and counts[0] == start and falls else counts or [-1]


def rose_to(audit: AuditLog, daemon_set: str, end: int, *, most: int) -> list[int]:
    """The number of wanted agents rose from zero to at most `most` and ended at `end`; all numbers if not."""
    counts = audit.desired(daemon_set)
    peak = counts.index(max(counts)) if counts else 0
    rises = counts[: peak + 1] == sorted(counts[: peak + 1])
    return [] if counts and rises and counts[0] == 0 and counts[-1] == end <= max(counts) <= most else counts


def deleted_after_last_node(audit: AuditLog, daemon_set: str) -> list[str]:
    """The DaemonSet was deleted once, after it was wanted on no node any more."""
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
    """Every old instance was terminated once, by its id."""
    terminated = calls.terminated()
    return [
        f"{instance}: {terminated.count(instance)} times"
        for instance in sorted(before.instances)
        if terminated.count(instance) != 1
    ]


def restarted_once(audit: AuditLog, pods: Mapping[str, int]) -> list[str]:
    """As many pods were scheduled as there were; `pods` has their number by namespace and name prefix."""
    scheduled = [event.key for event in audit.of("pods/binding", "create")]
    counts = {name: sum(key.startswith(f"{name}-") for key in scheduled) for name in pods}
    return [
        f"{name}: {counts[name]} scheduled, not {wanted}"
        for name, wanted in pods.items()
        if counts[name] != wanted
    ]


def rolled_out_once(audit: AuditLog) -> list[str]:
    """No user changed a Deployment or StatefulSet more than once; the cluster's controllers may."""
    changed = [
        f"{event.resource} {event.key}"
        for kind in ("deployments", "statefulsets")
        for event in audit.of(kind, "patch", "update")
        if not event.by_the_cluster
    ]
    return sorted(workload for workload in set(changed) if changed.count(workload) > 1)


def not_written(audit: AuditLog, daemon_set: str) -> list[str]:
    """No user or controller wrote the spec of a DaemonSet in kube-system."""
    return [
        f"{event.verb} by {event.user}"
        for event in audit.of("daemonsets", "create", "update", "patch", "delete")
        if event.name == daemon_set
    ]
