"""NetworkPolicies of Kubernetes: their peers that are networks, which may contain addresses of pods."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eks_cilium.cluster.objects import reference
from eks_cilium.migration.facts.network.model import IpBlock, NetworkPolicy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eks_cilium.cluster.objects import Object
    from eks_cilium.cluster.reading import ReadingApi

_PATH = "/apis/networking.k8s.io/v1/networkpolicies"


def read(api: ReadingApi) -> tuple[NetworkPolicy, ...]:
    """All NetworkPolicies of the cluster."""
    return tuple(api.each(_PATH, policy))


def policy(obj: Object) -> NetworkPolicy:
    """A policy from its object. The same network in several rules is one block."""
    return NetworkPolicy(reference("NetworkPolicy", obj), tuple(dict.fromkeys(_blocks(obj["spec"]))))


def _blocks(spec: Object) -> Iterator[IpBlock]:
    for direction, peers in (("ingress", "from"), ("egress", "to")):
        rules = [rule or {} for rule in spec.get(direction) or ()]
        if any(_allows_all_pods(rule, peers) for rule in rules):
            continue
        for peer in (peer for rule in rules for peer in rule.get(peers) or ()):
            if block := peer.get("ipBlock"):
                yield IpBlock(block["cidr"], tuple(block.get("except") or ()))


def _allows_all_pods(rule: Object, peers: str) -> bool:
    """Whether a rule allows every pod of the cluster at every port, so that networks beside it add no pod."""
    if rule.get("ports"):
        return False
    return not rule.get(peers) or any(
        peer.get("namespaceSelector") == {} and not peer.get("podSelector") for peer in rule[peers]
    )
