"""The resource type of Auto Scaling groups; the id of a group is its name."""

from collections.abc import Mapping
from typing import Any

from lab.providers.aws.cloud import Cloud, remove_when_free
from lab.providers.aws.shapes import from_api, same_set, to_api
from lab.providers.aws.table import Input, ResourceType, plain
from lab.providers.errors import RefusedError
from lab.providers.resource import Operation, wait_until
from lab.providers.values import Properties

LIMIT = 600.0
SIZES = ("minSize", "maxSize", "desiredCapacity")
UPDATABLE = ("healthCheckType", "healthCheckGracePeriod", "defaultCooldown")


def group(cloud: Cloud, identifier: str) -> Mapping[str, Any] | None:
    answer = cloud.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[identifier])
    groups = answer["AutoScalingGroups"]
    return groups[0] if groups else None


def arguments(inputs: Properties) -> dict[str, Any]:
    # Arguments that the create and update calls share.
    template = inputs.get("launchTemplate") or {}
    described = to_api(template, "version", id="LaunchTemplateId", name="LaunchTemplateName")
    subnets = ",".join(inputs.get("vpcZoneIdentifiers") or ())
    return {
        **to_api(inputs, *SIZES, *UPDATABLE),
        **to_api(inputs, "terminationPolicies", protectFromScaleIn="NewInstancesProtectedFromScaleIn"),
        **({"LaunchTemplate": described} if described else {}),
        **({"VPCZoneIdentifier": subnets} if subnets else {}),
    }


def tags(name: str, inputs: Properties) -> list[dict[str, Any]]:
    return [
        {"ResourceId": name, "ResourceType": "auto-scaling-group"}
        | to_api(tag, "key", "value", "propagateAtLaunch")
        for tag in inputs.get("tags") or ()
    ]


def create(cloud: Cloud, inputs: Properties, _: Operation) -> str:
    name = str(inputs["name"])
    cloud.client("autoscaling").create_auto_scaling_group(
        AutoScalingGroupName=name, **arguments(inputs), Tags=tags(name, inputs)
    )
    if inputs.get("suspendedProcesses"):
        cloud.client("autoscaling").suspend_processes(
            AutoScalingGroupName=name, ScalingProcesses=inputs["suspendedProcesses"]
        )
    return name


def wait_group_ready(cloud: Cloud, identifier: str, operation: Operation) -> list[str]:
    seen = wait_until(
        operation,
        lambda: in_service(cloud, identifier),
        lambda count: count[0] >= count[1],
        lambda count: f"{count[0]} of {count[1]} instances in service",
        limit=LIMIT,
    )
    return [] if seen else [f"not all instances are in service after {LIMIT:.0f}s"]


def in_service(cloud: Cloud, identifier: str) -> tuple[int, int]:
    live = group(cloud, identifier) or {"Instances": [], "DesiredCapacity": 0}
    ready = [instance for instance in live["Instances"] if instance["LifecycleState"] == "InService"]
    return len(ready), int(live["DesiredCapacity"])


def read(cloud: Cloud, identifier: str, _: Properties) -> Properties | None:
    live = group(cloud, identifier)
    if live is None:
        return None
    zones = [zone for zone in str(live.get("VPCZoneIdentifier") or "").split(",") if zone]
    template = live.get("LaunchTemplate")
    return {
        **from_api(
            live,
            *SIZES,
            *UPDATABLE,
            "terminationPolicies",
            name="AutoScalingGroupName",
            arn="AutoScalingGroupARN",
        ),
        "protectFromScaleIn": live.get("NewInstancesProtectedFromScaleIn"),
        "vpcZoneIdentifiers": zones,
        "launchTemplate": from_api(template, "version", id="LaunchTemplateId", name="LaunchTemplateName")
        if template
        else None,
        "suspendedProcesses": [process["ProcessName"] for process in live.get("SuspendedProcesses", [])],
        "tags": [from_api(tag, "key", "value", "propagateAtLaunch") for tag in live.get("Tags", [])],
    }


def update(cloud: Cloud, identifier: str, before: Properties, inputs: Properties, _: Operation) -> None:
    scaling = cloud.client("autoscaling")
    if arguments(before) != arguments(inputs):
        scaling.update_auto_scaling_group(AutoScalingGroupName=identifier, **arguments(inputs))
    old, new = (set(properties.get("suspendedProcesses") or ()) for properties in (before, inputs))
    if new - old:
        scaling.suspend_processes(AutoScalingGroupName=identifier, ScalingProcesses=sorted(new - old))
    if old - new:
        scaling.resume_processes(AutoScalingGroupName=identifier, ScalingProcesses=sorted(old - new))
    kept = {tag["key"] for tag in inputs.get("tags") or ()}
    dropped = [tag for tag in tags(identifier, before) if tag["Key"] not in kept]
    if dropped:
        scaling.delete_tags(Tags=dropped)
    if inputs.get("tags") and inputs["tags"] != before.get("tags"):
        scaling.create_or_update_tags(Tags=tags(identifier, inputs))


def delete(cloud: Cloud, identifier: str, known: Properties, operation: Operation) -> None:
    # Without `forceDelete` the group is emptied first, as the real provider does.
    scaling = cloud.client("autoscaling")
    if group(cloud, identifier) is None:
        return
    force = bool(known.get("forceDelete"))
    if not force:
        scaling.update_auto_scaling_group(
            AutoScalingGroupName=identifier, MinSize=0, MaxSize=0, DesiredCapacity=0
        )
        wait_empty(cloud, identifier, operation)
    remove_when_free(
        operation, scaling.delete_auto_scaling_group, AutoScalingGroupName=identifier, ForceDelete=force
    )


def wait_empty(cloud: Cloud, identifier: str, operation: Operation) -> None:
    seen = wait_until(
        operation,
        lambda: len((group(cloud, identifier) or {"Instances": []})["Instances"]),
        lambda count: count == 0,
        lambda count: f"{count} instances left",
        limit=LIMIT,
    )
    if seen is None:
        raise RefusedError(f"group {identifier} still has instances after {LIMIT:.0f}s")


GROUP = ResourceType(
    "aws:autoscaling/group:Group",
    inputs={
        "minSize": Input(required=True),
        "maxSize": Input(required=True),
        "desiredCapacity": Input(cloud_decides=True),
        "healthCheckType": Input(cloud_decides=True),
        "healthCheckGracePeriod": Input(default=300),
        "defaultCooldown": Input(cloud_decides=True),
        "launchTemplate": Input(fields=plain("id", "name", "version")),
        "vpcZoneIdentifiers": Input(cloud_decides=True, same=same_set, agrees=same_set),
        "terminationPolicies": Input(),
        "protectFromScaleIn": Input(default=False),
        "suspendedProcesses": Input(same=same_set),
        "forceDelete": Input(default=False),
        "tags": Input(same=same_set, fields=plain("key", "value", "propagateAtLaunch")),
    },
    outputs=("arn",),
    create=create,
    read=read,
    update=update,
    delete=delete,
    wait_ready=wait_group_ready,
    name="name",
)

TYPES = (GROUP,)
