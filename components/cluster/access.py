"""Access entries of a new cluster, as `eks.Cluster` takes them: IAM principals and what they may do."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

import pulumi_aws as aws
import pulumi_eks as eks

if TYPE_CHECKING:
    from collections.abc import Sequence

_ADMIN = "AmazonEKSClusterAdminPolicy"


class AccessPolicyArgs(TypedDict):
    """An access policy of an entry."""

    arn: str
    """ARN of one of EKS's access policies."""
    namespaces: Sequence[str]
    """Namespaces in which it applies; the whole cluster where empty."""


class AccessEntryArgs(TypedDict):
    """An IAM principal that may use the cluster."""

    principal_arn: str
    """ARN of an IAM role or user."""
    type: str
    """`STANDARD`, or `EC2_LINUX` for the role of nodes."""
    policies: Sequence[AccessPolicyArgs]
    """What it may do; EKS takes each policy once."""
    kubernetes_groups: Sequence[str]
    """Its groups in Kubernetes."""


def access_entries(entries: Sequence[AccessEntryArgs]) -> dict[str, eks.AccessEntryArgs]:
    """The entries by names that stay the same when the list is reordered."""
    return {_entry_name(entry["principal_arn"]): _entry(entry) for entry in entries}


def _entry(entry: AccessEntryArgs) -> eks.AccessEntryArgs:
    return eks.AccessEntryArgs(
        principal_arn=entry["principal_arn"],
        # EKS's own default is left out, as it always was: a new input would show up in every stack.
        type=None if entry["type"] == "STANDARD" else eks.AccessEntryType(entry["type"]),
        kubernetes_groups=list(entry["kubernetes_groups"]) or None,
        access_policies={_policy_name(policy["arn"]): _policy(policy) for policy in entry["policies"]},
    )


def _policy(policy: AccessPolicyArgs) -> eks.AccessPolicyAssociationArgs:
    namespaces = list(policy["namespaces"])
    scope = aws.eks.AccessPolicyAssociationAccessScopeArgs(
        type="namespace" if namespaces else "cluster", namespaces=namespaces or None
    )
    return eks.AccessPolicyAssociationArgs(policy_arn=policy["arn"], access_scope=scope)


def _entry_name(arn: str) -> str:
    account, resource = arn.split(":")[4:6]
    return f"{account}-{resource.replace('/', '-')}"


def _policy_name(arn: str) -> str:
    """The same for a policy however it is configured; `admin` is what it always was in stacks with admins."""
    name = arn.rpartition("/")[2]
    return "admin" if name == _ADMIN else name
