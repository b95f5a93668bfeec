"""The security groups of the component and the rules between them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

EVERYWHERE = ["0.0.0.0/0"]
EVERYTHING = {"from_port": 0, "to_port": 0, "protocol": "-1"}


def merged_tags(*tags: pulumi.Input[Mapping[str, str]] | None) -> pulumi.Output[dict[str, str]]:
    """Several sets of tags as one; later ones win."""
    return pulumi.Output.all(*tags).apply(
        lambda every: {key: text for tags_ in every for key, text in (tags_ or {}).items()}
    )


@dataclass(frozen=True)
class Rule:
    """A rule of the component: the suffix of its name and all arguments except the groups."""

    suffix: str
    kind: str
    description: str
    ports: Mapping[str, Any]


CLUSTER_EGRESS = Rule("eksClusterInternetEgressRule", "egress", "Allow internet access.", EVERYTHING)
NODE_TO_NODE = Rule("eksNodeIngressRule", "ingress", "Allow nodes to communicate with each other", EVERYTHING)
CLUSTER_TO_NODE = Rule(
    "eksNodeClusterIngressRule",
    "ingress",
    "Allow worker Kubelets and pods to receive communication from the cluster control plane",
    {"from_port": 1025, "to_port": 65535, "protocol": "tcp"},
)
CLUSTER_TO_EXTENSION = Rule(
    "eksExtApiServerClusterIngressRule",
    "ingress",
    "Allow pods running extension API servers on port 443 to receive communication"
    " from cluster control plane",
    {"from_port": 443, "to_port": 443, "protocol": "tcp"},
)
NODE_EGRESS = Rule("eksNodeInternetEgressRule", "egress", "Allow internet access.", EVERYTHING)
NODE_TO_CLUSTER = Rule(
    "eksClusterIngressRule",
    "ingress",
    "Allow pods to communicate with the cluster API Server",
    {"from_port": 443, "to_port": 443, "protocol": "tcp"},
)


def make_rule(
    name: str, rule: Rule, opts: pulumi.ResourceOptions, **between: Any
) -> aws.ec2.SecurityGroupRule:
    """Register one of the rules; `between` are its group and its source."""
    return aws.ec2.SecurityGroupRule(
        f"{name}-{rule.suffix}",
        type=rule.kind,
        description=rule.description,
        **rule.ports,
        **between,
        opts=opts,
    )


def cluster_group(
    name: str, arguments: Mapping[str, Any], opts: pulumi.ResourceOptions
) -> aws.ec2.SecurityGroup:
    """The security group of the control plane, with all egress allowed."""
    group = aws.ec2.SecurityGroup(
        f"{name}-eksClusterSecurityGroup",
        vpc_id=arguments["vpcId"],
        revoke_rules_on_delete=True,
        tags=merged_tags(
            {"Name": f"{name}-eksClusterSecurityGroup"},
            arguments.get("clusterSecurityGroupTags"),
            arguments.get("tags"),
        ),
        opts=opts,
    )
    make_rule(name, CLUSTER_EGRESS, opts, security_group_id=group.id, cidr_blocks=EVERYWHERE)
    return group


def node_group(
    name: str,
    arguments: Mapping[str, Any],
    cluster: aws.eks.Cluster,
    control_plane: aws.ec2.SecurityGroup,
    opts: pulumi.ResourceOptions,
) -> tuple[aws.ec2.SecurityGroup, aws.ec2.SecurityGroupRule]:
    # Managed nodes use neither the group nor the rule.
    owned = cluster.name.apply(lambda known: {f"kubernetes.io/cluster/{known}": "owned"})
    nodes = aws.ec2.SecurityGroup(
        f"{name}-nodeSecurityGroup",
        vpc_id=arguments["vpcId"],
        revoke_rules_on_delete=True,
        tags=merged_tags(
            {"Name": f"{name}-nodeSecurityGroup"},
            owned,
            arguments.get("nodeSecurityGroupTags"),
            arguments.get("tags"),
        ),
        opts=opts,
    )
    inside = {"security_group_id": nodes.id}
    make_rule(name, NODE_TO_NODE, opts, **inside, self=True)
    make_rule(name, CLUSTER_TO_NODE, opts, **inside, source_security_group_id=control_plane.id)
    make_rule(name, CLUSTER_TO_EXTENSION, opts, **inside, source_security_group_id=control_plane.id)
    make_rule(name, NODE_EGRESS, opts, **inside, cidr_blocks=EVERYWHERE)
    ingress = make_rule(
        name, NODE_TO_CLUSTER, opts, security_group_id=control_plane.id, source_security_group_id=nodes.id
    )
    return nodes, ingress
