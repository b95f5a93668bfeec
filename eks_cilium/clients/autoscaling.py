"""Auto Scaling groups: their state, and the few changes that replacing nodes needs.

A typed client over boto3's, which `eks_cilium.migration` uses. Rejections that mean something for a rotation
get an error of their own; all others are those of `eks_cilium.clients.aws_errors.translated`.
"""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from eks_cilium.errors import AwsError, RefusedError, TransientError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

# docs.aws.amazon.com/autoscaling/ec2/APIReference/API_TerminateInstanceInAutoScalingGroup.html, "Errors".
_IN_PROGRESS = frozenset({"ScalingActivityInProgress", "ResourceContention", "ResourceContentionFault"})
# docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-lifecycle.html; each also with `:Wait` etc.
_LEAVING = ("Terminating", "Terminated", "Detaching", "Detached")
IN_SERVICE = "InService"
"""Lifecycle state of a member that is up."""
_BAD_REQUEST = 400
_ANSWERS = 3
"""Answers that have to lack a group before it does not exist."""
_ACTIVITIES_READ, _FAILURES_RETURNED = 20, 5
# Names in one request without MaxRecords:
# docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DescribeAutoScalingGroups.html.
_MOST_NAMES = 50


@dataclass(frozen=True, slots=True)
class Member:
    """An instance of a group."""

    instance: str
    """Its id."""
    zone: str
    """Name of its availability zone."""
    lifecycle: str
    """Its LifecycleState, as in `InService` or `Terminating:Wait`."""
    healthy: bool = True
    """Its HealthStatus: EC2's and load balancers' checks, which go on while ReplaceUnhealthy is suspended."""

    @property
    def counts(self) -> bool:
        """Whether the group's desired capacity includes it."""
        return not self.leaving and self.lifecycle not in ("Standby", "EnteringStandby")

    @property
    def leaving(self) -> bool:
        """Whether it is being terminated or detached, or was."""
        return self.lifecycle.startswith(_LEAVING)


@dataclass(frozen=True, slots=True)
class GroupState:
    """A group as it was read."""

    name: str
    minimum: int
    maximum: int
    desired: int
    members: tuple[Member, ...]
    suspended: tuple[str, ...]
    """Names of its suspended processes, as in `AZRebalance`."""
    zones: tuple[str, ...] = ()
    """Names of its availability zones."""

    @property
    def count(self) -> int:
        """How many instances the desired capacity counts. More than desired: Auto Scaling terminates some."""
        return sum(member.counts for member in self.members)

    @property
    def population(self) -> Counter[str]:
        """How many instances count in each zone, the group's own zones without any included."""
        zones = Counter(dict.fromkeys(self.zones, 0))
        zones.update(member.zone for member in self.members if member.counts)
        return zones

    @property
    def is_uneven(self) -> bool:
        """Whether AZRebalance would move an instance."""
        counts = self.population.values()
        return bool(counts) and max(counts) - min(counts) > 1

    def member(self, instance: str) -> Member | None:
        """The member with this instance id; None when the group has none."""
        return next((member for member in self.members if member.instance == instance), None)


