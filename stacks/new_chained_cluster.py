"""Mode `chaining`, of a new cluster: the AWS VPC CNI gives pods their addresses, with Cilium chained to it.

Nodes wait, tainted, for both, so that no pod ever starts before Cilium and none has to be restarted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pulumi

from components.cluster.vpc_cni import VpcCni
from stacks.chained_cilium import chained_cilium, warn_of_limits
from stacks.made_cluster import MadeCluster

if TYPE_CHECKING:
    from components.cilium import Cilium
    from eks_cilium.settings.model import NewChainedClusterSettings


def run(settings: NewChainedClusterSettings) -> dict[str, Any]:
    """Register everything and return what the stack exports."""
    warn_of_limits(settings.cilium)
    return NewChainedCluster(settings).exports()


class NewChainedCluster(MadeCluster):
    """A cluster on the VPC CNI, with Cilium on top of it."""

    interfaces_are_ciliums = False

    def __init__(self, settings: NewChainedClusterSettings) -> None:
        self._chain = settings
        super().__init__(settings)

    def _make_cni(self) -> Cilium:
        vpc_cni = self._make_vpc_cni()
        provider = self._cluster.kubernetes_provider
        after = pulumi.ResourceOptions(providers=[provider], depends_on=[self._cluster, vpc_cni])
        return chained_cilium(self._name, self._chain.cilium, after)

    def _make_vpc_cni(self) -> VpcCni:
        return VpcCni(
            self._name,
            {
                "cluster_name": self._cluster.cluster_name,
                "region": self._chain.region,
                "version": self._chain.vpc_cni.version,
                "oidc_provider_arn": self._cluster.oidc_provider_arn,
                "oidc_issuer": self._cluster.oidc_issuer,
                "peer_cidrs": self._chain.peer_cidrs,
                "tags": self._tags,
            },
            self._with_aws(self._cluster, self._sweep),
        )
