"""Finds policies that Cilium's agents reject, and so do not enforce, although the API server accepts them.

Follows `Rule.Sanitize` in Cilium's pkg/policy/api/rule_validation.go, for rules whose shape is right.
"""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Any

from eks_cilium.cilium.crds import NAMESPACED
from eks_cilium.policy.objects.peers import SECTIONS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Rejection = tuple[tuple[str | int, ...], Any, str, str]
"""Path, value, what is allowed, how to fix it."""

_PEERS = {
    "egress": (
        *("toEndpoints", "toCIDR", "toCIDRSet", "toEntities"),
        *("toServices", "toGroups", "toNodes", "toFQDNs"),
    ),
    "ingress": ("fromEndpoints", "fromCIDR", "fromCIDRSet", "fromEntities", "fromGroups", "fromNodes"),
}
_SERVICE_NAME = re.compile(r"^(?=.{1,15}$)(?=.*[A-Za-z])[A-Za-z0-9]+(-[A-Za-z0-9]+)*$")
_HIGHEST_PORT = 65535
_WITH_VALUES, _WITHOUT_VALUES = ("In", "NotIn"), ("Exists", "DoesNotExist")


def rejections(kind: str, rule: Mapping[str, Any], above: tuple[str | int, ...]) -> Iterator[Rejection]:
    """Everything in a rule that the agents reject.

    Args:
        kind: Kind of the policy; only a CiliumClusterwideNetworkPolicy may select nodes.
        rule: The rule, whose shape the definition allows.
        above: Keys that lead from the object to the rule.

    Yields:
        Path, value, what is allowed and how to fix it.
    """
    if kind == NAMESPACED and "nodeSelector" in rule:
        allowed = "nothing: only a CiliumClusterwideNetworkPolicy can select nodes"
        yield (*above, "nodeSelector"), rule["nodeSelector"], allowed, "write endpointSelector, or that kind"
    if not any(rule.get(section) for section in SECTIONS):
        yield above, rule, f"a rule with an entry in one of {', '.join(SECTIONS)}", "write `- {}` for none"
    for name in ("endpointSelector", "nodeSelector"):
        yield from _selector(rule.get(name), (*above, name))
    for section in SECTIONS:
        for index, entry in enumerate(rule.get(section) or ()):
            yield from _entry(section, entry, (*above, section, index))


def _entry(section: str, entry: Mapping[str, Any], path: tuple[str | int, ...]) -> Iterator[Rejection]:
    direction = section.removesuffix("Deny")
    peers = [name for name in _PEERS[direction] if entry.get(name)]
    if len(peers) > 1:
        allowed = f"one kind of peers in an entry, not {' and '.join(peers)}"
        yield path, entry, allowed, "write an entry for each"
    if entry.get("icmps") and entry.get("toPorts"):
        allowed = "icmps or toPorts in an entry, not both"
        yield (*path, "icmps"), entry["icmps"], allowed, "write an entry for each"
    for name in SECTIONS[section]:
        for index, selector in enumerate(entry.get(name) or ()):
            yield from _selector(selector, (*path, name, index))
    for name in ("toCIDR", "fromCIDR"):
        for index, network in enumerate(entry.get(name) or ()):
            yield from _network(network, (*path, name, index))
    for name in ("toCIDRSet", "fromCIDRSet"):
        for index, rule in enumerate(entry.get(name) or ()):
            yield from _cidr_rule(rule, (*path, name, index))
    for index, rule in enumerate(entry.get("toPorts") or ()):
        yield from _port_rule(rule, direction, (*path, "toPorts", index))


def _selector(selector: Any, path: tuple[str | int, ...]) -> Iterator[Rejection]:
    for index, expression in enumerate((selector or {}).get("matchExpressions") or ()):
        operator, values = expression["operator"], expression.get("values") or ()
        place = (*path, "matchExpressions", index)
        if operator in _WITH_VALUES and not values:
            yield (*place, "values"), None, f"at least one value with {operator}", "write values"
        if operator in _WITHOUT_VALUES and values:
            yield (*place, "values"), values, f"no values with {operator}", "remove them"


def _network(network: str, path: tuple[str | int, ...]) -> Iterator[Rejection]:
    try:
        ipaddress.ip_network(network, strict=False)
    except ValueError:
        yield path, network, "an address, or a network such as 10.0.0.0/16", f"change {path[-2]}"


def _cidr_rule(rule: Mapping[str, Any], path: tuple[str | int, ...]) -> Iterator[Rejection]:
    if "cidr" not in rule:
        return
    if "/" not in rule["cidr"]:
        yield (*path, "cidr"), rule["cidr"], "a network with its length", f"write {rule['cidr']}/32"
        return
    yield from _network(rule["cidr"], (*path, "cidr"))
    for index, text in enumerate(rule.get("except") or ()):
        if not _inside(text, rule["cidr"]):
            allowed = f"a network inside {rule['cidr']}"
            yield (*path, "except", index), text, allowed, "change it, or remove it"


def _inside(inner: str, outer: str) -> bool:
    try:
        subnet, network = ipaddress.ip_network(inner, strict=False), ipaddress.ip_network(outer, strict=False)
    except ValueError:
        return False
    if isinstance(subnet, ipaddress.IPv4Network):
        return isinstance(network, ipaddress.IPv4Network) and subnet.subnet_of(network)
    return isinstance(network, ipaddress.IPv6Network) and subnet.subnet_of(network)


def _port_rule(rule: Mapping[str, Any], direction: str, path: tuple[str | int, ...]) -> Iterator[Rejection]:
    layer7 = rule.get("rules") or {}
    for index, port in enumerate(rule.get("ports") or ()):
        place = (*path, "ports", index)
        if not _is_port(str(port.get("port", ""))):
            allowed = f"0 to {_HIGHEST_PORT}, or the name of a port"
            yield (*place, "port"), port.get("port"), allowed, "write a number in quotes"
        if layer7 and not layer7.get("dns") and port.get("protocol") != "TCP":
            allowed = "TCP where there are rules of layer 7"
            yield (*place, "protocol"), port.get("protocol"), allowed, "write protocol: TCP"
    if direction == "ingress" and layer7.get("dns"):
        yield (*path, "rules", "dns"), layer7["dns"], "nothing on ingress", "remove it"
    if direction == "ingress" and rule.get("listener"):
        yield (*path, "listener"), rule["listener"], "nothing on ingress", "remove it"


def _is_port(text: str) -> bool:
    # A number in any base Go reads, or a service name of RFC 6335.
    if _SERVICE_NAME.match(text):
        return "--" not in text
    try:
        return 0 <= int(text, 0) <= _HIGHEST_PORT
    except ValueError:
        return text.isdigit() and int(text) <= _HIGHEST_PORT
