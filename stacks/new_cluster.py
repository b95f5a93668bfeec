"""Mode `new-cluster`: an EKS cluster whose only CNI is Cilium in ENI mode."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pulumi

from components.cilium import Cilium, OperatorRole
from eks_cilium.cilium.masquerade import Masquerade, decide
from eks_cilium.cilium.values import EniMode, eni_values
from eks_cilium.cilium.versions import RELEASES
from stacks.made_cluster import MadeCluster

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eks_cilium.settings.model import NewClusterSettings


def run(settings: NewClusterSettings) -> dict[str, Any]:
    """Register everything and return what the stack exports."""
    return NewCluster(settings).exports()


class NewCluster(MadeCluster):
    """A cluster without any CNI but Cilium."""

    interfaces_are_ciliums = True

    def __init__(self, settings: NewClusterSettings) -> None:
        self._wanted = settings.cilium
        super().__init__(settings)

    def _make_cni(self) -> Cilium:
        role = self._make_operator_role()
        return Cilium(
            f"{self._name}-cilium",
            {
                "version": self._wanted.version,
                "chart_repository": self._wanted.chart_repository,
                "values": eni_values(self._eni_mode(role)),
            },
            pulumi.ResourceOptions(
                providers=[self._cluster.kubernetes_provider], depends_on=[self._cluster, self._sweep, role]
            ),
        )

    def _make_operator_role(self) -> OperatorRole:
        return OperatorRole(
            f"{self._name}-cilium-operator",
            {
                "cluster_name": self._name,
                "region": self._settings.region,
                "account": self._cluster.arn.apply(lambda arn: arn.split(":")[4]),
                "vpc_id": self._network.vpc_id,
                "subnet_ids": self._node_subnets(),
                "oidc_provider_arn": self._cluster.oidc_provider_arn,
                "oidc_issuer": self._cluster.oidc_issuer,
                "tags": self._tags,
            },
            self._with_aws(),
        )

    def _eni_mode(self, role: OperatorRole) -> EniMode:
        wanted, release = self._wanted, RELEASES[self._wanted.version]
        subnets = self._node_subnets()
        return EniMode(
            release=release,
            cluster_name=self._name,
            region=self._settings.region,
            api_host=self._cluster.endpoint.apply(lambda url: urlsplit(url).hostname),
            api_port=self._cluster.endpoint.apply(lambda url: str(urlsplit(url).port or 443)),
            operator_role_arn=role.arn,
            subnet_filter=subnets if release.filters_are_lists else _spaced(subnets),
            vpc_cidr=self._network.cidr,
            masquerade=self._masquerade(),
            interface_tags=self._tags,
            cluster_id=wanted.cluster_id,
            kube_proxy_replacement=wanted.kube_proxy_replacement,
            prefix_delegation=wanted.prefix_delegation,
            encryption=wanted.encryption,
            operator_replicas=wanted.operator_replicas,
            hubble_enabled=wanted.hubble.enabled,
            hubble_relay=wanted.hubble.relay,
            hubble_ui=wanted.hubble.ui,
            extra=wanted.values,
        )

    def _masquerade(self) -> Masquerade:
        groups = self._settings.node_groups.values()
        return decide(
            {group.subnets for group in groups},
            {group.image_family for group in groups},
            wanted=self._wanted.masquerade_wanted,
            interfaces=self._wanted.egress_masquerade_interfaces,
        )


def _spaced(texts: Sequence[pulumi.Output[str]]) -> pulumi.Output[str]:
    return pulumi.Output.all(*texts).apply(" ".join)
