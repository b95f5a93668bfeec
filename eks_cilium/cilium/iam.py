"""What Cilium's operator may do in EC2, and who may be the operator.

The operator makes and attaches interfaces for every node. Reading cannot be scoped in EC2; every write is:
to this cluster's VPC, and to interfaces that carry this cluster's tag where EC2 knows the tag at that
moment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

DESCRIBE = (
    "ec2:DescribeInstances",
    "ec2:DescribeInstanceTypes",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeRouteTables",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeTags",
    "ec2:DescribeVpcs",
    "ec2:DescribeManagedPrefixLists",
    "ec2:GetManagedPrefixListEntries",
)


def operator_policy(
    *,
    partition: str,
    region: str,
    account: str,
    vpc_id: str,
    subnet_ids: Sequence[str],
    tag: tuple[str, str],
    node_tag: tuple[str, str] | None = None,
) -> dict[str, Any]:
    """Least privilege for the operator of one cluster. `tag` is written on every interface it makes.

    `node_tag` is on every instance of the cluster; the same tag unless somebody else made the instances.
    """
    ec2 = f"arn:{partition}:ec2:{region}:{account}"
    vpc = {"ArnEquals": {"ec2:Vpc": f"{ec2}:vpc/{vpc_id}"}}
    key, value = tag
    node_key, node_value = node_tag or tag
    interfaces = f"{ec2}:network-interface/*"
    return {
        "Version": "2012-10-17",
        "Statement": [
            _allow("Read", DESCRIBE, "*"),
            _allow(
                "CreateTaggedInterfaces",
                ["ec2:CreateNetworkInterface"],
                interfaces,
                {"StringEquals": {f"aws:RequestTag/{key}": value}},
            ),
            _allow(
                "CreateInTheSubnetsOfNodes",
                ["ec2:CreateNetworkInterface"],
                [f"{ec2}:subnet/{subnet}" for subnet in subnet_ids],
            ),
            _allow(
                "CreateWithGroupsOfTheVpc", ["ec2:CreateNetworkInterface"], f"{ec2}:security-group/*", vpc
            ),
            _allow(
                "TagWhatIsBeingCreated",
                ["ec2:CreateTags"],
                interfaces,
                {"StringEquals": {"ec2:CreateAction": "CreateNetworkInterface"}},
            ),
            _allow(
                "UseInterfacesOfTheVpc",
                [
                    "ec2:AttachNetworkInterface",
                    "ec2:ModifyNetworkInterfaceAttribute",
                    # A node's first interface gets addresses too, and carries no tag of Cilium's.
                    "ec2:AssignPrivateIpAddresses",
                    "ec2:UnassignPrivateIpAddresses",
                ],
                interfaces,
                vpc,
            ),
            _allow(
                "AttachToNodesOfTheCluster",
                ["ec2:AttachNetworkInterface", "ec2:ModifyNetworkInterfaceAttribute"],
                f"{ec2}:instance/*",
                {"StringEquals": {f"aws:ResourceTag/{node_key}": node_value}},
            ),
            _allow(
                "ModifyWithGroupsOfTheVpc",
                ["ec2:ModifyNetworkInterfaceAttribute"],
                f"{ec2}:security-group/*",
                vpc,
            ),
            _allow(
                "DeleteOwnInterfaces",
                ["ec2:DeleteNetworkInterface"],
                interfaces,
                {"StringEquals": {f"aws:ResourceTag/{key}": value}},
            ),
        ],
    }


def web_identity_trust(
    *, provider_arn: str, issuer: str, namespace: str, service_account: str
) -> dict[str, Any]:
    """Trust of a role for one Kubernetes service account. `issuer` comes without https://."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Federated": provider_arn},
                "Action": "sts:AssumeRoleWithWebIdentity",
                "Condition": {
                    "StringEquals": {
                        f"{issuer}:aud": "sts.amazonaws.com",
                        f"{issuer}:sub": f"system:serviceaccount:{namespace}:{service_account}",
                    }
                },
            }
        ],
    }


def _allow(
    sid: str, actions: Sequence[str], resource: str | list[str], condition: dict[str, Any] | None = None
) -> dict[str, Any]:
    statement: dict[str, Any] = {"Sid": sid, "Effect": "Allow", "Action": list(actions), "Resource": resource}
    if condition is not None:
        statement["Condition"] = condition
    return statement
