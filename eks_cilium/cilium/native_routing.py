"""The network inside which pods keep their addresses while masquerading is on: `ipv4NativeRoutingCIDR`.

Cilium takes a single network. Without one it takes the first network of the VPC only, so that packets to the
others leave with the node's address (cilium/cilium#39343). `stacks/cilium_eni.py` decides by it, settings
and the checks of a mesh explain by it.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_PRIVATE = tuple(
    map(ipaddress.IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"))
)
"""RFC 1918 and RFC 6598. A wider network would keep pods' addresses on packets to the internet as well, where
an internet gateway drops them."""

WIDEST = 8
"""The shortest prefix that is accepted."""


def holding(cidrs: Iterable[str]) -> str | None:
    """The smallest private network that holds all of these; None where none does."""
    networks = [ipaddress.IPv4Network(cidr) for cidr in cidrs]
    for private in _PRIVATE:
        if networks and all(network.subnet_of(private) for network in networks):
            found = networks[0]
            while not all(network.subnet_of(found) for network in networks):
                found = found.supernet()
            return str(found)
    return None


def default_network(cidrs: Sequence[str]) -> str:
    """The network for a VPC with these networks, its first one first: one that holds all, or the first."""
    return holding(cidrs) or cidrs[0]


def network_of_pods(cidrs: Sequence[str], pods: Sequence[str]) -> str:
    """The network where pods have networks of their own in the VPC: one that holds all, or the pods'.

    Pods have to keep their addresses among themselves. Agents of 1.15 and later take a network that holds any
    of the VPC's (`autoDetectIPv4NativeRoutingCIDR` in pkg/ipam/crd.go of cilium/cilium).
    """
    return holding([*cidrs, *pods]) or holding(pods) or pods[0]


def outside(native: str, cidrs: Iterable[str]) -> list[str]:
    """Networks to which pods' packets leave with their node's address."""
    network = ipaddress.IPv4Network(native)
    return [cidr for cidr in cidrs if not ipaddress.IPv4Network(cidr).subnet_of(network)]
