"""Security group rules of the newer kind: one source each, with EC2's own id and tags."""

from collections.abc import Mapping
from typing import Any

from lab.providers.aws.cloud import Cloud, found, remove
from lab.providers.aws.services.network.rule_permissions import ALL, protocol_name
from lab.providers.aws.services.network.security_groups import authorize, same_protocol
from lab.providers.aws.services.tagging import ec2_tags, retag_ec2
from lab.providers.aws.shapes import given, tag_map
from lab.providers.aws.table import Create, Delete, Input, ResourceType
from lab.providers.errors import RefusedError
from lab.providers.resource import Operation
from lab.providers.values import Properties

# Pulumi's source, EC2's list inside a permission, EC2's key in it
SOURCES = {
    "cidrIpv4": ("IpRanges", "CidrIp"),
    "cidrIpv6": ("Ipv6Ranges", "CidrIpv6"),
    "prefixListId": ("PrefixListIds", "PrefixListId"),
    "referencedSecurityGroupId": ("UserIdGroupPairs", "GroupId"),
}


def ports(inputs: Properties) -> dict[str, Any]:
    """The port range; there is none for "every protocol"."""
    return {} if protocol_name(inputs["ipProtocol"]) == ALL else given(inputs, "fromPort", "toPort")


def permission(inputs: Properties) -> dict[str, Any]:
    """The rule as an `IpPermission` of EC2."""
    sources = [name for name in SOURCES if inputs.get(name)]
    if len(sources) != 1:
        raise RefusedError(f"exactly one of {', '.join(SOURCES)} is needed")
    api, key = SOURCES[sources[0]]
    source = {key: inputs[sources[0]]} | given(inputs, "description")
    return {"IpProtocol": protocol_name(inputs["ipProtocol"]), api: [source]} | ports(inputs)


def create(direction: str) -> Create:
    """How to add a rule of one direction."""

    def add(cloud: Cloud, inputs: Properties, _: Operation) -> str:
        answer = authorize(cloud, direction, inputs["securityGroupId"], [permission(inputs)])
        identifier = str(answer["SecurityGroupRules"][0]["SecurityGroupRuleId"])
        if ec2_tags("security-group-rule", inputs):
            retag_ec2(cloud, identifier, inputs, inputs["tagsAll"], ())
        return identifier

    return add


def read(cloud: Cloud, identifier: str, _: Properties) -> Properties | None:
    """The rule as EC2 has it."""
    answer = found(cloud.ec2.describe_security_group_rules, SecurityGroupRuleIds=[identifier])
    if not answer or not answer["SecurityGroupRules"]:
        return None
    rule = answer["SecurityGroupRules"][0]
    every = protocol_name(rule["IpProtocol"]) == ALL
    return {
        "securityGroupRuleId": identifier,
        "securityGroupId": rule["GroupId"],
        "ipProtocol": rule["IpProtocol"],
        "fromPort": None if every else rule.get("FromPort"),
        "toPort": None if every else rule.get("ToPort"),
        "description": rule.get("Description"),
        **source_of(rule),
        "arn": cloud.arn("ec2", f"security-group-rule/{identifier}"),
        "tagsAll": tag_map(rule.get("Tags")),
    }


def source_of(rule: Mapping[str, Any]) -> Properties:
    """The source in Pulumi's spelling."""
    return {
        "cidrIpv4": rule.get("CidrIpv4"),
        "cidrIpv6": rule.get("CidrIpv6"),
        "prefixListId": rule.get("PrefixListId"),
        "referencedSecurityGroupId": (rule.get("ReferencedGroupInfo") or {}).get("GroupId"),
    }


def update(cloud: Cloud, identifier: str, _: Properties, inputs: Properties, __: Operation) -> None:
    """Rewrite the rule under its id."""
    # Unlike when a rule is made, "every port" has to be said when it is rewritten.
    rule = {
        "IpProtocol": protocol_name(inputs["ipProtocol"]),
        **(ports(inputs) or {"FromPort": -1, "ToPort": -1}),
        **given(inputs, "cidrIpv4", "cidrIpv6", "prefixListId", "description"),
        **given(inputs, referencedSecurityGroupId="ReferencedGroupId"),
    }
    cloud.ec2.modify_security_group_rules(
        GroupId=inputs["securityGroupId"],
        SecurityGroupRules=[{"SecurityGroupRuleId": identifier, "SecurityGroupRule": rule}],
    )


def delete(direction: str) -> Delete:
    """How to take a rule of one direction away."""

    def take(cloud: Cloud, identifier: str, known: Properties, _: Operation) -> None:
        if read(cloud, identifier, known) is None:
            return
        call = getattr(cloud.ec2, f"revoke_security_group_{direction}")
        remove(call, GroupId=known["securityGroupId"], SecurityGroupRuleIds=[identifier])

    return take


def rule_type(direction: str) -> ResourceType:
    """The entry of one direction."""
    name = f"ecurityGroup{direction.capitalize()}Rule"
    return ResourceType(
        f"aws:vpc/s{name}:S{name}",
        inputs={
            "securityGroupId": Input(required=True, replaces=True),
            "ipProtocol": Input(required=True, same=same_protocol),
            "fromPort": Input(),
            "toPort": Input(),
            "description": Input(),
            **{source: Input() for source in SOURCES},
        },
        outputs=("arn", "securityGroupRuleId"),
        create=create(direction),
        read=read,
        update=update,
        delete=delete(direction),
        retag=retag_ec2,
    )


TYPES = (rule_type("ingress"), rule_type("egress"))
