"""The availability zones of a new VPC: found where the configuration gives their number, else checked."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws

if TYPE_CHECKING:
    from collections.abc import Sequence

WITHOUT_CONTROL_PLANES = frozenset({"use1-az3", "usw1-az2", "cac1-az3"})
"""Ids of the zones in which EKS takes no subnet of a cluster.

docs.aws.amazon.com/eks/latest/userguide/network-reqs.html, "Subnet requirements for clusters". Their names
differ from account to account: use1-az3 is us-east-1e in many (pulumi/pulumi-eks#1401, eksctl-io/eksctl#817).
"""


# docs.aws.amazon.com/local-zones/latest/ug/available-local-zones.html, such as usw2-lax1-az1; and
# docs.aws.amazon.com/wavelength/latest/developerguide/available-wavelength-zones.html, as use1-wl1-bos-wlz1.
_EDGE = re.compile(r"^[a-z]+\d+-([a-z]{3,4}\d+-az\d+|wl\d.*)$")


def is_edge(zone_id: str) -> bool:
    """Whether the id is that of a Local Zone or a Wavelength Zone, not of an availability zone."""
    return _EDGE.match(zone_id) is not None


def zones_of(wanted: int | Sequence[str], provider: aws.Provider) -> list[str]:
    """The zones of a new VPC by name: the first of the region that EKS takes, or those that are given.

    Zones that an account has to opt in to are left out: they are Local Zones and Wavelength Zones. Raises
    `pulumi.RunError` where the region has too few zones, or EKS does not take one of those given.
    """
    found = aws.get_availability_zones(
        state="available",
        filters=[{"name": "opt-in-status", "values": ["opt-in-not-required"]}],
        opts=pulumi.InvokeOptions(provider=provider),
    )
    ids = dict(zip(found.names, found.zone_ids, strict=False))
    usable = sorted(name for name in found.names if ids.get(name) not in WITHOUT_CONTROL_PLANES)
    if isinstance(wanted, int):
        if len(usable) < wanted:
            raise pulumi.RunError(
                f"the region has {len(usable)} availability zones for EKS, network.zones wants {wanted}"
            )
        return usable[:wanted]
    unusable = [name for name in wanted if name not in usable]
    if unusable:
        shown = ", ".join(f"{name} ({ids[name]})" if name in ids else name for name in unusable)
        raise pulumi.RunError(
            f"EKS takes no subnets in {shown}; zones that can be listed in network.zones: {', '.join(usable)}"
        )
    return list(wanted)
