"""Nobody may talk to anybody in a namespace, but for DNS: what "and to nobody else" needs beside an intent.

A pod without any egress policy may go everywhere, and an intent's destination is open to all of its cluster's
other pods until an ingress policy selects it. Intents switch the default only for the pods they name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from eks_cilium.cilium.crds import API_VERSION, NAMESPACED
from eks_cilium.policy.objects.intents import MANAGED_BY, Pods, peer_selector, subject_selector
from eks_cilium.policy.objects.model import Policy

Direction = Literal["egress", "ingress"]
DNS = {"k8s-app": "kube-dns"}
"""Label of CoreDNS in EKS, and of kube-dns everywhere."""


@dataclass(frozen=True)
class DefaultDeny:
    """Pods for which what no policy allows is denied."""

    pods: Pods
    directions: tuple[Direction, ...] = ("egress", "ingress")
    name: str = "default-deny"


def deny_by_default(meant: DefaultDeny) -> Policy:
    """The policy. It allows DNS to the cluster's own kube-dns, without which nothing finds anything."""
    rules: dict[str, Any] = {}
    if "egress" in meant.directions:
        rules["egress"] = [_dns(meant.pods.cluster)]
    if "ingress" in meant.directions:
        rules["ingress"] = [{}]  # a rule that allows nothing, and switches the default all the same
    written = {
        "apiVersion": API_VERSION,
        "kind": NAMESPACED,
        "metadata": {
            "name": meant.name,
            "namespace": meant.pods.namespace,
            "labels": dict(MANAGED_BY),
        },
        "spec": {
            "description": f"{meant.pods}: denied is what no other policy allows",
            "endpointSelector": subject_selector(meant.pods.labels),
            **rules,
        },
    }
    return Policy(meant.pods.cluster, written, origin=f"default deny of {meant.pods}")


def _dns(cluster: str) -> dict[str, Any]:
    kube_dns = Pods(cluster, "kube-system", DNS)
    return {
        "toEndpoints": [peer_selector(kube_dns)],
        "toPorts": [{"ports": [{"port": "53", "protocol": "UDP"}, {"port": "53", "protocol": "TCP"}]}],
    }
