"""The resource type of EKS managed node groups; the id is `cluster:name`."""

from collections.abc import Mapping
from typing import Any

from lab.providers.aws.cloud import Cloud, find, remove
from lab.providers.aws.services.eks.waiting import wait_deleted, wait_ready, wait_update
from lab.providers.aws.services.tagging import eks_tags, retag_eks
from lab.providers.aws.shapes import same_set, to_api_as_is
from lab.providers.aws.table import Input, ResourceType, plain
from lab.providers.resource import Operation
from lab.providers.values import Properties

LIMIT = 3600.0
AS_IS = (
    "clusterName",
    "amiType",
    "capacityType",
    "diskSize",
    "instanceTypes",
    "labels",
    "launchTemplate",
    "nodeRepairConfig",
    "releaseVersion",
    "remoteAccess",
    "scalingConfig",
    "taints",
    "updateConfig",
    "version",
)


def node_group(cloud: Cloud, identifier: str) -> Mapping[str, Any] | None:
    name, group = identifier.split(":", 1)
    answer = find(cloud.eks.describe_nodegroup, clusterName=name, nodegroupName=group)
    return answer["nodegroup"] if answer else None


def create(cloud: Cloud, inputs: Properties, _: Operation) -> str:
    cloud.eks.create_nodegroup(
        **to_api_as_is(inputs, *AS_IS),
        nodegroupName=inputs["nodeGroupName"],
        nodeRole=inputs["nodeRoleArn"],
        subnets=inputs["subnetIds"],
        **eks_tags(inputs),
    )
    return f"{inputs['clusterName']}:{inputs['nodeGroupName']}"


def wait_group_ready(cloud: Cloud, identifier: str, operation: Operation) -> list[str]:
    return wait_ready(operation, "node group", lambda: node_group(cloud, identifier), LIMIT)


def read(cloud: Cloud, identifier: str, _: Properties) -> Properties | None:
    live = node_group(cloud, identifier)
    if live is None:
        return None
    same_names = (*AS_IS, "status")
    resources = live.get("resources") or {}
    groups = [{"name": group["name"]} for group in resources.get("autoScalingGroups", [])]
    return {
        **{name: live.get(name) for name in same_names},
        "arn": live["nodegroupArn"],
        "nodeGroupName": live["nodegroupName"],
        "nodeRoleArn": live["nodeRole"],
        "subnetIds": live["subnets"],
        "resources": [
            {
                "autoscalingGroups": groups,
                "remoteAccessSecurityGroupId": resources.get("remoteAccessSecurityGroup", ""),
            }
        ],
        "tagsAll": live.get("tags") or {},
    }


def update(
    cloud: Cloud, identifier: str, before: Properties, inputs: Properties, operation: Operation
) -> None:
    # EKS treats a change of configuration and a change of version as two updates.
    name, group = identifier.split(":", 1)
    configuration = configuration_changes(before, inputs)
    if configuration:
        answer = cloud.eks.update_nodegroup_config(clusterName=name, nodegroupName=group, **configuration)
        wait_update(cloud, operation, name, answer["update"], LIMIT, nodegroupName=group)
    version = {
        key: inputs[key]
        for key in ("version", "releaseVersion", "launchTemplate")
        if inputs.get(key) is not None and inputs[key] != before.get(key)
    }
    if version:
        force = bool(inputs.get("forceUpdateVersion"))
        answer = cloud.eks.update_nodegroup_version(
            clusterName=name, nodegroupName=group, force=force, **version
        )
        wait_update(cloud, operation, name, answer["update"], LIMIT, nodegroupName=group)


def configuration_changes(before: Properties, inputs: Properties) -> dict[str, Any]:
    changes: dict[str, Any] = {
        name: inputs[name]
        for name in ("scalingConfig", "updateConfig", "nodeRepairConfig")
        if inputs.get(name) is not None and inputs[name] != before.get(name)
    }
    labels = label_changes(before.get("labels") or {}, inputs.get("labels") or {})
    taints = taint_changes(before.get("taints") or [], inputs.get("taints") or [])
    return changes | ({"labels": labels} if labels else {}) | ({"taints": taints} if taints else {})


def label_changes(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, Any]:
    written = {key: value for key, value in after.items() if before.get(key) != value}
    removed = sorted(set(before) - set(after))
    return ({"addOrUpdateLabels": written} if written else {}) | (
        {"removeLabels": removed} if removed else {}
    )


def taint_changes(before: list[Mapping[str, str]], after: list[Mapping[str, str]]) -> dict[str, Any]:
    # A taint is identified by its key and effect.
    kept = {(taint["key"], taint["effect"]) for taint in after}
    written = [taint for taint in after if taint not in before]
    removed = [taint for taint in before if (taint["key"], taint["effect"]) not in kept]
    return ({"addOrUpdateTaints": written} if written else {}) | (
        {"removeTaints": removed} if removed else {}
    )


def delete(cloud: Cloud, identifier: str, _: Properties, operation: Operation) -> None:
    # Its instances keep subnets and security groups in use until they are terminated.
    name, group = identifier.split(":", 1)
    remove(cloud.eks.delete_nodegroup, clusterName=name, nodegroupName=group)
    wait_deleted(operation, "node group", lambda: node_group(cloud, identifier), LIMIT)


NODE_GROUP = ResourceType(
    "aws:eks/nodeGroup:NodeGroup",
    inputs={
        "clusterName": Input(required=True, replaces=True),
        "nodeRoleArn": Input(required=True, replaces=True),
        "subnetIds": Input(required=True, replaces=True, same=same_set),
        "scalingConfig": Input(required=True, fields=plain("desiredSize", "maxSize", "minSize")),
        "amiType": Input(cloud_decides=True, replaces=True),
        "capacityType": Input(cloud_decides=True, replaces=True),
        "diskSize": Input(cloud_decides=True, replaces=True),
        "instanceTypes": Input(cloud_decides=True, replaces=True),
        "labels": Input(),
        "launchTemplate": Input(fields=plain("id", "name", "version")),
        "nodeRepairConfig": Input(
            cloud_decides=True,
            fields={
                **plain(
                    "enabled",
                    "maxParallelNodesRepairedCount",
                    "maxParallelNodesRepairedPercentage",
                    "maxUnhealthyNodeThresholdCount",
                    "maxUnhealthyNodeThresholdPercentage",
                ),
                "nodeRepairConfigOverrides": Input(
                    fields=plain(
                        "minRepairWaitTimeMins",
                        "nodeMonitoringCondition",
                        "nodeUnhealthyReason",
                        "repairAction",
                    )
                ),
            },
        ),
        "releaseVersion": Input(cloud_decides=True),
        "remoteAccess": Input(replaces=True, fields=plain("ec2SshKey", "sourceSecurityGroupIds")),
        "taints": Input(same=same_set, fields=plain("effect", "key", "value")),
        "updateConfig": Input(
            cloud_decides=True, fields=plain("maxUnavailable", "maxUnavailablePercentage", "updateStrategy")
        ),
        "version": Input(cloud_decides=True),
        "forceUpdateVersion": Input(),
    },
    outputs=("arn", "resources", "status"),
    create=create,
    read=read,
    update=update,
    delete=delete,
    retag=retag_eks("arn"),
    wait_ready=wait_group_ready,
    name="nodeGroupName",
    longest_name=63,
)

TYPES = (NODE_GROUP,)
