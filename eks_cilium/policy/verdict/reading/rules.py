"""Turns policies into rules as the agents of one cluster enforce them.

Adds what Cilium adds to the text of a policy: pkg/k8s/apis/cilium.io/utils completes selectors by namespace
and cluster, pkg/policy/utils makes one rule of every entry. What only agents can know, such as the addresses
behind a DNS name, becomes a `RuntimePeer`, whose match is unknown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eks_cilium.cilium.crds import CLUSTERWIDE
from eks_cilium.policy.objects import sanity
from eks_cilium.policy.objects.checking import path_text
from eks_cilium.policy.objects.model import CLUSTER_LABEL, NAMESPACE_LABEL, NAMESPACE_LABELS
from eks_cilium.policy.objects.sanity.port_rules import knows_sctp
from eks_cilium.policy.verdict.labels import ANY, KUBERNETES, RESERVED, Requirement, Selector, selector
from eks_cilium.policy.verdict.model import RuleName, SelectorScope
from eks_cilium.policy.verdict.peers import (
    CidrPeer,
    LabelPeer,
    Peer,
    RuntimePeer,
    entity_peers,
    network_peer,
    network_peers,
)
from eks_cilium.policy.verdict.ports import port_matches
from eks_cilium.policy.verdict.reading import cluster_policies
from eks_cilium.policy.verdict.reading.decoding import decoded
from eks_cilium.policy.verdict.reading.network_policies import KIND as NETWORK_POLICY
from eks_cilium.policy.verdict.reading.network_policies import network_policy_rules, why_refused
from eks_cilium.policy.verdict.reading.rule import NotEvaluated, Rule
from eks_cilium.policy.verdict.reading.services import meant_by

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from eks_cilium.policy.objects import Policy
    from eks_cilium.policy.objects.sanity.port_rules import Rejection
    from eks_cilium.policy.verdict.model import Cluster, NetworkGroup, Service

SECTIONS = ("ingress", "ingressDeny", "egress", "egressDeny")
_RUNTIME = {
    "toFQDNs": "the addresses behind a DNS name",
    "toServices": "the endpoints of a Service",
    "toGroups": "the addresses of a cloud's group",
    "fromGroups": "the addresses of a cloud's group",
    "toNodes": "the labels of nodes",
    "fromNodes": "the labels of nodes",
}
# getEndpointSelector in pkg/k8s/apis/cilium.io/utils: up to 1.15 only `io.kubernetes.pod.namespace` itself
# keeps the policy's own namespace from being added.
_FIRST_NAMESPACE_LABELS = (1, 16)
# getAggregatedSelectors in pkg/policy/api: "explicitly check for empty non-nil slices", since 1.16.
_FIRST_EMPTY_LISTS = (1, 16)
_FIRST_WILD_TYPES = (1, 16)
_FIRST_WILD_RANGES = (1, 20)
_REQUIRES = {"ingress": "fromRequires", "egress": "toRequires"}


def rules_of(cluster: Cluster) -> tuple[tuple[Rule, ...], tuple[NotEvaluated, ...]]:
    """All rules of a cluster.

    Args:
        cluster: The cluster with its policies.

    Returns:
        The rules, and the policies or parts of policies that are left out, each with the reason.
    """
    rules: list[Rule] = []
    left_out: list[NotEvaluated] = []
    for policy in cluster.policies:
        found, why = _read(cluster, policy)
        rules += found
        if why:
            left_out.append(NotEvaluated(cluster.name, str(policy), why))
    return tuple(rules), tuple(left_out)


def _read(cluster: Cluster, policy: Policy) -> tuple[list[Rule], str]:
    """The rules of a policy, and why some or all of it is left out; no reason where nothing is."""
    if policy.kind in cluster.agents.ignored_kinds:
        return [], f"agents do not read it: cilium-config has {cluster.agents.ignored_kinds[policy.kind]}"
    if policy.kind in cluster_policies.KINDS:
        return [], cluster_policies.why_not_judged(cluster, policy)
    try:
        rules, why = _rules_of(cluster, decoded(policy, cluster.agents.version))
        hash(tuple(rules))  # labels and ports that are lists or objects cannot be compared
        return rules, why
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        # An API server keeps such an object out, unless its definitions are those of another release.
        words = f"{type(error).__name__}: {error}"
        return (
            [],
            f"agents cannot read it and enforce none of it: its shape is not that of its kind ({words})",
        )


def _rules_of(cluster: Cluster, policy: Policy) -> tuple[list[Rule], str]:
    if policy.kind == NETWORK_POLICY:
        if why := why_refused(cluster, policy):
            return [], why
        return list(network_policy_rules(cluster, policy)), ""
    if rejection := next(_rejections(cluster, policy), None):
        place, value, allowed, _ = rejection
        where = path_text(place)
        return [], f"agents refuse it and enforce none of it: {where} is {value}, allowed: {allowed}"
    rules: list[Rule] = []
    why = "" if list(policy.rules()) else "it has no rule"
    for path, written in policy.rules():
        if policy.kind == CLUSTERWIDE and "nodeSelector" in written:
            why = "it selects nodes, which are not evaluated here"
        else:
            rules += _rules(cluster, policy, written, path)
    return rules, why


def _rejections(cluster: Cluster, policy: Policy) -> Iterator[Rejection]:
    # CiliumNetworkPolicy.Parse, pkg/k8s/apis/cilium.io/v2/cnp_types.go: one refused rule ends the parsing of
    # the object, so agents enforce none of its rules.
    for path, written in policy.rules():
        yield from sanity.rejections(policy.kind, written, path, cluster.agents)


def _rules(
    cluster: Cluster, policy: Policy, written: Mapping[str, Any], path: tuple[str | int, ...]
) -> Iterator[Rule]:
    subject = _subject(policy, written)
    context = SelectorContext(
        cluster.name,
        cluster.selector_scope,
        policy.namespace,
        _selects_init(written),
        cluster.agents.minor >= _FIRST_NAMESPACE_LABELS,
        cluster.groups,
        cluster.services,
        cluster.agents.minor,
    )
    default = written.get("enableDefaultDeny") or {}
    for section in SECTIONS:
        direction = section.removesuffix("Deny")
        for index, entry in enumerate(written.get(section) or ()):
            place = f"{_place(path)}{section}[{index}]"
            name = RuleName(cluster.name, str(policy), place)
            switches = default.get(direction)
            ingress, deny = direction == "ingress", section.endswith("Deny")
            empty_lists = cluster.agents.minor >= _FIRST_EMPTY_LISTS
            found = _peers(entry, direction, context, deny=deny, empty_lists=empty_lists)
            peers = None if found is None else tuple(peer for _, peer in found)
            places = tuple(where for where, _ in found or ())
            ports = port_matches(
                entry,
                sctp=knows_sctp(cluster.agents),
                zero_is_every_type=cluster.agents.minor >= _FIRST_WILD_TYPES,
                zero_is_every_port=cluster.agents.minor >= _FIRST_WILD_RANGES,
            )
            if peers is None and ports is None:
                peers = ()  # `- {}` allows no peer; its presence alone switches the default
            # With the option off, Sanitize sets it to true (pkg/policy/api/rule_validation.go).
            default_deny = switches is not False or not cluster.agents.non_default_deny
            yield Rule(name, ingress, deny, subject, peers, ports, default_deny, _layer7(entry), places)
            if entry.get(_REQUIRES[direction]):
                # It narrows what other rules allow: a denial of peers that are not known here.
                required = (RuntimePeer(_REQUIRES[direction], "what it requires of others' peers"),)
                yield Rule(
                    name,
                    ingress,
                    deny=True,
                    subject=subject,
                    peers=required,
                    ports=None,
                    default_deny=False,
                    places=(_REQUIRES[direction],),
                )


def _place(path: tuple[str | int, ...]) -> str:
    return "" if path == ("spec",) else f"specs[{path[-1]}]."


@dataclass(frozen=True)
class SelectorContext:
    """Completes a peer selector that names no namespace or no cluster, by the policy it is part of."""

    cluster: str
    selector_scope: SelectorScope
    namespace: str
    """Namespace of the policy; empty for a clusterwide one."""
    selects_init: bool = False
    """Whether the policy selects pods that have no labels yet, and therefore no namespace either."""
    namespace_labels: bool = True
    """Whether a label of a namespace says in which namespace the pods are."""
    groups: tuple[NetworkGroup, ...] | None = None
    services: tuple[Service, ...] | None = None
    minor: tuple[int, int] = (0, 0)
    """Release of the agents."""

    def complete(self, written: Mapping[str, Any] | None) -> Selector:
        """A peer selector with the conditions on namespace and cluster that Cilium adds to it."""
        found = selector(written)
        if any(requirement.source == RESERVED for requirement in found.requirements):
            return found
        return found.plus(*self._namespace_of(found), *self._cluster_of(found))

    def _namespace_of(self, found: Selector) -> Iterator[Requirement]:
        if found.has((KUBERNETES, NAMESPACE_LABEL), (ANY, NAMESPACE_LABEL)):
            return
        if not self.namespace:
            if not self.selects_init:
                yield Requirement(
                    KUBERNETES, NAMESPACE_LABEL, "Exists", (), "a clusterwide policy means pods"
                )
            return
        prefix = f"{NAMESPACE_LABELS}."
        if not self.namespace_labels or not any(
            each.source in (KUBERNETES, ANY) and each.key.startswith(prefix) for each in found.requirements
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
    """The pods a policy selects: always of its own namespace, even where the selector names another one."""
    found = selector(written.get("endpointSelector"))
    if not policy.namespace:
        return found
    key = f"{KUBERNETES}:{NAMESPACE_LABEL}"
    matches = written["endpointSelector"].get("matchLabels") or {}
    overridden = Requirement(KUBERNETES, NAMESPACE_LABEL, "In", (matches.get(key, ""),))
    kept = (each for each in found.requirements if key not in matches or each != overridden)
    return Selector((*kept, Requirement(KUBERNETES, NAMESPACE_LABEL, "In", (policy.namespace,))))


def _selects_init(written: Mapping[str, Any]) -> bool:
    return selector(written.get("endpointSelector")).has((RESERVED, "init"))


def _peers(
    entry: Mapping[str, Any], direction: str, context: SelectorContext, *, deny: bool, empty_lists: bool
) -> tuple[tuple[str, Peer], ...] | None:
    """The peers of an entry and their places; None where it names none, which means all.

    Older agents see no empty lists.
    """
    word = "from" if direction == "ingress" else "to"
    listed = [f"{word}{kind}" for kind in ("Endpoints", "Nodes", "Entities", "CIDR", "CIDRSet")]
    if empty_lists and any(entry.get(name) is not None and not entry[name] for name in listed):
        return ()  # an empty list matches no peer
    peers = [
        (f"{word}Endpoints[{index}]", LabelPeer(context.complete(written), f"{word}Endpoints"))
        for index, written in enumerate(entry.get(f"{word}Endpoints") or ())
    ]
    # Agents replace no Services in entries that deny: what is left names no peer (processRule).
    behind = () if deny else _behind_services(entry, context)
    return (*peers, *_others(entry, word, context, deny=deny), *behind) or None


def _others(
    entry: Mapping[str, Any], word: str, context: SelectorContext, *, deny: bool
) -> Iterator[tuple[str, Peer]]:
    """The peers of an entry that are named by something else than labels of pods."""
    for index, entity in enumerate(entry.get(f"{word}Entities") or ()):
        yield from ((f"{word}Entities[{index}]", peer) for peer in entity_peers(entity, context.cluster))
    for index, cidr in enumerate(entry.get(f"{word}CIDR") or ()):
        yield f"{word}CIDR[{index}]", network_peer(cidr, (), context.minor, in_list=True)
    for index, rule in enumerate(entry.get(f"{word}CIDRSet") or ()):
        yield from (
            (f"{word}CIDRSet[{index}]", peer) for peer in network_peers(rule, context.groups, context.minor)
        )
    for name, words in _RUNTIME.items():
        known = name == "toServices" and (deny or context.services is not None)
        if entry.get(name) and not known:
            yield name, RuntimePeer(name, words)


def _behind_services(entry: Mapping[str, Any], context: SelectorContext) -> Iterator[tuple[str, Peer]]:
    """The pods and addresses behind the Services of an entry."""
    for index, item in enumerate(entry.get("toServices") or ()):
        found = meant_by(item, context.services or (), context.minor)
        place = f"toServices[{index}]"
        for written in found.selectors:
            yield place, LabelPeer(context.complete(written), "toEndpoints")
        yield from ((place, CidrPeer(f"{address}/32")) for address in found.addresses if ":" not in address)


def _layer7(entry: Mapping[str, Any]) -> tuple[str, ...]:
    """Conditions beyond the port on traffic that an entry allows."""
    found = []
    for port_rule in entry.get("toPorts") or ():
        rules = port_rule.get("rules") or {}
        found += [f"{kind} rules" for kind in sorted(rules) if rules[kind]]
        found += [word for key, word in _BEYOND_PORTS.items() if port_rule.get(key)]
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
