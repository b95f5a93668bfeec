"""Auto Scaling, EC2 and EKS in memory, as objects with the methods of boto3's clients that the program calls.

What AWS refuses is refused here, in AWS's words; what AWS does behind one's back is done here too: replacing
what is missing, ending what is too much, and evening out zones, without a drain. Zones and groups run out of
capacity, instances die, and other programs resize groups at any moment.
"""

# ruff: noqa: N803 - the parameters are spelled as boto3 spells them

import itertools
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from eks_cilium.clients.aws_errors import translation
from eks_cilium.errors import ProgramError

from .api_server import Clock

JOIN_SECONDS = 4
END_SECONDS = 3
COUNTED = ("Pending", "InService")


def refusal(code: str, message: str, operation: str) -> ProgramError:
    """An error of AWS as the program's clients raise it."""
    refused = ClientError({"Error": {"Code": code, "Message": message}}, operation)
    return translation(refused, operation)


def _refuse(code: str, message: str, operation: str, *_: Any, **__: Any) -> None:
    raise refusal(code, message, operation)


@dataclass
class Member:
    id: str
    zone: str
    since: float
    lifecycle: str = "Pending"

    @property
    def counts(self) -> bool:
        return self.lifecycle in COUNTED


@dataclass
class Group:
    name: str
    minimum: int
    maximum: int
    desired: int
    zones: tuple[str, ...] = ("a", "b", "c")
    refreshing: set[str] = field(default_factory=set)
    """Instances that an instance refresh has still to replace."""
    balanced_only: bool = False
    """Whether it launches in the emptiest zone and nowhere else (`AvailabilityZoneDistribution`)."""
    suspended: set[str] = field(default_factory=set)
    members: dict[str, Member] = field(default_factory=dict)

    @property
    def counted(self) -> list[Member]:
        return [member for member in self.members.values() if member.counts]

    @property
    def population(self) -> Counter[str]:
        zones = Counter(dict.fromkeys(self.zones, 0))
        zones.update(member.zone for member in self.counted)
        return zones


class Pages:
    """A paginator with one page."""

    def __init__(self, page: Callable[..., Any]) -> None:
        self._page = page

    def paginate(self, **arguments: Any) -> list[Any]:
        return [self._page(**arguments)]


