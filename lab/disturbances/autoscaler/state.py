"""Pods, nodes and budgets as far as the emulated Cluster Autoscaler reads them."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from eks_cilium.cluster.selectors import Selector, selector

if TYPE_CHECKING:
    from collections.abc import Mapping

SAFE_TO_EVICT = "cluster-autoscaler.kubernetes.io/safe-to-evict"
_UNITS = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "k": 10**3, "M": 10**6, "G": 10**9, "m": 0}
_FINISHED = ("Succeeded", "Failed")


@dataclass(frozen=True)
class Size:
    """What pods request, or a node offers: CPU in millicores, memory in bytes, a number of pods."""

    cpu: int = 0
    memory: int = 0
    pods: int = 0

    def __add__(self, other: Size) -> Size:
        return Size(self.cpu + other.cpu, self.memory + other.memory, self.pods + other.pods)

    def __sub__(self, other: Size) -> Size:
        return Size(self.cpu - other.cpu, self.memory - other.memory, self.pods - other.pods)

    def holds(self, other: Size) -> bool:
        """Return whether there is space for the other in this."""
        return self.cpu >= other.cpu and self.memory >= other.memory and self.pods >= other.pods

    @classmethod
    def read(cls, resources: Mapping[str, str], pods: int) -> Size:
        """Return the size in a list of resources of the Kubernetes API."""
        cpu, memory = quantity(resources.get("cpu", "0")), quantity(resources.get("memory", "0"))
        return cls(int(cpu * 1000), int(memory), pods)


def quantity(written: str) -> Decimal:
    """Return the number that a Kubernetes quantity such as `250m` or `2Gi` stands for."""
    for suffix, factor in _UNITS.items():
        if written.endswith(suffix):
            number = Decimal(written.removesuffix(suffix))
            return number * factor if factor else number / 1000
    return Decimal(written)


@dataclass(frozen=True)
class Pod:
    """A pod that has not ended."""

    namespace: str
    name: str
    uid: str
    node: str
    size: Size
    labels: Mapping[str, str] = field(repr=False)
    node_selector: Mapping[str, str] = field(repr=False)
    owner: str
    """Kind of its controller; empty for a bare pod."""
    is_unschedulable: bool
    is_leaving: bool
    is_safe: str
    """Its annotation `safe-to-evict`, empty where it has none."""
    has_local_storage: bool

    @property
    def key(self) -> str:
        """Namespace and name of the pod."""
        return f"{self.namespace}/{self.name}"

    @property
    def stays(self) -> bool:
        """Return whether a drain leaves the pod where it is."""
        return self.owner in {"DaemonSet", "Node"}

    @classmethod
    def read(cls, pod: Mapping[str, Any]) -> Pod | None:
        """Return the pod, or None for one that has ended."""
        if pod["status"].get("phase") in _FINISHED:
            return None
        metadata, spec = pod["metadata"], pod["spec"]
        owners = metadata.get("ownerReferences") or ()
        requests = [each.get("resources", {}).get("requests", {}) for each in spec["containers"]]
        return cls(
            namespace=metadata["namespace"],
            name=metadata["name"],
            uid=metadata["uid"],
            node=spec.get("nodeName", ""),
            size=sum((Size.read(each, 0) for each in requests), Size(pods=1)),
            labels=metadata.get("labels", {}),
            node_selector=spec.get("nodeSelector", {}),
            owner=next((str(each["kind"]) for each in owners if each.get("controller")), ""),
            is_unschedulable=_is_unschedulable(pod),
            is_leaving="deletionTimestamp" in metadata,
            is_safe=metadata.get("annotations", {}).get(SAFE_TO_EVICT, ""),
            has_local_storage=any(
                "emptyDir" in each or "hostPath" in each for each in spec.get("volumes", ())
            ),
        )


def _is_unschedulable(pod: Mapping[str, Any]) -> bool:
    return any(
        each["type"] == "PodScheduled" and each["status"] == "False" and each.get("reason") == "Unschedulable"
        for each in pod["status"].get("conditions", ())
    )


@dataclass(frozen=True)
class Node:
    """A node of the group or of another."""

    name: str
    instance: str
    labels: Mapping[str, str] = field(repr=False)
    annotations: Mapping[str, str] = field(repr=False)
    taints: tuple[Mapping[str, str], ...] = field(repr=False)
    size: Size
    is_ready: bool
    is_cordoned: bool
    version: str = ""
    """Its resource version, with which a write is refused when another actor wrote it since."""

    @property
    def takes_pods(self) -> bool:
        """Return whether the scheduler may put ordinary pods there."""
        return self.is_ready and not self.is_cordoned and not any(_repels(taint) for taint in self.taints)

    @classmethod
    def read(cls, node: Mapping[str, Any]) -> Node:
        """Return the node that an object of the API describes."""
        metadata, spec, allocatable = node["metadata"], node["spec"], node["status"].get("allocatable", {})
        conditions = node["status"].get("conditions", ())
        return cls(
            name=metadata["name"],
            instance=spec.get("providerID", "").rpartition("/")[2],
            labels=metadata.get("labels", {}),
            annotations=metadata.get("annotations", {}),
            taints=tuple(spec.get("taints", ())),
            size=Size.read(allocatable, int(allocatable.get("pods", 0))),
            is_ready=any(each["type"] == "Ready" and each["status"] == "True" for each in conditions),
            is_cordoned=bool(spec.get("unschedulable")),
            version=metadata.get("resourceVersion", ""),
        )


def _repels(taint: Mapping[str, str]) -> bool:
    return taint["effect"] in {"NoSchedule", "NoExecute"}


@dataclass(frozen=True)
class Budget:
    """A PodDisruptionBudget with the disruptions that it allows now."""

    namespace: str
    pods: Selector | None
    allowed: int

    def covers(self, pod: Pod) -> bool:
        """Return whether the budget selects the pod."""
        return pod.namespace == self.namespace and self.pods is not None and self.pods.matches(pod.labels)

    @classmethod
    def read(cls, budget: Mapping[str, Any]) -> Budget:
        """Return the budget that an object of the API describes."""
        allowed = int(budget.get("status", {}).get("disruptionsAllowed", 0))
        return cls(budget["metadata"]["namespace"], selector(budget["spec"].get("selector")), allowed)


@dataclass(frozen=True)
class Picture:
    """All that one decision is based on."""

    nodes: tuple[Node, ...]
    """Nodes of the group."""
    others: tuple[Node, ...]
    pods: tuple[Pod, ...]
    budgets: tuple[Budget, ...]
    desired: int
    """The desired capacity of the group."""

    def on(self, node: Node) -> list[Pod]:
        """Return the pods on a node that have not ended."""
        return [pod for pod in self.pods if pod.node == node.name]

    def free(self, node: Node) -> Size:
        """Return what is left on a node."""
        return node.size - sum((pod.size for pod in self.on(node)), Size())
