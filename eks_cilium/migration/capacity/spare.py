"""Spare capacity before a cordon: a node is cordoned only while enough other nodes can take its pods.

Only Ready nodes count. A node that has not been Ready for long took its pods' capacity away before, so that
is not asked for again.

Called by the rotation of each node, under the lock of the node's group.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eks_cilium.cluster.objects import is_cordoned
from eks_cilium.migration.agents.cni_gate import CniGate
from eks_cilium.migration.capacity import autoscaler, dead, groups, resizing, stopped
from eks_cilium.migration.capacity.stopped import GroupStoppedError
from eks_cilium.runtime.errors import StoppedError
from eks_cilium.runtime.fleet import SOON
from eks_cilium.troubleshooting import Topic

if TYPE_CHECKING:
    from eks_cilium.clients.autoscaling import Member
    from eks_cilium.migration.capacity.groups import GroupProgress
    from eks_cilium.migration.inventory.model import Outgoing
    from eks_cilium.migration.run import MigrationRun
    from eks_cilium.runtime.errors import TimedOutError


def missing(run: MigrationRun, node: Outgoing, gate: CniGate) -> str:
    """What is missing before the node may be cordoned, in one sentence; empty when it may be.

    Raises StoppedError where the group would go below its minimum, and GroupStoppedError once the group was
    given up.
    """
    if why := stopped.reason(run.world, node.group):
        raise GroupStoppedError(node.group, why)
    max_age = groups.age_for(run, node.group, gate)
    sentence = _missing(run, node, gate, max_age)
    # What would be enough is read again, where it may have changed since.
    return sentence or (_missing(run, node, gate, SOON) if max_age > SOON else "")


def _missing(run: MigrationRun, node: Outgoing, gate: CniGate, max_age: float) -> str:
    now = groups.progress(run, node.group, max_age)
    _refuse_below_minimum(now)
    if not dead.is_ready(gate.nodes.get(node.instance)):
        return ""  # it serves no pods that its cordon could take away
    return _too_few(run, node, now, gate)


def add_where_none_suits(run: MigrationRun, node: Outgoing, gate: CniGate) -> bool:
    """Add one node to the group of a node whose pods no other node suits; whether that was done.

    Auto Scaling launches in the zone with the fewest instances, so a zone gets the node that it lacked while
    it had no capacity. Only when nothing else is on its way: every member serves, and no other old node of
    the group is being replaced. `rotation.restore` removes what is too much in the end.
    """
    now = groups.progress(run, node.group)
    _, in_work = _others(node, now, gate)
    if in_work or len(now.old) + len(now.new) < now.state.desired or any(map(gate.not_serving, now.new)):
        return False
    run.report(f"{node.group}: one more node, since no node suits the pods of {node.name}")
    resizing.grow(run, now.before, 1)
    return True


def give_up_if_it_cannot_grow(run: MigrationRun, node: Outgoing, error: TimedOutError) -> None:
    """Give up the group of a node for which no capacity came, and raise GroupStoppedError.

    Returns where instances are there, and something else is missing on them.
    """
    with run.world.lock(node.group):
        now, gate = groups.progress(run, node.group), CniGate(run.world, run.options.target)
        if not stopped.cannot_grow(now, gate):
            return
        is_first = stopped.mark(run, now, error.missing)
    if is_first:
        stopped.give_up(run, node.group, error.missing)
    raise GroupStoppedError(node.group, error.missing) from error


def _too_few(run: MigrationRun, node: Outgoing, now: GroupProgress, gate: CniGate) -> str:
    staying, cordoned = _others(node, now, gate)
    silent = [member for member in staying if not dead.is_ready(gate.nodes.get(member.instance))]
    lost = sum(dead.is_long_silent(run, gate.nodes.get(member.instance)) for member in silent)
    needed = now.floor(len(cordoned)) - lost - (len(staying) - len(silent))
    ready = [member for member in now.new if not gate.not_serving(member)]
    autoscaler.keep(run.world, (gate.nodes[member.instance] for member in ready))
    if len(ready) >= needed:
        return ""
    dead.replace_old(run, node.group, silent, gate)
    dead.replace_new(run, node.group, now.new, gate)
    waiting = [sentence for member in now.new if (sentence := gate.not_serving(member))]
    waiting += [f"instance {member.instance} to be replaced is not Ready" for member in silent]
    why = waiting[0] if waiting else groups.why_instances_are_missing(run.world, now, len(cordoned))
    return f"group {node.group}: {len(ready)} of {needed} new nodes are ready; {why}"


def _others(node: Outgoing, now: GroupProgress, gate: CniGate) -> tuple[list[Member], list[Member]]:
    """The other old nodes of the group: those that serve pods, and those that are being replaced."""
    others = [member for member in now.old if member.instance != node.instance]
    cordoned = [member for member in others if _is_being_replaced(member.instance, now, gate)]
    return [member for member in others if member not in cordoned], cordoned


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
            Topic.BELOW_MINIMUM,
            f"the Auto Scaling group {now.state.name} would go below its minimum: desired "
            f"{now.state.desired} - 1 < {now.state.minimum}",
            "Lower its minimum, or use `migration.capacity: surge`, or name the group in "
            "`migration.allow.lowerMinimum`.",
        )
