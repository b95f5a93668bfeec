"""How pods ended, by the audit log: an eviction asks their budgets, everything else passes them by.

An ended instance takes its pods with it without a word: its Node object is deleted, then Kubernetes collects
the pods as orphans. So pods that were collected but never evicted were lost.
"""

from collections.abc import Collection

from lab.evidence.audit import EVICTION, AuditLog, Event

KUBELETS = "lab:node-player"
"""Removes a pod whose containers have exited, after another actor deleted or evicted it."""

_CONTROLLERS = "system:serviceaccount:kube-system:"
_OF_FINISHED = (
    "job-controller",
    "cronjob-controller",
    "ttl-after-finished-controller",
    "generic-garbage-collector",
)
_OF_REPLICAS = ("replicaset-controller", "statefulset-controller")


def ended_otherwise(
    audit: AuditLog,
    daemon_sets: Collection[str],
    *,
    scaled: Collection[str] = (),
    run_to_completion: Collection[str] = (),
) -> list[str]:
    """Return the pods that ended otherwise than by an eviction, each with who ended it.

    Args:
        audit: The audit log.
        daemon_sets: Namespace and name of DaemonSets, whose pods end with their nodes.
        scaled: Namespaces whose workloads were scaled down on purpose.
        run_to_completion: Namespace and name of Jobs, whose finished pods are collected.
    """
    free = (*daemon_sets, *run_to_completion)
    evicted: set[str] = set()
    found = []
    for event in audit.events():
        if not event.succeeded:
            continue
        if event.resource == EVICTION:
            evicted.add(event.key)
        elif event.resource == "pods/binding":
            evicted.discard(event.key)  # another pod of that name, as in a StatefulSet
        elif _is_deletion(event) and event.key not in evicted and not _belongs_to(event, free):
            found += [] if _is_allowed(event, scaled) else [f"{event.key} by {event.user}"]
    return found


def _is_deletion(event: Event) -> bool:
    return event.resource == "pods" and event.verb in {"delete", "deletecollection"}


def _belongs_to(event: Event, owners: Collection[str]) -> bool:
    return any(event.key.startswith(f"{owner}-") for owner in owners)


def _is_allowed(event: Event, scaled: Collection[str]) -> bool:
    controller = event.user.removeprefix(_CONTROLLERS)
    if event.user == KUBELETS or controller in _OF_FINISHED:
        return True
    return controller in _OF_REPLICAS and event.namespace in scaled
