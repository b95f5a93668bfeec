"""Auto Scaling over HTTP: parameters and responses by botocore's model, through moto's serialisation.

A call that is not in `OPERATIONS` ends as HTTP 500, which the server records as a fault.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.autoscaling.exceptions import AutoscalingClientError
from moto.core.responses import ActionResult, BaseResponse

from lab.cloud.autoscaling import shapes
from lab.cloud.autoscaling.errors import AutoScalingError, UnsupportedOperationError, ValidationError
from lab.cloud.autoscaling.model import PROCESSES
from lab.cloud.schedule import BACKENDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.cloud.autoscaling.service import AutoScaling

# "By default, you can only specify up to 50 names. You can optionally increase this limit using the
# MaxRecords property": docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DescribeAutoScalingGroups.html.
_MOST_NAMES = 50

Asked = dict[str, Any]
Answer = dict[str, Any]


def _groups(service: AutoScaling, asked: Asked) -> Answer:
    names = asked.get("AutoScalingGroupNames") or sorted(service.groups)
    most = asked.get("MaxRecords", _MOST_NAMES)
    if len(asked.get("AutoScalingGroupNames") or ()) > most:
        raise ValidationError(f"The number of group names that may be passed in is limited to {most}")
    matches = shapes.tag_filter(asked.get("Filters") or [])
    found = [
        service.groups[name] for name in names if name in service.groups and matches(service.groups[name])
    ]
    shown, token = shapes.page(found, asked, 50, 100)
    return {"AutoScalingGroups": [shapes.group_shape(group) for group in shown], "NextToken": token}


def _instances(service: AutoScaling, asked: Asked) -> Answer:
    wanted = asked.get("InstanceIds")
    everyone = [(group, member) for group in service.groups.values() for member in group.members.values()]
    found = [(group, member) for group, member in everyone if not wanted or member.id in wanted]
    shown, token = shapes.page(found, asked, 50, 50)
    return {"AutoScalingInstances": [shapes.instance_shape(*pair) for pair in shown], "NextToken": token}


def _activities(service: AutoScaling, asked: Asked) -> Answer:
    name, ids = asked.get("AutoScalingGroupName"), asked.get("ActivityIds")
    found = [
        activity
        for activity in reversed(service.life.activities)
        if (name is None or activity.group == name)
        and (not ids or activity.id in ids)
        and (activity.group in service.groups or asked.get("IncludeDeletedGroups"))
    ]
    shown, token = shapes.page(found, asked, 100, 100)
    return {"Activities": [shapes.activity_shape(activity) for activity in shown], "NextToken": token}


def _tags(service: AutoScaling, asked: Asked) -> Answer:
    everything = [tag for group in service.groups.values() for tag in shapes.tag_shapes(group)]
    shown, token = shapes.page(shapes.filtered_tags(everything, asked.get("Filters") or []), asked, 50, 100)
    return {"Tags": shown, "NextToken": token}


def _hooks(service: AutoScaling, asked: Asked) -> Answer:
    group, names = service.group(asked["AutoScalingGroupName"]), asked.get("LifecycleHookNames")
    found = [hook for hook in group.hooks.values() if not names or hook.name in names]
    return {"LifecycleHooks": [shapes.hook_shape(group, hook) for hook in found]}


def _refreshes(service: AutoScaling, asked: Asked) -> Answer:
    group, ids = service.group(asked["AutoScalingGroupName"]), asked.get("InstanceRefreshIds")
    found = [refresh for refresh in service.refreshes.of(group.name) if not ids or refresh.id in ids]
    return {"InstanceRefreshes": [shapes.refresh_shape(refresh) for refresh in found]}


def _terminate(service: AutoScaling, asked: Asked) -> Answer:
    activity = service.terminate_instance(asked["InstanceId"], asked["ShouldDecrementDesiredCapacity"])
    return {"Activity": shapes.activity_shape(activity)}


def _detach(service: AutoScaling, asked: Asked) -> Answer:
    return _shown(service.detach(*_who(asked), asked["ShouldDecrementDesiredCapacity"]))


def _enter_standby(service: AutoScaling, asked: Asked) -> Answer:
    return _shown(service.enter_standby(*_who(asked), asked["ShouldDecrementDesiredCapacity"]))


def _target_groups(service: AutoScaling, asked: Asked) -> Answer:
    arns = service.group(asked["AutoScalingGroupName"]).more.get("TargetGroupARNs", [])
    members = [{"LoadBalancerTargetGroupARN": arn, "State": "Added"} for arn in arns]
    return {"LoadBalancerTargetGroups": members}


def _no_launch_configurations(_service: AutoScaling, _asked: Asked) -> Answer:
    message = (
        "The Launch Configuration creation operation is not available in your account. "
        "Use launch templates to create configuration templates for your Auto Scaling groups."
    )
    raise UnsupportedOperationError(message)


def _who(asked: Asked) -> tuple[str, list[str]]:
    return asked["AutoScalingGroupName"], asked.get("InstanceIds") or []


def _shown(activities: list[Any]) -> Answer:
    return {"Activities": [shapes.activity_shape(activity) for activity in activities]}


def _processes(asked: Asked) -> tuple[str, list[str]]:
    return asked["AutoScalingGroupName"], asked.get("ScalingProcesses") or []


OPERATIONS: dict[str, Callable[[AutoScaling, Asked], Answer | None]] = {
    "AttachInstances": lambda service, asked: service.attach(*_who(asked)),
    "CancelInstanceRefresh": lambda service, asked: {
        "InstanceRefreshId": service.refreshes.cancel(service.group(asked["AutoScalingGroupName"])).id
    },
    "CompleteLifecycleAction": lambda service, asked: service.complete_action(asked),
    "CreateAutoScalingGroup": lambda service, asked: service.create(asked),
    "CreateLaunchConfiguration": _no_launch_configurations,
    "CreateOrUpdateTags": lambda service, asked: service.tag(asked["Tags"]),
    "DeleteAutoScalingGroup": lambda service, asked: service.delete(
        asked["AutoScalingGroupName"], bool(asked.get("ForceDelete"))
    ),
    "DeleteLifecycleHook": lambda service, asked: service.delete_hook(
        asked["AutoScalingGroupName"], asked["LifecycleHookName"]
    ),
    "DeleteTags": lambda service, asked: service.untag(asked["Tags"]),
    "DescribeAutoScalingGroups": _groups,
    "DescribeAutoScalingInstances": _instances,
    "DescribeInstanceRefreshes": _refreshes,
    "DescribeLaunchConfigurations": lambda _service, _asked: {"LaunchConfigurations": []},
    "DescribeLifecycleHooks": _hooks,
    "DescribeLoadBalancerTargetGroups": _target_groups,
    "DescribePolicies": lambda _service, _asked: {"ScalingPolicies": []},
    "DescribeScalingActivities": _activities,
    "DescribeScalingProcessTypes": lambda _service, _asked: {
        "Processes": [{"ProcessName": process} for process in PROCESSES]
    },
    "DescribeScheduledActions": lambda _service, _asked: {"ScheduledUpdateGroupActions": []},
    "DescribeTags": _tags,
    "DetachInstances": _detach,
    "EnterStandby": _enter_standby,
    "ExitStandby": lambda service, asked: _shown(service.exit_standby(*_who(asked))),
    "PutLifecycleHook": lambda service, asked: service.put_hook(asked),
    "RecordLifecycleActionHeartbeat": lambda service, asked: service.heartbeat(asked),
    "ResumeProcesses": lambda service, asked: service.resume(*_processes(asked)),
    "SetDesiredCapacity": lambda service, asked: service.set_desired_capacity(
        asked["AutoScalingGroupName"], asked["DesiredCapacity"]
    ),
    "SetInstanceHealth": lambda service, asked: service.set_health(
        asked["InstanceId"], asked["HealthStatus"]
    ),
    "SetInstanceProtection": lambda service, asked: service.protect(
        *_who(asked), asked["ProtectedFromScaleIn"]
    ),
    "StartInstanceRefresh": lambda service, asked: {"InstanceRefreshId": service.start_refresh(asked).id},
    "SuspendProcesses": lambda service, asked: service.suspend(*_processes(asked)),
    "TerminateInstanceInAutoScalingGroup": _terminate,
    "UpdateAutoScalingGroup": lambda service, asked: service.update(asked),
}


class LabAutoScalingResponse(BaseResponse):  # type: ignore[misc]  # moto is untyped to mypy here
    """Answers Auto Scaling's calls from the lab's service instead of moto's."""

    find_service: Callable[[str, str], AutoScaling]

    def __init__(self) -> None:
        super().__init__(service_name="autoscaling")
        self.automated_parameter_parsing = True

    def call_action(self) -> Any:
        """Serve one call while nothing else changes the cloud."""
        action = self._get_action()
        if action not in OPERATIONS:
            message = f"autoscaling {action} has not been implemented in this cloud"
            raise NotImplementedError(message)
        with BACKENDS:
            service = type(self).find_service(self.current_account, self.region)
            try:
                answer: Any = OPERATIONS[action](service, dict(self.params))
            except AutoScalingError as error:
                answer = AutoscalingClientError(error.code, error.message)
            return self.serialized(ActionResult(answer))
