"""Spare capacity before a cordon: a node is cordoned only while enough other nodes can take its pods.

Called by the rotation of each node, under the lock of the node's group.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eks_cilium.cluster.objects import is_cordoned
from eks_cilium.migration.agents.cni_gate import CniGate
from eks_cilium.migration.capacity import autoscaler, groups
from eks_cilium.runtime.errors import StoppedError

if TYPE_CHECKING:
    from eks_cilium.migration.capacity.groups import GroupProgress
    from eks_cilium.migration.inventory.model import Outgoing
    from eks_cilium.migration.run import MigrationRun


def missing(run: MigrationRun, node: Outgoing) -> str:
    """What is missing before the node may be cordoned, in one sentence; empty when it may be.

    Raises StoppedError where the group would go below its minimum.
    """
    now = groups.progress(run, node.group)
    _refuse_below_minimum(now)
    gate = CniGate(run.world, run.options.target)
    others = [member for member in now.old if member.instance != node.instance]
    cordoned = sum(_is_being_replaced(member.instance, now, gate) for member in others)
    needed = now.floor(cordoned) - (len(others) - cordoned)
    ready = [member for member in now.new if not gate.not_serving(member)]
    autoscaler.keep(run.world, (gate.nodes[member.instance] for member in ready))
    if len(ready) >= needed:
        return ""
    waiting = [sentence for member in now.new if (sentence := gate.not_serving(member))]
    why = waiting[0] if waiting else groups.why_instances_are_missing(run.world, now, cordoned)
    return f"group {node.group}: {len(ready)} of {needed} new nodes are ready; {why}"


def _is_being_replaced(instance: str, now: GroupProgress, gate: CniGate) -> bool:
    """Whether another old node serves no pods because of this migration.

    A node that the user had cordoned before takes no capacity away when it is replaced.
    """
    node = gate.nodes.get(instance)
    cordoned_before = {outgoing.instance for outgoing in now.outgoing if outgoing.cordoned}
    return node is not None and is_cordoned(node) and instance not in cordoned_before


def _refuse_below_minimum(now: GroupProgress) -> None:
    if now.shrinks and now.state.desired - 1 < now.state.minimum:
        raise StoppedError(
            f"the Auto Scaling group {now.state.name} would go below its minimum: desired "
            f"{now.state.desired} - 1 < {now.state.minimum}",
            "Lower its minimum, or use `migration.capacity: surge`, or name the group in "
            "`migration.allow.lowerMinimum`.",
        )
