"""Auto Scaling's API as a class with its own state and clock, without HTTP and moto.

Callers hold `lab.cloud.schedule.BACKENDS`. Every call checks everything before it changes anything, and then
reconciles the group.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lab.cloud.autoscaling.capacity import Capacity
from lab.cloud.autoscaling.errors import (
    AlreadyExistsError,
    AutoScalingError,
    ResourceInUseError,
    ScalingActivityInProgressError,
    ValidationError,
    group_not_found,
    instance_not_found,
    sizes_do_not_fit,
)
from lab.cloud.autoscaling.fleet import NotInFleetError
from lab.cloud.autoscaling.lifecycle import Lifecycle
from lab.cloud.autoscaling.model import IN_SERVICE, PROCESSES, STANDBY, Group, Member
from lab.cloud.autoscaling.refresh import Refresh, Refreshes
from lab.cloud.autoscaling.settings import Parameters, Settings, hook_of, tag_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.cloud.autoscaling.fleet import Fleet
    from lab.cloud.autoscaling.model import Activity
    from lab.cloud.schedule import Schedule
    from lab.cloud.timing import Timing


class AutoScaling:
    """The groups of one account and region."""

    def __init__(self, fleet: Fleet, schedule: Schedule, timing: Timing, account: str, region: str) -> None:
        self._fleet = fleet
        self._schedule = schedule
        self._settings = Settings(fleet, account, region)
        self.groups: dict[str, Group] = {}
        self.life = Lifecycle(fleet, schedule, timing)
        self.refreshes = Refreshes(self.life, fleet, schedule)
        self._capacity = Capacity(self.life, schedule, timing)

    def reconcile_all(self) -> None:
        """Reconcile every group after time has passed."""
        for group in list(self.groups.values()):
            self.refreshes.advance(group)
            self._reconcile(group)

    def _reconcile(self, group: Group) -> None:
        self._capacity.reconcile(group)
        if group.deleting and not group.members:
            self.groups.pop(group.name, None)

    # Groups

    def create(self, wanted: Parameters) -> None:
        """Create a group and start to fill it."""
        name = wanted["AutoScalingGroupName"]
        if name in self.groups:
            message = (
                f"AutoScalingGroup by this name already exists - A group with the name {name} already exists"
            )
            raise AlreadyExistsError(message)
        group = self._settings.create(wanted, self._schedule.clock())
        self.groups[name] = group
        self._explain(group, "a user request created an AutoScalingGroup", 0)
        self._reconcile(group)

    def update(self, wanted: Parameters) -> None:
        """Change the parameters that a call names; keep the others."""
        group = self.group(wanted["AutoScalingGroupName"])
        before = group.desired
        self._settings.update(group, wanted)
        self._explain(group, "a user request update of AutoScalingGroup constraints", before)
        self._reconcile(group)

    def delete(self, name: str, force: bool) -> None:
        """Delete a group; with instances in it only by force."""
        group = self.group(name)
        if group.members and not force:
            raise _not_empty(group)
        group.deleting, group.hooks, group.desired = True, {}, 0
        self.life.forget_hooks(group)
        for member in list(group.members.values()):
            self.life.terminate(group, member, f"At {self.life.stamp()} a user request deleted the group.")
        self._reconcile(group)

    def group(self, name: str) -> Group:
        if name not in self.groups:
            raise group_not_found(name)
        return self.groups[name]

    # Size

    def set_desired_capacity(self, name: str, desired: int) -> None:
        """Set the desired capacity, within the group's bounds."""
        group = self.group(name)
        bad = f"New SetDesiredCapacity value {desired} is"
        if desired > group.largest:
            raise ValidationError(f"{bad} above max value {group.largest} for the AutoScalingGroup.")
        if desired < group.smallest:
            raise ValidationError(f"{bad} below min value {group.smallest} for the AutoScalingGroup.")
        before, group.desired = group.desired, desired
        self._explain(group, "a user request explicitly set group desired capacity", before)
        self._reconcile(group)

    def terminate_instance(self, instance: str, decrement: bool) -> Activity:
        """Terminate one instance; replace it, or decrement the desired capacity if the minimum allows it."""
        group, member = self.member(instance)
        if decrement and group.desired - 1 < group.smallest:
            message = (
                f"Currently, desiredSize equals minSize ({group.smallest}). Terminating instance without "
                "replacement will violate group's min size constraint. Either set "
                "shouldDecrementDesiredCapacity flag to false or lower group's min size."
            )
            raise ValidationError(message)
        before = group.desired
        if decrement and member.counts:
            group.desired -= 1
        shrunk = f", shrinking the capacity from {before} to {group.desired}"
        change = shrunk if group.desired < before else ""
        what = f"instance {instance} was taken out of service in response to a user request"
        cause = f"At {self.life.stamp()} {what}"
        activity = self.life.terminate(group, member, f"{cause}{change}.")
        self._reconcile(group)
        return activity

    def member(self, instance: str) -> tuple[Group, Member]:
        """Return the group of an instance, and the instance as its member."""
        for group in self.groups.values():
            if instance in group.members:
                return group, group.members[instance]
        raise instance_not_found(instance)

    # Instances in and out

    def attach(self, name: str, instances: Sequence[str]) -> None:
        """Add running instances to a group; its desired capacity grows with them."""
        group = self.group(name)
        if group.desired + len(instances) > group.largest:
            what = f"attach {len(instances)} more instance{'s' if len(instances) > 1 else ''}"
            raise sizes_do_not_fit(name, group.sizes, what)
        members = [self._adoptable(group, instance) for instance in instances]
        group.desired += len(members)
        for member in members:
            self.life.adopt(group, member, f"At {self.life.stamp()} a user request attached an instance.")
        self._reconcile(group)

    def _adoptable(self, group: Group, instance: str) -> Member:
        for other in self.groups.values():
            if instance in other.members:
                raise ValidationError(f"Instance {instance} is already part of AutoScalingGroup:{other.name}")
        try:
            facts = self._fleet.facts(instance)
        except NotInFleetError as error:
            raise ValidationError(str(error)) from error
        if facts.state != "running":
            raise ValidationError(f"Instance {instance} is not in correct state. It must be running.")
        template, now = self._fleet.resolve(group.template), self._schedule.clock()
        return Member(instance, facts.subnet, facts.instance_type, template, now, protected=group.protect_new)

    def detach(self, name: str, instances: Sequence[str], decrement: bool) -> list[Activity]:
        """Detach instances from a group; they keep running."""
        group, members = self._members(name, instances)
        self._decrement(group, len(members), decrement, "detach")
        cause = f"At {self.life.stamp()} an instance was detached in response to a user request."
        activities = [self.life.detach(group, member, cause) for member in members]
        self._reconcile(group)
        return activities

    def enter_standby(self, name: str, instances: Sequence[str], decrement: bool) -> list[Activity]:
        """Move instances of a group to Standby."""
        group, members = self._members(name, instances)
        for member in members:
            if member.state != IN_SERVICE:
                raise ValidationError(f"The instance {member.id} is not in InService.")
        self._decrement(group, len(members), decrement, "place into standby")
        cause = f"At {self.life.stamp()} an instance was moved to standby in response to a user request."
        activities = [self.life.stand_by(group, member, cause) for member in members]
        self._reconcile(group)
        return activities

    def exit_standby(self, name: str, instances: Sequence[str]) -> list[Activity]:
        """Move instances out of Standby; the desired capacity grows with them."""
        group, members = self._members(name, instances)
        for member in members:
            if member.state != STANDBY:
                raise ValidationError(f"The instance {member.id} is not in Standby.")
        if group.desired + len(members) > group.largest:
            raise sizes_do_not_fit(name, group.sizes, f"move {len(members)} instance out of standby")
        group.desired += len(members)
        cause = f"At {self.life.stamp()} an instance was moved out of standby in response to a user request."
        activities = [self.life.return_to_service(group, member, cause) for member in members]
        self._reconcile(group)
        return activities

    def protect(self, name: str, instances: Sequence[str], protected: bool) -> None:
        """Set or remove protection from scale-in."""
        _, members = self._members(name, instances)
        for member in members:
            member.protected = protected

    def set_health(self, instance: str, status: str) -> None:
        """Set the health of an instance; the group replaces an unhealthy one."""
        if status not in ("Healthy", "Unhealthy"):
            raise ValidationError("Valid instance health states are: [Healthy, Unhealthy].")
        group, member = self.member(instance)
        member.healthy = status == "Healthy"
        self._reconcile(group)

    def _members(self, name: str, instances: Sequence[str]) -> tuple[Group, list[Member]]:
        group = self.group(name)
        for instance in instances:
            if instance not in group.members or group.members[instance].ending:
                raise ValidationError(f"The instance {instance} is not part of Auto Scaling group {name}.")
        return group, [group.members[instance] for instance in instances]

    def _decrement(self, group: Group, count: int, decrement: bool, what: str) -> None:
        if not decrement:
            return
        if group.desired - count < group.smallest:
            plural = "s" if count > 1 else ""
            raise sizes_do_not_fit(group.name, group.sizes, f"{what} {count} instance{plural}")
        group.desired -= count

    # Processes, tags, hooks, refreshes

    def suspend(self, name: str, processes: Sequence[str]) -> None:
        """Suspend processes; all of them if none is named."""
        group = self.group(name)
        for process in _known(processes):
            group.suspended[process] = f"User suspended at {self.life.stamp()}"

    def resume(self, name: str, processes: Sequence[str]) -> None:
        """Resume processes; all of them if none is named."""
        group = self.group(name)
        for process in _known(processes):
            group.suspended.pop(process, None)
        self._reconcile(group)

    def tag(self, tags: Sequence[Parameters]) -> None:
        """Set tags of groups; running instances keep theirs."""
        groups = [self.group(tag["ResourceId"]) for tag in tags]
        for group, tag in zip(groups, tags, strict=True):
            group.tags[tag["Key"]] = tag_of(tag)

    def untag(self, tags: Sequence[Parameters]) -> None:
        groups = [self.group(tag["ResourceId"]) for tag in tags]
        for group, tag in zip(groups, tags, strict=True):
            group.tags.pop(tag["Key"], None)

    def put_hook(self, wanted: Parameters) -> None:
        """Create or change a lifecycle hook; pending actions keep the old one."""
        group = self.group(wanted["AutoScalingGroupName"])
        known = group.hooks.get(wanted["LifecycleHookName"])
        if known is None and "LifecycleTransition" not in wanted:
            raise ValidationError("LifecycleTransition is required for a new lifecycle hook.")
        hook = hook_of({"LifecycleTransition": known.transition if known else "", **wanted})
        group.hooks[hook.name] = hook

    def delete_hook(self, name: str, hook: str) -> None:
        """Delete a lifecycle hook; its pending actions are completed."""
        group = self.group(name)
        if group.hooks.pop(hook, None) is None:
            raise ValidationError(f"No Lifecycle Hook found with name: {hook}")
        for member in list(group.members.values()):
            if any(wait.hook.name == hook for wait in member.waits):
                self.life.complete(group, member, hook, None, "ABANDON" if not member.ending else "CONTINUE")

    def complete_action(self, wanted: Parameters) -> None:
        """Complete a lifecycle action, named by its instance or its token."""
        group, member = self._acted_on(wanted)
        result = wanted["LifecycleActionResult"]
        if result not in ("CONTINUE", "ABANDON"):
            raise ValidationError("Lifecycle Action Result must be either CONTINUE or ABANDON.")
        hook, token = wanted["LifecycleHookName"], wanted.get("LifecycleActionToken")
        self.life.complete(group, member, hook, token, result)
        self._reconcile(group)

    def heartbeat(self, wanted: Parameters) -> None:
        _, member = self._acted_on(wanted)
        self.life.heartbeat(member, wanted["LifecycleHookName"], wanted.get("LifecycleActionToken"))

    def _acted_on(self, wanted: Parameters) -> tuple[Group, Member]:
        group = self.group(wanted["AutoScalingGroupName"])
        instance, token = wanted.get("InstanceId"), wanted.get("LifecycleActionToken")
        for member in group.members.values():
            if member.id == instance or (token and any(wait.token == token for wait in member.waits)):
                return group, member
        what = f"instance ID {instance}" if instance else f"token {token}"
        raise ValidationError(f"No active Lifecycle Action found with {what}")

    def start_refresh(self, wanted: Parameters) -> Refresh:
        """Start to replace a group's instances, after applying the configuration in the call."""
        group = self.group(wanted["AutoScalingGroupName"])
        if wanted.get("Strategy", "Rolling") != "Rolling":
            message = f"instance refresh strategy {wanted['Strategy']} has not been implemented in this cloud"
            raise NotImplementedError(message)
        change: dict[str, Any] = wanted.get("DesiredConfiguration") or {}
        if change:
            self._settings.update(group, change)
        refresh = self.refreshes.start(group, wanted.get("Preferences") or {})
        self.refreshes.advance(group)
        self._reconcile(group)
        return refresh

    def _explain(self, group: Group, what: str, before: int) -> None:
        change = f"changing the desired capacity from {before} to {group.desired}"
        group.last_change = f"At {self.life.stamp()} {what} {change}.  " if before != group.desired else ""


def _known(processes: Sequence[str]) -> Sequence[str]:
    if unknown := [process for process in processes if process not in PROCESSES]:
        raise ValidationError(f"Invalid process type(s): {', '.join(unknown)}")
    return processes or PROCESSES


def _not_empty(group: Group) -> AutoScalingError:
    message = "You cannot delete an AutoScalingGroup while there are"
    if all(member.ending for member in group.members.values()):
        return ScalingActivityInProgressError(f"{message} scaling activities in progress for that group.")
    return ResourceInUseError(f"{message} instances or pending Spot instance request(s) still in the group.")
