"""Compare a cluster before and after the program ran, as read from the API server and AWS.

The demos and the end-to-end tests take a snapshot before and after, print both side by side, and check what
has to differ and what has to be the same.
"""

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from lab.demo.checks import Check
from lab.sample_cluster.clients import Aws, CommandFailedError, Kubectl

_WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet")
_CLAIM = "PersistentVolumeClaim"
_CNIS = ("kube-system/aws-node", "kube-system/cilium")
# A pod younger than this, a CronJob's for example, may run a moment before its CiliumEndpoint exists.
_NEW = timedelta(seconds=20)


@dataclass(frozen=True)
class NodeState:
    instance: str
    zone: str
    ready: bool
    cordoned: bool
    taints: tuple[str, ...]


@dataclass(frozen=True)
class GroupState:
    """The properties of an Auto Scaling group that a migration changes and has to restore."""

    minimum: int
    desired: int
    maximum: int
    suspended: tuple[str, ...]
    tags: tuple[tuple[str, str], ...] = field(repr=False)
    zones: tuple[str, ...] = ()

    @property
    def node_group(self) -> str:
        return dict(self.tags).get("eks:nodegroup-name", "")

    def __str__(self) -> str:
        paused = f", {len(self.suspended)} processes suspended" if self.suspended else ""
        return f"{self.minimum} / {self.desired} / {self.maximum}{paused}"


@dataclass(frozen=True)
class Snapshot:
    nodes: dict[str, NodeState]
    workloads: dict[str, tuple[int, int]]
    """Ready and wanted pods of each workload, keyed `Kind namespace/name`."""
    volumes: dict[str, str]
    """The volume of each PersistentVolumeClaim."""
    groups: dict[str, GroupState]
    add_ons: tuple[str, ...]
    ordinary_pods: tuple[str, ...] = field(repr=False)
    """Running pods outside the host network, except those created within the last seconds."""
    endpoints: frozenset[str] = field(repr=False)
    """Pods that have a CiliumEndpoint."""

    @property
    def instances(self) -> frozenset[str]:
        """Return the EC2 instances of the nodes."""
        return frozenset(node.instance for node in self.nodes.values())

    def agents(self, name: str) -> str:
        """Describe how many pods of a DaemonSet are ready and wanted."""
        found = self.workloads.get(f"DaemonSet kube-system/{name}")
        return "none" if found is None else f"{found[0]} of {found[1]} ready"

    def has(self, daemon_set: str) -> bool:
        return f"DaemonSet kube-system/{daemon_set}" in self.workloads


def take_snapshot(kubectl: Kubectl, aws: Aws) -> Snapshot:
    """Read a cluster. One call of kubectl reads most of it, since each call begins with a token of EKS."""
    items = defaultdict(list)
    for item in kubectl.items("Node", "Pod", *_WORKLOADS, _CLAIM):
        items[item["kind"]].append(item)
    nodes = {node["metadata"]["name"]: _node(node) for node in items["Node"]}
    # Kubernetes collects the pods of a node that is gone within a minute; none of them runs.
    pods = [pod for pod in items["Pod"] if pod["spec"].get("nodeName") in nodes]
    return Snapshot(
        nodes=nodes,
        workloads={
            f"{kind} {_key(item)}": counts(item, pods, len(nodes))
            for kind in _WORKLOADS
            for item in items[kind]
        },
        volumes={_key(claim): claim["spec"].get("volumeName", "") for claim in items[_CLAIM]},
        groups=_groups(aws, kubectl.context),
        add_ons=tuple(aws.eks.list_addons(clusterName=kubectl.context)["addons"]),
        ordinary_pods=tuple(_key(pod) for pod in pods if _is_ordinary(pod, began=datetime.now(UTC) - _NEW)),
        endpoints=frozenset(_endpoints(kubectl)),
    )


