"""Which pods Cilium could manage, and what to restart for each of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eks_cilium.cilium.values import COMPUTE_TYPE, COMPUTE_WITHOUT_AGENTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from eks_cilium.cluster.objects import Reference
    from eks_cilium.migration.facts.model import Node, Owner, Pod

_OS = "kubernetes.io/os"
_JOBS = frozenset({"Job", "CronJob"})


def is_ordinary(pod: Pod) -> bool:
    """Whether a network plugin connects a pod, and it will still be there in a moment."""
    return not (pod.host_network or pod.mirror or pod.terminal or pod.deleted)


def unable(node: Node) -> str:
    """Why no agent of Cilium can run on a node; empty where one can."""
    kind = node.labels.get(COMPUTE_TYPE, "")
    if kind in COMPUTE_WITHOUT_AGENTS:
        return f"compute type {kind}"
    return "Windows" if node.labels.get(_OS) == "windows" else ""


def is_of_job(pod: Pod) -> bool:
    """Whether a pod works towards an end."""
    return pod.owner is not None and pod.owner.kind in _JOBS


def is_bare(pod: Pod, owners: Mapping[Reference, Owner]) -> bool:
    """Whether nothing makes a pod anew: it has no controller, or that of a DaemonSet that is gone."""
    return pod.owner is None or (pod.owner.kind == "DaemonSet" and pod.owner not in owners)


def workload_of(pod: Pod, owners: Mapping[Reference, Owner]) -> Reference:
    """What is restarted for a pod: its Deployment, or whatever makes it anew; where nothing does, itself.

    A ReplicaSet of a controller nobody here knows is its own workload.
    """
    if pod.owner is None:
        return pod.reference
    owner = owners.get(pod.owner)
    above = owner.owner if owner else None
    return above if above is not None and above in owners else pod.owner
