"""Resource types of the newer security group rules: one source each, with EC2's id and tags."""

from collections.abc import Mapping
from typing import Any

from lab.providers.aws.cloud import Cloud, find, remove
from lab.providers.aws.services.network.rule_permissions import ALL, protocol_name
from lab.providers.aws.services.network.security_groups import authorize, same_protocol
from lab.providers.aws.services.tagging import ec2_tags, retag_ec2
from lab.providers.aws.shapes import tag_map, to_api
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
    # Rules for all protocols have no port range.
    return {} if protocol_name(inputs["ipProtocol"]) == ALL else to_api(inputs, "fromPort", "toPort")


def permission(inputs: Properties) -> dict[str, Any]:
    sources = [name for name in SOURCES if inputs.get(name)]
    if len(sources) != 1:
        raise RefusedError(f"give exactly one of {', '.join(SOURCES)}")
    api, key = SOURCES[sources[0]]
    source = {key: inputs[sources[0]]} | to_api(inputs, "description")
    return {"IpProtocol": protocol_name(inputs["ipProtocol"]), api: [source]} | ports(inputs)


def create(direction: str) -> Create:

    def add(cloud: Cloud, inputs: Properties, _: Operation) -> str:
        answer = authorize(cloud, direction, inputs["securityGroupId"], [permission(inputs)])
        identifier = str(answer["SecurityGroupRules"][0]["SecurityGroupRuleId"])
        if ec2_tags("security-group-rule", inputs):
            retag_ec2(cloud, identifier, inputs, inputs["tagsAll"], ())
        return identifier

    return add


def read(cloud: Cloud, identifier: str, _: Properties) -> Properties | None:
    answer = find(cloud.ec2.describe_security_group_rules, SecurityGroupRuleIds=[identifier])
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
    return {
        "cidrIpv4": rule.get("CidrIpv4"),
        "cidrIpv6": rule.get("CidrIpv6"),
        "prefixListId": rule.get("PrefixListId"),
        "referencedSecurityGroupId": (rule.get("ReferencedGroupInfo") or {}).get("GroupId"),
    }


def update(cloud: Cloud, identifier: str, _: Properties, inputs: Properties, __: Operation) -> None:
    # The rule keeps its id.
    # Unlike at creation, "all ports" must be given explicitly.
    rule = {
        "IpProtocol": protocol_name(inputs["ipProtocol"]),
        **(ports(inputs) or {"FromPort": -1, "ToPort": -1}),
        **to_api(inputs, "cidrIpv4", "cidrIpv6", "prefixListId", "description"),
        **to_api(inputs, referencedSecurityGroupId="ReferencedGroupId"),
    }
    cloud.ec2.modify_security_group_rules(
        GroupId=inputs["securityGroupId"],
        SecurityGroupRules=[{"SecurityGroupRuleId": identifier, "SecurityGroupRule": rule}],
    )


def delete(direction: str) -> Delete:

    def take(cloud: Cloud, identifier: str, known: Properties, _: Operation) -> None:
        if read(cloud, identifier, known) is None:
            return
        call = getattr(cloud.ec2, f"revoke_security_group_{direction}")
        remove(call, GroupId=known["securityGroupId"], SecurityGroupRuleIds=[identifier])

    return take


def rule_type(direction: str) -> ResourceType:
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
