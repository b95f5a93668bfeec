"""Helm values for Cilium on top of the AWS VPC CNI, which still assigns addresses.

The VPC CNI connects a pod, then Cilium attaches its programs to the same interface. Most defaults of the
chart are for a cluster whose only CNI is Cilium; here they are wrong, and the chart does not say so. Source
of the values: page "AWS VPC CNI plugin" of Cilium's documentation. `stacks/cilium_chained.py` calls it.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eks_cilium.cilium.values import (
    ABLE_TO_RUN_AGENTS,
    WITHOUT_POLICY_MODE,
    WITHOUT_WATCHER,
    Mode,
    common,
    merged_all,
    placed,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ADDRESSES_OF_A_NODE = 27
"""Prefix length of each node's part of the pool: the agent uses two or three addresses of it."""

DEFAULT_POOL = "198.19.0.0/16"
"""Part of 198.18.0.0/15, which RFC 2544 reserves for benchmarks and VPCs rarely use; for 2,048 nodes."""

OLDEST_VPC_CNI = (1, 11, 2)
"""The first version of the VPC CNI that Cilium can be chained to, by the same page."""


@dataclass(frozen=True, kw_only=True)
class ChainingMode(Mode):
    """What decides the values of a cluster in which Cilium is chained to the VPC CNI."""

    pool: str
    """Network of the agents' own addresses (`cilium_host`), outside every VPC, because nothing routes it."""
    policies_are_paused: bool = False
    """Whether the enforcement of policies is paused beside the release while pods are restarted."""


def chaining_values(mode: ChainingMode) -> dict[str, Any]:
    """The values of the release. `extra` overrides the others; settings refuse the keys of `decided_keys`."""
    return merged_all(
        common(mode),
        _chain(mode),
        _routing(mode),
        _pool(mode),
        {"kubeProxyReplacement": mode.release.no_kube_proxy_replacement},
        placed(mode, ABLE_TO_RUN_AGENTS),
        WITHOUT_WATCHER,
        mode.extra,
        WITHOUT_POLICY_MODE if mode.policies_are_paused else {},
    )


def _chain(mode: ChainingMode) -> dict[str, Any]:
    # With `exclusive` Cilium would rename the VPC CNI's configuration, and no pod would get an address.
    cni: dict[str, Any] = {"chainingMode": "aws-cni", "exclusive": False}
    if mode.encryption != "none" and mode.release.chained_routes_have_mtu:
        cni["enableRouteMTUForCNIChaining"] = True
    return {"cni": cni}


def _routing(mode: ChainingMode) -> dict[str, Any]:
    # The VPC routes pods' addresses, and the VPC CNI masquerades; the chart's default is to masquerade too.
    # Marks for identities are off, as in Cilium's own tests of this chain (.github/workflows/
    # conformance-aws-cni.yaml, cilium/cilium#38738): the VPC CNI marks packets as well.
    key, value = mode.release.native_routing
    routing: dict[str, Any] = {key: value, "enableIPv4Masquerade": False, "enableIdentityMark": False}
    if mode.release.chained_with_endpoint_routes:
        routing["endpointRoutes"] = {"enabled": True}
    return routing


def _pool(mode: ChainingMode) -> dict[str, Any]:
    # The chart's default pool is 10.0.0.0/8, whatever addresses the VPC has (cilium/cilium#30682).
    operator = {
        "clusterPoolIPv4PodCIDRList": [mode.pool],
        "clusterPoolIPv4MaskSize": ADDRESSES_OF_A_NODE,
    }
    return {"ipam": {"mode": "cluster-pool", "operator": operator}}


def overlaps(pool: str, networks: Iterable[tuple[str, str]]) -> Iterator[str]:
    """The networks, each a name and a CIDR, that share addresses with the pool; as text for a message."""
    own = ipaddress.IPv4Network(pool)
    for name, cidr in networks:
        if own.overlaps(ipaddress.IPv4Network(cidr)):
            yield f"{name} {cidr}"


def nodes_in(pool: str) -> int:
    """How many nodes a pool has addresses for."""
    return int(2 ** max(ADDRESSES_OF_A_NODE - ipaddress.IPv4Network(pool).prefixlen, 0))
