"""Resource types of security groups, their rules (inline or as resources), and a VPC's default group."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from lab.providers.aws.cloud import Cloud, find, remove, remove_when_free
from lab.providers.aws.services.network.rule_permissions import (
    ALL,
    Permission,
    in_ec2,
    in_rule,
    outline,
    protocol_name,
    same_rules,
)
from lab.providers.aws.services.tagging import ec2_tags, retag_ec2
from lab.providers.aws.shapes import same_set, tag_map, to_api
from lab.providers.aws.table import Input, ResourceType, plain
from lab.providers.errors import RefusedError
from lab.providers.resource import Operation
from lab.providers.values import Properties, has_unknown

RULE_FIELDS = plain(
    "fromPort",
    "toPort",
    "protocol",
    "cidrBlocks",
    "ipv6CidrBlocks",
    "prefixListIds",
    "securityGroups",
    "self",
    "description",
)
INLINE = Input(cloud_decides=True, same=same_rules, agrees=same_rules, fields=RULE_FIELDS)
DIRECTIONS = {"ingress": "IpPermissions", "egress": "IpPermissionsEgress"}

# -- the calls that change rules -----------------------------------------------------------------------------


def group(cloud: Cloud, identifier: str) -> Mapping[str, Any] | None:
    answer = find(cloud.ec2.describe_security_groups, GroupIds=[identifier])
    return answer["SecurityGroups"][0] if answer and answer["SecurityGroups"] else None


def authorize(cloud: Cloud, direction: str, identifier: str, permissions: list[dict[str, Any]]) -> Any:
    call = getattr(cloud.ec2, f"authorize_security_group_{direction}")
    return call(GroupId=identifier, IpPermissions=permissions)


def revoke(cloud: Cloud, direction: str, identifier: str, permissions: set[Permission]) -> None:
    # Rules are removed by id, so that descriptions do not matter; missing rules count as removed.
    egress = direction == "egress"
    rules = [
        rule["SecurityGroupRuleId"]
        for rule in rules_of(cloud, identifier)
        if rule["IsEgress"] == egress and single(rule) in permissions
    ]
    if rules:
        call = getattr(cloud.ec2, f"revoke_security_group_{direction}")
        remove(call, GroupId=identifier, SecurityGroupRuleIds=rules)


def set_rules(cloud: Cloud, identifier: str, inputs: Properties) -> None:
    """Make a group's rules exactly the inline ones, for each direction that has any."""
    live = group(cloud, identifier)
    for direction, key in DIRECTIONS.items():
        if live is None or inputs.get(direction) is None:
            continue
        wanted = descriptions(inputs[direction], identifier)
        surplus = in_ec2(live[key]) - set(wanted)
        if surplus:
            revoke(cloud, direction, identifier, surplus)
        missing = [
            permission.as_ec2(text)
            for permission, text in wanted.items()
            if permission not in in_ec2(live[key])
        ]
        if missing:
            authorize(cloud, direction, identifier, missing)


def descriptions(rules: list[Mapping[str, Any]], own_group: str) -> dict[Permission, str | None]:
    return {permission: rule.get("description") for rule in rules for permission in in_rule(rule, own_group)}


# -- security group ------------------------------------------------------------------------------------------


def create_group(cloud: Cloud, inputs: Properties, _: Operation) -> str:
    # AWS adds a rule that allows all egress; it is removed, as the real provider does.
    created = cloud.ec2.create_security_group(
        **to_api(inputs, "description", "vpcId", name="GroupName"),
        **ec2_tags("security-group", inputs),
    )
    identifier = str(created["GroupId"])
    set_rules(cloud, identifier, {"egress": []} | inputs)
    return identifier


