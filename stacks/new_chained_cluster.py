"""Mode `chaining`, of a new cluster: the AWS VPC CNI gives pods their addresses, with Cilium chained to it.

Nodes carry a taint until both CNIs run on them, so no pod starts before Cilium and none has to be restarted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pulumi

from components.cluster.vpc_cni import VpcCni
from eks_cilium.clients.aws import client
from stacks.cilium_chained import register_chained_cilium, warn_of_limits
from stacks.cilium_upgrades import present_release
from stacks.new_cluster_base import check, exports, register_base, register_nodes

if TYPE_CHECKING:
    from collections.abc import Callable

    from components.cilium import Cilium
    from eks_cilium.clients.aws import ClientOf
    from eks_cilium.settings.model import NewChainedClusterSettings
    from stacks.new_cluster_base import ClusterBase


def run(
    settings: NewChainedClusterSettings,
    present_release: Callable[[NewChainedClusterSettings], str | None] = present_release,
    aws_client: ClientOf = client,
) -> dict[str, Any]:
    """Register everything and return what the stack exports."""
    warn_of_limits(settings.cilium)
    present = present_release(settings)
    add_ons = check(settings, present, aws_client)
    base = register_base(settings, aws_client)
    cilium = _register_cnis(settings, base, present)
    node_groups = register_nodes(settings, base, cilium, add_ons, cilium_makes_interfaces=False)
    return exports(settings, base, node_groups)


def _register_cnis(settings: NewChainedClusterSettings, base: ClusterBase, present: str | None) -> Cilium:
    vpc_cni = _register_vpc_cni(settings, base)
    after = pulumi.ResourceOptions(
        providers=[base.cluster.kubernetes_provider], depends_on=[base.cluster, vpc_cni]
    )
    return register_chained_cilium(settings.cluster.name, settings.cilium, after, present=present)


def _register_vpc_cni(settings: NewChainedClusterSettings, base: ClusterBase) -> VpcCni:
    return VpcCni(
        settings.cluster.name,
        {
            "cluster_name": base.cluster.cluster_name,
            "region": settings.region,
            "version": settings.vpc_cni.version,
            "oidc_provider_arn": base.cluster.oidc_provider_arn,
            "oidc_issuer": base.cluster.oidc_issuer,
            "peer_cidrs": settings.peer_cidrs,
            "tags": base.tags,
        },
        base.with_aws(base.cluster, base.sweep),
    )
