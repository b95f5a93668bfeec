"""The IAM role of the nodes: join, pull images, be reached by Systems Manager. Nothing about the network."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, TypedDict

import pulumi
import pulumi_aws as aws

from components.naming import partition_of, tagged, token

if TYPE_CHECKING:
    from collections.abc import Mapping

# No AmazonEKS_CNI_Policy: interfaces are made by Cilium's operator, which has a role of its own.
POLICIES = ("AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryPullOnly", "AmazonSSMManagedInstanceCore")


class NodeRoleArgs(TypedDict):
    """What a `NodeRole` is made from."""

    region: str
    tags: Mapping[str, str]


class NodeRole(pulumi.ComponentResource):
    """The role of every node of a cluster, and the policies a node group has to wait for."""

    arn: pulumi.Output[str]

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
