"""Instance refreshes: every instance that existed at the start is replaced, a few at a time.

Deliberately simple: instances are replaced within the share that must stay healthy, without checkpoints and
rollback. Preferences that need more are refused.
"""

from __future__ import annotations

import math
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lab.cloud.autoscaling.errors import (
    ActiveInstanceRefreshNotFoundError,
    InstanceRefreshInProgressError,
    ValidationError,
)
from lab.cloud.autoscaling.fleet import LaunchFailedError
from lab.cloud.autoscaling.model import IN_SERVICE

if TYPE_CHECKING:
    from lab.cloud.autoscaling.fleet import Fleet
    from lab.cloud.autoscaling.lifecycle import Lifecycle
    from lab.cloud.autoscaling.model import Group, Member
    from lab.cloud.schedule import Schedule

_PLAYED = {"MinHealthyPercentage", "InstanceWarmup", "SkipMatching", "ScaleInProtectedInstances"}
_OPEN = ("Pending", "InProgress", "Cancelling")


@dataclass
class Refresh:
    """One refresh of one group."""

    id: str
    group: str
    start: float
    to_replace: set[str]
    total: int
    preferences: dict[str, Any] = field(default_factory=dict)
    status: str = "InProgress"
    reason: str | None = None
    end: float | None = None

    @property
    def percentage(self) -> int:
        """Return how much of the work is done, in percent."""
        return 100 if not self.total else 100 * (self.total - len(self.to_replace)) // self.total


class Refreshes:
    """The refreshes of every group of a region, the newest last."""

    def __init__(self, life: Lifecycle, fleet: Fleet, schedule: Schedule) -> None:
        self._life = life
        self._fleet = fleet
        self._schedule = schedule
        self._all: list[Refresh] = []

    def start(self, group: Group, preferences: dict[str, Any]) -> Refresh:
        """Start to replace the instances of a group."""
        if unknown := sorted(set(preferences) - _PLAYED):
            message = f"instance refresh preference {unknown[0]} has not been implemented in this cloud"
            raise NotImplementedError(message)
        if self.open(group.name):
            message = "An Instance Refresh is already in progress and blocks the execution of this"
            raise InstanceRefreshInProgressError(f"{message} Instance Refresh.")
        old = {member.id for member in group.active if self._must_go(group, member, preferences)}
        refresh = Refresh(str(uuid.uuid4()), group.name, self._schedule.clock(), old, len(old), preferences)
        self._all.append(refresh)
        return refresh

    def cancel(self, group: Group) -> Refresh:
        """Stop after the replacements in progress; nothing is rolled back."""
        refresh = self.open(group.name)
        if refresh is None:
            message = f"No in progress or pending Instance Refresh found for Auto Scaling group {group.name}"
            raise ActiveInstanceRefreshNotFoundError(message)
        refresh.status, refresh.reason = "Cancelling", "Cancelled due to user request."
        return refresh

    def of(self, group: str) -> list[Refresh]:
        """Return the refreshes of a group, the newest first."""
        return [refresh for refresh in reversed(self._all) if refresh.group == group]

    def open(self, group: str) -> Refresh | None:
        """Return the refresh of a group that has not ended, or None."""
        return next((refresh for refresh in self.of(group) if refresh.status in _OPEN), None)

    def advance(self, group: Group) -> None:
        """Replace the next instances, if enough others are in service."""
        refresh = self.open(group.name)
        if refresh is None or not group.runs("InstanceRefresh"):
            return
        refresh.to_replace &= {member.id for member in group.members.values() if not member.ending}
        serving = [member for member in group.members.values() if member.state == IN_SERVICE]
        whole = len(serving) == group.desired and not any(member.ending for member in group.members.values())
        if refresh.status == "Cancelling" or not refresh.to_replace:
            if whole:
                self._end(refresh)
            return
        self._replace(group, refresh, serving)

    def _replace(self, group: Group, refresh: Refresh, serving: list[Member]) -> None:
        share = int(refresh.preferences.get("MinHealthyPercentage", 90))
        keep = min(math.ceil(group.desired * share / 100), max(group.desired - 1, 0))
        old = [member for member in serving if member.id in refresh.to_replace]
        for member in old[: max(len(serving) - keep, 0)]:
            what = "an instance was taken out of service in response to an instance refresh"
            self._life.terminate(group, member, f"At {self._life.stamp()} {what}.")

    def _must_go(self, group: Group, member: Member, preferences: dict[str, Any]) -> bool:
        protected = preferences.get("ScaleInProtectedInstances", "Wait")
        if member.protected and protected == "Wait":
            message = f"Instance {member.id} is protected from scale in and the refresh would wait for it."
            raise ValidationError(message)
        if member.protected and protected == "Ignore":
            return False
        return not (preferences.get("SkipMatching") and member.template == self._meant(group))

    def _meant(self, group: Group) -> Any:
        try:
            return self._fleet.resolve(group.template)
        except LaunchFailedError as error:
            raise ValidationError(str(error)) from error

    def _end(self, refresh: Refresh) -> None:
        refresh.status = "Cancelled" if refresh.status == "Cancelling" else "Successful"
        refresh.end = self._schedule.clock()
