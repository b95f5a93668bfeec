"""What Cilium's operator may do in EC2, and which service account may use its role.

`components.cilium.OperatorRole` creates the policy. The operator creates and attaches interfaces for every
node. Its actions come from "Required Privileges" on the page "AWS ENI" of Cilium's documentation. EC2 cannot
limit Describe actions to resources. Every write is limited to this cluster's VPC, and to interfaces with this
cluster's tag where EC2 knows the tag when it checks the request.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

# DescribeRouteTables is needed since 1.18 (cilium/cilium#37229), DescribeTags by the garbage collection of
# interfaces, which is on by default.
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
    """The IAM policy with the least privileges for the operator of one cluster.

    Args:
        partition: AWS partition, such as `aws`.
        region: AWS region of the cluster.
        account: AWS account of the cluster.
        vpc_id: The VPC whose interfaces and security groups the operator may use.
        subnet_ids: The subnets in which it may create interfaces.
        tag: Key and value of the tag that the operator writes on every interface it creates.
        node_tag: Key and value of a tag on every instance of the cluster; `tag` where None.
    """
    ec2 = f"arn:{partition}:ec2:{region}:{account}"
    vpc = {"ArnEquals": {"ec2:Vpc": f"{ec2}:vpc/{vpc_id}"}}
    node_key, node_value = node_tag or tag
    interfaces = f"{ec2}:network-interface/*"
    return {
        "Version": "2012-10-17",
        "Statement": [
            _allow("Read", DESCRIBE, "*"),
            *_create_interfaces(ec2, subnet_ids, tag, vpc),
            _allow(
                "UseInterfacesOfTheVpc",
                [
                    "ec2:AttachNetworkInterface",
                    "ec2:ModifyNetworkInterfaceAttribute",
                    # Not limited by tag: a node's first interface gets addresses too, and EC2 created it.
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
                _resource_tag(node_key, node_value),
            ),
            _allow(
                "ModifyWithGroupsOfTheVpc",
                ["ec2:ModifyNetworkInterfaceAttribute"],
                f"{ec2}:security-group/*",
                vpc,
            ),
            _allow("DeleteOwnInterfaces", ["ec2:DeleteNetworkInterface"], interfaces, _resource_tag(*tag)),
        ],
    }


def _create_interfaces(
    ec2: str, subnet_ids: Sequence[str], tag: tuple[str, str], vpc: dict[str, Any]
) -> list[dict[str, Any]]:
    """EC2 checks the creation of an interface against the interface, its subnet and its security groups."""
    create, (key, value) = ["ec2:CreateNetworkInterface"], tag
    interfaces = f"{ec2}:network-interface/*"
    tagged = {"StringEquals": {f"aws:RequestTag/{key}": value}}
    creating = {"StringEquals": {"ec2:CreateAction": "CreateNetworkInterface"}}
    return [
        _allow("CreateTaggedInterfaces", create, interfaces, tagged),
        _allow("CreateInTheSubnetsOfNodes", create, [f"{ec2}:subnet/{subnet}" for subnet in subnet_ids]),
        _allow("CreateWithGroupsOfTheVpc", create, f"{ec2}:security-group/*", vpc),
        _allow("TagWhatIsBeingCreated", ["ec2:CreateTags"], interfaces, creating),
    ]


def _resource_tag(key: str, value: str) -> dict[str, Any]:
    return {"StringEquals": {f"aws:ResourceTag/{key}": value}}


def pod_identity_trust(*, cluster_arn: str, namespace: str, service_account: str) -> dict[str, Any]:
    """The trust policy of a role for one service account of one cluster, by EKS Pod Identity.

    The tags are those of each request of Pod Identity
    (docs.aws.amazon.com/eks/latest/userguide/pod-id-role.html).
    """
    tags = {
        "eks-cluster-arn": cluster_arn,
        "kubernetes-namespace": namespace,
        "kubernetes-service-account": service_account,
    }
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "pods.eks.amazonaws.com"},
        "Action": ["sts:AssumeRole", "sts:TagSession"],
        "Condition": {"StringEquals": {f"aws:RequestTag/{key}": value for key, value in tags.items()}},
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


def web_identity_trust(
    *, provider_arn: str, issuer: str, namespace: str, service_account: str
) -> dict[str, Any]:
    """The trust policy of a role for one Kubernetes service account. `issuer` has no https://."""
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
