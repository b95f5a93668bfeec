"""Packets that are too big for the path between two clusters.

`stacks/mesh.py` warns by it. Inside a VPC packets have up to 9001 bytes, over a Transit Gateway or a peering
between regions 8500 (EC2 user guide, "Network maximum transmission unit"; Transit Gateway quotas). Senders of
plain packets learn that by ICMP, which the mesh opens; WireGuard's outer packets are UDP of the kernel, whose
size nothing lowers, so that they are lost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eks_cilium.mesh.checks.members import TRANSIT, with_agents
from eks_cilium.mesh.routes import both_ways

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eks_cilium.mesh.model import Member, Wanted

MOST_BETWEEN_REGIONS = 8500


def warnings(members: Sequence[Member], wanted: Wanted) -> list[str]:
    """One sentence for each cluster whose encrypted packets may be too big, with what to do."""
    return [
        f"cluster {member.name}: encrypted packets of more than {MOST_BETWEEN_REGIONS} bytes to "
        f"{', '.join(far)} are lost on the way (a Transit Gateway, or a peering between regions). Set "
        f"cilium.values.MTU to {MOST_BETWEEN_REGIONS} in its own stack; running pods get it when they restart"
        for member, agents in with_agents(members)
        if agents.wireguard and not 0 < agents.mtu <= MOST_BETWEEN_REGIONS
        if (
            far := [
                there.name
                for here, there in both_ways(members)
                if here is member and _is_far(here, there, wanted)
            ]
        )
    ]


def _is_far(here: Member, there: Member, wanted: Wanted) -> bool:
    return wanted.type == TRANSIT or here.region != there.region