class AutoScaling:
    """The groups of one account and region; `client` is boto3's, from `clients.aws.client`.

    `pause` waits before an answer that lacks a group is asked for again; `changed` is called after every
    request that changes a group, whatever the answer was.
    """

    def __init__(
        self,
        client: Any,
        pause: Callable[[], None] = lambda: None,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._client, self._pause, self._changed = client, pause, changed

    def groups(self, names: Iterable[str]) -> dict[str, GroupState]:
        """Groups by name. Names of groups that do not exist are missing from the result.

        A group is missing when several answers in a row lack it: one alone may be stale.
        """
        wanted = sorted(set(names))
        # AWS takes an empty list for all groups of the account.
        if not wanted:
            return {}
        found = self._read(wanted)
        for _ in range(_ANSWERS - 1):
            if missing := [name for name in wanted if name not in found]:
                self._pause()
                found |= self._read(missing)
        return found

    def _read(self, wanted: Sequence[str]) -> dict[str, GroupState]:
        paginator = self._client.get_paginator("describe_auto_scaling_groups")
        found = [
            _state(group)
            for start in range(0, len(wanted), _MOST_NAMES)
            for page in paginator.paginate(AutoScalingGroupNames=wanted[start : start + _MOST_NAMES])
            for group in page["AutoScalingGroups"]
        ]
        return {group.name: group for group in found}

    def group(self, name: str) -> GroupState:
        """The group of that name. Raises RefusedError when it does not exist."""
        return found_group(name, self.groups([name]))

    def suspend(self, name: str, processes: Sequence[str]) -> None:
        """Suspend these processes, in addition to those that are suspended already."""
        if processes:
            with self._changing():
                self._client.suspend_processes(AutoScalingGroupName=name, ScalingProcesses=list(processes))

    def resume(self, name: str, processes: Sequence[str]) -> None:
        """Resume these processes and no others; with an empty list nothing is sent to AWS."""
        # Without a list AWS would resume all processes.
        if processes:
            with self._changing():
                self._client.resume_processes(AutoScalingGroupName=name, ScalingProcesses=list(processes))

    def resize(
        self,
        name: str,
        *,
        minimum: int | None = None,
        maximum: int | None = None,
        desired: int | None = None,
    ) -> None:
        """Set sizes in one request, so that they always fit each other; None keeps a size as it is.

        Auto Scaling moves the desired capacity into new bounds by itself, and terminates instances by its own
        policy wherever more run than are desired (API_UpdateAutoScalingGroup).
        """
        sizes = {"MinSize": minimum, "MaxSize": maximum, "DesiredCapacity": desired}
        given = {key: size for key, size in sizes.items() if size is not None}
        with self._changing():
            self._client.update_auto_scaling_group(AutoScalingGroupName=name, **given)

    def terminate(self, instance: str, *, decrement: bool) -> None:
        """Terminate one instance by id. An instance that no group has any more is no error.

        Args:
            instance: Its id.
            decrement: Whether to lower the desired capacity by one, so that the group does not replace it.

        Raises:
            TransientError: a scaling activity is in progress, or AWS did not answer; try again.
            RefusedError: AWS rejects it, for example because the group is at its minimum size.
        """
        try:
            with self._changing():
                self._client.terminate_instance_in_auto_scaling_group(
                    InstanceId=instance, ShouldDecrementDesiredCapacity=decrement
                )
        except AwsError as error:
            _judge_termination(instance, error)

    @contextmanager
    def _changing(self) -> Iterator[None]:
        try:
            yield
        finally:
            self._changed()

    def troubles(self, name: str) -> list[str]:
        """Why the group's launches fail, in AWS's words: capacity, quotas, permissions.

        At most five, the newest first; those before the latest activity that succeeded are history.
        """
        answer = self._client.describe_scaling_activities(
            AutoScalingGroupName=name, MaxRecords=_ACTIVITIES_READ
        )
        latest = takewhile(lambda activity: activity.get("StatusCode") != "Successful", answer["Activities"])
        failed = [activity for activity in latest if activity.get("StatusCode") in ("Failed", "Cancelled")]
        return [
            str(activity.get("StatusMessage") or activity.get("Description", ""))
            for activity in failed[:_FAILURES_RETURNED]
        ]


def found_group(name: str, found: Mapping[str, GroupState]) -> GroupState:
    """The group of that name. Raises RefusedError when it does not exist."""
    if name not in found:
        raise RefusedError(f"the Auto Scaling group {name} does not exist any more", status=_BAD_REQUEST)
    return found[name]


def _judge_termination(instance: str, error: AwsError) -> None:
    if error.code == "ValidationError" and "not found" in error.reason.lower():
        return
    if error.code in _IN_PROGRESS:
        raise TransientError(f"Auto Scaling is busy with {instance}: {error.reason}") from error
    if error.code == "ValidationError":
        raise RefusedError(
            f"Auto Scaling refused to terminate {instance}: {error.reason}", status=_BAD_REQUEST
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
                instance=member["InstanceId"],
                zone=member["AvailabilityZone"],
                lifecycle=member["LifecycleState"],
                healthy=member.get("HealthStatus", "").lower() != "unhealthy",
            )
            for member in group["Instances"]
        ),
        suspended=tuple(sorted(process["ProcessName"] for process in group["SuspendedProcesses"])),
        zones=tuple(sorted(group.get("AvailabilityZones") or ())),
    )
