"""What a drained node waits for before its instance is terminated, in this order.

The successors of its pods have nodes: until then it can still be uncordoned. Then load balancers have stopped
sending to it, and the volumes of the pods that moved are detached. Called by the rotation of each node.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eks_cilium.migration.rotation import load_balancers, pending, volumes

if TYPE_CHECKING:
    from eks_cilium.migration.inventory.model import Outgoing
    from eks_cilium.migration.run import MigrationRun


def await_released(run: MigrationRun, node: Outgoing, *, cordoned: float) -> None:
    """Wait until nothing depends on the node any more. Raises TimedOutError for pods without a node."""
    pending.await_successors(run, node)
    load_balancers.await_stopped(run, node, cordoned=cordoned)
    volumes.await_detached(run, node)
