"""Groups, instances and activities as Auto Scaling's API shows them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from lab.cloud.autoscaling.balance import zones
from lab.cloud.autoscaling.errors import InvalidNextTokenError, ValidationError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lab.cloud.autoscaling.model import Activity, Group, Hook, Member, Template
    from lab.cloud.autoscaling.refresh import Refresh

Shape = dict[str, Any]
Item = TypeVar("Item")


def group_shape(group: Group) -> Shape:
    shown = {
        "AutoScalingGroupName": group.name,
        "AutoScalingGroupARN": group.arn,
        "MinSize": group.smallest,
        "MaxSize": group.largest,
        "DesiredCapacity": group.desired,
        "DefaultCooldown": 300,
        "AvailabilityZones": zones(group),
        "LoadBalancerNames": [],
        "TargetGroupARNs": [],
        "HealthCheckType": "EC2",
        "HealthCheckGracePeriod": 300,
        "Instances": [member_shape(member) for member in group.members.values()],
        "CreatedTime": moment(group.created),
        "SuspendedProcesses": [
            {"ProcessName": name, "SuspensionReason": reason}
            for name, reason in sorted(group.suspended.items())
        ],
        "VPCZoneIdentifier": ",".join(subnet.id for subnet in group.subnets),
        "EnabledMetrics": [],
        "Tags": tag_shapes(group),
        "TerminationPolicies": list(group.policies),
        "NewInstancesProtectedFromScaleIn": group.protect_new,
        "TrafficSources": [],
        **group.more,
    }
    if "MixedInstancesPolicy" not in group.more:
        shown["LaunchTemplate"] = template_shape(group.template)
    if group.deleting:
        shown["Status"] = "Delete in progress"
    return shown


def member_shape(member: Member) -> Shape:
    return {
        "InstanceId": member.id,
        "InstanceType": member.instance_type,
        "AvailabilityZone": member.subnet.zone,
        "LifecycleState": member.state,
        "HealthStatus": "Healthy" if member.healthy else "Unhealthy",
        "LaunchTemplate": template_shape(member.template),
        "ProtectedFromScaleIn": member.protected,
    }


def instance_shape(group: Group, member: Member) -> Shape:
    """Return an instance as in DescribeAutoScalingInstances, which writes health in capitals."""
    shown = member_shape(member)
    return {**shown, "AutoScalingGroupName": group.name, "HealthStatus": shown["HealthStatus"].upper()}


def template_shape(template: Template) -> Shape:
    return {
        "LaunchTemplateId": template.id,
        "LaunchTemplateName": template.name,
        "Version": template.version,
    }


def tag_shapes(group: Group) -> list[Shape]:
    return [
        {
            "ResourceId": group.name,
            "ResourceType": "auto-scaling-group",
            "Key": key,
            "Value": tag.value,
            "PropagateAtLaunch": tag.propagate,
        }
        for key, tag in sorted(group.tags.items())
    ]


def hook_shape(group: Group, hook: Hook) -> Shape:
    return {
        "LifecycleHookName": hook.name,
        "AutoScalingGroupName": group.name,
        "LifecycleTransition": hook.transition,
        "HeartbeatTimeout": hook.heartbeat,
        "GlobalTimeout": min(hook.heartbeat * 100, 172800),
        "DefaultResult": hook.default_result,
        **hook.more,
    }


def activity_shape(activity: Activity) -> Shape:
    shown = {
        "ActivityId": activity.id,
        "AutoScalingGroupName": activity.group,
        "Description": activity.description,
        "Cause": activity.cause,
        "StartTime": moment(activity.start),
        "StatusCode": activity.status,
        "Progress": activity.progress,
        "Details": activity.details,
    }
    if activity.end is not None:
        shown["EndTime"] = moment(activity.end)
    if activity.message:
        shown["StatusMessage"] = activity.message
    return shown


def refresh_shape(refresh: Refresh) -> Shape:
    shown = {
        "InstanceRefreshId": refresh.id,
        "AutoScalingGroupName": refresh.group,
        "Status": refresh.status,
        "StartTime": moment(refresh.start),
        "PercentageComplete": refresh.percentage,
        "InstancesToUpdate": len(refresh.to_replace),
        "Preferences": refresh.preferences,
        "Strategy": "Rolling",
    }
    if refresh.reason:
        shown["StatusReason"] = refresh.reason
    if refresh.end is not None:
        shown["EndTime"] = moment(refresh.end)
    return shown


def moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def page(items: Sequence[Item], asked: Shape, default: int, limit: int) -> tuple[list[Item], str | None]:
    """Return the requested part of a list, and the token for the next part."""
    size = asked.get("MaxRecords", default)
    if not 1 <= size <= limit:
        message = (
            f"Value '{size}' at 'maxRecords' failed to satisfy constraint: must be between 1 and {limit}"
        )
        raise ValidationError(message)
    token = asked.get("NextToken") or "0"
    if not token.isdigit() or int(token) > len(items):
        raise InvalidNextTokenError(f"The NextToken value {token} is not valid.")
    start = int(token)
    rest = str(start + size) if start + size < len(items) else None
    return list(items[start : start + size]), rest


def tag_filter(filters: Sequence[Shape]) -> Callable[[Group], bool]:
    """Return a predicate for the filters of DescribeAutoScalingGroups."""
    for item in filters:
        if item["Name"] not in ("tag-key", "tag-value") and not item["Name"].startswith("tag:"):
            message = (
                f"Filter type {item['Name']} is not correct. Allowed Filter types are: [tag-key, tag-value, "
            )
            raise ValidationError(message + "tag:<key>]")
    return lambda group: all(_has_tag(group, item["Name"], item.get("Values", [])) for item in filters)


def _has_tag(group: Group, name: str, values: Sequence[str]) -> bool:
    if name == "tag-key":
        return any(key in values for key in group.tags)
    if name == "tag-value":
        return any(tag.value in values for tag in group.tags.values())
    tag = group.tags.get(name[4:])
    return tag is not None and tag.value in values


def filtered_tags(tags: Sequence[Shape], filters: Sequence[Shape]) -> list[Shape]:
    """Return the tags that the filters of DescribeTags match."""
    members = {
        "auto-scaling-group": "ResourceId",
        "key": "Key",
        "value": "Value",
        "propagate-at-launch": "PropagateAtLaunch",
    }
    kept = list(tags)
    for item in filters:
        if item["Name"] not in members:
            allowed = ", ".join(members)
            raise ValidationError(
                f"Filter type {item['Name']} is not correct. Allowed Filter types are: [{allowed}]"
            )
        values = [value.lower() for value in item.get("Values", [])]
        kept = [tag for tag in kept if str(tag[members[item["Name"]]]).lower() in values]
    return kept
