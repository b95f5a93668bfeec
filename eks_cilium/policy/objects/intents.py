"""Turns an intent, "these pods may reach those pods", into one policy for each of the two clusters.

Every peer selector names both the cluster and the namespace of the pods. Without the cluster's label the same
text means other pods from Cilium 1.19 on; without the namespace's label it means the policy's own namespace.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from eks_cilium.cilium.crds import API_VERSION, NAMESPACED
from eks_cilium.policy.objects.model import CLUSTER_LABEL, NAMESPACE_LABEL, Policy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from eks_cilium.policy.objects.ports import Ports

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


@dataclass(frozen=True)
class Destination(Pods):
    """Pods and the ports of theirs that may be reached; every port where none is given."""

    ports: tuple[Ports, ...] = ()


@dataclass(frozen=True)
class Intent:
    """Pods of one cluster may open connections to pods of another cluster, or of the same one."""

    name: str
    """Becomes part of the names of both policies: `<name>-egress` and `<name>-ingress`."""
    source: Pods
    destination: Destination


class PolicyPair(NamedTuple):
    """The two policies of an intent, each in the cluster and namespace whose agents enforce it."""

    egress: Policy
    """In the source's cluster: its pods may open connections to the destination."""
    ingress: Policy
    """In the destination's cluster: its pods accept connections from the source."""


def policy_pair(intent: Intent) -> PolicyPair:
    """Generate the two policies of an intent.

    Args:
        intent: Who may reach whom, and on which ports.

    Returns:
        The egress allow rule for the source and the ingress allow rule for the destination, both as
        CiliumNetworkPolicies.
    """
    source, destination = intent.source, intent.destination
    ports = [each.as_rule() for each in destination.ports]
    to_ports = {"toPorts": [{"ports": ports}]} if ports else {}
    egress = {"egress": [{"toEndpoints": [peer_selector(destination)], **to_ports}]}
    ingress = {"ingress": [{"fromEndpoints": [peer_selector(source)], **to_ports}]}
    return PolicyPair(
        _policy(intent, source, "egress", egress), _policy(intent, destination, "ingress", ingress)
    )


def peer_selector(pods: Pods) -> dict[str, Any]:
    """A selector that means the same pods in every cluster and in every release of Cilium."""
    place = {CLUSTER_LABEL: pods.cluster, NAMESPACE_LABEL: pods.namespace}
    return {"matchLabels": {**_from_kubernetes(pods.labels), **_from_kubernetes(place)}}


def subject_selector(labels: Mapping[str, str]) -> dict[str, Any]:
    """A selector of pods in the policy's own namespace; all of them where there are no labels."""
    return {"matchLabels": _from_kubernetes(labels)} if labels else {}


def _from_kubernetes(labels: Mapping[str, str]) -> dict[str, str]:
    # The source is written so that a label of the same key from another source cannot match.
    return {f"k8s:{key}": value for key, value in sorted(labels.items())}


def _policy(intent: Intent, subject: Pods, direction: str, rules: Mapping[str, Any]) -> Policy:
    manifest = {
        "apiVersion": API_VERSION,
        "kind": NAMESPACED,
        "metadata": {
            "name": f"{intent.name}-{direction}",
            "namespace": subject.namespace,
            "labels": dict(MANAGED_BY),
        },
        "spec": {
            "description": f"{intent.source} may reach {_with_ports(intent.destination)}",
            "endpointSelector": subject_selector(subject.labels),
            **rules,
        },
    }
    return Policy(subject.cluster, manifest, origin=f"intent {intent.name}")


def _with_ports(destination: Destination) -> str:
    ports = ", ".join(map(str, destination.ports))
    return f"{destination} at {ports}" if ports else str(destination)
