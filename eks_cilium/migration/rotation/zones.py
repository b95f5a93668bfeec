"""Evens out the zones of a group before AZRebalance is resumed, which would do it without a drain.

A zone may have no capacity, or no subnet of the group. Then the zones stay uneven: AZRebalance is resumed as
it was and named in a warning. It launches before it terminates, so it waits for capacity as well
(docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-availability-zone-balanced.html).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eks_cilium.migration.agents.cni_gate import CniGate
from eks_cilium.migration.capacity import resizing
from eks_cilium.migration.rotation import surplus
from eks_cilium.runtime.errors import TimedOutError
from eks_cilium.runtime.fleet import SOON

if TYPE_CHECKING:
    from eks_cilium.clients.autoscaling import GroupState, Member
    from eks_cilium.migration.inventory.model import GroupBefore
    from eks_cilium.migration.run import MigrationRun

_MOST_MOVES = 20


def even_out(run: MigrationRun, before: GroupBefore) -> None:
    """Replace nodes in other zones until AZRebalance has nothing to do, or until a launch goes elsewhere."""
    for _ in range(_MOST_MOVES):
        state = run.world.groups.group(before.name)
        if not state.is_uneven:
            return
        run.report(f"{before.name}: its zones are uneven, so one node is replaced in another zone")
        if not _move_one(run, before, state):
            _warn(run, before)
            return


def _move_one(run: MigrationRun, before: GroupBefore, state: GroupState) -> bool:
    """Launch one node, and remove one of the fullest zone where that helps; returns whether it did."""
    resizing.grow(run, before, 1)
    launched = _await_launch(run, before, state)
    if launched is None:
        return False
    fewest = min(state.population.values())
    if state.population[launched.zone] > fewest:
        surplus.remove_member(run, before, launched, CniGate(run.world, run.options.target))
        return False
    surplus.await_members(run, before)
    surplus.remove(run, before, run.world.groups.group(before.name))
    surplus.await_members(run, before)
    return True


def _await_launch(run: MigrationRun, before: GroupBefore, state: GroupState) -> Member | None:
    """The instance that was launched since `state`; None, and nothing is added, where none comes."""
    known = {member.instance for member in state.members}
    launched: list[Member] = []

    def missing() -> str:
        now = run.world.group_seen(before.name, SOON)
        launched[:] = [each for each in now.members if each.counts and each.instance not in known]
        return "" if launched else f"group {before.name} has not launched an instance yet"

    seconds = run.options.replacement_timeout_seconds
    try:
        run.wait(missing, waited_for=f"another instance of {before.name}", seconds=seconds)
    except TimedOutError:
        resizing.cancel(run, before)
        return None
    return min(launched, key=lambda member: state.population[member.zone])


def _warn(run: MigrationRun, before: GroupBefore) -> None:
    state = run.world.groups.group(before.name)
    spread = ", ".join(f"{zone} {count}" for zone, count in sorted(state.population.items()))
    run.report(
        f"warning: the zones of {before.name} stay uneven ({spread}): new instances do not start in the "
        "emptiest. Its process AZRebalance is resumed as it was, and moves instances by itself once that "
        "zone has capacity; suspend it where that must not happen"
    )
    run.world.note("zones-uneven", group=before.name, zones=dict(state.population))
