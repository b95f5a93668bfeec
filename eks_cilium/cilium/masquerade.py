"""Whether pods' egress is masqueraded, and on which interfaces.

In ENI mode pods hold addresses of the VPC. Behind a NAT gateway they need no masquerading, and it would
hide them from peers and security groups. In a public subnet the internet gateway translates only addresses
it knows, which are the nodes', so there pods must leave as their node. The interface list is read by
iptables masquerading only and a pattern that matches nothing switches it off without a word, hence the rule
by image family.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Collection

SubnetKind = Literal["private", "public"]
ImageFamily = Literal["al2023", "al2", "bottlerocket"]

_INTERFACES: dict[ImageFamily, str] = {"al2023": "ens+", "al2": "eth+", "bottlerocket": "eth+"}


@dataclass(frozen=True)
class Masquerade:
    """The decision for a cluster; `interfaces` is a pattern such as `ens+`, None when switched off."""

    enabled: bool
    interfaces: str | None = None


def image_family(ami_type: str) -> ImageFamily:
    """Family of an EKS AMI type, which decides how network interfaces are called."""
    if ami_type.startswith("BOTTLEROCKET"):
        return "bottlerocket"
    return "al2023" if ami_type.startswith("AL2023") else "al2"


def interface_pattern(family: ImageFamily) -> str:
    """Pattern that matches every interface of a node of that family."""
    return _INTERFACES[family]


def decide(
    kinds: Collection[SubnetKind],
    families: Collection[ImageFamily],
    *,
    wanted: bool | None = None,
    interfaces: str | None = None,
) -> Masquerade:
    """Masquerading for nodes in those kinds of subnets; `wanted` and `interfaces` override what is derived.

    Raises ValueError when the families need different patterns: Cilium has one list for the whole cluster.
    """
    enabled = "public" in kinds if wanted is None else wanted
    if not enabled:
        return Masquerade(enabled=False)
    patterns = {interface_pattern(family) for family in families}
    if interfaces is None and len(patterns) != 1:
        raise ValueError(f"no single interface pattern fits the image families {sorted(families)}")
    return Masquerade(enabled=True, interfaces=interfaces or patterns.pop())
