"""The IAM role of nodes: they may join, pull images and be reached by Systems Manager.

`stacks/new_cluster_base.py` registers one for all node groups. Nodes get no rights on network interfaces.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, TypedDict

import pulumi
import pulumi_aws as aws

from components.naming import partition_of, tagged, token

if TYPE_CHECKING:
    from collections.abc import Mapping

# Without AmazonEKS_CNI_Policy: Cilium's operator or the VPC CNI creates interfaces, with a role of its own.
POLICIES = ("AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryPullOnly", "AmazonSSMManagedInstanceCore")


class NodeRoleArgs(TypedDict):
    """The arguments of a `NodeRole`."""

    region: str
    """AWS region, which decides the partition of policy ARNs."""
    tags: Mapping[str, str]
    """Tags for the role."""


class NodeRole(pulumi.ComponentResource):
    """The role of every node of a cluster, with its attached policies.

    Creates the role `<name>` and an attachment `<name>-<policy>` for each of `POLICIES`. A node group has to
    depend on the component, since nodes cannot join before the policies are attached.
    """

    arn: pulumi.Output[str]
    """ARN of the role."""

    def __init__(self, name: str, args: NodeRoleArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(token("NodeRole"), name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        role = aws.iam.Role(
            name,
            description=f"Nodes of {name}",
            assume_role_policy=_trust(),
            tags=tagged(args["tags"], name),
            opts=child,
        )
        for policy in POLICIES:
            aws.iam.RolePolicyAttachment(
                f"{name}-{policy}",
                role=role.name,
                policy_arn=f"arn:{partition_of(args['region'])}:iam::aws:policy/{policy}",
                opts=child,
            )
        self.arn = role.arn
        self.register_outputs({"arn": self.arn})


def _trust() -> str:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "ec2.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
