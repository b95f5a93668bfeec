"""Keep a group at its desired size and its zones balanced.

Level-triggered: `reconcile` compares a group with its desired state and does the next step. It is called
after every change and periodically. A suspended process does nothing, as on AWS.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.cloud.autoscaling.balance import (
    full_zones,
    is_stable,
    is_unbalanced,
    next_subnet,
    next_to_terminate,
)
from lab.cloud.autoscaling.fleet import LaunchFailedError
from lab.cloud.autoscaling.model import IN_SERVICE, STARTING_STATES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.cloud.autoscaling.lifecycle import Lifecycle
    from lab.cloud.autoscaling.model import Group, Member
    from lab.cloud.schedule import Schedule
    from lab.cloud.timing import Timing

_LONGEST_PAUSE = 60.0
# No other call is served while instances launch, so that a large group launches in several rounds.
_LAUNCHES_AT_ONCE = 25


class Capacity:
    """Keeps every group at its size."""

    def __init__(self, life: Lifecycle, schedule: Schedule, timing: Timing) -> None:
        self._life = life
        self._schedule = schedule
        self._timing = timing

    def reconcile(self, group: Group) -> None:
        """Do the next step that the group needs."""
        self._life.expire(group)
        if group.deleting:
            return
        self._notice_the_dead(group)
        self._replace_unhealthy(group)
        self._launch_missing(group)
        self._remove_surplus(group)
        self._even_out(group)

    def _notice_the_dead(self, group: Group) -> None:
        if group.runs("HealthCheck"):
            for member in group.members.values():
                if member.state == IN_SERVICE and self._life.is_dead(member):
                    member.healthy = False

    def _replace_unhealthy(self, group: Group) -> None:
        if not (group.runs("ReplaceUnhealthy") and group.runs("Terminate")):
            return
        for member in [m for m in group.members.values() if m.state == IN_SERVICE and not m.healthy]:
            why = "taken out of service in response to an EC2 health check indicating it has been terminated"
            self._life.terminate(group, member, f"At {self._life.stamp()} an instance was {why} or stopped.")

    def _launch_missing(self, group: Group) -> None:
        if not group.runs("Launch") or self._schedule.clock() < group.launch_again_at:
            return
        have = len(group.active)
        if have < group.desired:
            what = "an instance was started in response to a difference between desired and actual capacity"
            change = f"increasing the capacity from {have} to {group.desired}"
            cause = f"{group.last_change}At {self._life.stamp()} {what}, {change}."
            for _ in range(min(group.desired - have, _LAUNCHES_AT_ONCE)):
                if self._launch_one(group, cause) is None:
                    break

    def _launch_one(self, group: Group, cause: str, avoid: Sequence[str] = ()) -> Member | None:
        """Launch an instance in the emptiest zone that has capacity; if none has, wait longer each time."""
        avoid = list(avoid)
        while (subnet := next_subnet(group, avoid)) is not None:
            try:
                member = self._life.launch(group, subnet, cause)
            except LaunchFailedError:
                avoid.append(subnet.zone)
            else:
                group.failures, group.launch_again_at = 0, 0.0
                return member
        group.failures += 1
        pause = min(self._timing.asg_poll * 2**group.failures, _LONGEST_PAUSE)
        group.launch_again_at = self._schedule.clock() + pause
        return None

    def _remove_surplus(self, group: Group) -> None:
        if not group.runs("Terminate"):
            return
        surplus = len(group.active) - group.desired - self._starting_for_balance(group)
        for _ in range(surplus):
            member = next_to_terminate(group)
            if member is None:
                return
            have = len(group.active)
            what = (
                "an instance was taken out of service in response to a difference between desired and actual"
            )
            change = f"desired and actual capacity, shrinking the capacity from {have} to {have - 1}"
            stamp = self._life.stamp()
            self._life.terminate(group, member, f"{group.last_change}At {stamp} {what} {change}.")

    @staticmethod
    def _starting_for_balance(group: Group) -> int:
        return sum(member.for_balance and member.state in STARTING_STATES for member in group.active)

    def _even_out(self, group: Group) -> None:
        """Launch an instance in the emptiest zone; once it is in service, the fullest zone loses one."""
        if not (group.runs("AZRebalance") and group.runs("Launch") and group.runs("Terminate")):
            return
        if not is_stable(group) or not is_unbalanced(group) or self._schedule.clock() < group.launch_again_at:
            return
        what = "instances were launched to balance instances in zones with other zones"
        cause = (
            f"At {self._life.stamp()} {what} resulting in more than desired number of instances in the group."
        )
        # An instance in another zone would not balance anything, and cost one in the fullest zone.
        if member := self._launch_one(group, cause, avoid=full_zones(group)):
            member.for_balance = True
