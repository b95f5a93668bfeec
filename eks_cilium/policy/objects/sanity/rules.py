"""Finds policies that Cilium's agents refuse, and so do not enforce, although the API server accepts them.

Follows `Rule.Sanitize` in Cilium's pkg/policy/api/rule_validation.go of each release, for rules whose shape
is right. Agents take an object whole or not at all: with one of these, nothing of it is enforced.
"""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Any

from eks_cilium.cilium.crds import NAMESPACED
from eks_cilium.kubernetes_names import is_label_value
from eks_cilium.policy.objects.peers import SECTIONS
from eks_cilium.policy.objects.sanity import port_rules
from eks_cilium.policy.objects.sanity.label_syntax import is_label_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from eks_cilium.policy.objects.agents import Agents
    from eks_cilium.policy.objects.sanity.port_rules import Path, Rejection

_PEERS = {
    "egress": (
        *("toEndpoints", "toCIDR", "toCIDRSet", "toEntities"),
        *("toServices", "toGroups", "toNodes", "toFQDNs"),
    ),
    "ingress": ("fromEndpoints", "fromCIDR", "fromCIDRSet", "fromEntities", "fromGroups", "fromNodes"),
}
_WITH_VALUES, _WITHOUT_VALUES = ("In", "NotIn"), ("Exists", "DoesNotExist")
# pkg/policy/api/entity.go. The definitions know neither `world-ipv4` nor `world-ipv6`; agents do.
_ENTITIES = frozenset(
    (
        *("all", "world", "world-ipv4", "world-ipv6", "cluster", "host", "init", "ingress"),
        *("unmanaged", "remote-node", "health", "none", "kube-apiserver"),
    )
)
_FIRST_CLUSTER_MESH = (1, 20)
_FIRST_THAT_CHECKS_DENIALS = (1, 16)
_FIRST_THAT_WANTS_AN_ENTRY = (1, 17)
# Combined with ports up to 1.12 and from 1.17 on; between, cilium/cilium#20067 kept the two apart.
_NO_SERVICES_WITH_PORTS = ((1, 13), (1, 17))
_FIRST_GROUPS_OF_NETWORKS = (1, 17)
# CIDRRule.sanitize: older ones accept an exception that is wider than its network, if it begins inside.
_FIRST_THAT_COMPARES_LENGTHS = (1, 20)
# Sanitize lets an address with a zone (fe80::1%eth0) pass, and from 1.19 on agents end with a panic at it.
_FIRST_WITHOUT_ZONES = (1, 19)
_LAST_WITH_REQUIREMENTS = (1, 18)
_CHECKS_SELECTORS_OF_SERVICES = (1, 19)
_PREFIX_LENGTH = re.compile(r"0|[1-9][0-9]{0,2}")
_KINDS_OF_NETWORKS = ("cidr", "cidrGroupRef", "cidrGroupSelector")


def rejections(
    kind: str, rule: Mapping[str, Any], above: Path, agents: Agents, *, strict: bool = False
) -> Iterator[Rejection]:
    """Everything in a rule that the agents refuse.

    Args:
        kind: Kind of the policy; only a CiliumClusterwideNetworkPolicy may select nodes.
        rule: The rule, whose shape the definition allows.
        above: Keys that lead from the object to the rule.
        agents: The agents that read it.
        strict: Also what agents of this release let pass without giving it the meaning that is written: a
            rule without an entry, and mistakes in entries that deny.

    Yields:
        Path, value, what is allowed and how to fix it.
    """
    if kind == NAMESPACED and "nodeSelector" in rule:
        allowed = "nothing: only a CiliumClusterwideNetworkPolicy can select nodes"
        yield (*above, "nodeSelector"), rule["nodeSelector"], allowed, "write endpointSelector, or that kind"
    if not any(rule.get(section) for section in SECTIONS) and (
        strict or agents.minor >= _FIRST_THAT_WANTS_AN_ENTRY
    ):
        yield above, rule, f"a rule with an entry in one of {', '.join(SECTIONS)}", "write `- {}` for none"
    selectors = [name for name in ("endpointSelector", "nodeSelector") if rule.get(name) is not None]
    if len(selectors) != 1:
        yield (
            above,
            rule,
            "either endpointSelector or nodeSelector",
            "write `endpointSelector: {}` for all pods",
        )
    for name in selectors:
        yield from selector_rejections(rule.get(name), (*above, name), agents)
    for section in SECTIONS:
        if section.endswith("Deny") and not strict and agents.minor < _FIRST_THAT_CHECKS_DENIALS:
            continue
        for index, entry in enumerate(rule.get(section) or ()):
            path = (*above, section, index)
            yield from _entry(section, entry, path, agents)
            if strict and section == "egressDeny" and entry.get("toServices"):
                allowed = "nothing in an entry that denies: agents do not look up its Services"
                yield (*path, "toServices"), entry["toServices"], allowed, "name the pods by toEndpoints"
            if "nodeSelector" in rule:
                yield from port_rules.layer7_of_nodes(section, entry, path, agents)


