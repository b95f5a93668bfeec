"""Rules of Kubernetes' own NetworkPolicies, as Cilium reads them (pkg/k8s/network_policy.go)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eks_cilium.policy.objects.checking import path_text
from eks_cilium.policy.objects.model import CLUSTER_LABEL, NAMESPACE_LABEL, NAMESPACE_LABELS
from eks_cilium.policy.objects.sanity import selector_rejections
from eks_cilium.policy.objects.sanity.port_rules import is_port, knows_protocol
from eks_cilium.policy.verdict.labels import KUBERNETES, Requirement, Selector, selector
from eks_cilium.policy.verdict.model import RuleName, SelectorScope
from eks_cilium.policy.verdict.peers import LabelPeer, Peer, network_peer
from eks_cilium.policy.verdict.ports import port_matches
from eks_cilium.policy.verdict.reading import api_server_rules
from eks_cilium.policy.verdict.reading.rule import Rule
from eks_cilium.policy.verdict.reading.spec import SECTIONS, ports_of, selectors_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from eks_cilium.policy.objects import Policy
    from eks_cilium.policy.verdict.model import Cluster

KIND = "NetworkPolicy"
# parsePorts in pkg/k8s/network_policy.go: up to 1.15 a range is its first port.
_FIRST_RANGES = (1, 16)
# parseNetworkPolicyPeer of 1.18 adds the cluster to a peer without selectors: then it is two kinds of peers.
_NO_NETWORKS_ON_INGRESS = (1, 18)


def network_policy_rules(cluster: Cluster, policy: Policy) -> Iterator[Rule]:
    """The rules of one NetworkPolicy. Each allows what it lists; everything else is denied by default.

    Args:
        cluster: The cluster, whose `selector_scope` decides what a pod selector without a cluster means.
        policy: The NetworkPolicy.

    Yields:
        A rule for each entry, and one without peers for a direction that is denied entirely.
    """
    spec = policy.object.get("spec") or {}
    types = spec.get("policyTypes") or ()
    subject = _in_namespace(selector(spec.get("podSelector"), KUBERNETES), policy.namespace, "")
    ranges = cluster.agents.minor >= _FIRST_RANGES
    for section, word in SECTIONS:
        entries = spec.get(section) or ()
        ingress = section == "ingress"
        for index, entry in enumerate(entries):
            name = RuleName(cluster.name, str(policy), f"{section}[{index}]")
            listed = entry.get(word) or ()
            peers = tuple(_peer(peer, cluster, policy.namespace, word) for peer in listed) if listed else None
            written = [_port(port, ranges=ranges) for port in entry.get("ports") or ()]
            ports = port_matches({"toPorts": [{"ports": written}]})
            places = tuple(f"{word}[{number}]" for number in range(len(listed)))
            yield Rule(name, ingress, False, subject, peers, ports or None, default_deny=True, places=places)
        if not entries and _applies_to(section, types):
            name = RuleName(cluster.name, str(policy), section)
            yield Rule(name, ingress, False, subject, (), None, default_deny=True)


def why_refused(cluster: Cluster, policy: Policy) -> str:
    """Who refuses a NetworkPolicy and why; empty where neither the agents nor an API server do."""
    if why := _why_agents_refuse(cluster, policy):
        return f"agents refuse it and enforce none of it: {why}"
    why = next(api_server_rules.refusals(policy.object.get("spec") or {}), "")
    return why and f"an API server refuses it, so no agent sees it: {why}"


def _why_agents_refuse(cluster: Cluster, policy: Policy) -> str:
    spec = policy.object.get("spec") or {}
    for path, written_selector in selectors_of(spec):
        if rejection := next(selector_rejections(written_selector, path, cluster.agents), None):
            place, value, allowed, _ = rejection
            return f"{path_text(place)} is {value}, allowed: {allowed}"
    if _has_two_kinds_of_peers(cluster, spec):
        return "with policy-default-local-cluster: true, Cilium 1.18 takes no ipBlock on ingress"
    for _, port in ports_of(spec):
        protocol, name = port.get("protocol") or "", port.get("port")
        if isinstance(name, str) and not is_port(name):
            return f"{name} is no port"
        if not knows_protocol(protocol.upper(), cluster.agents):
            return f"Cilium {cluster.agents.version} knows no protocol {protocol}"
    return ""


def _has_two_kinds_of_peers(cluster: Cluster, spec: Mapping[str, Any]) -> bool:
    adds_cluster = cluster.selector_scope is SelectorScope.OWN_CLUSTER
    sources = (peer for entry in spec.get("ingress") or () for peer in entry.get("from") or ())
    return (
        adds_cluster
        and cluster.agents.minor == _NO_NETWORKS_ON_INGRESS
        and any(peer.get("ipBlock") is not None for peer in sources)
    )


def _applies_to(section: str, types: Any) -> bool:
    """Whether a policy that has no entry for a direction denies that direction."""
    if section == "egress":
        return "Egress" in types
    return "Ingress" in types or "Egress" not in types


def _peer(written: Mapping[str, Any], cluster: Cluster, namespace: str, word: str) -> Peer:
    if (block := written.get("ipBlock")) is not None:
        return network_peer(block.get("cidr") or "", block.get("except") or (), cluster.agents.minor)
    pods = written.get("podSelector") or {}
    found = selector(pods, KUBERNETES)
    if cluster.selector_scope is SelectorScope.OWN_CLUSTER and not _names_cluster(pods):
        why = f"it names no cluster, so from Cilium 1.19 on it means its own, {cluster.name}"
        found = found.plus(Requirement(KUBERNETES, CLUSTER_LABEL, "In", (cluster.name,), why))
    if written.get("namespaceSelector") is not None:
        found = found.plus(*namespaces(written["namespaceSelector"]))
    else:
        why = f"it names no namespace, so it means the policy's own, {namespace}"
        found = _in_namespace(found, namespace, why)
    return LabelPeer(found, f"{word}Endpoints")


def _names_cluster(pods: Mapping[str, Any]) -> bool:
    expressions = pods.get("matchExpressions") or ()
    labels = pods.get("matchLabels") or {}
    return bool(labels.get(CLUSTER_LABEL)) or any(
        expression["key"] == CLUSTER_LABEL for expression in expressions
    )


def namespaces(written: Mapping[str, Any]) -> tuple[Requirement, ...]:
    """Conditions on the labels of a namespace, as conditions on its pods."""
    found = selector(written, KUBERNETES).requirements
    if not found:
        return (Requirement(KUBERNETES, NAMESPACE_LABEL, "Exists"),)
    return tuple(
        Requirement(KUBERNETES, f"{NAMESPACE_LABELS}.{each.key}", each.operator, each.values)
        for each in found
    )


def _in_namespace(found: Selector, namespace: str, why: str) -> Selector:
    kept = (each for each in found.requirements if (each.key, each.operator) != (NAMESPACE_LABEL, "In"))
    return Selector((*kept, Requirement(KUBERNETES, NAMESPACE_LABEL, "In", (namespace,), why)))


def _port(written: Mapping[str, Any], *, ranges: bool) -> dict[str, Any]:
    kept = {key: value for key, value in written.items() if value is not None}
    if not ranges:
        kept.pop("endPort", None)
    return {"protocol": "TCP", "port": "0", **kept}
