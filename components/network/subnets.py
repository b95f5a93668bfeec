"""How the networks of a VPC are divided into subnets; `Network` uses it.

Pods get addresses of the private subnets, so each of these is a quarter of the VPC; or of subnets of their
own, each a quarter of a second network. Public subnets hold load
balancers, NAT gateways and at most some nodes, and share the last quarter. `eks_cilium.settings` refuses a
VPC that is too small.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class SubnetPlan:
    """The networks of the two subnets of an availability zone."""

    zone: str
    """The availability zone."""
    private: str
    """Network of the private subnet."""
    public: str
    """Network of the public subnet."""


def plan_subnets(cidr: str, zones: Sequence[str]) -> list[SubnetPlan]:
    """A private and a public subnet for each of up to three zones. `cidr` is the network of the VPC."""
    quarters = list(ipaddress.IPv4Network(cidr).subnets(prefixlen_diff=2))
    public = list(quarters[3].subnets(prefixlen_diff=2))
    return [
        SubnetPlan(zone=zone, private=str(quarters[index]), public=str(public[index]))
        for index, zone in enumerate(zones)
    ]


def plan_pod_subnets(cidr: str, zones: Sequence[str]) -> dict[str, str]:
    """The network of the pod subnet of each of up to three zones. `cidr` is the network for pods."""
    quarters = ipaddress.IPv4Network(cidr).subnets(prefixlen_diff=2)
    return {zone: str(quarter) for zone, quarter in zip(zones, quarters, strict=False)}
