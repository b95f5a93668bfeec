"""The parameters of a group, checked as AWS checks them."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from lab.cloud.autoscaling.errors import UnsupportedOperationError, ValidationError
from lab.cloud.autoscaling.fleet import NotInFleetError
from lab.cloud.autoscaling.model import Group, Hook, Subnet, Tag, Template

if TYPE_CHECKING:
    from lab.cloud.autoscaling.fleet import Fleet

# Stored and returned, but without effect in the lab.
_ECHOED = {
    "DefaultCooldown",
    "HealthCheckType",
    "HealthCheckGracePeriod",
    "MaxInstanceLifetime",
    "CapacityRebalance",
    "DefaultInstanceWarmup",
    "ServiceLinkedRoleARN",
    "TargetGroupARNs",
    "LoadBalancerNames",
    "InstanceMaintenancePolicy",
    "MixedInstancesPolicy",
    "Context",
}
_PLAYED = {
    "AutoScalingGroupName",
    "LaunchTemplate",
    "MinSize",
    "MaxSize",
    "DesiredCapacity",
    "VPCZoneIdentifier",
    "AvailabilityZones",
    "TerminationPolicies",
    "NewInstancesProtectedFromScaleIn",
    "Tags",
    "LifecycleHookSpecificationList",
}
_POLICIES = {"Default", "OldestInstance", "NewestInstance", "OldestLaunchTemplate", "AllocationStrategy"}

_NOTIFICATION: frozenset[str] = frozenset({"NotificationTargetARN", "RoleARN", "NotificationMetadata"})

Parameters = dict[str, Any]


class Settings:
    """Creates and changes groups from the parameters of a call."""

    def __init__(self, fleet: Fleet, account: str, region: str) -> None:
        self._fleet = fleet
        self._account = account
        self._region = region

    def create(self, wanted: Parameters, now: float) -> Group:
        """Return a new group without instances."""
        _refuse_unsupported(wanted)
        name: str = wanted["AutoScalingGroupName"]
        smallest: int = wanted["MinSize"]
        largest: int = wanted["MaxSize"]
        desired: int = wanted.get("DesiredCapacity", smallest)
        check_sizes(smallest, largest, desired)
        if not wanted.get("VPCZoneIdentifier"):
            raise ValidationError("At least one Availability Zone or VPC Subnet is required.")
        subnets = self._subnets(wanted["VPCZoneIdentifier"])
        group = Group(
            name, self._arn(name), smallest, largest, desired, subnets, self._template(wanted), created=now
        )
        self._rest(group, wanted)
        group.tags = {tag["Key"]: tag_of(tag) for tag in wanted.get("Tags", [])}
        hooks = [hook_of(item) for item in wanted.get("LifecycleHookSpecificationList", [])]
        group.hooks = {hook.name: hook for hook in hooks}
        return group

    def update(self, group: Group, wanted: Parameters) -> None:
        """Change a group; everything is checked before anything is changed."""
        _refuse_unsupported(wanted)
        smallest = wanted.get("MinSize", group.smallest)
        largest = wanted.get("MaxSize", group.largest)
        desired: int = wanted.get("DesiredCapacity", min(max(group.desired, smallest), largest))
        check_sizes(smallest, largest, desired)
        subnets = (
            self._subnets(wanted["VPCZoneIdentifier"]) if wanted.get("VPCZoneIdentifier") else group.subnets
        )
        has_template = "LaunchTemplate" in wanted or "MixedInstancesPolicy" in wanted
        template = self._template(wanted) if has_template else group.template
        self._rest(group, wanted)
        group.smallest, group.largest, group.desired = smallest, largest, desired
        group.subnets, group.template = subnets, template

    def _rest(self, group: Group, wanted: Parameters) -> None:
        policies = tuple(wanted.get("TerminationPolicies") or group.policies)
        if unknown := [policy for policy in policies if policy not in _POLICIES]:
            raise ValidationError(f"Invalid termination policy: {unknown[0]}")
        group.policies = policies
        group.protect_new = wanted.get("NewInstancesProtectedFromScaleIn", group.protect_new)
        group.more.update({key: value for key, value in wanted.items() if key in _ECHOED})
        if "LaunchTemplate" in wanted:
            group.more.pop("MixedInstancesPolicy", None)
        overrides = _mixed(group.more).get("Overrides") or []
        group.instance_types = tuple(item["InstanceType"] for item in overrides if "InstanceType" in item)

    def _template(self, wanted: Parameters) -> Template:
        reference = wanted.get("LaunchTemplate") or _mixed(wanted).get("LaunchTemplateSpecification")
        if reference is None:
            message = (
                "Valid requests must contain either LaunchTemplate, LaunchConfigurationName, InstanceId or "
            )
            raise ValidationError(message + "MixedInstancesPolicy parameter.")
        try:
            return self._fleet.template(reference)
        except NotInFleetError as error:
            message = "You must use a valid fully-formed launch template. "
            raise ValidationError(message + str(error)) from error

    def _subnets(self, identifiers: str) -> tuple[Subnet, ...]:
        try:
            return tuple(self._fleet.subnet(item.strip()) for item in identifiers.split(",") if item.strip())
        except NotInFleetError as error:
            raise ValidationError(str(error)) from error

    def _arn(self, name: str) -> str:
        prefix = f"arn:aws:autoscaling:{self._region}:{self._account}:autoScalingGroup"
        return f"{prefix}:{uuid.uuid4()}:autoScalingGroupName/{name}"


def check_sizes(smallest: int, largest: int, desired: int) -> None:
    """Refuse sizes that contradict each other."""
    if smallest < 0 or largest < 0:
        raise ValidationError("Min and max size must not be negative.")
    if largest < smallest:
        message = f"Max bound, {largest}, must be greater than or equal to min bound, {smallest}"
        raise ValidationError(message)
    if not smallest <= desired <= largest:
        bounds = f"the specified min size:{smallest} and max size:{largest}"
        raise ValidationError(f"Desired capacity:{desired} must be between {bounds}")


def tag_of(wanted: Parameters) -> Tag:
    return Tag(wanted.get("Value") or "", bool(wanted.get("PropagateAtLaunch")))


def hook_of(wanted: Parameters) -> Hook:
    more = {key: value for key, value in wanted.items() if key in _NOTIFICATION}
    return Hook(
        wanted["LifecycleHookName"],
        wanted["LifecycleTransition"],
        wanted.get("HeartbeatTimeout", 3600),
        wanted.get("DefaultResult", "ABANDON"),
        more,
    )


def _mixed(wanted: Parameters) -> Parameters:
    found: Parameters = (wanted.get("MixedInstancesPolicy") or {}).get("LaunchTemplate") or {}
    return found


def _refuse_unsupported(wanted: Parameters) -> None:
    if "LaunchConfigurationName" in wanted:
        message = (
            "The Launch Configuration creation operation is not available in your account. "
            "Use launch templates to create configuration templates for your Auto Scaling groups."
        )
        raise UnsupportedOperationError(message)
    if unknown := sorted(set(wanted) - _PLAYED - _ECHOED):
        message = f"Auto Scaling group parameter {unknown[0]} has not been implemented in this cloud"
        raise NotImplementedError(message)
