"""Whether the security groups of an interface allow a connection."""

from __future__ import annotations

import ipaddress
from typing import Any

_TCP = ("tcp", "6")
_EVERY = "-1"


def ingress_denial(interface: Any, address: str, port: int, other: Any) -> str | None:
    """Return why a connection from `address`, of the interface `other`, is denied; None when it is not."""
    groups = list(interface.group_set)
    if not groups or _any(groups, "ingress_rules", address, port, other):
        return None
    return f"security groups {_names(groups)} do not allow {address} in on port {port}"


def egress_denial(interface: Any, address: str, port: int) -> str | None:
    """Return why a connection to an address is not allowed out; None when it is."""
    groups = list(interface.group_set)
    if not groups or _any(groups, "egress_rules", address, port, None):
        return None
    return f"security groups {_names(groups)} do not allow traffic out to {address} on port {port}"


def _names(groups: list[Any]) -> str:
    return ", ".join(sorted(group.id for group in groups))


def _any(groups: list[Any], rules: str, address: str, port: int, other: Any) -> bool:
    known = {group.id for group in other.group_set} if other is not None else set()
    return any(
        _has_port(rule, port) and _has_address(rule, address, known)
        for group in groups
        for rule in getattr(group, rules)
    )


def _has_port(rule: Any, port: int) -> bool:
    if str(rule.ip_protocol) == _EVERY:
        return True
    if str(rule.ip_protocol) not in _TCP:
        return False
    first, last = rule.from_port, rule.to_port
    return first is None or int(first) == -1 or int(first) <= port <= int(last)


def _has_address(rule: Any, address: str, groups: set[str]) -> bool:
    if (rule.source_group or {}).get("GroupId") in groups:
        return True
    block = (rule.ip_range or {}).get("CidrIp")
    return bool(block) and ipaddress.IPv4Address(address) in ipaddress.IPv4Network(block, strict=False)
