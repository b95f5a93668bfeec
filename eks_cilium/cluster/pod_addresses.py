"""Where the pods of a running cluster get their addresses, as Cilium is configured there.

A live cluster cannot change it. `stacks/pod_addresses.py` compares it with the configuration, and
`eks_cilium.mesh.agents` reads by it whether clusters can be joined.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from eks_cilium.cilium.overlay.values import PORTS
from eks_cilium.cluster.names import NAMESPACE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from eks_cilium.cluster.reading import ReadingApi

CLUSTER_POOL = "cluster-pool"
_DEFAULT_PROTOCOL = "vxlan"


@dataclass(frozen=True)
class PodAddresses:
    """The source of pods' addresses."""

    ipam: str
    """Cilium's IPAM mode: `eni`, `cluster-pool` ..."""
    cidrs: tuple[str, ...] = ()
    """The pool, with mode `cluster-pool`."""
    mask_size: int = 0
    """Prefix length of each node's part of the pool; 0 without one."""
    protocol: str = ""
    """Protocol of the tunnels between nodes; empty where there are none."""
    port: int = 0
    """UDP port of the tunnels."""


def configured(config: Mapping[str, str]) -> PodAddresses:
    """What ConfigMap `cilium-config` says, in the spelling of any release."""
    ipam, protocol = config.get("ipam", ""), _protocol(config)
    return PodAddresses(
        ipam=ipam,
        # templates/cilium-configmap.yaml joins them with spaces; other modes ignore them.
        cidrs=tuple((config.get("cluster-pool-ipv4-cidr") or "").split()) if ipam == CLUSTER_POOL else (),
        mask_size=int(config.get("cluster-pool-ipv4-mask-size") or 0) if ipam == CLUSTER_POOL else 0,
        protocol=protocol,
        port=int(config.get("tunnel-port") or PORTS.get(protocol, 0)) if protocol else 0,
    )


def _protocol(config: Mapping[str, str]) -> str:
    """Since 1.14 `routing-mode` says whether there are tunnels; before, `tunnel` did, with their protocol."""
    routing, tunnel = config.get("routing-mode"), config.get("tunnel")
    if routing == "native" or tunnel == "disabled":
        return ""
    if routing is None:
        return tunnel or _DEFAULT_PROTOCOL
    return config.get("tunnel-protocol") or _DEFAULT_PROTOCOL


def running_addresses(api: ReadingApi) -> PodAddresses | None:
    """What a running cluster has; None where Cilium is not installed."""
    found = api.get(f"/api/v1/namespaces/{NAMESPACE}/configmaps/cilium-config")
    return configured(found.get("data") or {}) if found is not None else None
