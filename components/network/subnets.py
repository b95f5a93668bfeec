"""How the network of a VPC is cut into subnets.

Pods take their addresses from the private subnets, so these get a quarter of the VPC each; the public ones
hold load balancers, NAT gateways and at most some nodes, and share the last quarter. `settings` refuses
what does not fit.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class SubnetPlan:
    """The two subnets of one availability zone."""

    zone: str
    private: str
    public: str


def plan_subnets(cidr: str, zones: Sequence[str]) -> list[SubnetPlan]:
    """A private and a public subnet for up to three zones."""
    quarters = list(ipaddress.IPv4Network(cidr).subnets(prefixlen_diff=2))
    public = list(quarters[3].subnets(prefixlen_diff=2))
    return [
        SubnetPlan(zone=zone, private=str(quarters[index]), public=str(public[index]))
        for index, zone in enumerate(zones)
    ]
