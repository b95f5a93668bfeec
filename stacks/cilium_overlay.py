"""Cilium with an overlay, in which pods have addresses that the VPC does not know.

Used by mode `new-cluster`. A preview shows how far the pool reaches, and what an overlay takes away.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi

from components.cilium import Cilium
from components.cluster.tunnel import TunnelRule
from eks_cilium.cilium.overlay.consequences import LOST, unreachable
from eks_cilium.cilium.overlay.pools import PodNetwork
from eks_cilium.cilium.overlay.values import PORTS, OverlayMode, overlay_values
from eks_cilium.cilium.pod_limit import without_interfaces
from eks_cilium.cilium.versions import release_of
from eks_cilium.settings.model import Overlay
from eks_cilium.settings.node_count import most_nodes
from stacks.api_server import host_and_port
from stacks.cilium_upgrades import show_notes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from eks_cilium.settings.model import NewClusterSettings


@dataclass(frozen=True, kw_only=True)
class OverlayCluster:
    """The cluster that Cilium is installed in."""

    endpoint: pulumi.Input[str]
    """URL of the API server."""
    security_group_id: pulumi.Input[str]
    """A group that all nodes carry."""
    tags: Mapping[str, str]
    present: str | None = None
    """The release that the cluster has; None before there is one."""


def register_overlay_cilium(
    settings: NewClusterSettings,
    cluster: OverlayCluster,
    rules: pulumi.ResourceOptions,
    opts: pulumi.ResourceOptions,
) -> Cilium:
    """Register the rule for the tunnels between nodes, with options of its own, and the Helm release."""
    show_what_it_means(settings)
    name, wanted = settings.cluster.name, settings.cilium
    protocol = (wanted.overlay or Overlay()).protocol
    rule = TunnelRule(
        name,
        {
            "security_group_id": cluster.security_group_id,
            "port": PORTS[protocol],
            "protocol": protocol,
            "tags": cluster.tags,
        },
        rules,
    )
    values = overlay_values(_mode(settings, cluster.endpoint))
    show_notes(cluster.present, wanted.version, values)
    return Cilium(
        f"{name}-cilium",
        {"version": wanted.version, "chart_repository": wanted.chart_repository, "values": values},
        pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[rule])),
    )


def show_what_it_means(settings: NewClusterSettings) -> None:
    """Print in a preview how far the pool reaches, and what an overlay takes away."""
    if not pulumi.runtime.is_dry_run():
        return
    pulumi.log.info("\n".join([_numbers(settings), "An overlay takes away:", *_losses(settings)]))
    for sentence in unreachable(settings.cluster.addons):
        pulumi.log.warn(sentence)


def _numbers(settings: NewClusterSettings) -> str:
    overlay = settings.cilium.overlay or Overlay()
    pool = PodNetwork(overlay.pod_cidrs, overlay.node_mask_size)
    groups = settings.node_groups.items()
    limits = ", ".join(
        f"{name} {group.max_pods or without_interfaces(group.instance_types)}" for name, group in groups
    )
    return (
        f"Pods have addresses of {', '.join(pool.cidrs)}, which the VPC does not know. Each node takes a "
        f"/{pool.mask_size} of it: room for {pool.nodes} nodes with {pool.pods_of_a_node} pods each. There "
        f"are at most {most_nodes(settings)} nodes, those included that EKS adds during an update. Most "
        f"pods of a node: {limits}."
    )


def _losses(settings: NewClusterSettings) -> Iterator[str]:
    yield from (f"  - {lost}" for lost in LOST)
    old = [name for name, group in settings.node_groups.items() if group.image_family == "al2"]
    if old:
        yield (
            f"  - {', '.join(old)}: images of Amazon Linux 2 keep the limit of pods that their network "
            "interfaces set; AL2023 and Bottlerocket take another"
        )


def _mode(settings: NewClusterSettings, url: pulumi.Input[str]) -> OverlayMode:
    wanted, (host, port) = settings.cilium, host_and_port(url)
    overlay = wanted.overlay or Overlay()
    return OverlayMode(
        release=release_of(wanted.version),
        cluster_name=settings.cluster.name,
        cluster_id=wanted.cluster_id,
        api_host=host,
        api_port=port,
        kube_proxy_replacement=wanted.kube_proxy_replacement,
        pod_cidrs=overlay.pod_cidrs,
        node_mask_size=overlay.node_mask_size,
        protocol=overlay.protocol,
        encryption=wanted.encryption,
        operator_replicas=wanted.operator_replicas,
        hubble_enabled=wanted.hubble.enabled,
        hubble_relay=wanted.hubble.relay,
        hubble_ui=wanted.hubble.ui,
        extra=wanted.values,
    )