def rows(before: Snapshot, after: Snapshot) -> Iterator[tuple[str, str, str]]:
    """Yield (property, before, after) for each line of the table."""
    yield "nodes", str(len(before.nodes)), f"{len(after.nodes)} ({_old_nodes(before, after)} are old)"
    yield "aws-node", before.agents("aws-node"), after.agents("aws-node")
    yield "Cilium", before.agents("cilium"), after.agents("cilium")
    yield "add-ons", ", ".join(before.add_ons), ", ".join(after.add_ons)
    yield "pods managed by Cilium", _managed(before), _managed(after)
    yield "pods ready", _ready(before), _ready(after)
    yield "volumes", str(len(before.volumes)), f"{_same_volumes(before, after)} unchanged"
    for name in sorted({*before.groups, *after.groups}):
        old, new = before.groups.get(name), after.groups.get(name)
        label = next((group.node_group for group in (old, new) if group), name)
        yield f"sizes of group {label}", str(old or "none"), str(new or "none")


def replacement_checks(before: Snapshot, after: Snapshot) -> Iterator[Check]:
    """Yield what has to be true of a cluster after its CNI was replaced with Cilium."""
    yield from common_checks(before, after)
    yield Check("no aws-node DaemonSet", after.agents("aws-node"), not after.has("aws-node"))
    yield Check("no vpc-cni add-on", ", ".join(after.add_ons) or "none", "vpc-cni" not in after.add_ons)
    ready, wanted = after.workloads.get("DaemonSet kube-system/cilium", (0, 0))
    yield Check(
        "Cilium desired == ready == nodes",
        f"{wanted} == {ready} == {len(after.nodes)}",
        0 < wanted == ready == len(after.nodes),
    )
    unmanaged = [pod for pod in after.ordinary_pods if pod not in after.endpoints]
    yield Check("every pod managed by Cilium", _few(unmanaged) or _managed(after), not unmanaged)


def common_checks(before: Snapshot, after: Snapshot) -> Iterator[Check]:
    """Yield what has to be true after a migration or a rollback: all nodes new, everything else unchanged."""
    old = before.instances & after.instances
    yield Check("every node replaced", f"{len(old)} of {len(before.nodes)} old nodes left", not old)
    yield Check(
        "same number of nodes as before", str(len(after.nodes)), len(after.nodes) == len(before.nodes)
    )
    unfit = [name for name, node in after.nodes.items() if node.cordoned or node.taints or not node.ready]
    yield Check("nodes ready, uncordoned, untainted", _few(unfit) or f"all {len(after.nodes)}", not unfit)
    short = [name for name in _user_workloads(before) if _falls_short(after, name)]
    yield Check("every workload as ready as before", _few(short) or _ready(after), not short)
    moved = [claim for claim, volume in before.volumes.items() if after.volumes.get(claim) != volume]
    yield Check(
        "every PersistentVolumeClaim has its volume", _few(moved) or str(len(after.volumes)), not moved
    )
    changed = [name for name in before.groups if after.groups.get(name) != before.groups[name]]
    yield Check(
        "Auto Scaling groups as before (size, processes, tags)",
        _few(changed) or f"{len(after.groups)} groups",
        not changed,
    )


def table(before: Snapshot, after: Snapshot) -> str:
    lines = [("", "before", "after"), *rows(before, after)]
    widths = [max(len(line[column]) for line in lines) for column in range(2)]
    return "\n".join(f"  {what:{widths[0]}}  {old:{widths[1]}}  {new}".rstrip() for what, old, new in lines)


def _key(item: dict[str, Any]) -> str:
    return f"{item['metadata']['namespace']}/{item['metadata']['name']}"


def _node(node: dict[str, Any]) -> NodeState:
    return NodeState(
        instance=node["spec"].get("providerID", "").rpartition("/")[2],
        zone=node["metadata"]["labels"].get("topology.kubernetes.io/zone", ""),
        ready=_has_condition_ready(node),
        cordoned=node["spec"].get("unschedulable", False),
        taints=tuple(taint["key"] for taint in node["spec"].get("taints", [])),
    )


