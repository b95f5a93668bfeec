"""The IAM roles of an existing cluster: its control plane's, its nodes', and its EBS driver's."""

import json
from typing import Any

from lab.existing.access import Aws

_AWS_POLICIES = "arn:aws:iam::aws:policy/"
_CONTROL_PLANE = ("AmazonEKSClusterPolicy",)
_NODE = ("AmazonEKSWorkerNodePolicy", "AmazonEKS_CNI_Policy", "AmazonEC2ContainerRegistryReadOnly")
_EBS_DRIVER = ("service-role/AmazonEBSCSIDriverPolicy",)
_THUMBPRINT = "9e99a48a9960b14926bb7f3b02e22da2b0ab7280"


def control_plane(aws: Aws, cluster: str) -> str:
    """The role that EKS itself takes on."""
    return _role(
        aws, f"{cluster}-cluster", {"Service": "eks.amazonaws.com"}, "sts:AssumeRole", _CONTROL_PLANE
    )


def node(aws: Aws, cluster: str) -> str:
    """The role of every node, and so of aws-node, which runs with its node's."""
    return _role(aws, f"{cluster}-node", {"Service": "ec2.amazonaws.com"}, "sts:AssumeRole", _NODE)


def ebs_driver(aws: Aws, cluster: str, issuer: str) -> str:
    """The role that the EBS driver's service account takes on through the cluster's OIDC issuer."""
    provider = aws.iam.create_open_id_connect_provider(
        Url=issuer, ClientIDList=["sts.amazonaws.com"], ThumbprintList=[_THUMBPRINT]
    )["OpenIDConnectProviderArn"]
    action = "sts:AssumeRoleWithWebIdentity"
    return _role(aws, f"{cluster}-ebs-csi-driver", {"Federated": provider}, action, _EBS_DRIVER)


def _role(aws: Aws, name: str, principal: dict[str, str], action: str, policies: tuple[str, ...]) -> str:
    statement: dict[str, Any] = {"Effect": "Allow", "Principal": principal, "Action": action}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    role = aws.iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]
    for policy in policies:
        aws.iam.attach_role_policy(RoleName=name, PolicyArn=f"{_AWS_POLICIES}{policy}")
    return str(role["Arn"])