class Cloud:
    """One account. `calls` is its call log; `ended` says which instance ended at whose request."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.join_seconds, self.end_seconds = JOIN_SECONDS, END_SECONDS
        self.groups: dict[str, Group] = {}
        self.instances: dict[str, str] = {}
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.requests: Counter[str] = Counter()
        """How many requests there were by operation, readings included."""
        self.undrained: list[str] = []
        """Instances that AWS ended by itself."""
        self.add_on: dict[str, Any] | None = None
        self.install: Callable[[dict[str, Any] | None], None] = lambda _: None
        self.no_capacity = False
        self.full_groups: set[str] = set()
        """Groups whose instance type has no capacity anywhere."""
        self.full_zones: set[str] = set()
        """Zones without capacity: launches go to the next zone."""
        self.dead: set[str] = set()
        """Instances that ended without Auto Scaling's doing, such as spot instances."""
        self.unhealthy: set[str] = set()
        """Instances that run, and fail a health check of a load balancer."""
        self.launched: dict[str, float] = {}
        self.node_groups = False
        """Whether every Auto Scaling group is that of an EKS node group, of the same name."""
        self.update_seconds = 2
        """How long EKS takes for an update of a node group."""
        self.busy_until: dict[str, float] = {}
        self.unseen: dict[str, int] = {}
        """How many of EC2's next answers do not have an instance: EC2 is eventually consistent."""
        self.unlisted: dict[str, int] = {}
        """How many of Auto Scaling's next answers do not have a member."""
        self.unknown: dict[str, int] = {}
        """How many of Auto Scaling's next answers do not have a group."""
        self.outdated: dict[str, int] = {}
        """How many of the next answers of Auto Scaling and of EC2 say that an instance is in service."""
        self.said: dict[str, str] = {}
        """States of instances in EC2's answers, where they are not the true ones."""
        self.updates: dict[str, tuple[int, int, int]] = {}
        """Minimum, desired and maximum size that EKS writes when it is no longer busy."""
        self.before_write: Callable[[str], None] = lambda _: None
        self.after_write: Callable[[str], None] = lambda _: None
        self.expired = False
        """Whether the program's credentials have expired, so that AWS refuses every request."""
        self.services: dict[str, Any] = {}
        """Clients of more services, by the name of the service."""
        self._numbers = itertools.count(1)

    def client(self, service: str) -> Any:
        if service in self.services:
            return self.services[service]
        return {"autoscaling": AutoScaling, "ec2": Ec2, "eks": Eks}[service](self)

    def called(self, operation: str, **parameters: Any) -> None:
        self.calls.append((operation, parameters))

    def launch(self, group: Group) -> bool:
        """Launch in the emptiest zone that has capacity; returns whether there was one."""
        zone = self._zone(group)
        if zone is None or "Launch" in group.suspended:
            return False
        instance = f"i-{next(self._numbers):017x}"
        group.members[instance] = Member(instance, zone, self.clock.seconds)
        self.instances[instance] = "running"
        self.launched[instance] = self.clock.seconds
        return True

    def _zone(self, group: Group) -> str | None:
        if self.no_capacity or group.name in self.full_groups:
            return None
        emptiest = sorted(group.zones, key=lambda each: group.population[each])
        choice = emptiest[:1] if group.balanced_only else emptiest
        return next((zone for zone in choice if zone not in self.full_zones), None)

    def die(self, instance: str) -> None:
        """An instance ends by itself. Its group is not asked, and replaces it only by ReplaceUnhealthy."""
        self.dead.add(instance)
        self.instances[instance] = "terminated"

    def resized_by_others(self, name: str, change: int) -> None:
        """What an autoscaler does: SetDesiredCapacity, within the bounds of the group."""
        group = self.groups[name]
        wanted = group.desired + change
        if not group.minimum <= wanted <= group.maximum:
            message = f"New SetDesiredCapacity value {wanted} is out of bounds"
            raise refusal("ValidationError", message, "SetDesiredCapacity")
        group.desired = wanted

    def end(self, group: Group, member: Member) -> None:
        member.lifecycle, member.since = "Terminating", self.clock.seconds
        self.instances[member.id] = "shutting-down"

    def tick(self) -> None:
        for name, sizes in list(self.updates.items()):
            if self.clock.seconds >= self.busy_until[name] - 1:
                self.groups[name].minimum, self.groups[name].desired, self.groups[name].maximum = sizes
                del self.updates[name]
        for group in self.groups.values():
            for member in list(group.members.values()):
                age = self.clock.seconds - member.since
                if member.lifecycle == "Pending" and age >= 1:
                    member.lifecycle = "InService"
                if member.lifecycle == "Terminating" and age >= self.end_seconds:
                    del group.members[member.id]
                    self.instances[member.id] = "terminated"
            self._settle(group)

    def _settle(self, group: Group) -> None:
        for member in list(group.members.values()):
            if (
                member.id in self.dead | self.unhealthy
                and member.counts
                and "ReplaceUnhealthy" not in group.suspended
            ):
                self._end_unhealthy(group, member)
            if member.id in group.refreshing and member.counts and "InstanceRefresh" not in group.suspended:
                self.undrained.append(member.id)
                self.end(group, member)
        while len(group.counted) < group.desired and self.launch(group):
            pass
        while len(group.counted) > group.desired and "Terminate" not in group.suspended:
            self._end_undrained(group)
        self._rebalance(group)

    def _end_unhealthy(self, group: Group, member: Member) -> None:
        if member.id in self.unhealthy:
            self.undrained.append(member.id)
        self.end(group, member)

    def _rebalance(self, group: Group) -> None:
        """AZRebalance launches in the emptiest zone first, so it does nothing while that has no capacity."""
        zones = group.population
        if {"AZRebalance", "Launch", "Terminate"} & group.suspended or not zones:
            return
        emptiest = min(zones, key=lambda zone: zones[zone])
        if max(zones.values()) - zones[emptiest] > 1 and self._zone(group) == emptiest:
            self._end_undrained(group)

    def _end_undrained(self, group: Group) -> None:
        """By the default termination policy: from the fullest zone, and there the oldest."""
        zones = group.population
        member = min(group.counted, key=lambda each: (-zones[each.zone], each.since, each.id))
        self.undrained.append(member.id)
        self.end(group, member)


class _Client:
    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        if name.startswith("_") or name in ("cloud", "get_paginator"):
            return found
        self.cloud.requests[name] += 1
        if not self.cloud.expired:
            return found
        return partial(_refuse, "ExpiredToken", "The security token included in the request is expired", name)

    def get_paginator(self, operation: str) -> Pages:
        return Pages(getattr(self, operation))

    def _write(self, operation: str, change: Callable[[], Any], **parameters: Any) -> Any:
        self.cloud.before_write(operation)
        self.cloud.called(operation, **parameters)
        answer = change()
        self.cloud.after_write(operation)
        return answer


