"""The emulated Cluster Autoscaler at work: reads, decides, and does the next step.

Every step reads the cluster again and does what is next, so that nothing waits inside it. A removal is cordon
and taint, evictions through the API until the node is empty, and the end of the instance by its id with a
decrement; a removal that takes too long is undone. The real one waits minutes where the lab waits seconds.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from eks_cilium.errors import RefusedError
from lab.cloud.schedule import Ticker
from lab.disturbances.autoscaler.decisions import TO_BE_DELETED, removable, wanted_size
from lab.disturbances.autoscaler.state import Budget, Node, Picture, Pod

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from eks_cilium.clients.kubernetes import KubernetesApi

ACTOR = "system:serviceaccount:kube-system:cluster-autoscaler"
_INTERVAL = 1.0
_GROUP_LABEL = "eks.amazonaws.com/nodegroup"
_UNSCHEDULABLE = "node.kubernetes.io/unschedulable"


@dataclass(frozen=True, kw_only=True)
class Options:
    """The flags of the real one, in seconds."""

    group: str
    """Name of the Auto Scaling group."""
    nodegroup: str
    """Name of the EKS node group, by which its nodes are labelled."""
    smallest: int
    largest: int
    unneeded: float = 25.0
    """`--scale-down-unneeded-time`, 10 minutes there; nodes start and drain that much faster here too."""
    delay_after_add: float = 25.0
    """`--scale-down-delay-after-add`, 10 minutes there."""
    delay_after_failure: float = 30.0
    """`--scale-down-delay-after-failure`, 3 minutes there."""
    eviction: float = 120.0
    """`--max-pod-eviction-time`."""


@dataclass
class Removal:
    """A node that is being removed."""

    node: Node
    since: float


@dataclass
class ClusterAutoscaler:
    """Keeps one group at the size that its pods need. `clock` returns seconds."""

    api: KubernetesApi
    autoscaling: Any
    """A boto3 client of Auto Scaling."""
    options: Options
    clock: Callable[[], float] = time.monotonic
    removal: Removal | None = None
    unneeded_since: dict[str, float] = field(default_factory=dict)
    last_growth: float = float("-inf")
    last_failure: float = float("-inf")
    ended: set[str] = field(default_factory=set)
    """Instances that it has ended, whose nodes are still there for some seconds."""
    history: list[str] = field(default_factory=list)
    """What it did, in words."""

    def step(self) -> None:
        """Read the cluster once and do what is next."""
        picture = self._read()
        if self._grow(picture):
            return
        if self.removal is not None:
            self._advance(self.removal, picture)
        else:
            self._begin_removal(picture)

    def _read(self) -> Picture:
        nodes = [
            node for node in self.api.each("/api/v1/nodes", Node.read) if node.instance not in self.ended
        ]
        own = tuple(node for node in nodes if node.labels.get(_GROUP_LABEL) == self.options.nodegroup)
        return Picture(
            nodes=own,
            others=tuple(node for node in nodes if node not in own),
            pods=tuple(pod for pod in self.api.each("/api/v1/pods", Pod.read) if pod is not None),
            budgets=tuple(self.api.each("/apis/policy/v1/poddisruptionbudgets", Budget.read)),
            desired=self._described()["DesiredCapacity"],
        )

    def surplus(self) -> int:
        """Return by how many instances the group is larger than its minimum, those that end included."""
        described = self._described()
        instances: int = max(described["DesiredCapacity"], len(described["Instances"]))
        return instances - self.options.smallest

    def _described(self) -> dict[str, Any]:
        names = [self.options.group]
        found = self.autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=names)
        return dict(found["AutoScalingGroups"][0])

    def _grow(self, picture: Picture) -> bool:
        largest = min(self.options.largest, self._described()["MaxSize"])
        wanted = wanted_size(picture, largest)
        if wanted <= picture.desired:
            return False
        self.autoscaling.set_desired_capacity(
            AutoScalingGroupName=self.options.group, DesiredCapacity=wanted, HonorCooldown=False
        )
        self.last_growth = self.clock()
        self.history.append(f"grew from {picture.desired} to {wanted}")
        return True

    def _begin_removal(self, picture: Picture) -> None:
        now = self.clock()
        found = {node.name: node for node in removable(picture, self.options.smallest)}
        self.unneeded_since = {name: self.unneeded_since.get(name, now) for name in found}
        since_failure = now - self.last_failure
        if (
            now - self.last_growth < self.options.delay_after_add
            or since_failure < self.options.delay_after_failure
        ):
            return
        for name, node in found.items():
            if now - self.unneeded_since[name] >= self.options.unneeded:
                if self._mark(node, to_be_deleted=True):
                    self.removal = Removal(node, now)
                return

    def _advance(self, removal: Removal, picture: Picture) -> None:
        node = next((each for each in picture.nodes if each.name == removal.node.name), None)
        if node is None:
            self.removal = None
            return
        left = [pod for pod in picture.on(node) if not pod.stays]
        if not left:
            self._end(node)
        elif self.clock() - removal.since >= self.options.eviction:
            self._give_up(node, f"{len(left)} pods are left")
        else:
            for pod in left:
                if not pod.is_leaving:
                    self.api.evict(pod.namespace, pod.name, uid=pod.uid)

    def _end(self, node: Node) -> None:
        """End the instance; where the group refuses, the node is given back."""
        try:
            self.autoscaling.terminate_instance_in_auto_scaling_group(
                InstanceId=node.instance, ShouldDecrementDesiredCapacity=True
            )
        except ClientError as error:
            self._give_up(node, str(error))
        else:
            self.removal = None
            self.ended.add(node.instance)
            self.history.append(f"removed {node.name}")

    def _give_up(self, node: Node, reason: str) -> None:
        if self._mark(node, to_be_deleted=False):
            self.removal, self.last_failure = None, self.clock()
            self.history.append(f"gave up the removal of {node.name}: {reason}")

    def _mark(self, node: Node, *, to_be_deleted: bool) -> bool:
        """Cordon and taint a node, or undo both; False where another actor wrote it at the same time.

        To cordon is the default since 1.34 (release notes of cluster-autoscaler-1.34.0).
        """
        taints = [taint for taint in node.taints if taint["key"] not in {TO_BE_DELETED, _UNSCHEDULABLE}]
        if to_be_deleted:
            taints.append({"key": TO_BE_DELETED, "value": str(int(time.time())), "effect": "NoSchedule"})
        spec = {"unschedulable": to_be_deleted or None, "taints": taints}
        patch = {"metadata": {"resourceVersion": node.version}, "spec": spec}
        try:
            self.api.merge(f"/api/v1/nodes/{node.name}", patch)
        except RefusedError as error:
            if error.status not in {404, 409}:
                raise
            return False
        return True


@contextmanager
def running(scaler: ClusterAutoscaler, fault: Callable[[str, str, str], None]) -> Iterator[None]:
    """Let the autoscaler work for the length of a `with` block; failures of a step are passed to `fault`."""
    ticker = Ticker("cluster autoscaler", _INTERVAL, scaler.step, fault).start()
    try:
        yield
    finally:
        ticker.stop()
