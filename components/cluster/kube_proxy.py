"""kube-proxy as an EKS add-on that goes for good when Cilium replaces it; `EksCluster` registers it.

The add-on of `pulumi_eks.Cluster` has `preserve: true`: when it is deleted, kube-proxy goes on running on
every node beside Cilium's replacement, and no one updates it (pulumi-eks, nodejs/eks/addon.ts).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws

from components.naming import tagged

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pulumi_eks as eks


def kube_proxy(
    name: str,
    version: str,
    cluster: eks.Cluster,
    tags: Mapping[str, str],
    parent: pulumi.Resource,
) -> aws.eks.Addon:
    """The add-on `<name>-kube-proxy`. It takes over what `cluster` itself registered in earlier versions."""
    return aws.eks.Addon(
        f"{name}-kube-proxy",
        cluster_name=cluster.eks_cluster.name,
        addon_name="kube-proxy",
        addon_version=version,
        resolve_conflicts_on_create="OVERWRITE",
        resolve_conflicts_on_update="OVERWRITE",
        preserve=False,
        tags=tagged(tags, f"{name}-kube-proxy"),
        opts=pulumi.ResourceOptions(
            parent=parent, aliases=[pulumi.Alias(name=f"{name}-kube-proxy", parent=cluster)]
        ),
    )
