"""How an instance enters and leaves a group: Pending to InService, Terminating to terminated, with hooks.

Every change is an activity. `capacity` decides how many instances a group has; this module does not.
"""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from lab.cloud.autoscaling.errors import ValidationError
from lab.cloud.autoscaling.fleet import LaunchFailedError, LaunchOrder, NotInFleetError
from lab.cloud.autoscaling.model import (
    DETACHING,
    ENDING,
    ENTERING_STANDBY,
    IN_SERVICE,
    LAUNCHING,
    PENDING,
    PENDING_PROCEED,
    PENDING_WAIT,
    STANDBY,
    TERMINATING,
    TERMINATING_PROCEED,
    TERMINATING_WAIT,
    Activity,
    Member,
    Wait,
)

if TYPE_CHECKING:
    from lab.cloud.autoscaling.fleet import Fleet
    from lab.cloud.autoscaling.model import Group, Hook, Subnet
    from lab.cloud.schedule import Schedule
    from lab.cloud.timing import Timing

GROUP_TAG = "aws:autoscaling:groupName"
_GONE = ("terminated", "")


class Lifecycle:
    """Launches, terminations and lifecycle actions of every group of a region."""

    def __init__(self, fleet: Fleet, schedule: Schedule, timing: Timing) -> None:
        self._fleet = fleet
        self._schedule = schedule
        self._timing = timing
        self.activities: list[Activity] = []

    # Entering

    def launch(self, group: Group, subnet: Subnet, cause: str) -> Member:
        """Launch an instance; raise LaunchFailedError after recording the failed activity."""
        activity = self._begin(group, "Launching a new EC2 instance", cause, subnet)
        try:
            template = self._fleet.resolve(group.template)
            wanted = group.instance_types[0] if group.instance_types else self._fleet.instance_type(template)
            tags = {key: tag.value for key, tag in group.tags.items() if tag.propagate}
            order = LaunchOrder(subnet, template, wanted or None, {**tags, GROUP_TAG: group.name})
            identifier = self._fleet.launch(order)
        except LaunchFailedError as error:
            self._finish(activity, "Failed", str(error))
            raise
        activity.description = f"Launching a new EC2 instance: {identifier}"
        kind = wanted or self._fleet.facts(identifier).instance_type
        now = self._schedule.clock()
        member = Member(
            identifier, subnet, kind, template, now, protected=group.protect_new, activity=activity
        )
        self._join(group, member)
        return member

    def adopt(self, group: Group, member: Member, cause: str) -> None:
        """Add a running instance to the group."""
        description = f"Attaching an existing EC2 instance: {member.id}"
        member.activity = self._begin(group, description, cause, member.subnet)
        self._join(group, member)

    def _join(self, group: Group, member: Member) -> None:
        group.members[member.id] = member
        self._schedule.after(self._timing.asg_launch, lambda: self._started(group, member))

    def _started(self, group: Group, member: Member) -> None:
        if member.state != PENDING or member.id not in group.members:
            return
        if self._state(member) == "pending":
            self._schedule.after(self._timing.asg_poll, lambda: self._started(group, member))
        elif self.is_dead(member):
            self.terminate(group, member, f"At {self.stamp()} an instance ended before it was in service.")
        elif not self._hold(group, member, LAUNCHING, PENDING_WAIT):
            self._enter(member)

    def _enter(self, member: Member) -> None:
        member.state = IN_SERVICE
        self._finish(member.activity, "Successful")

    # Leaving

    def terminate(self, group: Group, member: Member, cause: str) -> Activity:
        """Terminate an instance and remove it from the group, after its lifecycle hooks."""
        if member.ending and member.activity is not None:
            return member.activity
        self._finish(member.activity, "Cancelled")
        member.waits.clear()
        activity = self._begin(group, f"Terminating EC2 instance: {member.id}", cause, member.subnet)
        member.activity, member.state = activity, TERMINATING
        if not self._hold(group, member, ENDING, TERMINATING_WAIT):
            self._end(group, member)
        return activity

    def _end(self, group: Group, member: Member) -> None:
        self._fleet.terminate(member.id)
        self._schedule.after(self._timing.asg_terminating, lambda: self._gone(group, member))

    def _gone(self, group: Group, member: Member) -> None:
        if self._state(member) not in _GONE:
            self._schedule.after(self._timing.asg_poll, lambda: self._gone(group, member))
            return
        group.members.pop(member.id, None)
        self._finish(member.activity, "Successful")

    def forget_hooks(self, group: Group) -> None:
        """Complete every pending lifecycle action, as a forced delete does."""
        for member in list(group.members.values()):
            if member.waits:
                member.waits.clear()
                self._proceed(group, member, "CONTINUE")

    # Standby and detaching

    def detach(self, group: Group, member: Member, cause: str) -> Activity:
        """Remove an instance from the group without terminating it."""
        activity = self._begin(group, f"Detaching EC2 instance: {member.id}", cause, member.subnet)
        member.activity, member.state = activity, DETACHING
        self._schedule.after(self._timing.asg_terminating, lambda: self._detached(group, member))
        return activity

    def _detached(self, group: Group, member: Member) -> None:
        group.members.pop(member.id, None)
        self._fleet.untag(member.id, GROUP_TAG)
        self._finish(member.activity, "Successful")

    def stand_by(self, group: Group, member: Member, cause: str) -> Activity:
        """Move an instance to Standby: the group keeps it but does not count it."""
        activity = self._begin(group, f"Moving EC2 instance to Standby: {member.id}", cause, member.subnet)
        member.activity, member.state = activity, ENTERING_STANDBY
        self._schedule.after(self._timing.asg_launch, lambda: self._aside(member))
        return activity

    def _aside(self, member: Member) -> None:
        if member.state == ENTERING_STANDBY:
            member.state = STANDBY
            self._finish(member.activity, "Successful")

    def return_to_service(self, group: Group, member: Member, cause: str) -> Activity:
        """Move an instance out of Standby."""
        description = f"Moving EC2 instance out of Standby: {member.id}"
        activity = self._begin(group, description, cause, member.subnet)
        member.activity, member.state = activity, PENDING
        self._join(group, member)
        return activity

    # Hooks

    def complete(self, group: Group, member: Member, hook: str, token: str | None, result: str) -> None:
        """Complete a lifecycle action: continue, or abandon the instance."""
        member.waits.remove(self.wait_of(member, hook, token))
        if result == "ABANDON" or not member.waits:
            member.waits.clear()
            self._proceed(group, member, result)

    def heartbeat(self, member: Member, hook: str, token: str | None) -> None:
        """Extend the timeout of a lifecycle action."""
        wait = self.wait_of(member, hook, token)
        wait.expires = self._schedule.clock() + wait.hook.heartbeat

    def wait_of(self, member: Member, hook: str, token: str | None) -> Wait:
        """Return the pending lifecycle action; refuse a wrong token or hook."""
        for wait in member.waits:
            if wait.hook.name == hook and token in (None, wait.token):
                return wait
        named = f"instance ID {member.id}" if token is None else f"token {token}"
        raise ValidationError(f"No active Lifecycle Action found with {named}")

    def expire(self, group: Group) -> None:
        """Complete timed-out lifecycle actions with the default result of their hook."""
        now = self._schedule.clock()
        for member in list(group.members.values()):
            for wait in [wait for wait in member.waits if wait.expires <= now]:
                if wait in member.waits:
                    self.complete(group, member, wait.hook.name, wait.token, wait.hook.default_result)

    def _hold(self, group: Group, member: Member, transition: str, state: str) -> bool:
        hooks = [hook for hook in group.hooks.values() if hook.transition == transition]
        if hooks:
            member.state = state
            member.waits = [self._wait(hook) for hook in hooks]
        return bool(hooks)

    def _wait(self, hook: Hook) -> Wait:
        return Wait(hook, str(uuid.uuid4()), self._schedule.clock() + hook.heartbeat)

    def _proceed(self, group: Group, member: Member, result: str) -> None:
        if member.ending:
            member.state = TERMINATING_PROCEED
            self._end(group, member)
        elif result == "ABANDON":
            self.terminate(group, member, f"At {self.stamp()} the launch of an instance was abandoned.")
        else:
            member.state = PENDING_PROCEED
            self._schedule.after(0, lambda: self._leave_proceed(member))

    def _leave_proceed(self, member: Member) -> None:
        if member.state == PENDING_PROCEED:
            self._enter(member)

    # Activities

    def stamp(self) -> str:
        """Return the current time as AWS writes it in the cause of an activity."""
        return datetime.fromtimestamp(self._schedule.clock(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def _begin(self, group: Group, description: str, cause: str, subnet: Subnet) -> Activity:
        details = json.dumps({"Subnet ID": subnet.id, "Availability Zone": subnet.zone})
        start = self._schedule.clock()
        activity = Activity(str(uuid.uuid4()), group.name, description, cause, start, details)
        self.activities.append(activity)
        return activity

    def _finish(self, activity: Activity | None, status: str, message: str | None = None) -> None:
        if activity is None or activity.end is not None:
            return
        activity.status, activity.message, activity.progress = status, message, 100
        activity.end = self._schedule.clock()

    def _state(self, member: Member) -> str:
        try:
            return self._fleet.facts(member.id).state
        except NotInFleetError:
            return ""

    def is_dead(self, member: Member) -> bool:
        """Return whether the instance is terminated or terminating in EC2, without the group's doing."""
        return self._state(member) not in ("pending", "running")
