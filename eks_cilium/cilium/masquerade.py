"""Whether pods' egress is masqueraded in ENI mode, and on which interfaces.

Pods have addresses of the VPC. Behind a NAT gateway they need no masquerading, and it would hide them from
peers and security groups. In a public subnet the internet gateway translates only addresses it knows, which
are those of nodes, so there packets of pods need their node's address. The stacks call it; settings check the
interfaces by it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Collection

SubnetKind = Literal["private", "public"]
ImageFamily = Literal["al2023", "al2", "bottlerocket"]

# Only iptables masquerading reads the list of interfaces (cilium/cilium#26950), and a pattern that matches no
# interface disables masquerading silently (cilium/cilium#39515). AL2023 names interfaces ens5, ens6 ...; AL2
# and Bottlerocket, which boots with net.ifnames=0 (bottlerocket-os/bottlerocket#1981), name them eth0, eth1
# ... On bare-metal instances AL2023 may find no hot-plug slot to name an interface by, and systemd takes
# its place on the bus: enp125s0 (systemd.net-naming-scheme, "Naming"; amazonlinux/amazon-linux-2023#111).
_INTERFACES: dict[ImageFamily, str] = {"al2023": "ens+", "al2": "eth+", "bottlerocket": "eth+"}


@dataclass(frozen=True)
class Masquerade:
    """The decision for a cluster; `interfaces` is a pattern such as `ens+`, None where it is disabled."""

    enabled: bool
    interfaces: str | None = None


def image_family(ami_type: str) -> ImageFamily:
    """The family of an EKS AMI type, which decides the names of network interfaces."""
    if ami_type.startswith("BOTTLEROCKET"):
        return "bottlerocket"
    return "al2023" if ami_type.startswith("AL2023") else "al2"


_ON_METAL: dict[ImageFamily, str] = {**_INTERFACES, "al2023": "en+"}


def interface_pattern(family: ImageFamily, *, metal: bool = False) -> str:
    """The pattern that matches every interface of a node with an image of that family.

    `metal` says whether there are bare-metal instances among the nodes.
    """
    return (_ON_METAL if metal else _INTERFACES)[family]


def decide(
    kinds: Collection[SubnetKind],
    families: Collection[ImageFamily],
    *,
    wanted: bool | None = None,
    interfaces: str | None = None,
    metal: bool = False,
) -> Masquerade:
    """Masquerading for nodes in subnets of those kinds, with images of those families.

    `wanted` and `interfaces` override what is derived; `metal` as in `interface_pattern`. Raises ValueError
    when the families need different patterns, since Cilium has one list for the whole cluster.
    """
    enabled = "public" in kinds if wanted is None else wanted
    if not enabled:
        return Masquerade(enabled=False)
    patterns = {interface_pattern(family, metal=metal) for family in families}
    if interfaces is None and len(patterns) != 1:
        raise ValueError(f"no single interface pattern fits the image families {sorted(families)}")
    return Masquerade(enabled=True, interfaces=interfaces or patterns.pop())
