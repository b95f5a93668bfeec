"""Whether Cilium is already installed in a cluster, whether it is chained there, and how it is configured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eks_cilium.cilium.decided import PORT_MAP
from eks_cilium.cluster.names import NAMESPACE
from eks_cilium.migration.options import CiliumChoices

if TYPE_CHECKING:
    from collections.abc import Mapping

    from eks_cilium.cluster.reading import ReadingApi

CONFIGURATION = f"/api/v1/namespaces/{NAMESPACE}/configmaps/cilium-config"
_CHAIN = "aws-cni"


def is_chained(api: ReadingApi) -> bool:
    """Whether Cilium is installed on top of the VPC CNI."""
    return _configured(api).get("cni-chaining-mode") == _CHAIN


def unchained_ipam(api: ReadingApi) -> str:
    """The IPAM mode of a Cilium that is installed and not chained; empty otherwise."""
    configured = _configured(api)
    chained = configured.get("cni-chaining-mode") == _CHAIN
    return str(configured.get("ipam", "unknown")) if configured and not chained else ""


def choices(api: ReadingApi) -> CiliumChoices | None:
    """What decides a plan, of a Cilium that is installed and not chained; None where there is none."""
    configured = _configured(api)
    if not configured or configured.get("cni-chaining-mode") == _CHAIN:
        return None
    subnets = str(configured.get("subnet-ids-filter") or "").replace(",", " ")
    return CiliumChoices(
        prefix_delegation=configured.get("aws-enable-prefix-delegation") == "true",
        exclusive=configured.get("cni-exclusive") != "false",
        port_map=configured.get("cni-chaining-mode") == PORT_MAP,
        subnets=tuple(subnets.split()),
    )


def _configured(api: ReadingApi) -> Mapping[str, Any]:
    found: Mapping[str, Any] = (api.get(CONFIGURATION) or {}).get("data") or {}
    return found
