"""Packets that are too big for the path between two clusters.

`stacks/mesh.py` warns by it. Inside a VPC packets have up to 9001 bytes, over a Transit Gateway or a peering
between regions 8500 (EC2 user guide, "Network maximum transmission unit"; Transit Gateway quotas). Senders of
plain packets learn that by ICMP, which the mesh opens; the outer packets of WireGuard and of an overlay's
tunnels are UDP of the kernel, whose size nothing lowers, so that they are lost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eks_cilium.mesh.checks.members import TRANSIT, with_agents

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eks_cilium.mesh.model import Member, Wanted

MOST_BETWEEN_REGIONS = 8500


def warnings(members: Sequence[Member], wanted: Wanted) -> list[str]:
    """One sentence for each cluster whose outer packets may be too big, with what to do."""
    return [
        f"cluster {member.name}: {'encrypted' if agents.wireguard else 'tunnelled'} packets of more than "
        f"{MOST_BETWEEN_REGIONS} bytes to {', '.join(far)} are lost on the way (a Transit Gateway, or a "
        f"peering between regions). Set cilium.values.MTU to {MOST_BETWEEN_REGIONS} in its own stack; "
        "running pods get it when they restart"
        for member, agents in with_agents(members)
        if (agents.wireguard or agents.tunnel is not None) and not 0 < agents.mtu <= MOST_BETWEEN_REGIONS
        if (far := _far(member, members, wanted))
    ]


def _far(here: Member, members: Sequence[Member], wanted: Wanted) -> list[str]:
    """The clusters that are reached over a Transit Gateway, or over a peering between regions."""
    others = [member for member in members if member is not here]
    return [there.name for there in others if wanted.type == TRANSIT or there.region != here.region]
