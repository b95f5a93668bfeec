"""Pods of one namespace, and the selectors that mean them in a policy.

Used by everything that generates policies: intents, default denies and the rule for DNS.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from eks_cilium.policy.objects.model import CLUSTER_LABEL, NAMESPACE_LABEL

if TYPE_CHECKING:
    from collections.abc import Mapping

MANAGED_BY = {"app.kubernetes.io/managed-by": "eks-cilium"}


@dataclass(frozen=True)
class Pods:
    """Pods of one namespace of one cluster: those that carry all labels, or every pod without labels."""

    cluster: str
    """Name of the cluster in Cilium."""
    namespace: str
    labels: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        labels = ",".join(f"{key}={value}" for key, value in sorted(self.labels.items()))
        return f"{self.cluster}/{self.namespace} {labels or '(all pods)'}"


def from_kubernetes(written: Mapping[str, str]) -> dict[str, str]:
    """The labels of pods that a selector names, without the source that may be written before a key."""
    return {key.removeprefix("k8s:").removeprefix("any:"): value for key, value in written.items()}


def peer_selector(pods: Pods) -> dict[str, Any]:
    """A selector that means the same pods in every cluster and in every release of Cilium."""
    place = {CLUSTER_LABEL: pods.cluster, NAMESPACE_LABEL: pods.namespace}
    return {"matchLabels": {**_with_source(pods.labels), **_with_source(place)}}


def subject_selector(labels: Mapping[str, str]) -> dict[str, Any]:
    """A selector of pods in the policy's own namespace; all of them where there are no labels."""
    return {"matchLabels": _with_source(labels)} if labels else {}


def _with_source(labels: Mapping[str, str]) -> dict[str, str]:
    # The source is written so that a label of the same key from another source cannot match.
    return {f"k8s:{key}": value for key, value in sorted(labels.items())}
