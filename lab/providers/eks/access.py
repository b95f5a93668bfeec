"""Access entries and their policies, registered as the real component does."""

from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_aws as aws


def access_entries(
    name: str, entries: Mapping[str, Mapping[str, Any]], cluster: aws.eks.Cluster, parent: pulumi.Resource
) -> list[aws.eks.AccessEntry]:
    """Register all entries, each the parent of its policies."""
    opts = pulumi.ResourceOptions(parent=parent, depends_on=[cluster])
    resources = []
    for key, entry in entries.items():
        registered = aws.eks.AccessEntry(
            f"{name}-{key}",
            cluster_name=cluster.name,
            principal_arn=entry["principalArn"],
            kubernetes_groups=entry.get("kubernetesGroups"),
            type=entry.get("type"),
            user_name=entry.get("username"),
            tags=entry.get("tags"),
            opts=opts,
        )
        _policies(f"{name}-{key}", entry, cluster, registered)
        resources.append(registered)
    return resources


def _policies(
    name: str, entry: Mapping[str, Any], cluster: aws.eks.Cluster, registered: aws.eks.AccessEntry
) -> None:
    for key, policy in (entry.get("accessPolicies") or {}).items():
        whole = pulumi.Output.from_input(policy)
        aws.eks.AccessPolicyAssociation(
            f"{name}-{key}",
            access_scope=whole.apply(_scope),
            principal_arn=entry["principalArn"],
            policy_arn=whole.apply(lambda policy: policy["policyArn"]),
            cluster_name=cluster.name,
            opts=pulumi.ResourceOptions(parent=registered, depends_on=[registered]),
        )


def _scope(policy: Mapping[str, Any]) -> aws.eks.AccessPolicyAssociationAccessScopeArgs:
    scope = policy["accessScope"]
    return aws.eks.AccessPolicyAssociationAccessScopeArgs(
        type=scope["type"], namespaces=scope.get("namespaces")
    )
