"""Turns an intent, "these pods may reach those pods", into one policy for each of the two clusters.

Every peer selector names both the cluster and the namespace of the pods. Without the cluster's label the same
text means other pods from Cilium 1.19 on; without the namespace's label it means the policy's own namespace.

Each policy denies by default what no policy allows, for the pods it selects and in its direction, unless the
intent says otherwise. DNS stays allowed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from eks_cilium.cilium.crds import API_VERSION, NAMESPACED
from eks_cilium.policy.objects.dns import dns_rule
from eks_cilium.policy.objects.model import Policy
from eks_cilium.policy.objects.pods import MANAGED_BY, Pods, peer_selector, subject_selector

if TYPE_CHECKING:
    from eks_cilium.policy.objects.ports import Ports


@dataclass(frozen=True)
class Destination(Pods):
    """Pods and the ports of theirs that may be reached; every port where none is given."""

    ports: tuple[Ports, ...] = ()


class EnableDefaultDeny(NamedTuple):
    """Whether the policies of an intent deny by default what no policy allows, by direction."""

    egress: bool = True
    """For the source, what it opens."""
    ingress: bool = True
    """For the destination, what it accepts."""


_ON = EnableDefaultDeny()


@dataclass(frozen=True)
class Intent:
    """Pods of one cluster may open connections to pods of another cluster, or of the same one."""

    name: str
    """Becomes part of the names of both policies: `<name>-egress` and `<name>-ingress`."""
    source: Pods
    destination: Destination
    enable_default_deny: EnableDefaultDeny = _ON
    """As in Cilium's own field of the name, which came with 1.16. Where it is off the policies only allow."""


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
        The egress allow rules for the source, DNS included, and the ingress allow rule for the destination,
        both as CiliumNetworkPolicies.
    """
    source, destination = intent.source, intent.destination
    ports = [each.as_rule() for each in destination.ports]
    to_ports = {"toPorts": [{"ports": ports}]} if ports else {}
    egress = [{"toEndpoints": [peer_selector(destination)], **to_ports}, dns_rule(source.cluster)]
    ingress = [{"fromEndpoints": [peer_selector(source)], **to_ports}]
    return PolicyPair(
        _policy(intent, source, "egress", egress), _policy(intent, destination, "ingress", ingress)
    )


def _policy(intent: Intent, subject: Pods, direction: str, rules: list[dict[str, Any]]) -> Policy:
    denies = getattr(intent.enable_default_deny, direction)
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
            # Written only where it is off: releases before 1.16 do not know the field, and on is the default.
            **({} if denies else {"enableDefaultDeny": {direction: False}}),
            direction: rules,
        },
    }
    return Policy(subject.cluster, manifest, origin=f"intent {intent.name}")


def _with_ports(destination: Destination) -> str:
    ports = ", ".join(map(str, destination.ports))
    return f"{destination} at {ports}" if ports else str(destination)