def _entry(section: str, entry: Mapping[str, Any], path: Path, agents: Agents) -> Iterator[Rejection]:
    direction = section.removesuffix("Deny")
    yield from _combinations(direction, entry, path, agents)
    for name in SECTIONS[section]:
        for index, selector in enumerate(entry.get(name) or ()):
            yield from selector_rejections(selector, (*path, name, index), agents)
    word = "from" if direction == "ingress" else "to"
    yield from _more_selectors(word, entry, path, agents)
    for index, network in enumerate(entry.get(f"{word}CIDR") or ()):
        yield from _network(network, (*path, f"{word}CIDR", index), agents)
    for index, rule in enumerate(entry.get(f"{word}CIDRSet") or ()):
        yield from _cidr_rule(rule, (*path, f"{word}CIDRSet", index), agents)
    for index, entity in enumerate(entry.get(f"{word}Entities") or ()):
        yield from _entity(entity, (*path, f"{word}Entities", index), agents)
    yield from port_rules.rejections(section, entry, path, agents)


def _more_selectors(word: str, entry: Mapping[str, Any], path: Path, agents: Agents) -> Iterator[Rejection]:
    """What some releases check: `toRequires` up to 1.18, the selectors of `toServices` in 1.19 alone."""
    if agents.minor <= _LAST_WITH_REQUIREMENTS:
        for index, selector in enumerate(entry.get(f"{word}Requires") or ()):
            yield from selector_rejections(selector, (*path, f"{word}Requires", index), agents)
    if agents.minor == _CHECKS_SELECTORS_OF_SERVICES and word == "to":
        for index, service in enumerate(entry.get("toServices") or ()):
            place = (*path, "toServices", index, "k8sServiceSelector", "selector")
            yield from selector_rejections((service.get(place[-2]) or {}).get("selector"), place, agents)


def _combinations(
    direction: str, entry: Mapping[str, Any], path: Path, agents: Agents
) -> Iterator[Rejection]:
    peers = [name for name in _PEERS[direction] if entry.get(name)]
    if len(peers) > 1:
        allowed = f"one kind of peers in an entry, not {' and '.join(peers)}"
        yield path, entry, allowed, "write an entry for each"
    first, last = _NO_SERVICES_WITH_PORTS
    if entry.get("toServices") and entry.get("toPorts") and first <= agents.minor < last:
        allowed = f"no toPorts beside toServices before Cilium {last[0]}.{last[1]}"
        yield (*path, "toPorts"), entry["toPorts"], allowed, "remove it: the Service has its own ports"
    for name in ("toNodes", "fromNodes"):
        if entry.get(name) and not agents.node_labels:
            allowed = "nothing where cilium-config has no enable-node-selector-labels"
            yield (*path, name), entry[name], allowed, "set nodeSelectorLabels: true in the chart's values"


def _entity(entity: Any, path: Path, agents: Agents) -> Iterator[Rejection]:
    known = _ENTITIES | ({"cluster-mesh"} if agents.minor >= _FIRST_CLUSTER_MESH else set())
    if entity not in known:
        yield path, entity, f"one of {', '.join(sorted(known))}", f"change {path[-2]}"


