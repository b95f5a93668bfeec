"""Helm values for Cilium on top of the AWS VPC CNI, which goes on assigning addresses.

The VPC CNI connects a pod, then Cilium attaches its programs to the same interface. Most of the chart's
defaults are for a cluster that Cilium has alone, and wrong here without a word from the chart.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eks_cilium.cilium.values import ABLE_TO_RUN_AGENTS, WITHOUT_WATCHER, Mode, common, merged_all, placed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ADDRESSES_OF_A_NODE = 27
"""Prefix length of each node's part of the pool: the agent takes two or three addresses of it."""

DEFAULT_POOL = "198.19.0.0/16"
"""Of the range that RFC 2544 keeps for benchmarks, which VPCs rarely have; room for 2,048 nodes."""


OLDEST_VPC_CNI = (1, 11, 2)
"""The first version that Cilium can be chained to, as Cilium's documentation of this chain has it."""


@dataclass(frozen=True, kw_only=True)
class ChainingMode(Mode):
    """What decides the values of a cluster in which Cilium is chained to the VPC CNI."""

    pool: str
    """Network of the agents' own addresses (`cilium_host`), which are never routed: outside every VPC."""


def chaining_values(mode: ChainingMode) -> dict[str, Any]:
    """The values to install with. `extra` comes last, but cannot touch what `decided_keys` names."""
    return merged_all(
        common(mode),
        _chain(mode),
        _routing(mode),
        _pool(mode),
        {"kubeProxyReplacement": mode.release.no_kube_proxy_replacement},
        placed(mode, ABLE_TO_RUN_AGENTS),
        WITHOUT_WATCHER,
        mode.extra,
    )


def _chain(mode: ChainingMode) -> dict[str, Any]:
    """`exclusive` would rename the VPC CNI's own configuration, and no pod would get an address."""
    cni: dict[str, Any] = {"chainingMode": "aws-cni", "exclusive": False}
    if mode.encryption != "none" and mode.release.chained_routes_have_mtu:
        cni["enableRouteMTUForCNIChaining"] = True
    return {"cni": cni}


def _routing(mode: ChainingMode) -> dict[str, Any]:
    """The VPC routes pods' addresses. Unless told otherwise, the chart masquerades them.

    Marks for identities are off, as in Cilium's own tests of this chain: the VPC CNI marks packets too.
    """
    key, value = mode.release.native_routing
    routing: dict[str, Any] = {key: value, "enableIPv4Masquerade": False, "enableIdentityMark": False}
    if mode.release.chained_with_endpoint_routes:
        routing["endpointRoutes"] = {"enabled": True}
    return routing


def _pool(mode: ChainingMode) -> dict[str, Any]:
    """The chart's own pool is 10.0.0.0/8, whatever addresses the VPC has (cilium/cilium#30682)."""
    operator = {
        "clusterPoolIPv4PodCIDRList": [mode.pool],
        "clusterPoolIPv4MaskSize": ADDRESSES_OF_A_NODE,
    }
    return {"ipam": {"mode": "cluster-pool", "operator": operator}}


def overlaps(pool: str, networks: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Which of the networks, each a name and a CIDR, the pool has addresses of, in words."""
    own = ipaddress.IPv4Network(pool)
    for name, cidr in networks:
        if own.overlaps(ipaddress.IPv4Network(cidr)):
            yield f"{name} {cidr}"


def nodes_in(pool: str) -> int:
    """How many nodes find addresses in a pool."""
    return int(2 ** max(ADDRESSES_OF_A_NODE - ipaddress.IPv4Network(pool).prefixlen, 0))