class AutoScaling(_Client):
    def describe_auto_scaling_groups(self, AutoScalingGroupNames: list[str], MaxRecords: int = 50) -> Any:
        # API_DescribeAutoScalingGroups: up to 50 names unless MaxRecords, at most 100, says otherwise.
        if len(AutoScalingGroupNames) > min(MaxRecords, 100):
            message = (
                f"The number of Auto Scaling group names that may be passed in is limited to {MaxRecords}"
            )
            raise refusal("ValidationError", message, "DescribeAutoScalingGroups")
        groups = [
            self.cloud.groups[name]
            for name in AutoScalingGroupNames
            if name in self.cloud.groups and not _is_missed(self.cloud.unknown, name)
        ]
        return {"AutoScalingGroups": [_described(group, self.cloud) for group in groups]}

    def describe_auto_scaling_instances(self, InstanceIds: list[str]) -> Any:
        return {
            "AutoScalingInstances": [
                {"AutoScalingGroupName": group.name}
                for group in self.cloud.groups.values()
                for instance in InstanceIds
                if instance in group.members
            ]
        }

    def describe_lifecycle_hooks(self, AutoScalingGroupName: str) -> Any:
        return {"LifecycleHooks": []}

    def describe_scaling_activities(self, AutoScalingGroupName: str, MaxRecords: int) -> Any:
        failed = {
            "StatusCode": "Failed",
            "StatusMessage": "We currently do not have sufficient m5.large capacity",
        }
        group = self.cloud.groups[AutoScalingGroupName]
        without = self.cloud.no_capacity or group.name in self.cloud.full_groups
        return {"Activities": [failed] if without or set(group.zones) <= self.cloud.full_zones else []}

    def suspend_processes(self, AutoScalingGroupName: str, ScalingProcesses: list[str]) -> None:
        group = self.cloud.groups[AutoScalingGroupName]
        self._write(
            "suspend_processes",
            lambda: group.suspended.update(ScalingProcesses),
            group=group.name,
            processes=ScalingProcesses,
        )

    def resume_processes(self, AutoScalingGroupName: str, ScalingProcesses: list[str]) -> None:
        group = self.cloud.groups[AutoScalingGroupName]
        self._write(
            "resume_processes",
            lambda: group.suspended.difference_update(ScalingProcesses),
            group=group.name,
            processes=ScalingProcesses,
        )

    def update_auto_scaling_group(
        self,
        AutoScalingGroupName: str,
        MinSize: int | None = None,
        MaxSize: int | None = None,
        DesiredCapacity: int | None = None,
    ) -> None:
        group = self.cloud.groups[AutoScalingGroupName]

        def change() -> None:
            _resize(group, MinSize, MaxSize, DesiredCapacity)

        self._write("update_auto_scaling_group", change, group=group.name, desired=DesiredCapacity)

    def terminate_instance_in_auto_scaling_group(
        self, InstanceId: str, ShouldDecrementDesiredCapacity: bool
    ) -> None:
        group = next((each for each in self.cloud.groups.values() if InstanceId in each.members), None)
        operation = "TerminateInstanceInAutoScalingGroup"
        if group is None:
            message = f"Instance Id not found - No managed instance found for instance ID: {InstanceId}"
            raise refusal("ValidationError", message, operation)
        if ShouldDecrementDesiredCapacity and group.desired - 1 < group.minimum:
            message = f"Currently, desiredSize equals minSize ({group.minimum})."
            raise refusal("ValidationError", message, operation)
        member = group.members[InstanceId]

        def change() -> None:
            if ShouldDecrementDesiredCapacity and member.counts:
                group.desired -= 1
            self.cloud.end(group, member)

        self._write(
            "terminate_instance", change, instance=InstanceId, decrement=ShouldDecrementDesiredCapacity
        )


def _resize(group: Group, minimum: int | None, maximum: int | None, desired: int | None) -> None:
    """As API_UpdateAutoScalingGroup: what is not given stays, and new bounds move the desired capacity."""
    low = group.minimum if minimum is None else minimum
    high = group.maximum if maximum is None else maximum
    wanted = min(max(group.desired, low), high) if desired is None else desired
    if not low <= wanted <= high:
        message = (
            f"Desired capacity:{wanted} must be between the specified min size:{low} and max size:{high}"
        )
        raise refusal("ValidationError", message, "UpdateAutoScalingGroup")
    group.minimum, group.maximum, group.desired = low, high, wanted


class Ec2(_Client):
    def describe_instances(self, Filters: list[dict[str, Any]]) -> Any:
        wanted = Filters[0]["Values"]
        start = self.cloud.clock.now() - timedelta(seconds=self.cloud.clock.seconds)
        since = {each: start + timedelta(seconds=at) for each, at in self.cloud.launched.items()}
        return {
            "Reservations": [
                {
                    "Instances": [
                        {
                            "InstanceId": each,
                            "State": {"Name": self._said(each, state)},
                            "LaunchTime": since.get(each, start),
                        }
                    ]
                }
                for each, state in self.cloud.instances.items()
                if each in wanted and not _is_missed(self.cloud.unseen, each)
            ]
        }

    def _said(self, instance: str, state: str) -> str:
        outdated = "running" if _is_missed(self.cloud.outdated, instance) else state
        return self.cloud.said.get(instance, outdated)


