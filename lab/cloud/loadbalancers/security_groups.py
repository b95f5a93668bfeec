"""The security groups and rules that a controller creates for a load balancer, and deletes with it.

The in-tree controller allows the clients of a Network Load Balancer into the nodes' group, from the Service's
source ranges; a Classic one has its own group. The AWS Load Balancer Controller gives every load balancer a
group and allows that group into the nodes' group.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from lab.cloud.loadbalancers.service_request import IN_TREE

if TYPE_CHECKING:
    from lab.cloud.loadbalancers.service_request import ServiceRequest
    from lab.cloud.running_clusters import ClusterNetwork


def create_front_group(ec2: Any, network: ClusterNetwork, wanted: ServiceRequest) -> str | None:
    """Create the group of a Network Load Balancer; the in-tree controller creates none."""
    if wanted.controller == IN_TREE:
        return None
    return _group(ec2, network, wanted, wanted.balancer_name, "[k8s] Managed SecurityGroup for LoadBalancer")


def create_classic_group(ec2: Any, network: ClusterNetwork, wanted: ServiceRequest) -> str:
    """Create the group of a Classic Load Balancer."""
    text = f"Security group for Kubernetes ELB {wanted.balancer_name} ({wanted.service})"
    return _group(ec2, network, wanted, f"k8s-elb-{wanted.balancer_name}", text)


def _group(ec2: Any, network: ClusterNetwork, wanted: ServiceRequest, name: str, description: str) -> str:
    known = _named(ec2, network, name)
    if known:
        return known[0]
    tags = [{"Key": key, "Value": value} for key, value in sorted(wanted.tags.items())]
    created: str = ec2.create_security_group(
        GroupName=name,
        Description=description,
        VpcId=network.vpc,
        TagSpecifications=[{"ResourceType": "security-group", "Tags": tags}],
    )["GroupId"]
    ranges = [{"CidrIp": source} for source in wanted.sources]
    permissions = [_permission(port.port, IpRanges=ranges) for port in wanted.ports]
    ec2.authorize_security_group_ingress(GroupId=created, IpPermissions=permissions)
    return created


def _named(ec2: Any, network: ClusterNetwork, name: str) -> list[str]:
    filters = [{"Name": "vpc-id", "Values": [network.vpc]}, {"Name": "group-name", "Values": [name]}]
    return [each["GroupId"] for each in ec2.describe_security_groups(Filters=filters)["SecurityGroups"]]


def open_nodes(ec2: Any, network: ClusterNetwork, wanted: ServiceRequest) -> None:
    """Allow the traffic of a Network Load Balancer into the nodes, from the allowed sources only."""
    if wanted.controller != IN_TREE:
        for group in _named(ec2, network, wanted.balancer_name):
            open_nodes_to(ec2, network, group)
        return
    text = _description(wanted)
    expected = {(port.node_port, source) for port in wanted.ports for source in wanted.sources}
    rules = _rules(ec2, network, text)
    present = {(rule["FromPort"], rule["CidrIpv4"]): rule["SecurityGroupRuleId"] for rule in rules}
    surplus = [present[key] for key in sorted(set(present) - expected)]
    missing = [
        _permission(port, IpRanges=[{"CidrIp": source, "Description": text}])
        for port, source in sorted(expected - set(present))
    ]
    if surplus:
        ec2.revoke_security_group_ingress(GroupId=network.security_group, SecurityGroupRuleIds=surplus)
    if missing:
        _authorize(ec2, network, missing)


def open_nodes_to(ec2: Any, network: ClusterNetwork, group: str) -> None:
    """Allow all traffic from a load balancer's group into the nodes."""
    _authorize(ec2, network, [{"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": group}]}])


def close_nodes(ec2: Any, network: ClusterNetwork, wanted: ServiceRequest) -> None:
    """Delete the rules and groups of a load balancer."""
    rules = [rule["SecurityGroupRuleId"] for rule in _rules(ec2, network, _description(wanted))]
    if rules:
        ec2.revoke_security_group_ingress(GroupId=network.security_group, SecurityGroupRuleIds=rules)
    for name in (wanted.balancer_name, f"k8s-elb-{wanted.balancer_name}"):
        for group in _named(ec2, network, name):
            pair = [{"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": group}]}]
            with contextlib.suppress(ClientError):  # the rule may never have been created
                ec2.revoke_security_group_ingress(GroupId=network.security_group, IpPermissions=pair)
            ec2.delete_security_group(GroupId=group)


def _description(wanted: ServiceRequest) -> str:
    return f"kubernetes.io/rule/nlb/client={wanted.balancer_name}"


def _rules(ec2: Any, network: ClusterNetwork, description: str) -> list[dict[str, Any]]:
    only = [{"Name": "group-id", "Values": [network.security_group]}]
    every = ec2.describe_security_group_rules(Filters=only)["SecurityGroupRules"]
    return [rule for rule in every if rule.get("Description") == description]


def _permission(port: int, **sources: Any) -> dict[str, Any]:
    return {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, **sources}


def _authorize(ec2: Any, network: ClusterNetwork, permissions: list[dict[str, Any]]) -> None:
    """Add rules; an existing rule is no error."""
    for permission in permissions:
        try:
            ec2.authorize_security_group_ingress(GroupId=network.security_group, IpPermissions=[permission])
        except ClientError as error:
            if error.response["Error"]["Code"] != "InvalidPermission.Duplicate":
                raise
