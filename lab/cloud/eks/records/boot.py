"""What the user data of a node with an image of its own says, as `nodegroups.custom_image` read it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lab.cloud.running_clusters import Taint


@dataclass(frozen=True)
class Boot:
    """The cluster and kubelet's settings in the user data; empty where it does not name them."""

    cluster: str = ""
    endpoint: str = ""
    authority: str = ""
    taints: tuple[Taint, ...] = ()
    max_pods: int | None = None

    def joins(self, cluster: str, endpoint: str | None, authority: str | None) -> bool:
        """Return whether a node finds the cluster, and trusts it."""
        return (self.cluster, self.endpoint, self.authority) == (cluster, endpoint, authority)