def selector_rejections(selector: Any, path: Path, agents: Agents) -> Iterator[Rejection]:
    """What agents, and API servers in a NetworkPolicy, refuse in a selector; as of `rejections`."""
    written = selector or {}
    for key, value in (written.get("matchLabels") or {}).items():
        yield from _label(key, (value,), (*path, "matchLabels", key), agents)
    for index, expression in enumerate(written.get("matchExpressions") or ()):
        operator, values = expression["operator"], expression.get("values") or ()
        place = (*path, "matchExpressions", index)
        if operator not in (*_WITH_VALUES, *_WITHOUT_VALUES):
            allowed = ", ".join((*_WITH_VALUES, *_WITHOUT_VALUES))
            yield (*place, "operator"), operator, f"one of {allowed}", "change it"
        if operator in _WITH_VALUES and not values:
            yield (*place, "values"), None, f"at least one value with {operator}", "write values"
        if operator in _WITHOUT_VALUES and values:
            yield (*place, "values"), values, f"no values with {operator}", "remove them"
        yield from _label(expression["key"], values, (*place, "key"), agents)


def _label(key: Any, values: Any, path: Path, agents: Agents) -> Iterator[Rejection]:
    if not isinstance(key, str) or not is_label_key(key, agents.minor):
        allowed = "a label's key such as app or example.com/app, with or without a source such as k8s:"
        yield path, key, allowed, "write the key as pods carry it"
    for value in values:
        if not isinstance(value, str) or not is_label_value(value):
            allowed = "a label's value: at most 63 letters, digits, dashes, dots and underscores"
            yield path, value, allowed, "write the value as pods carry it, in quotes"


def _network(network: Any, path: Path, agents: Agents) -> Iterator[Rejection]:
    zone = "%" in str(network) and agents.minor >= _FIRST_WITHOUT_ZONES
    if zone or (not is_network(network) and not _is_address(network)):
        yield path, network, "an address, or a network such as 10.0.0.0/16", f"change {path[-2]}"


def is_network(text: Any) -> bool:
    """Whether Go's `netip.ParsePrefix` reads a text: an address and a length, no `10.0.0.0/255.0.0.0`."""
    if not isinstance(text, str):
        return False
    address, slash, length = text.partition("/")
    if not slash or "%" in address or not _PREFIX_LENGTH.fullmatch(length):
        return False
    try:
        ipaddress.ip_network(f"{address}/{length}", strict=False)
    except ValueError:
        return False
    return True


def _is_address(text: Any) -> bool:
    try:
        return isinstance(text, str) and bool(ipaddress.ip_address(text))
    except ValueError:
        return False


def _cidr_rule(rule: Mapping[str, Any], path: Path, agents: Agents) -> Iterator[Rejection]:
    # An empty text is none, an empty selector is one.
    named = [key for key in _KINDS_OF_NETWORKS if rule.get(key) not in (None, "")]
    if len(named) != 1 and (agents.minor >= _FIRST_GROUPS_OF_NETWORKS or not named):
        yield path, rule, f"one of {', '.join(_KINDS_OF_NETWORKS)}", "write an entry for each"
        return
    if "cidrGroupSelector" in named:
        yield from selector_rejections(rule["cidrGroupSelector"], (*path, "cidrGroupSelector"), agents)
    if named != ["cidr"]:
        return
    if not is_network(rule["cidr"]):
        fix = f"write {rule['cidr']}/32" if _is_address(rule["cidr"]) else "change it"
        yield (*path, "cidr"), rule["cidr"], "a network with its length, such as 10.0.0.0/16", fix
        return
    for index, text in enumerate(rule.get("except") or ()):
        if not is_network(text) or not _inside(text, rule["cidr"], agents):
            allowed = f"a network inside {rule['cidr']}"
            yield (*path, "except", index), text, allowed, "change it, or remove it"


def _inside(inner: str, outer: str, agents: Agents) -> bool:
    if agents.minor < _FIRST_THAT_COMPARES_LENGTHS:
        return ipaddress.ip_interface(inner).ip in ipaddress.ip_network(outer, strict=False)
    subnet, network = ipaddress.ip_network(inner, strict=False), ipaddress.ip_network(outer, strict=False)
    if isinstance(subnet, ipaddress.IPv4Network):
        return isinstance(network, ipaddress.IPv4Network) and subnet.subnet_of(network)
    return isinstance(network, ipaddress.IPv6Network) and subnet.subnet_of(network)
