"""Keys of IAM: roles that exist, and limits of those that a stack makes."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from eks_cilium.settings.arns import POLICY, ROLE
from eks_cilium.settings.model.fields import Part, option

RoleArn = Annotated[str, Field(pattern=ROLE)]


class RoleLimits(Part):
    """What all IAM roles that the stack makes have in common."""

    permissions_boundary: str | None = option(
        None,
        says="Policy that limits every role that the stack makes. It has to allow what the roles need.",
        allowed="the ARN of an IAM policy",
        example="arn:aws:iam::111122223333:policy/boundary",
        pattern=POLICY,
    )
    # docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html, Path
    path: str = option(
        "/",
        says="Path of every role that the stack makes. It can never be changed.",
        allowed="a path of up to 512 characters that begins and ends with /",
        example="/eks/",
        pattern=r"^/$|^/[!-.0-~]+(/[!-.0-~]+)*/$",
        max_length=512,
    )


class Roles(RoleLimits):
    """IAM roles of a new cluster: those that exist already, and limits of those that the stack makes."""

    cluster_role_arn: RoleArn | None = option(
        None,
        says="Role of the control plane. It can never be changed; the stack makes one when unset.",
        allowed="the ARN of an IAM role that eks.amazonaws.com may assume, with AmazonEKSClusterPolicy",
        example="arn:aws:iam::111122223333:role/eks-cluster",
    )
    node_role_arn: RoleArn | None = option(
        None,
        says="Role of the nodes of all groups; the stack makes one when unset. A change replaces the groups.",
        allowed="the ARN of an IAM role that ec2.amazonaws.com may assume, with AmazonEKSWorkerNodePolicy "
        "and a policy that pulls images",
        example="arn:aws:iam::111122223333:role/eks-node",
    )
