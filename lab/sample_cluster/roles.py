"""The IAM roles of a sample cluster: of its control plane, its nodes, and its EBS CSI driver."""

import json
from typing import Any

from lab.sample_cluster.clients import Aws

_AWS_POLICIES = "arn:aws:iam::aws:policy/"
_CONTROL_PLANE = ("AmazonEKSClusterPolicy",)
_NODE = ("AmazonEKSWorkerNodePolicy", "AmazonEKS_CNI_Policy", "AmazonEC2ContainerRegistryReadOnly")
_EBS_DRIVER = ("service-role/AmazonEBSCSIDriverPolicy",)
_THUMBPRINT = "9e99a48a9960b14926bb7f3b02e22da2b0ab7280"


def control_plane(aws: Aws, cluster: str) -> str:
    """Create the role that EKS assumes, and return its ARN."""
    return _role(
        aws, f"{cluster}-cluster", {"Service": "eks.amazonaws.com"}, "sts:AssumeRole", _CONTROL_PLANE
    )


def node(aws: Aws, cluster: str) -> str:
    """Create the role of the nodes, which aws-node uses too, and return its ARN."""
    return _role(aws, f"{cluster}-node", {"Service": "ec2.amazonaws.com"}, "sts:AssumeRole", _NODE)


def ebs_driver(aws: Aws, cluster: str, issuer: str) -> str:
    """Create the role that the EBS CSI driver assumes through the cluster's OIDC issuer; return its ARN."""
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
