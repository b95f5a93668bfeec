"""How many nodes a new cluster may have at most, for networks of which each node takes a part.

Rules about pools ask, of an overlay and of agents that are chained to the VPC CNI.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eks_cilium.settings.model import NewClusterBaseSettings, NodeGroup

_MOST_ZONES = 3


def most_nodes(settings: NewClusterBaseSettings) -> int:
    """The largest sizes of all groups, with the nodes that EKS adds while it updates each of them."""
    zones = _zones(settings)
    return sum(group.max_size + _added(group, zones) for group in settings.node_groups.values())


def _added(group: NodeGroup, zones: int) -> int:
    """The nodes by which EKS exceeds a group's largest size during an update.

    docs.aws.amazon.com/eks/latest/userguide/managed-node-update-behavior.html, "Scale up phase": twice the
    number of zones, or `maxUnavailable` where that is more.
    """
    return max(2 * zones, group.most_unavailable)


def _zones(settings: NewClusterBaseSettings) -> int:
    """The zones of a new VPC; where they are those of existing subnets, as many as EKS uses at most here."""
    zones = settings.network.zones
    if settings.network.vpc_id is not None:
        return _MOST_ZONES
    return zones if isinstance(zones, int) else len(zones)
