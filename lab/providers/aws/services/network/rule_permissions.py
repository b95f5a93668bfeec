"""Security group rules as single permissions: one protocol and port range, from or to one source.

EC2 groups several sources into one `IpPermission`, and Pulumi's types group them in three other ways. As
single permissions they can be compared and counted.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from lab.providers.values import Properties

ALL = "-1"
# Pulumi's list of sources, EC2's list of sources, EC2's key inside it
SOURCES = (
    ("cidrBlocks", "IpRanges", "CidrIp"),
    ("ipv6CidrBlocks", "Ipv6Ranges", "CidrIpv6"),
    ("prefixListIds", "PrefixListIds", "PrefixListId"),
    ("securityGroups", "UserIdGroupPairs", "GroupId"),
)


def protocol_name(protocol: Any) -> str:
    # For EC2 "all protocols" is `-1`; Pulumi also accepts `all`.
    text = str(protocol).lower()
    return ALL if text in {"all", ALL} else text


@dataclass(frozen=True)
class Permission:
    """One source, one protocol, one port range; descriptions are not compared."""

    protocol: str
    first: int | None
    last: int | None
    kind: str
    source: str

    def as_ec2(self, description: str | None = None) -> dict[str, Any]:
        api, key = next((api, key) for name, api, key in SOURCES if name == self.kind)
        source = {key: self.source} | ({"Description": description} if description else {})
        ports = {} if self.protocol == ALL else {"FromPort": self.first, "ToPort": self.last}
        return {"IpProtocol": self.protocol, api: [source]} | ports


def in_rule(rule: Mapping[str, Any], own_group: str) -> set[Permission]:
    """The permissions of a rule in Pulumi's form; `self` means the group of the rule."""
    protocol = protocol_name(rule["protocol"])
    first, last = (None, None) if protocol == ALL else (rule["fromPort"], rule["toPort"])
    groups = [*(rule.get("securityGroups") or ()), rule.get("sourceSecurityGroupId")]
    if rule.get("self"):
        groups.append(own_group)
    sources = {name: rule.get(name) or () for name, _, _ in SOURCES} | {"securityGroups": groups}
    return {
        Permission(protocol, first, last, name, source)
        for name, held in sources.items()
        for source in held
        if source
    }


def in_ec2(permissions: Iterable[Mapping[str, Any]]) -> set[Permission]:
    """The permissions of a security group as EC2 describes it."""
    return {
        Permission(*_protocol_and_ports(permission), name, source[key])
        for permission in permissions
        for name, api, key in SOURCES
        for source in permission.get(api, [])
        if source.get(key)
    }


def _protocol_and_ports(permission: Mapping[str, Any]) -> tuple[str, int | None, int | None]:
    protocol = protocol_name(permission["IpProtocol"])
    if protocol == ALL:
        return protocol, None, None
    return protocol, permission.get("FromPort"), permission.get("ToPort")


def outline(permissions: Iterable[Mapping[str, Any]], own_group: str) -> list[Properties]:
    """A security group's rules in the form of its `ingress` and `egress` properties."""
    return [_outline(permission, own_group) for permission in permissions]


def _outline(permission: Mapping[str, Any], own_group: str) -> Properties:
    protocol, first, last = _protocol_and_ports(permission)
    described: Properties = {"protocol": protocol, "fromPort": first or 0, "toPort": last or 0, "self": False}
    for name, api, key in SOURCES:
        sources = [source[key] for source in permission.get(api, []) if source.get(key)]
        if name == "securityGroups" and own_group in sources:
            described["self"] = True
            sources = [source for source in sources if source != own_group]
        if sources:
            described[name] = sorted(sources)
    return described


def same_rules(left: Any, right: Any) -> bool:
    """Whether two lists of rules permit the same traffic."""
    if not isinstance(left, list) or not isinstance(right, list):
        return bool(left == right)
    return _permitted(left) == _permitted(right)


def _permitted(rules: list[Mapping[str, Any]]) -> set[Permission]:
    return {permission for rule in rules for permission in in_rule(rule, own_group="self")}
