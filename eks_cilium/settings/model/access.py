"""Keys of access entries: which IAM principals may use a new cluster, and for what."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from eks_cilium.settings.arns import ACCESS_POLICY
from eks_cilium.settings.model.fields import Part, option

CLUSTER_ADMIN = "cluster-admin"

# docs.aws.amazon.com/eks/latest/userguide/access-policy-permissions.html
POLICIES = {
    CLUSTER_ADMIN: "AmazonEKSClusterAdminPolicy",
    "admin": "AmazonEKSAdminPolicy",
    "admin-view": "AmazonEKSAdminViewPolicy",
    "edit": "AmazonEKSEditPolicy",
    "view": "AmazonEKSViewPolicy",
}
"""Access policies of EKS by the short names that stand for them here."""


def _short_name_or_arn(text: str) -> str:
    if text not in POLICIES and not re.match(ACCESS_POLICY, text):
        raise ValueError("no access policy")
    return text


PolicyName = Annotated[str, AfterValidator(_short_name_or_arn)]
# docs.aws.amazon.com/eks/latest/userguide/access-policies.html: "You can use wildcard characters".
NamespacePattern = Annotated[str, Field(pattern=r"^[a-z0-9*]([a-z0-9*-]{0,61}[a-z0-9*])?$")]


class AccessPolicy(Part):
    """An access policy of EKS, for the whole cluster or for some of its namespaces."""

    policy: PolicyName = option(
        says="Policy of EKS. `cluster-admin` may do everything; the others are like Kubernetes' roles of "
        "these names, and `admin-view` reads Secrets as well.",
        allowed=f"{', '.join(POLICIES)}, or the ARN of an access policy "
        "(arn:aws:eks::aws:cluster-access-policy/...)",
        example="edit",
    )
    namespaces: tuple[NamespacePattern, ...] = option(
        (),
        says="Namespaces in which it applies; the whole cluster when unset.",
        allowed="a list of namespaces, in which * stands for any characters",
        example=["shop", "dev-*"],
    )

    @property
    def name(self) -> str:
        """The name of the policy in EKS."""
        return POLICIES.get(self.policy) or self.policy.rpartition("/")[2]

    @property
    def rules_the_cluster(self) -> bool:
        """Whether it allows everything in the whole cluster, as installing Cilium needs."""
        return self.name == POLICIES[CLUSTER_ADMIN] and not self.namespaces


class AccessEntry(Part):
    """An IAM role or user that may use the cluster."""

    principal_arn: str = option(
        says="The IAM role or user, of this or another account.",
        allowed="the ARN of an IAM role or user (an assumed-role session is not one)",
        example="arn:aws:iam::111122223333:role/platform",
    )
    # Others of EKS have no use here: EKS makes those of managed groups and Fargate itself, Cilium does not
    # run on Windows, and the program makes neither Auto Mode, hybrid nor HyperPod clusters.
    type: Literal["STANDARD", "EC2_LINUX"] = option(
        "STANDARD",
        says="STANDARD for people and programs; EC2_LINUX for the role of Linux nodes that others make, such "
        "as Karpenter's. A change replaces the entry.",
        allowed="STANDARD or EC2_LINUX",
        example="STANDARD",
    )
    policies: tuple[AccessPolicy, ...] = option(
        (),
        says="What it may do, by access policies of EKS.",
        allowed="a list of objects with policy, and namespaces",
        example=[{"policy": "edit", "namespaces": ["shop"]}],
    )
    kubernetes_groups: tuple[str, ...] = option(
        (),
        says="Groups that it belongs to in Kubernetes, for RoleBindings of yours.",
        allowed="a list of names that do not begin with system:, eks:, aws:, amazon: or iam:",
        example=["shop-developers"],
    )

    @property
    def rules_the_cluster(self) -> bool:
        """Whether it may do everything in the cluster, as installing Cilium needs."""
        return any(policy.rules_the_cluster for policy in self.policies)
