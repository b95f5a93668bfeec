"""What was meant, said as policies: one for each of the two clusters.

Both labels that say where a peer is, cluster and namespace, are always written. Without the first the same
text means something else from Cilium 1.19 on, without the second it means the policy's own namespace.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from eks_cilium.cilium.crds import API_VERSION, NAMESPACED
from eks_cilium.policy.objects.model import CLUSTER_LABEL, NAMESPACE_LABEL, Policy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from eks_cilium.policy.objects.ports import Ports

MANAGED_BY = {"app.kubernetes.io/managed-by": "eks-cilium"}


@dataclass(frozen=True)
class Pods:
    """Pods of one namespace of one cluster: those with all these labels, all of them without any."""

    cluster: str
    namespace: str
    labels: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        """`cluster/namespace app=web`."""
        labels = ",".join(f"{key}={value}" for key, value in sorted(self.labels.items()))
        return f"{self.cluster}/{self.namespace} {labels or '(all pods)'}"


@dataclass(frozen=True)
class Destination(Pods):
    """Pods, and the ports of theirs that are meant; all ports without any."""

    ports: tuple[Ports, ...] = ()


@dataclass(frozen=True)
class Intent:
    """Somebody may talk to somebody. `name` becomes part of the names of both policies."""

    name: str
    source: Pods
    destination: Destination


def policy_pair(intent: Intent) -> tuple[Policy, Policy]:
    """Leave to go out, in the source's cluster and namespace, and leave to come in, in the destination's."""
    source, destination = intent.source, intent.destination
    listed = [one.as_rule() for one in destination.ports]
    to_ports = {"toPorts": [{"ports": listed}]} if listed else {}
    out = {"egress": [{"toEndpoints": [peer_selector(destination)], **to_ports}]}
    into = {"ingress": [{"fromEndpoints": [peer_selector(source)], **to_ports}]}
    return _policy(intent, source, "egress", out), _policy(intent, destination, "ingress", into)


def peer_selector(pods: Pods) -> dict[str, Any]:
    """A selector that means these pods from wherever and in whatever version it is read."""
    where = {CLUSTER_LABEL: pods.cluster, NAMESPACE_LABEL: pods.namespace}
    return {"matchLabels": {**_from_kubernetes(pods.labels), **_from_kubernetes(where)}}


def subject_selector(labels: Mapping[str, str]) -> dict[str, Any]:
    """A selector of pods in the policy's own namespace; of all of them without labels."""
    return {"matchLabels": _from_kubernetes(labels)} if labels else {}


def _from_kubernetes(labels: Mapping[str, str]) -> dict[str, str]:
    """Labels as Kubernetes gave them, so that no other source of labels can stand in for them."""
    return {f"k8s:{key}": value for key, value in sorted(labels.items())}


def _policy(intent: Intent, subject: Pods, direction: str, rules: Mapping[str, Any]) -> Policy:
    written = {
        "apiVersion": API_VERSION,
        "kind": NAMESPACED,
        "metadata": {
            "name": f"{intent.name}-{direction}",
            "namespace": subject.namespace,
            "labels": dict(MANAGED_BY),
        },
        "spec": {
            "description": f"{intent.source} may reach {_where(intent.destination)}",
            "endpointSelector": subject_selector(subject.labels),
            **rules,
        },
    }
    return Policy(subject.cluster, written, origin=f"intent {intent.name}")


def _where(destination: Destination) -> str:
    at = ", ".join(map(str, destination.ports))
    return f"{destination} at {at}" if at else str(destination)
