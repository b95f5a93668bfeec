"""What several checks ask of members, and the values of `connection.type`."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eks_cilium.mesh.model import Agents, Member

PEERING, TRANSIT = "peering", "transit-gateway"


def with_agents(members: Sequence[Member]) -> list[tuple[Member, Agents]]:
    """The members that run Cilium, each with its configuration."""
    return [(member, member.agents) for member in members if member.agents is not None]


def network_of(text: str) -> ipaddress.IPv4Network | None:
    """The network; None where the text is none, but the id of a prefix list, for example."""
    try:
        return ipaddress.IPv4Network(text)
    except ValueError:
        return None
