"""Auto Scaling groups: what one is now, and the few changes a node's replacement needs.

A typed client over boto3's, for `migration/`. AWS's refusals come back as what they mean for a rotation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eks_cilium.errors import AwsError, RefusedError, TransientError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_IN_PROGRESS = frozenset({"ScalingActivityInProgress", "ResourceContention", "ResourceContentionFault"})
_LEAVING = ("Terminating", "Terminated", "Detaching", "Detached")
_BAD_REQUEST = 400
_FEW = 5


@dataclass(frozen=True, slots=True)
class Member:
    """An instance of a group."""

    instance: str
    zone: str
    lifecycle: str
    healthy: bool = True

    @property
    def counts(self) -> bool:
        """Whether the group's desired capacity includes it."""
        return not self.leaving and self.lifecycle not in ("Standby", "EnteringStandby")

    @property
    def leaving(self) -> bool:
        """Whether it is on its way out."""
        return self.lifecycle.startswith(_LEAVING)


@dataclass(frozen=True, slots=True)
class GroupState:
    """A group as it is now."""

    name: str
    minimum: int
    maximum: int
    desired: int
    members: tuple[Member, ...]
    suspended: tuple[str, ...]
    zones: tuple[str, ...] = ()

    def member(self, instance: str) -> Member | None:
        """Its member of that id."""
        return next((member for member in self.members if member.instance == instance), None)


class AutoScaling:
    """The groups of one account and region."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def groups(self, names: Iterable[str]) -> dict[str, GroupState]:
        """Groups by name; one that does not exist is not there."""
        wanted = sorted(set(names))
        if not wanted:
            return {}
        pages = self._client.get_paginator("describe_auto_scaling_groups").paginate(
            AutoScalingGroupNames=wanted
        )
        found = [_state(group) for page in pages for group in page["AutoScalingGroups"]]
        return {group.name: group for group in found}

    def group(self, name: str) -> GroupState:
        """One group. It was there when the migration began, so its absence is an error."""
        found = self.groups([name]).get(name)
        if found is None:
            raise RefusedError(f"the Auto Scaling group {name} does not exist any more", status=_BAD_REQUEST)
        return found

    def suspend(self, name: str, processes: Sequence[str]) -> None:
        """Suspend these processes, besides those that are suspended already."""
        if processes:
            self._client.suspend_processes(AutoScalingGroupName=name, ScalingProcesses=list(processes))

    def resume(self, name: str, processes: Sequence[str]) -> None:
        """Resume these processes and no others: without a list AWS would resume all."""
        if processes:
            self._client.resume_processes(AutoScalingGroupName=name, ScalingProcesses=list(processes))

    def resize(self, name: str, *, minimum: int, maximum: int, desired: int) -> None:
        """Set all three sizes at once, so that no state in between breaks one of them."""
        self._client.update_auto_scaling_group(
            AutoScalingGroupName=name, MinSize=minimum, MaxSize=maximum, DesiredCapacity=desired
        )

    def terminate(self, instance: str, *, decrement: bool) -> bool:
        """Terminate one instance by id; False when the group does not have it any more.

        Raises TransientError while the group is busy with it, RefusedError when AWS forbids it.
        """
        try:
            self._client.terminate_instance_in_auto_scaling_group(
                InstanceId=instance, ShouldDecrementDesiredCapacity=decrement
            )
        except AwsError as error:
            return _refused_to_terminate(instance, error)
        return True

    def troubles(self, name: str) -> list[str]:
        """What the group's latest launches failed with, the newest first: no capacity, quotas, rights."""
        answer = self._client.describe_scaling_activities(AutoScalingGroupName=name, MaxRecords=20)
        failed = [one for one in answer["Activities"] if one.get("StatusCode") in ("Failed", "Cancelled")]
        return [str(one.get("StatusMessage") or one.get("Description", "")) for one in failed[:_FEW]]


def _refused_to_terminate(instance: str, error: AwsError) -> bool:
    code, message = error.code, error.reason
    if code == "ValidationError" and "not found" in message.lower():
        return False
    if code in _IN_PROGRESS:
        raise TransientError(f"Auto Scaling is busy with {instance}: {message}") from error
    if code == "ValidationError":
        raise RefusedError(
            f"Auto Scaling refused to terminate {instance}: {message}", status=_BAD_REQUEST
        ) from error
    raise error


def _state(group: Mapping[str, Any]) -> GroupState:
    return GroupState(
        name=group["AutoScalingGroupName"],
        minimum=group["MinSize"],
        maximum=group["MaxSize"],
        desired=group["DesiredCapacity"],
        members=tuple(
            Member(
                instance=one["InstanceId"],
                zone=one["AvailabilityZone"],
                lifecycle=one["LifecycleState"],
                healthy=one["HealthStatus"] == "Healthy",
            )
            for one in group["Instances"]
        ),
        suspended=tuple(sorted(one["ProcessName"] for one in group["SuspendedProcesses"])),
        zones=tuple(sorted(group.get("AvailabilityZones") or ())),
    )
