"""What `eks.Cluster` registers otherwise than a cluster of this program needs, changed by a transform.

`components.cluster.eks_cluster` uses it. The component always makes its creator an administrator, writes
aws-auth, and takes one security group (pulumi/pulumi-eks, nodejs/eks/cluster/cluster.ts).
A transform of the component reaches what it registers, in its provider too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pulumi

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_CLUSTER = "aws:eks/cluster:Cluster"
# EKS has one entry for a principal, and one association of a policy with it. Creating the new one first would
# be refused (the entry), or change the old one, which is deleted then (the association): both are replaced
# where the type or the scope changes (hashicorp/terraform-provider-aws, internal/service/eks/access_entry.go
# and access_policy_association.go, ForceNew).
_ONLY_ONE = frozenset(
    {"aws:eks/accessEntry:AccessEntry", "aws:eks/accessPolicyAssociation:AccessPolicyAssociation"}
)


@dataclass(frozen=True, kw_only=True)
class Adjustments:
    """What differs from the component."""

    creator_admin: bool = True
    """Whether the identity that creates the cluster becomes its administrator."""
    authentication_mode: str = "API"
    """`API`, or `API_AND_CONFIG_MAP`, for which the component would write aws-auth."""
    security_group_ids: tuple[str, ...] = ()
    """Security groups of the control plane's interfaces, besides that of EKS."""

    def transform(self) -> Callable[[pulumi.ResourceTransformArgs], pulumi.ResourceTransformResult | None]:
        """The function for `transforms` of the component."""
        return self._changed

    def _changed(self, args: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult | None:
        if args.type_ in _ONLY_ONE:
            early = pulumi.ResourceOptions(delete_before_replace=True)
            return pulumi.ResourceTransformResult(args.props, pulumi.ResourceOptions.merge(args.opts, early))
        if args.type_ == _CLUSTER:
            changed = {**args.props, **self._control_plane(args.props)}
            return pulumi.ResourceTransformResult(changed, args.opts)
        return None

    def _control_plane(self, props: Mapping[str, Any]) -> dict[str, Any]:
        access = {
            "authenticationMode": self.authentication_mode,
            "bootstrapClusterCreatorAdminPermissions": self.creator_admin,
        }
        if not self.security_group_ids:
            return {"accessConfig": access}
        groups = {"securityGroupIds": list(self.security_group_ids)}
        return {"accessConfig": access, "vpcConfig": {**props["vpcConfig"], **groups}}