def read_group(cloud: Cloud, identifier: str, _: Properties) -> Properties | None:
    # Includes rules that other resources or users created.
    live = group(cloud, identifier)
    if live is None:
        return None
    return {
        "name": live["GroupName"],
        "description": live["Description"],
        "vpcId": live.get("VpcId"),
        "ownerId": live.get("OwnerId"),
        "arn": cloud.arn("ec2", f"security-group/{identifier}"),
        **{direction: outline(live.get(key, []), identifier) for direction, key in DIRECTIONS.items()},
        "tagsAll": tag_map(live.get("Tags")),
    }


def update_group(cloud: Cloud, identifier: str, before: Properties, inputs: Properties, _: Operation) -> None:
    if any(before.get(direction) != inputs.get(direction) for direction in DIRECTIONS):
        set_rules(cloud, identifier, inputs)


def delete_group(cloud: Cloud, identifier: str, known: Properties, operation: Operation) -> None:
    if known.get("revokeRulesOnDelete"):
        set_rules(cloud, identifier, {"ingress": [], "egress": []})
    remove_when_free(operation, cloud.ec2.delete_security_group, GroupId=identifier)


SECURITY_GROUP = ResourceType(
    "aws:ec2/securityGroup:SecurityGroup",
    inputs={
        "description": Input(default="Managed by Pulumi", replaces=True),
        "vpcId": Input(cloud_decides=True, replaces=True),
        "ingress": INLINE,
        "egress": INLINE,
        "revokeRulesOnDelete": Input(default=False),
    },
    outputs=("arn", "ownerId"),
    create=create_group,
    read=read_group,
    update=update_group,
    delete=delete_group,
    retag=retag_ec2,
    name="name",
)

# -- the default group of a VPC ------------------------------------------------------------------------------


def adopt_default_group(cloud: Cloud, inputs: Properties, _: Operation) -> str:
    """Take over the group that every VPC has, and set its rules."""
    filters = [{"Name": "group-name", "Values": ["default"]}]
    if inputs.get("vpcId"):
        filters.append({"Name": "vpc-id", "Values": [inputs["vpcId"]]})
    groups = cloud.ec2.describe_security_groups(Filters=filters)["SecurityGroups"]
    if not groups:
        raise RefusedError(f"{inputs.get('vpcId', 'this region')} has no default security group")
    identifier = str(groups[0]["GroupId"])
    set_rules(cloud, identifier, {"ingress": [], "egress": []} | inputs)
    if inputs.get("tagsAll"):
        retag_ec2(cloud, identifier, inputs, inputs["tagsAll"], ())
    return identifier


def update_default_group(
    cloud: Cloud, identifier: str, _: Properties, inputs: Properties, __: Operation
) -> None:
    set_rules(cloud, identifier, {"ingress": [], "egress": []} | inputs)


DEFAULT_SECURITY_GROUP = ResourceType(
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
    inputs={
        "vpcId": Input(cloud_decides=True, replaces=True),
        "ingress": INLINE,
        "egress": INLINE,
        "revokeRulesOnDelete": Input(default=False),
    },
    outputs=("arn", "description", "name", "ownerId"),
    create=adopt_default_group,
    read=read_group,
    update=update_default_group,
    delete=lambda *_: None,
    retag=retag_ec2,
)

# -- a rule of its own, of the older kind --------------------------------------------------------------------

SOURCE_INPUTS = ("cidrBlocks", "ipv6CidrBlocks", "prefixListIds")


def create_rule(cloud: Cloud, inputs: Properties, _: Operation) -> str:
    # The id is a hash of the rule, since AWS has one id for each source.
    owner, text = inputs["securityGroupId"], inputs.get("description")
    permissions = in_rule(inputs, owner)
    if not permissions:
        raise RefusedError(
            "give one of cidrBlocks, ipv6CidrBlocks, prefixListIds, self, sourceSecurityGroupId"
        )
    authorize(cloud, inputs["type"], owner, [permission.as_ec2(text) for permission in permissions])
    material = json.dumps([owner, inputs["type"], sorted(map(repr, permissions))])
    return f"sgrule-{int(hashlib.sha256(material.encode()).hexdigest()[:8], 16)}"


