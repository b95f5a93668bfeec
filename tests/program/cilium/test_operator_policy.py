"""The rights of Cilium's operator: every action it needs, and no write outside its cluster's VPC."""

import pytest

from eks_cilium.cilium.iam import operator_policy, web_identity_trust

pytestmark = pytest.mark.unit

NEEDED = {
    "ec2:AssignPrivateIpAddresses",
    "ec2:AttachNetworkInterface",
    "ec2:CreateNetworkInterface",
    "ec2:CreateTags",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeInstanceTypes",
    "ec2:DescribeInstances",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeRouteTables",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeTags",
    "ec2:DescribeVpcs",
    "ec2:ModifyNetworkInterfaceAttribute",
    "ec2:UnassignPrivateIpAddresses",
}


@pytest.fixture
def statements() -> list[dict]:
    policy = operator_policy(
        partition="aws",
        region="eu-central-1",
        account="111122223333",
        vpc_id="vpc-1",
        subnet_ids=["subnet-a", "subnet-b"],
        tag=("eks-cilium/cluster", "dev"),
    )
    return policy["Statement"]


def test_every_action_of_the_operator_is_allowed(statements: list[dict]):
    assert {action for statement in statements for action in statement["Action"]} >= NEEDED


def test_nothing_but_reading_is_allowed_everywhere(statements: list[dict]):
    for statement in statements:
        writes = [
            action for action in statement["Action"] if not action.startswith(("ec2:Describe", "ec2:Get"))
        ]
        if writes:
            assert statement["Resource"] != "*"
            assert "Condition" in statement or all(
                "subnet/" in resource for resource in statement["Resource"]
            )


def test_interfaces_are_only_created_in_the_subnets_of_nodes(statements: list[dict]):
    (statement,) = [found for found in statements if found["Sid"] == "CreateInTheSubnetsOfNodes"]

    assert statement["Resource"] == [
        "arn:aws:ec2:eu-central-1:111122223333:subnet/subnet-a",
        "arn:aws:ec2:eu-central-1:111122223333:subnet/subnet-b",
    ]


def test_only_interfaces_of_this_cluster_are_deleted(statements: list[dict]):
    (statement,) = [found for found in statements if "ec2:DeleteNetworkInterface" in found["Action"]]

    assert statement["Condition"] == {"StringEquals": {"aws:ResourceTag/eks-cilium/cluster": "dev"}}


def test_only_the_operators_service_account_may_use_the_role():
    trust = web_identity_trust(
        provider_arn="arn:p",
        issuer="oidc.example/id/1",
        namespace="kube-system",
        service_account="cilium-operator",
    )

    (statement,) = trust["Statement"]
    assert statement["Principal"] == {"Federated": "arn:p"}
    assert statement["Condition"]["StringEquals"] == {
        "oidc.example/id/1:aud": "sts.amazonaws.com",
        "oidc.example/id/1:sub": "system:serviceaccount:kube-system:cilium-operator",
    }


def test_existing_instances_are_recognized_by_their_own_tag():
    policy = operator_policy(
        partition="aws",
        region="eu-central-1",
        account="111122223333",
        vpc_id="vpc-1",
        subnet_ids=["subnet-a"],
        tag=("eks-cilium/cluster", "dev"),
        node_tag=("kubernetes.io/cluster/dev", "owned"),
    )

    conditions = {statement["Sid"]: statement.get("Condition") for statement in policy["Statement"]}
    assert conditions["AttachToNodesOfTheCluster"] == {
        "StringEquals": {"aws:ResourceTag/kubernetes.io/cluster/dev": "owned"}
    }
    assert conditions["DeleteOwnInterfaces"] == {
        "StringEquals": {"aws:ResourceTag/eks-cilium/cluster": "dev"}
    }
