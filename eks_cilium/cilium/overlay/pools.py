"""Plans the networks of pods' addresses in an overlay: how many nodes and pods they suffice for.

Settings refuse networks by it, and propose others; `stacks/cilium_overlay.py` shows the numbers in a preview.
A pool can only be extended later, and the part of a node never changes its size (page "Cluster Scope" of
Cilium's documentation, "Expanding the cluster pool"), so both are checked against all that may come.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

DEFAULT_MASK_SIZE = 24
"""The chart's default: 251 addresses for the pods of a node, and kubelet takes 250 at most on EKS."""

# pkg/ipam/service/ipallocator: the first and the last address of a node's part are never assigned. The agent
# takes addresses for its router, its health endpoint, and for ingress where Envoy's configuration is on.
_NOT_FOR_PODS = 2 + 3

# RFC 1918, RFC 6598, RFC 2544. So the pool has no address of the internet or of multicast, and none of the
# links' own, 169.254.0.0/16: the instance metadata, AWS's DNS and clock, EKS Pod Identity, and 169.254.42.1,
# with which Cilium serves a pod that calls itself through a Service (`ipv4-service-loopback-address`).
_PRIVATE = tuple(
    map(
        ipaddress.IPv4Network,
        ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "198.18.0.0/15"),
    )
)
PRIVATE = ", ".join(map(str, _PRIVATE))
"""The networks in which a pool may be, for messages."""


@dataclass(frozen=True)
class PodNetwork:
    """The pool of a cluster: its networks, and the prefix length of each node's part."""

    cidrs: tuple[str, ...]
    mask_size: int

    @property
    def nodes(self) -> int:
        """How many nodes get a part."""
        return sum(map(self.nodes_in, self.cidrs))

    def nodes_in(self, cidr: str) -> int:
        """How many nodes get a part of one of the networks; 0 where it is smaller than a part."""
        bits = self.mask_size - ipaddress.IPv4Network(cidr).prefixlen
        return 1 << bits if bits >= 0 else 0

    @property
    def pods_of_a_node(self) -> int:
        """How many pods of a node get an address; those on the host network need none."""
        return pods_in(self.mask_size)


def pods_in(mask_size: int) -> int:
    """How many pods of a node a part of this prefix length has addresses for."""
    return (1 << (32 - mask_size)) - _NOT_FOR_PODS


def mask_size_for(pods: int) -> int:
    """The prefix length of the smallest part with addresses for so many pods."""
    return next(size for size in range(30, 0, -1) if pods_in(size) >= pods)


def is_private(cidr: str) -> bool:
    """Whether a pool may be there."""
    return any(ipaddress.IPv4Network(cidr).subnet_of(network) for network in _PRIVATE)


def shared(cidr: str, networks: Iterable[tuple[str, str]]) -> Iterator[str]:
    """The networks, each a name and a CIDR, that share addresses with a pool; as text for a message."""
    own = ipaddress.IPv4Network(cidr)
    return (f"{name} {other}" for name, other in networks if own.overlaps(ipaddress.IPv4Network(other)))


def proposal(nodes: int, mask_size: int, taken: Sequence[str]) -> str:
    """A network with room for twice as many nodes, that shares no address with `taken`.

    Where no private network is left the last one is proposed nevertheless, so that a message has an example.
    """
    prefix = max(mask_size - (2 * max(nodes, 1) - 1).bit_length(), 10)
    others = list(map(ipaddress.IPv4Network, taken))
    candidates = (
        subnet
        for network in _PRIVATE
        if network.prefixlen <= prefix
        for subnet in network.subnets(new_prefix=prefix)
    )
    free = (subnet for subnet in candidates if not any(map(subnet.overlaps, others)))
    return str(next(free, _PRIVATE[-1]))