def read_rule(cloud: Cloud, _: str, known: Properties) -> Properties | None:
    live = group(cloud, known["securityGroupId"])
    permissions = in_rule(known, known["securityGroupId"])
    if live is None or not permissions <= in_ec2(live[DIRECTIONS[known["type"]]]):
        return None
    names = ("type", "protocol", "fromPort", "toPort", "securityGroupId", "sourceSecurityGroupId", "self")
    held = {name: known.get(name) for name in (*names, *SOURCE_INPUTS, "description")}
    return held | {"securityGroupRuleId": rule_id(cloud, known, permissions)}


def rule_id(cloud: Cloud, known: Properties, permissions: set[Permission]) -> str | None:
    """EC2's own id; only a rule with a single source has one."""
    if len(permissions) != 1:
        return None
    for rule in rules_of(cloud, known["securityGroupId"]):
        if rule["IsEgress"] == (known["type"] == "egress") and single(rule) in permissions:
            return str(rule["SecurityGroupRuleId"])
    return None


def rules_of(cloud: Cloud, identifier: str) -> list[Mapping[str, Any]]:
    only = [{"Name": "group-id", "Values": [identifier]}]
    return cloud.pages("ec2", "describe_security_group_rules", "SecurityGroupRules", Filters=only)


def single(rule: Mapping[str, Any]) -> Permission | None:
    """The permission of a rule as `DescribeSecurityGroupRules` returns it."""
    sources = {
        "cidrBlocks": rule.get("CidrIpv4"),
        "ipv6CidrBlocks": rule.get("CidrIpv6"),
        "prefixListIds": rule.get("PrefixListId"),
        "securityGroups": (rule.get("ReferencedGroupInfo") or {}).get("GroupId"),
    }
    for kind, source in sources.items():
        if source:
            protocol = protocol_name(rule["IpProtocol"])
            every = protocol == ALL
            first, last = (None, None) if every else (rule.get("FromPort"), rule.get("ToPort"))
            return Permission(protocol, first, last, kind, source)
    return None


def update_rule(cloud: Cloud, _: str, before: Properties, inputs: Properties, __: Operation) -> None:
    if before.get("description") == inputs.get("description"):
        return
    call = getattr(cloud.ec2, f"update_security_group_rule_descriptions_{inputs['type']}")
    permissions = in_rule(inputs, inputs["securityGroupId"])
    call(
        GroupId=inputs["securityGroupId"],
        IpPermissions=[permission.as_ec2(inputs.get("description", "")) for permission in permissions],
    )


def delete_rule(cloud: Cloud, _: str, known: Properties, __: Operation) -> None:
    owner = known["securityGroupId"]
    revoke(cloud, known["type"], owner, in_rule(known, owner))


def same_protocol(left: Any, right: Any) -> bool:
    return not has_unknown([left, right]) and protocol_name(left) == protocol_name(right)


SECURITY_GROUP_RULE = ResourceType(
    "aws:ec2/securityGroupRule:SecurityGroupRule",
    inputs={
        "type": Input(required=True, replaces=True),
        "protocol": Input(required=True, replaces=True, same=same_protocol),
        "fromPort": Input(required=True, replaces=True),
        "toPort": Input(required=True, replaces=True),
        "securityGroupId": Input(required=True, replaces=True),
        "sourceSecurityGroupId": Input(cloud_decides=True, replaces=True),
        "self": Input(default=False, replaces=True),
        **{name: Input(replaces=True, same=same_set) for name in SOURCE_INPUTS},
        "description": Input(),
    },
    outputs=("securityGroupRuleId",),
    create=create_rule,
    read=read_rule,
    update=update_rule,
    delete=delete_rule,
)

TYPES = (SECURITY_GROUP, DEFAULT_SECURITY_GROUP, SECURITY_GROUP_RULE)