class Eks(_Client):
    def describe_cluster(self, name: str) -> Any:
        return {"cluster": {"version": "1.35", "status": "ACTIVE"}}

    def list_fargate_profiles(self, clusterName: str) -> Any:
        return {"fargateProfileNames": []}

    def list_nodegroups(self, clusterName: str) -> Any:
        return {"nodegroups": sorted(self.cloud.groups) if self.cloud.node_groups else []}

    def describe_nodegroup(self, clusterName: str, nodegroupName: str) -> Any:
        busy = self.cloud.clock.seconds < self.cloud.busy_until.get(nodegroupName, 0)
        resources = {"autoScalingGroups": [{"name": nodegroupName}]}
        return {"nodegroup": {"status": "UPDATING" if busy else "ACTIVE", "resources": resources}}

    def update_nodegroup_config(
        self, clusterName: str, nodegroupName: str, scalingConfig: dict[str, int]
    ) -> None:
        group = self.cloud.groups[nodegroupName]
        # EKS writes all three sizes: what is not given as EKS knows it, "out-of-date for short periods"
        # (NodegroupScalingConfig). So it may undo another program's change of the desired capacity.
        known = {"minSize": group.minimum, "maxSize": group.maximum, "desiredSize": group.desired}
        sizes = known | scalingConfig
        ordered = (sizes["minSize"], sizes["desiredSize"], sizes["maxSize"])
        if ordered != tuple(sorted(ordered)):
            raise refusal("InvalidParameterException", "sizes do not fit", "UpdateNodegroupConfig")
        if self.cloud.clock.seconds < self.cloud.busy_until.get(nodegroupName, 0):
            raise refusal("ResourceInUseException", "the node group is UPDATING", "UpdateNodegroupConfig")

        def change() -> None:
            self.cloud.busy_until[nodegroupName] = self.cloud.clock.seconds + self.cloud.update_seconds
            self.cloud.updates[nodegroupName] = ordered

        self._write(
            "update_nodegroup_config", change, group=nodegroupName, desired=scalingConfig.get("desiredSize")
        )

    def describe_addon(self, clusterName: str, addonName: str) -> Any:
        if self.cloud.add_on is None:
            raise refusal("ResourceNotFoundException", "not found", "DescribeAddon")
        return {"addon": dict(self.cloud.add_on)}

    def describe_addon_configuration(self, addonName: str, addonVersion: str) -> Any:
        return {"configurationSchema": '{"properties": {"affinity": {"type": "object"}, "env": {}}}'}

    def update_addon(
        self, clusterName: str, addonName: str, configurationValues: str, resolveConflicts: str
    ) -> None:
        def change() -> None:
            assert self.cloud.add_on is not None
            self.cloud.add_on["configurationValues"] = configurationValues
            self.cloud.install(self.cloud.add_on)

        self._write("update_addon", change, configuration=configurationValues)

    def create_addon(self, clusterName: str, addonName: str, addonVersion: str, **more: Any) -> None:
        def change() -> None:
            self.cloud.add_on = {
                "addonVersion": addonVersion,
                "status": "ACTIVE",
                "configurationValues": more.get("configurationValues"),
                "tags": more.get("tags") or {},
            }
            self.cloud.install(self.cloud.add_on)

        self._write("create_addon", change, version=addonVersion)

    def delete_addon(self, clusterName: str, addonName: str, preserve: bool) -> None:
        def change() -> None:
            self.cloud.add_on = None
            self.cloud.install(None)

        self._write("delete_addon", change, preserve=preserve)


def _is_missed(answers: dict[str, int], instance: str) -> bool:
    """Whether the next answer leaves an instance out; counts down."""
    left = answers.get(instance, 0)
    if left:
        answers[instance] = left - 1
    return left > 0


def _described(group: Group, cloud: Cloud) -> dict[str, Any]:
    unhealthy = cloud.dead | cloud.unhealthy
    return {
        "AutoScalingGroupName": group.name,
        "MinSize": group.minimum,
        "MaxSize": group.maximum,
        "DesiredCapacity": group.desired,
        "AvailabilityZones": list(group.zones),
        "SuspendedProcesses": [{"ProcessName": each} for each in sorted(group.suspended)],
        "Instances": [
            {
                "InstanceId": member.id,
                "AvailabilityZone": member.zone,
                "LifecycleState": "InService" if _is_missed(cloud.outdated, member.id) else member.lifecycle,
                "HealthStatus": "Unhealthy" if member.id in unhealthy else "Healthy",
                "ProtectedFromScaleIn": False,
            }
            for member in group.members.values()
            if not _is_missed(cloud.unlisted, member.id)
        ],
    }
