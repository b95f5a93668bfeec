"""A cluster before and after its CNI was replaced, as the API server and AWS tell it.

The demo of mode `replacement` takes one snapshot before and one after, prints both side by side and checks
what has to be different and what has to be the same. Its tests do the same.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from lab.demo.facts import Fact
from lab.existing.access import Aws, Kubectl

_WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet")
_CNIS = ("kube-system/aws-node", "kube-system/cilium")
_NEW = timedelta(seconds=20)
"""A pod younger than this, a CronJob's say, may run a moment before Cilium's endpoint of it is written."""


@dataclass(frozen=True)
class Seen:
    """A node."""

    instance: str
    zone: str
    ready: bool
    cordoned: bool
    taints: tuple[str, ...]


@dataclass(frozen=True)
class Sizes:
    """An Auto Scaling group, as far as a migration could have changed it for good."""

    minimum: int
    desired: int
    maximum: int
    suspended: tuple[str, ...]
    tags: tuple[tuple[str, str], ...] = field(repr=False)
    zones: tuple[str, ...] = ()

    @property
    def node_group(self) -> str:
        """The node group it belongs to."""
        return dict(self.tags).get("eks:nodegroup-name", "")

    def __str__(self) -> str:
        paused = f", {len(self.suspended)} processes suspended" if self.suspended else ""
        return f"{self.minimum} / {self.desired} / {self.maximum}{paused}"


@dataclass(frozen=True)
class Snapshot:
    """A cluster at one moment."""

    nodes: dict[str, Seen]
    workloads: dict[str, tuple[int, int]]
    """Ready and wanted pods of each workload, by kind, namespace and name."""
    volumes: dict[str, str]
    """The volume of each claim."""
    groups: dict[str, Sizes]
    add_ons: tuple[str, ...]
    ordinary_pods: tuple[str, ...] = field(repr=False)
    """Running pods that have an address of their own, but for those that have only just begun."""
    endpoints: frozenset[str] = field(repr=False)
    """Pods that Cilium knows."""

    @property
    def instances(self) -> frozenset[str]:
        """The instances behind the nodes."""
        return frozenset(node.instance for node in self.nodes.values())

    def agents(self, name: str) -> str:
        """How many agents of a CNI are ready and wanted, as a cell of a table."""
        found = self.workloads.get(f"DaemonSet kube-system/{name}")
        return "none" if found is None else f"{found[0]} of {found[1]} ready"

    def has(self, daemon_set: str) -> bool:
        """Whether kube-system has a DaemonSet of that name."""
        return f"DaemonSet kube-system/{daemon_set}" in self.workloads


def take(kubectl: Kubectl, aws: Aws) -> Snapshot:
    """Look at a cluster now."""
    pods = _items(kubectl, "pods")
    return Snapshot(
        nodes={node["metadata"]["name"]: _node(node) for node in _items(kubectl, "nodes")},
        workloads={
            f"{kind} {_key(item)}": _counts(item) for kind in _WORKLOADS for item in _items(kubectl, kind)
        },
        volumes={_key(claim): claim["spec"].get("volumeName", "") for claim in _items(kubectl, "pvc")},
        groups=_groups(aws, kubectl.context),
        add_ons=tuple(aws.eks.list_addons(clusterName=kubectl.context)["addons"]),
        ordinary_pods=tuple(_key(pod) for pod in pods if _is_ordinary(pod, began=datetime.now(UTC) - _NEW)),
        endpoints=frozenset(_endpoints(kubectl)),
    )


def rows(before: Snapshot, after: Snapshot) -> Iterator[tuple[str, str, str]]:
    """Yield what, before, after."""
    yield "nodes", str(len(before.nodes)), f"{len(after.nodes)} ({_kept(before, after)} of the old)"
    yield "aws-node", before.agents("aws-node"), after.agents("aws-node")
    yield "Cilium", before.agents("cilium"), after.agents("cilium")
    yield "add-ons", ", ".join(before.add_ons), ", ".join(after.add_ons)
    yield "pods that Cilium knows", _known(before), _known(after)
    yield "pods ready of wanted", _ready(before), _ready(after)
    yield "volumes", str(len(before.volumes)), f"{_same_volumes(before, after)} of them the same"
    for name in sorted({*before.groups, *after.groups}):
        old, new = before.groups.get(name), after.groups.get(name)
        label = next((group.node_group for group in (old, new) if group), name)
        yield f"sizes of group {label}", str(old or "none"), str(new or "none")


def promises(before: Snapshot, after: Snapshot) -> Iterator[Fact]:
    """Yield what a migration from aws-node to Cilium promises of the cluster it leaves behind."""
    yield from upheld(before, after)
    yield Fact("no aws-node DaemonSet", after.agents("aws-node"), not after.has("aws-node"))
    yield Fact("no vpc-cni add-on", ", ".join(after.add_ons) or "none", "vpc-cni" not in after.add_ons)
    ready, wanted = after.workloads.get("DaemonSet kube-system/cilium", (0, 0))
    yield Fact(
        "Cilium desired == ready == nodes",
        f"{wanted} == {ready} == {len(after.nodes)}",
        0 < wanted == ready == len(after.nodes),
    )
    unknown = [pod for pod in after.ordinary_pods if pod not in after.endpoints]
    yield Fact("every pod is Cilium's", _few(unknown) or _known(after), not unknown)


def upheld(before: Snapshot, after: Snapshot) -> Iterator[Fact]:
    """Yield what holds of a migration in either direction: all nodes new, all else as it was."""
    kept = before.instances & after.instances
    yield Fact("every node replaced", f"{len(kept)} of {len(before.nodes)} left", not kept)
    yield Fact("as many nodes as before", str(len(after.nodes)), len(after.nodes) == len(before.nodes))
    unfit = [name for name, node in after.nodes.items() if node.cordoned or node.taints or not node.ready]
    yield Fact("nodes ready, uncordoned, untainted", _few(unfit) or f"all {len(after.nodes)}", not unfit)
    short = [name for name in _ours(before) if _falls_short(after, name)]
    yield Fact("every workload as ready as before", _few(short) or _ready(after), not short)
    moved = [claim for claim, volume in before.volumes.items() if after.volumes.get(claim) != volume]
    yield Fact("every claim has its volume", _few(moved) or str(len(after.volumes)), not moved)
    changed = [name for name in before.groups if after.groups.get(name) != before.groups[name]]
    yield Fact(
        "sizes, processes and tags of all groups as before",
        _few(changed) or f"{len(after.groups)} groups",
        not changed,
    )


def table(before: Snapshot, after: Snapshot) -> str:
    """The two side by side."""
    lines = [("", "before", "after"), *rows(before, after)]
    widths = [max(len(line[column]) for line in lines) for column in range(2)]
    return "\n".join(f"  {what:{widths[0]}}  {old:{widths[1]}}  {new}".rstrip() for what, old, new in lines)


def _items(kubectl: Kubectl, kind: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(kubectl("get", kind, "-A", "-o", "json"))["items"]
    return found


def _key(item: dict[str, Any]) -> str:
    return f"{item['metadata']['namespace']}/{item['metadata']['name']}"


def _node(node: dict[str, Any]) -> Seen:
    conditions = {each["type"]: each["status"] for each in node["status"].get("conditions", [])}
    return Seen(
        instance=node["spec"].get("providerID", "").rpartition("/")[2],
        zone=node["metadata"]["labels"].get("topology.kubernetes.io/zone", ""),
        ready=conditions.get("Ready") == "True",
        cordoned=node["spec"].get("unschedulable", False),
        taints=tuple(taint["key"] for taint in node["spec"].get("taints", [])),
    )


def _counts(item: dict[str, Any]) -> tuple[int, int]:
    status = item.get("status", {})
    if item["kind"] == "DaemonSet":
        return status.get("numberReady", 0), status.get("desiredNumberScheduled", 0)
    return status.get("readyReplicas", 0), item["spec"]["replicas"]


def _groups(aws: Aws, cluster: str) -> dict[str, Sizes]:
    found = aws.autoscaling.describe_auto_scaling_groups(
        Filters=[{"Name": "tag:eks:cluster-name", "Values": [cluster]}]
    )["AutoScalingGroups"]
    return {group["AutoScalingGroupName"]: _sizes(group) for group in found}


def _sizes(group: dict[str, Any]) -> Sizes:
    return Sizes(
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
    kinds = kubectl("api-resources", "--api-group=cilium.io", "-o", "name").split()
    if "ciliumendpoints.cilium.io" in kinds:
        yield from (_key(endpoint) for endpoint in _items(kubectl, "ciliumendpoints.cilium.io"))


def _few(names: list[str]) -> str:
    """The first of many names: enough to begin to look."""
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more


def _kept(before: Snapshot, after: Snapshot) -> int:
    return len(before.instances & after.instances)


def _known(snapshot: Snapshot) -> str:
    known = sum(pod in snapshot.endpoints for pod in snapshot.ordinary_pods)
    return f"{known} of {len(snapshot.ordinary_pods)}"


def _ours(snapshot: Snapshot) -> list[str]:
    """The workloads that are not a CNI's own."""
    return [name for name in snapshot.workloads if not name.endswith(_CNIS)]


def _ready(snapshot: Snapshot) -> str:
    counts = [snapshot.workloads[name] for name in _ours(snapshot)]
    return f"{sum(ready for ready, _ in counts)} of {sum(wanted for _, wanted in counts)}"


def _falls_short(after: Snapshot, name: str) -> bool:
    ready, wanted = after.workloads.get(name, (0, 1))
    return ready < wanted


def _same_volumes(before: Snapshot, after: Snapshot) -> int:
    return sum(after.volumes.get(claim) == volume for claim, volume in before.volumes.items())
