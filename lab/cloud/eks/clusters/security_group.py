"""The security group that EKS creates for each cluster: for its control plane and all managed nodes."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from lab.cloud.eks.aws_clients import ignoring_absence

if TYPE_CHECKING:
    from lab.cloud.eks.aws_clients import AwsClients

_DESCRIPTION = (
    "EKS created security group applied to ENI that is attached to EKS Control Plane master nodes, "
    "as well as any managed workloads."
)


def create(aws: AwsClients, cluster: str, vpc: str) -> str:
    """Create the group with AWS's name, tags and rules: all traffic among its members, all egress."""
    name = f"eks-cluster-sg-{cluster}-{secrets.randbelow(10**10):010d}"
    tags = [{"Key": "Name", "Value": name}, {"Key": f"kubernetes.io/cluster/{cluster}", "Value": "owned"}]
    group = aws.ec2.create_security_group(
        GroupName=name,
        Description=_DESCRIPTION,
        VpcId=vpc,
        TagSpecifications=[{"ResourceType": "security-group", "Tags": tags}],
    )["GroupId"]
    among_members = {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": group}]}
    aws.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[among_members])
    return str(group)


def delete(aws: AwsClients, group: str) -> None:
    """Delete the group with its cluster; as on AWS, a group that is still in use is left behind."""
    ignoring_absence(lambda: aws.ec2.delete_security_group(GroupId=group))
