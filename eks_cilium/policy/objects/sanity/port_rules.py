"""What Cilium's agents refuse in the ports of an entry, and in the rules of layer 7 below them.

Part of `sanity`; follows `PortRule.sanitize` and `L7Rules.sanitize` in pkg/policy/api/rule_validation.go, and
`Sanitize` in http.go and fqdn.go beside it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from eks_cilium.policy.objects import icmp
from eks_cilium.policy.objects.sanity.regular_expressions import why_no_expression

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from eks_cilium.policy.objects.agents import Agents

Path = tuple[str | int, ...]
Rejection = tuple[Path, Any, str, str]
"""Path, value, what is allowed, how to fix it."""

_SERVICE_NAME = re.compile(r"^(?=.{1,15}$)(?=.*[A-Za-z])[A-Za-z0-9]+(-[A-Za-z0-9]+)*$")
_HIGHEST_PORT = 65535
_MOST_PORTS = 40
_LAYER7 = ("http", "kafka", "dns", "l7")
# pkg/policy/api/utils.go. The definitions allow ICMP as well, which agents refuse.
_PROTOCOLS = frozenset(("", "ANY", "TCP", "UDP", "SCTP"))
_FIRST_SCTP = (1, 13)
_WITHOUT_PORTS = frozenset(("VRRP", "IGMP", "GRE", "IPIP", "IPV6", "ESP", "AH"))
_FIRST_WITHOUT_PORTS = (1, 19)
_FAMILIES = ("", "IPv4", "IPv6")
# In 1.12 these are checked by nothing.
_FIRST_WITH_SERVER_NAMES = (1, 13)
# 1.16 refuses ranges with any rule of layer 7, later releases with rules of DNS only.
_RANGES_WITH_HTTP = (1, 17)
_LAST_WITH_PARSERS = (1, 19)
_NAME, _PATTERN = re.compile(r"[-a-zA-Z0-9_.]+"), re.compile(r"[-a-zA-Z0-9_.*]+")
_LONGEST_PATTERN = 255
_MISMATCHES = ("", "LOG", "ADD", "DELETE", "REPLACE")


def rejections(section: str, entry: Mapping[str, Any], path: Path, agents: Agents) -> Iterator[Rejection]:
    """Everything in the ports of an entry that the agents refuse.

    Args:
        section: The section of the rule: `ingress`, `egressDeny` ...
        entry: The entry.
        path: Keys that lead from the object to the entry.
        agents: The agents that read it.

    Yields:
        Path, value, what is allowed and how to fix it.
    """
    if entry.get("icmps") and entry.get("toPorts"):
        allowed = "icmps or toPorts in an entry, not both"
        yield (*path, "icmps"), entry["icmps"], allowed, "write an entry for each"
    yield from _icmps(entry, path, agents)
    for index, rule in enumerate(entry.get("toPorts") or ()):
        yield from _port_rule(rule, section.removesuffix("Deny"), (*path, "toPorts", index), agents)
    for index, name in enumerate(entry.get("toFQDNs") or ()):
        yield from _dns_name(name, (*path, "toFQDNs", index), both=False)


def layer7_of_nodes(
    section: str, entry: Mapping[str, Any], path: Path, agents: Agents
) -> Iterator[Rejection]:
    """Rules of layer 7 in a policy that selects nodes: none, from 1.17 on those of DNS on egress."""
    for index, rule in enumerate(entry.get("toPorts") or ()):
        for kind in _kinds(rule):
            if section != "egress" or kind != "dns" or agents.minor < _RANGES_WITH_HTTP:
                allowed = "nothing in a policy that selects nodes"
                yield (*path, "toPorts", index, "rules", kind), rule["rules"][kind], allowed, "remove it"


def knows_sctp(agents: Agents) -> bool:
    """Whether the agents know the protocol SCTP at all."""
    return agents.minor >= _FIRST_SCTP


def knows_protocol(protocol: str, agents: Agents) -> bool:
    """Whether the agents know a protocol, in capital letters; the empty text means the default."""
    if protocol in _WITHOUT_PORTS:
        return agents.minor >= _FIRST_WITHOUT_PORTS
    return protocol in _PROTOCOLS and (protocol != "SCTP" or knows_sctp(agents))


def is_port(text: str) -> bool:
    """Whether a text is a port in a policy: a number in any base Go reads, or a service name of RFC 6335."""
    if _SERVICE_NAME.match(text):
        return "--" not in text
    try:
        return 0 <= _number(text) <= _HIGHEST_PORT
    except ValueError:
        return False


def port_number(text: str) -> int | None:
    """The number of a port in a policy; None where it is a name, as `0x50` is too (pkg/iana)."""
    if _SERVICE_NAME.match(text):
        return None
    try:
        return _number(text)
    except ValueError:
        return None


def _number(text: str) -> int:
    # As Go's strconv.ParseUint with base 0: `010` is octal, signs and spaces are none.
    if not text.isascii() or text[:1] in "+-" or text != text.strip():
        raise ValueError(text)
    octal = text[:1] == "0" and text[1:].isdigit()
    return int(text, 8) if octal else int(text, 0)


def _kinds(rule: Mapping[str, Any]) -> list[str]:
    """The kinds of rules of layer 7 that are there; an empty list of them is none."""
    written = rule.get("rules") or {}
    return [kind for kind in _LAYER7 if written.get(kind)]


def _icmps(entry: Mapping[str, Any], path: Path, agents: Agents) -> Iterator[Rejection]:
    if entry.get("icmps") and not agents.icmp:
        allowed = "nothing where cilium-config has enable-icmp-rules: false"
        yield (*path, "icmps"), entry["icmps"], allowed, "remove it"
    for index, rule in enumerate(entry.get("icmps") or ()):
        fields = rule.get("fields") or ()
        place = (*path, "icmps", index, "fields")
        if len(fields) > _MOST_PORTS:
            yield place, len(fields), f"at most {_MOST_PORTS} fields", "write an entry for the others"
        for number, field in enumerate(fields):
            if (field.get("family") or "") not in _FAMILIES:
                yield (*place, number, "family"), field["family"], "IPv4 or IPv6", "change it"
            # UnmarshalJSON of ICMPField: a name of the other family cannot be decoded.
            name, known = field.get("type"), icmp.IPV6 if field.get("family") == "IPv6" else icmp.IPV4
            if isinstance(name, str) and not name.isdigit() and name not in known:
                allowed = f"a number, or one of {', '.join(sorted(known))}"
                yield (*place, number, "type"), name, allowed, "write the number of the type"


def _port_rule(rule: Mapping[str, Any], direction: str, path: Path, agents: Agents) -> Iterator[Rejection]:
    kinds = _kinds(rule)
    ports = rule.get("ports") or ()
    if len(ports) > _MOST_PORTS:
        yield (*path, "ports"), len(ports), f"at most {_MOST_PORTS} ports", "write an entry for the others"
    for index, port in enumerate(ports):
        yield from _port(port, kinds, (*path, "ports", index), agents)
    if direction == "ingress" and "dns" in kinds:
        yield (*path, "rules", "dns"), rule["rules"]["dns"], "nothing on ingress", "remove it"
    listener = rule.get("listener") is not None
    if direction == "ingress" and listener:
        yield (*path, "listener"), rule["listener"], "nothing on ingress", "remove it"
    elif listener and kinds:
        yield (
            (*path, "listener"),
            rule["listener"],
            "nothing beside rules of layer 7",
            "write an entry for each",
        )
    if agents.minor >= _FIRST_WITH_SERVER_NAMES:
        yield from _server_names(rule, kinds, path)
    if kinds:
        yield from _layer7(rule, kinds, path, agents)


def _port(port: Mapping[str, Any], kinds: list[str], path: Path, agents: Agents) -> Iterator[Rejection]:
    text, protocol = str(port.get("port") or ""), str(port.get("protocol") or "").upper()
    if not knows_protocol(protocol, agents):
        yield (*path, "protocol"), port["protocol"], "TCP, UDP, SCTP or ANY", "change it"
    elif protocol in _WITHOUT_PORTS and text not in ("", "0") and not _SERVICE_NAME.match(text):
        yield (*path, "port"), text, f"no port with {protocol}", "remove it"
    if not is_port(text) and (text or not agents.without_port):
        allowed = f"0 to {_HIGHEST_PORT}, or the name of a port"
        yield (*path, "port"), port.get("port"), allowed, "write a number in quotes"
    elif kinds and text.isdigit():
        yield from _port_of_layer7(port, kinds, path, agents)
    if kinds and "dns" not in kinds and protocol != "TCP":
        allowed = "TCP where there are rules of layer 7"
        yield (*path, "protocol"), port.get("protocol"), allowed, "write protocol: TCP"


def _port_of_layer7(
    port: Mapping[str, Any], kinds: list[str], path: Path, agents: Agents
) -> Iterator[Rejection]:
    first = port_number(port["port"]) or 0
    if first == 0:
        yield (*path, "port"), port["port"], "a port where there are rules of layer 7", "write its number"
    if int(port.get("endPort") or 0) > first and ("dns" in kinds or agents.minor < _RANGES_WITH_HTTP):
        allowed = "no range where there are rules of layer 7"
        yield (*path, "endPort"), port["endPort"], allowed, "write the ports one by one"


def _server_names(rule: Mapping[str, Any], kinds: list[str], path: Path) -> Iterator[Rejection]:
    names = rule.get("serverNames") or ()
    if names and kinds and rule.get("terminatingTLS") is None:
        allowed = "nothing beside rules of layer 7 without terminatingTLS"
        yield (*path, "serverNames"), names, allowed, "remove it, or write an entry for each"
    for index, name in enumerate(names):
        if not name:
            yield (*path, "serverNames", index), name, "the name of a server", "remove it"


def _layer7(rule: Mapping[str, Any], kinds: list[str], path: Path, agents: Agents) -> Iterator[Rejection]:
    written, place = rule["rules"], (*path, "rules")
    if not agents.layer7:
        allowed = "nothing where cilium-config has enable-l7-proxy: false"
        yield place, written, allowed, "set l7Proxy: true in the chart's values"
    listed = [kind for kind in _LAYER7[:-1] if written.get(kind) is not None]
    listed += ["l7proto"] if written.get("l7proto") else []
    if len(listed) > 1:
        yield place, written, f"one kind of rules, not {' and '.join(listed)}", "write an entry for each"
    if "l7" in kinds and not written.get("l7proto") and agents.minor <= _LAST_WITH_PARSERS:
        yield (*place, "l7"), written["l7"], "l7 with its l7proto", "write l7proto"
    if written.get("dns") is not None and not rule.get("ports"):
        yield (*place, "dns"), written["dns"], "rules of DNS at a port", "write port 53"
    for index, http in enumerate(written.get("http") or ()):
        yield from _http(http, (*place, "http", index))
    for index, name in enumerate(written.get("dns") or ()):
        yield from _dns_name(name, (*place, "dns", index), both=True)


def _http(rule: Mapping[str, Any], path: Path) -> Iterator[Rejection]:
    for key in ("path", "method"):
        if rule.get(key) and (why := why_no_expression(str(rule[key]))):
            allowed = f"a regular expression of Go ({why})"
            yield (*path, key), rule[key], allowed, "change it; see https://golang.org/s/re2syntax"
    for index, match in enumerate(rule.get("headerMatches") or ()):
        place = (*path, "headerMatches", index)
        if not match.get("name"):
            yield (*place, "name"), match.get("name"), "the name of a header", "write it"
        if (match.get("mismatch") or "") not in _MISMATCHES:
            yield (*place, "mismatch"), match["mismatch"], ", ".join(_MISMATCHES[1:]), "change it"
        if match.get("secret") is not None and not match["secret"].get("name"):
            yield (*place, "secret", "name"), None, "the name of a Secret", "write it"


def _dns_name(name: Mapping[str, Any], path: Path, *, both: bool) -> Iterator[Rejection]:
    exact, pattern = name.get("matchName") or "", name.get("matchPattern") or ""
    if exact and pattern and not both:
        yield path, name, "matchName or matchPattern, not both", "write an entry for each"
    if exact and not _NAME.fullmatch(exact):
        yield (*path, "matchName"), exact, "letters, digits and . - _", "change it"
    if pattern and (not _PATTERN.fullmatch(pattern) or len(pattern) > _LONGEST_PATTERN):
        yield (*path, "matchPattern"), pattern, "at most 255 letters, digits and . - _ *", "change it"
