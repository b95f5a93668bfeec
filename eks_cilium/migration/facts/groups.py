"""What AWS knows: the cluster, its vpc-cni add-on, and the Auto Scaling groups its nodes belong to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eks_cilium.clients.eks import configuration_takes
from eks_cilium.errors import AwsNotFoundError, AwsRefusedError, RefusedError
from eks_cilium.migration.facts.model import AddOn, Cluster, Group, Hook, Instance

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

VPC_CNI = "vpc-cni"
_MOST_INSTANCES = 50
# API_DescribeAutoScalingGroups: names without MaxRecords.
_MOST_GROUPS = 50
_NOT_FOUND = 404


def cluster(eks: Any, name: str) -> Cluster:
    """The cluster as EKS describes it."""
    try:
        described = eks.describe_cluster(name=name)["cluster"]
    except AwsNotFoundError as error:
        raise RefusedError(f"EKS has no cluster named {name} here", status=_NOT_FOUND) from error
    return Cluster(
        name=name,
        version=described["version"],
        status=described["status"],
        auto_mode=bool((described.get("computeConfig") or {}).get("enabled")),
        ip_family=(described.get("kubernetesNetworkConfig") or {}).get("ipFamily") or "ipv4",
        vpc=(described.get("resourcesVpcConfig") or {}).get("vpcId") or "",
    )


def add_on(eks: Any, cluster_name: str) -> AddOn | None:
    """The vpc-cni add-on, or None where aws-node is self-managed."""
    try:
        described = eks.describe_addon(clusterName=cluster_name, addonName=VPC_CNI)["addon"]
    except AwsNotFoundError:
        return None
    return AddOn(
        version=described["addonVersion"],
        status=described["status"],
        configuration=described.get("configurationValues") or "",
        takes_affinity=_takes_affinity(eks, described["addonVersion"]),
    )


def _takes_affinity(eks: Any, version: str) -> bool | None:
    try:
        return configuration_takes(eks, VPC_CNI, version, "affinity")
    except AwsRefusedError:
        return None


def groups(autoscaling: Any, eks: Any, cluster_name: str, instances: Iterable[str]) -> tuple[Group, ...]:
    """The Auto Scaling groups that the instances are members of, sorted by name."""
    node_groups = _managed(eks, cluster_name)
    names = sorted(set(_group_names(autoscaling, sorted(instances))))
    described: list[Mapping[str, Any]] = []
    for batch in _batches(names, _MOST_GROUPS):
        pages = autoscaling.get_paginator("describe_auto_scaling_groups").paginate(
            AutoScalingGroupNames=batch
        )
        described += [group for page in pages for group in page["AutoScalingGroups"]]
    return tuple(
        _group(group, _hooks(autoscaling, group["AutoScalingGroupName"]), node_groups)
        for group in sorted(described, key=lambda group: str(group["AutoScalingGroupName"]))
    )


def _group_names(autoscaling: Any, instances: Sequence[str]) -> Iterator[str]:
    for batch in _batches(instances, _MOST_INSTANCES):
        answer = autoscaling.describe_auto_scaling_instances(InstanceIds=batch)
        yield from (member["AutoScalingGroupName"] for member in answer["AutoScalingInstances"])


def _managed(eks: Any, cluster_name: str) -> dict[str, str]:
    """Names of EKS managed node groups, by the name of the Auto Scaling group that belongs to each."""
    found = {}
    for name in _names(eks, "list_nodegroups", "nodegroups", clusterName=cluster_name):
        described = eks.describe_nodegroup(clusterName=cluster_name, nodegroupName=name)["nodegroup"]
        for group in (described.get("resources") or {}).get("autoScalingGroups") or ():
            found[group["name"]] = name
    return found


def _group(described: Mapping[str, Any], hooks: tuple[Hook, ...], managed: Mapping[str, str]) -> Group:
    name = described["AutoScalingGroupName"]
    return Group(
        name=name,
        minimum=described["MinSize"],
        maximum=described["MaxSize"],
        desired=described["DesiredCapacity"],
        zones=tuple(sorted(described["AvailabilityZones"])),
        instances=tuple(sorted(map(_instance, described["Instances"]), key=lambda instance: instance.id)),
        suspended=tuple(sorted(process["ProcessName"] for process in described["SuspendedProcesses"])),
        hooks=hooks,
        tags={tag["Key"]: tag.get("Value", "") for tag in described.get("Tags") or ()},
        node_group=managed.get(name),
        longest_life=described.get("MaxInstanceLifetime") or 0,
        rebalances_spot=bool(described.get("CapacityRebalance")),
        status=described.get("Status") or "",
        subnets=tuple(filter(None, (described.get("VPCZoneIdentifier") or "").split(","))),
    )


def _instance(described: Mapping[str, Any]) -> Instance:
    return Instance(
        id=described["InstanceId"],
        zone=described["AvailabilityZone"],
        lifecycle=described["LifecycleState"],
        protected=described["ProtectedFromScaleIn"],
    )


def _hooks(autoscaling: Any, group: str) -> tuple[Hook, ...]:
    answer = autoscaling.describe_lifecycle_hooks(AutoScalingGroupName=group)
    return tuple(
        Hook(
            name=hook["LifecycleHookName"],
            transition=hook["LifecycleTransition"].removeprefix("autoscaling:"),
            seconds=hook.get("HeartbeatTimeout", 3600),
            result=hook.get("DefaultResult", "ABANDON"),
        )
        for hook in answer["LifecycleHooks"]
    )


def _names(eks: Any, operation: str, key: str, **arguments: str) -> list[str]:
    pages = eks.get_paginator(operation).paginate(**arguments)
    return [name for page in pages for name in page[key]]


def _batches(items: Sequence[str], size: int) -> Iterator[list[str]]:
    for start in range(0, len(items), size):
        yield list(items[start : start + size])
