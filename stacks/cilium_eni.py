"""Cilium in ENI mode, where its operator makes the network interfaces of nodes.

Called by mode `new-cluster`, whose cluster is known by outputs, and by mode `replacement`, whose cluster has
been read before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pulumi

from components.cilium import Cilium
from eks_cilium.cilium.values import EniMode, eni_values
from eks_cilium.cilium.versions import release_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from components.cilium import OperatorRole
    from eks_cilium.cilium.masquerade import Masquerade
    from eks_cilium.settings.model import Cilium as CiliumSettings
    from eks_cilium.settings.model import CiliumBesideKubeProxy


@dataclass(frozen=True, kw_only=True)
class EniCluster:
    """The cluster that Cilium is installed in, as the chart's values need it."""

    name: str
    """The name in Cilium, which may differ from the name in EKS."""
    region: str
    endpoint: pulumi.Input[str]
    """URL of the API server."""
    vpc_cidr: pulumi.Input[str]
    node_subnet_ids: Sequence[pulumi.Input[str]]
    masquerade: Masquerade
    tags: Mapping[str, str]
    """Tags for the network interfaces."""
    other_cni: tuple[str, str] | None = None
    """Label of the nodes that another CNI serves, where it is replaced node by node."""


def register_eni_cilium(
    cluster: EniCluster,
    wanted: CiliumSettings | CiliumBesideKubeProxy,
    role: OperatorRole,
    opts: pulumi.ResourceOptions,
) -> Cilium:
    """Register the Helm release, whose operator uses `role`."""
    return Cilium(
        f"{cluster.name}-cilium",
        {
            "version": wanted.version,
            "chart_repository": wanted.chart_repository,
            "values": eni_values(_eni_mode(cluster, wanted, role)),
        },
        opts,
    )


def _eni_mode(
    cluster: EniCluster, wanted: CiliumSettings | CiliumBesideKubeProxy, role: OperatorRole
) -> EniMode:
    release, endpoint = release_of(wanted.version), pulumi.Output.from_input(cluster.endpoint)
    subnets = list(cluster.node_subnet_ids)
    return EniMode(
        release=release,
        cluster_name=cluster.name,
        region=cluster.region,
        api_host=endpoint.apply(lambda url: urlsplit(url).hostname),
        api_port=endpoint.apply(lambda url: str(urlsplit(url).port or 443)),
        operator_role_arn=role.arn,
        subnet_filter=subnets if release.filters_are_lists else pulumi.Output.all(*subnets).apply(" ".join),
        vpc_cidr=cluster.vpc_cidr,
        masquerade=cluster.masquerade,
        interface_tags=cluster.tags,
        cluster_id=wanted.cluster_id,
        kube_proxy_replacement=wanted.kube_proxy_replacement,
        prefix_delegation=wanted.prefix_delegation,
        encryption=wanted.encryption,
        operator_replicas=wanted.operator_replicas,
        hubble_enabled=wanted.hubble.enabled,
        hubble_relay=wanted.hubble.relay,
        hubble_ui=wanted.hubble.ui,
        beside=cluster.other_cni,
        extra=wanted.values,
    )
