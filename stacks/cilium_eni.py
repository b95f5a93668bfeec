"""Cilium in ENI mode, where its operator makes the network interfaces of nodes.

Called by mode `new-cluster`, whose cluster is known by outputs, and by mode `replacement`, whose cluster has
been read before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi

from components.cilium import Cilium
from eks_cilium.cilium.native_routing import default_network, network_of_pods, outside
from eks_cilium.cilium.values import EniMode, eni_values
from eks_cilium.cilium.versions import release_of
from eks_cilium.settings.problems import Problem, set_fix
from stacks.api_server import host_and_port
from stacks.cilium_upgrades import show_notes

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
    vpc_cidrs: Sequence[str]
    """Every network of the VPC, its first one first."""
    node_subnet_ids: Sequence[pulumi.Input[str]]
    masquerade: Masquerade
    tags: Mapping[str, str]
    """Tags for the network interfaces."""
    pod_subnet_ids: Sequence[pulumi.Input[str]] = ()
    """Subnets for pods alone; empty where pods share those of nodes."""
    pod_networks: Sequence[str] = ()
    """Their networks."""
    other_cni: tuple[str, str] | None = None
    """Label of the nodes that another CNI serves, where it is replaced node by node."""
    present: str | None = None
    """The release that the cluster has; None before there is one."""
    pod_identity: bool = False
    """Whether Pod Identity gives the operator its role, instead of its service account."""


def register_eni_cilium(
    cluster: EniCluster,
    wanted: CiliumSettings | CiliumBesideKubeProxy,
    role: OperatorRole,
    opts: pulumi.ResourceOptions,
) -> Cilium:
    """Register the Helm release, whose operator uses `role`."""
    values = eni_values(_eni_mode(cluster, wanted, role))
    show_notes(cluster.present, wanted.version, values)
    return Cilium(
        f"{cluster.name}-cilium",
        {
            "version": wanted.version,
            "chart_repository": wanted.chart_repository,
            "values": values,
        },
        opts,
    )


def _eni_mode(
    cluster: EniCluster, wanted: CiliumSettings | CiliumBesideKubeProxy, role: OperatorRole
) -> EniMode:
    release, (host, port) = release_of(wanted.version), host_and_port(cluster.endpoint)
    pods = list(cluster.pod_subnet_ids)
    subnets = [*cluster.node_subnet_ids, *pods]
    return EniMode(
        release=release,
        cluster_name=cluster.name,
        region=cluster.region,
        api_host=host,
        api_port=port,
        operator_role_arn=None if cluster.pod_identity else role.arn,
        subnet_filter=subnets if release.filters_are_lists else pulumi.Output.all(*subnets).apply(" ".join),
        pod_subnets=pods or None,
        native_cidr=_native_network(cluster, wanted),
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


def _native_network(cluster: EniCluster, wanted: CiliumSettings | CiliumBesideKubeProxy) -> str:
    """The network inside which pods keep their addresses; RunError where it does not hold those of pods.

    Agents end with "None of the VPC CIDRs contains the specified native routing CIDR" otherwise, and up to
    1.14 where it does not hold the VPC's first network (Cilium, `autoDetectIPv4NativeRoutingCIDR` and its
    predecessors in pkg/ipam).
    """
    given, pods = wanted.native_routing_cidr, cluster.pod_networks
    usual = network_of_pods(cluster.vpc_cidrs, pods) if pods else default_network(cluster.vpc_cidrs)
    native = given or usual
    if missing := outside(native, pods or cluster.vpc_cidrs[:1]):
        _refuse_native_network(cluster, native, missing, usual)
    if cluster.masquerade.enabled and (left := outside(native, cluster.vpc_cidrs)):
        whose = "their interface's" if pods else "their node's"
        pulumi.log.warn(
            f"pods reach {', '.join(left)} of their own VPC with {whose} address: Cilium keeps pods' "
            f"addresses inside one network only, {native}"
        )
    return native


def _refuse_native_network(cluster: EniCluster, native: str, missing: Sequence[str], usual: str) -> None:
    """Raise RunError where pods would not keep their addresses among themselves."""
    if cluster.pod_networks and not cluster.masquerade.enabled:
        return  # it is not used
    path, fix = ("cilium", "nativeRoutingCidr"), set_fix(("cilium", "nativeRoutingCidr"), usual)
    if cluster.pod_networks:
        allowed = f"a network that holds all subnets of pods; {', '.join(missing)} are outside"
    else:
        allowed = f"a network that holds {cluster.vpc_cidrs[0]}, the first network of the VPC"
    raise pulumi.RunError(str(Problem(path, native, allowed, fix)))