def _has_condition_ready(item: dict[str, Any]) -> bool:
    conditions = {each["type"]: each["status"] for each in item["status"].get("conditions", [])}
    return conditions.get("Ready") == "True"


def counts(item: dict[str, Any], pods: list[dict[str, Any]], nodes: int) -> tuple[int, int]:
    """Return how many pods of a workload are ready and wanted on the nodes that there are.

    The status of a DaemonSet counts nodes that have left until their pods are collected, 40 to 60 s later
    (pkg/controller/daemon, pkg/controller/podgc of Kubernetes).

    Args:
        item: The workload.
        pods: The pods on nodes that there are.
        nodes: How many there are.
    """
    status = item.get("status", {})
    if item["kind"] != "DaemonSet":
        return status.get("readyReplicas", 0), item["spec"]["replicas"]
    own = [pod for pod in pods if item["metadata"]["uid"] in _owners(pod)]
    return sum(map(_is_ready, own)), min(status.get("desiredNumberScheduled", 0), nodes)


def _owners(pod: dict[str, Any]) -> set[str]:
    return {owner["uid"] for owner in pod["metadata"].get("ownerReferences", [])}


def _is_ready(pod: dict[str, Any]) -> bool:
    return _has_condition_ready(pod) and "deletionTimestamp" not in pod["metadata"]


def _groups(aws: Aws, cluster: str) -> dict[str, GroupState]:
    found = aws.autoscaling.describe_auto_scaling_groups(
        Filters=[{"Name": "tag:eks:cluster-name", "Values": [cluster]}]
    )["AutoScalingGroups"]
    return {group["AutoScalingGroupName"]: _sizes(group) for group in found}


def _sizes(group: dict[str, Any]) -> GroupState:
    return GroupState(
        minimum=group["MinSize"],
        desired=group["DesiredCapacity"],
        maximum=group["MaxSize"],
        suspended=tuple(sorted(process["ProcessName"] for process in group["SuspendedProcesses"])),
        tags=tuple(sorted((tag["Key"], tag["Value"]) for tag in group["Tags"])),
        zones=tuple(sorted(group["AvailabilityZones"])),
    )


def _is_ordinary(pod: dict[str, Any], *, began: datetime) -> bool:
    return (
        not pod["spec"].get("hostNetwork")
        and pod["status"]["phase"] == "Running"
        and "deletionTimestamp" not in pod["metadata"]
        and datetime.fromisoformat(pod["metadata"]["creationTimestamp"]) <= began
    )


def _endpoints(kubectl: Kubectl) -> Iterator[str]:
    try:
        found = json.loads(kubectl("get", "--raw", "/apis/cilium.io/v2/ciliumendpoints"))
    except CommandFailedError as error:
        if "NotFound" not in str(error):
            raise
        return  # Cilium is not installed
    yield from (_key(endpoint) for endpoint in found["items"])


def _few(names: list[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more


def _old_nodes(before: Snapshot, after: Snapshot) -> int:
    return len(before.instances & after.instances)


def _managed(snapshot: Snapshot) -> str:
    managed = sum(pod in snapshot.endpoints for pod in snapshot.ordinary_pods)
    return f"{managed} of {len(snapshot.ordinary_pods)}"


def _user_workloads(snapshot: Snapshot) -> list[str]:
    # The CNIs' own DaemonSets are expected to change.
    return [name for name in snapshot.workloads if not name.endswith(_CNIS)]


def _ready(snapshot: Snapshot) -> str:
    counts = [snapshot.workloads[name] for name in _user_workloads(snapshot)]
    return f"{sum(ready for ready, _ in counts)} of {sum(wanted for _, wanted in counts)}"


def _falls_short(after: Snapshot, name: str) -> bool:
    ready, wanted = after.workloads.get(name, (0, 1))
    return ready < wanted


def _same_volumes(before: Snapshot, after: Snapshot) -> int:
    return sum(after.volumes.get(claim) == volume for claim, volume in before.volumes.items())
