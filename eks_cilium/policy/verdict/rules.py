"""Policies as the agents of one cluster read them: flat rules, with all that Cilium adds to what is written.

Follows Cilium's pkg/k8s/apis/cilium.io/utils (namespaces and clusters of selectors) and pkg/policy/utils (one
rule for every entry). What decides and cannot be known here stays in a rule as an open question.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eks_cilium.cilium.crds import CLUSTERWIDE
from eks_cilium.policy.objects import sanity
from eks_cilium.policy.objects.model import CLUSTER_LABEL, NAMESPACE_LABEL, NAMESPACE_LABELS
from eks_cilium.policy.verdict.labels import ANY, KUBERNETES, RESERVED, Requirement, Selector, selector
from eks_cilium.policy.verdict.model import RuleName, SelectorScope
from eks_cilium.policy.verdict.network_policies import KIND as NETWORK_POLICY
from eks_cilium.policy.verdict.network_policies import network_policy_rules
from eks_cilium.policy.verdict.peers import CidrPeer, LabelPeer, Peer, RuntimePeer, entity_peers
from eks_cilium.policy.verdict.ports import port_matches
from eks_cilium.policy.verdict.rule import NotEvaluated, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from eks_cilium.policy.objects import Policy
    from eks_cilium.policy.verdict.model import Cluster

SECTIONS = ("ingress", "ingressDeny", "egress", "egressDeny")
_OPEN = {
    "toFQDNs": "the addresses behind a DNS name",
    "toServices": "the endpoints of a Service",
    "toGroups": "the addresses of a cloud's group",
    "fromGroups": "the addresses of a cloud's group",
    "toNodes": "the labels of nodes",
    "fromNodes": "the labels of nodes",
}
_REQUIRES = {"ingress": "fromRequires", "egress": "toRequires"}


def rules_of(cluster: Cluster) -> tuple[tuple[Rule, ...], tuple[NotEvaluated, ...]]:
    """All rules of a cluster, and what was left out."""
    rules: list[Rule] = []
    unread: list[NotEvaluated] = []
    for policy in cluster.policies:
        if policy.kind == NETWORK_POLICY:
            rules += network_policy_rules(cluster, policy)
            continue
        for path, written in policy.rules():
            why = _why_unread(policy, written, path)
            if why:
                unread.append(NotEvaluated(cluster.name, str(policy), why))
            else:
                rules += _rules(cluster, policy, written, path)
    return tuple(rules), tuple(unread)


def _why_unread(policy: Policy, written: Mapping[str, Any], path: tuple[str | int, ...]) -> str:
    if policy.kind == CLUSTERWIDE and "nodeSelector" in written:
        return "it is about nodes, which are not judged here"
    refused = next(iter(sanity.refusals(policy.kind, written, path)), None)
    if refused is None:
        return ""
    place, value, allowed, _ = refused
    return (
        f"agents refuse it and enforce none of it: {'.'.join(map(str, place))} is {value}, allowed: {allowed}"
    )


def _rules(
    cluster: Cluster, policy: Policy, written: Mapping[str, Any], path: tuple[str | int, ...]
) -> Iterator[Rule]:
    subject = _subject(policy, written)
    scope = Scope(cluster.name, cluster.selector_scope, policy.namespace, _is_about_init(written))
    default = written.get("enableDefaultDeny") or {}
    for section in SECTIONS:
        direction = section.removesuffix("Deny")
        for index, entry in enumerate(written.get(section) or ()):
            place = f"{_place(path)}{section}[{index}]"
            name = RuleName(cluster.name, str(policy), place)
            switches = default.get(direction)
            ingress, deny = direction == "ingress", section.endswith("Deny")
            peers, ports = _peers(entry, direction, scope), port_matches(entry)
            if peers is None and ports is None:
                peers = ()  # `- {}`: it allows nobody, and switches the default all the same
            yield Rule(name, ingress, deny, subject, peers, ports, switches is not False, _layer7(entry))
            if entry.get(_REQUIRES[direction]):
                # It takes from what other rules allow, which is a denial of nobody knows what.
                required = (RuntimePeer(_REQUIRES[direction], "what it requires of others' peers"),)
                yield Rule(
                    name, ingress, deny=True, subject=subject, peers=required, ports=None, default_deny=False
                )


def _place(path: tuple[str | int, ...]) -> str:
    return "" if path == ("spec",) else f"specs[{path[-1]}]."


@dataclass(frozen=True)
class Scope:
    """What a selector means that leaves something out."""

    cluster: str
    selector_scope: SelectorScope
    namespace: str
    """Nothing for a clusterwide policy."""
    about_init: bool = False
    """Whether the policy is about pods that have no labels yet, and so no namespace either."""

    def peer(self, written: Mapping[str, Any] | None) -> Selector:
        """A selector of peers, with the namespace and the cluster that it does not name."""
        found = selector(written)
        if any(one.source == RESERVED for one in found.requirements):
            return found
        return found.plus(*self._namespace_of(found), *self._cluster_of(found))

    def _namespace_of(self, found: Selector) -> Iterator[Requirement]:
        if found.has((KUBERNETES, NAMESPACE_LABEL), (ANY, NAMESPACE_LABEL)):
            return
        if not self.namespace:
            if not self.about_init:
                yield Requirement(
                    KUBERNETES, NAMESPACE_LABEL, "Exists", (), "a clusterwide policy means pods"
                )
            return
        prefix = f"{NAMESPACE_LABELS}."
        if not any(
            one.source in (KUBERNETES, ANY) and one.key.startswith(prefix) for one in found.requirements
        ):
            why = f"it names no namespace, so it means the policy's own, {self.namespace}"
            yield Requirement(KUBERNETES, NAMESPACE_LABEL, "In", (self.namespace,), why)

    def _cluster_of(self, found: Selector) -> Iterator[Requirement]:
        if self.selector_scope is SelectorScope.ANY_CLUSTER:
            return
        if not found.has((KUBERNETES, CLUSTER_LABEL), (ANY, CLUSTER_LABEL)):
            why = f"it names no cluster, so from Cilium 1.19 on it means its own, {self.cluster}"
            yield Requirement(KUBERNETES, CLUSTER_LABEL, "In", (self.cluster,), why)


def _subject(policy: Policy, written: Mapping[str, Any]) -> Selector:
    """The pods a policy is about: those of its own namespace, whatever the selector says."""
    found = selector(written.get("endpointSelector"))
    if not policy.namespace:
        return found
    key = f"{KUBERNETES}:{NAMESPACE_LABEL}"
    matches = written["endpointSelector"].get("matchLabels") or {}
    overridden = Requirement(KUBERNETES, NAMESPACE_LABEL, "In", (matches.get(key, ""),))
    kept = (one for one in found.requirements if key not in matches or one != overridden)
    return Selector((*kept, Requirement(KUBERNETES, NAMESPACE_LABEL, "In", (policy.namespace,))))


def _is_about_init(written: Mapping[str, Any]) -> bool:
    return selector(written.get("endpointSelector")).has((RESERVED, "init"))


def _peers(entry: Mapping[str, Any], direction: str, scope: Scope) -> tuple[Peer, ...] | None:
    """Whom an entry is about; None where it says nothing about it."""
    word = "from" if direction == "ingress" else "to"
    listed = [f"{word}{kind}" for kind in ("Endpoints", "Nodes", "Entities", "CIDR", "CIDRSet")]
    if any(entry.get(name) is not None and not entry[name] for name in listed):
        return ()  # written and empty: nobody
    peers: list[Peer] = [
        LabelPeer(scope.peer(one), f"{word}Endpoints") for one in entry.get(f"{word}Endpoints") or ()
    ]
    for one in entry.get(f"{word}Entities") or ():
        peers += entity_peers(one, scope.cluster)
    peers += [CidrPeer(one) for one in entry.get(f"{word}CIDR") or ()]
    peers += [_cidr_rule(one) for one in entry.get(f"{word}CIDRSet") or ()]
    peers += [RuntimePeer(name, words) for name, words in _OPEN.items() if entry.get(name)]
    return tuple(peers) or None


def _cidr_rule(one: Mapping[str, Any]) -> Peer:
    if "cidr" in one:
        return CidrPeer(one["cidr"], tuple(one.get("except") or ()))
    return RuntimePeer("cidrGroup", "the addresses of a CiliumCIDRGroup")


def _layer7(entry: Mapping[str, Any]) -> tuple[str, ...]:
    """What else is asked of traffic that an entry allows."""
    found = []
    for one in entry.get("toPorts") or ():
        rules = one.get("rules") or {}
        found += [f"{kind} rules" for kind in sorted(rules) if rules[kind]]
        found += [word for key, word in _BEYOND_PORTS.items() if one.get(key)]
    mode = (entry.get("authentication") or {}).get("mode")
    if mode and mode != "disabled":
        found.append("mutual authentication")
    return tuple(dict.fromkeys(found))


_BEYOND_PORTS = {
    "listener": "an Envoy listener",
    "terminatingTLS": "TLS interception",
    "originatingTLS": "TLS origination",
    "serverNames": "TLS server names",
}
