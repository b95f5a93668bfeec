"""Helm values for a cluster whose pods have addresses of an overlay, from its first node on.

`stacks/cilium_overlay.py` calls it. Cilium's operator gives every node a part of the pool, and agents put
what pods send to other nodes into tunnels between the nodes. Source: pages "Cluster Scope" (IPAM) and
"Routing" of Cilium's documentation; the tests render the chart of every release in `versions.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from eks_cilium.cilium.values import OnlyCniMode, common, merged_all, renewed_certificates, services

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from eks_cilium.cilium.versions import Release

Protocol = Literal["vxlan", "geneve"]

# Page "System Requirements" of Cilium's documentation, "Firewall Rules".
PORTS: Mapping[str, int] = MappingProxyType({"vxlan": 8472, "geneve": 6081})
"""The UDP port that nodes have to accept from each other, by protocol.

Kernels of Bottlerocket have modules for both (CONFIG_VXLAN and CONFIG_GENEVE in its config-full files), and
Cilium takes the same 50 bytes of a packet for either (`TunnelOverhead` in pkg/mtu/mtu.go).
"""


@dataclass(frozen=True, kw_only=True)
class OverlayMode(OnlyCniMode):
    """The inputs of the values of a cluster with an overlay."""

    pod_cidrs: Sequence[str]
    """Networks of pods' addresses."""
    node_mask_size: int
    """Prefix length of each node's part of them."""
    protocol: Protocol = "vxlan"


def overlay_values(mode: OverlayMode) -> dict[str, Any]:
    """The values of the release. `extra` overrides the others; settings refuse the keys of `decided_keys`."""
    return merged_all(
        common(mode),
        _routing(mode.release, mode.protocol),
        _addresses(mode),
        services(mode),
        renewed_certificates(mode),
        mode.extra,
    )


def _routing(release: Release, protocol: Protocol) -> dict[str, Any]:
    # No network in which pods keep their addresses: packets to it would leave the node with an address of
    # the overlay, which the VPC drops (datapath/types/config.go, RemoteSNATDstAddrExclusionCIDRv4). No list
    # of interfaces either: without it agents masquerade on all but their own.
    routing = {"tunnel": protocol} if release.overlay_is_one_key else _of_two_keys(protocol)
    return {**routing, "eni": {"enabled": False}, "enableIPv4Masquerade": True}


def _of_two_keys(protocol: Protocol) -> dict[str, Any]:
    return {"routingMode": "tunnel", "tunnelProtocol": protocol}


def _addresses(mode: OverlayMode) -> dict[str, Any]:
    pool = {
        "clusterPoolIPv4PodCIDRList": list(mode.pod_cidrs),
        "clusterPoolIPv4MaskSize": mode.node_mask_size,
    }
    return {"ipam": {"mode": "cluster-pool", "operator": pool}}
