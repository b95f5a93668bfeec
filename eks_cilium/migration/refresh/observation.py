"""Reads a workload that is being restarted: its pods, which of them are new, and which Cilium manages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from eks_cilium.cluster.gates.readiness import pod_reason
from eks_cilium.cluster.objects import condition, controller, reference
from eks_cilium.cluster.selectors import labels_in_request
from eks_cilium.migration.facts import pods as pod_facts
from eks_cilium.migration.facts import workloads
from eks_cilium.migration.facts.on_demand import BackingReader
from eks_cilium.migration.refresh.pods import needs_endpoint
from eks_cilium.migration.refresh.reading import managed_pods_seen
from eks_cilium.texts import named

if TYPE_CHECKING:
    from collections.abc import Collection

    from eks_cilium.clients.kubernetes import KubernetesApi
    from eks_cilium.cluster.objects import Object, Reference
    from eks_cilium.migration.facts.model import Owner, Pod
    from eks_cilium.runtime.context import World
    from eks_cilium.runtime.view import View

_MOST_NAMED = 3
_BARE = "Pod"


@dataclass(frozen=True, slots=True)
class WorkloadReading:
    """A workload and its pods at one time."""

    workload: Reference
    obj: Object | None
    """The workload's own object; None where it was deleted, and for kinds that are not read."""
    owner: Owner | None
    pods: tuple[Pod, ...]
    """All that have not ended."""
    objects: dict[str, Object]
    """The pods as the API server sent them, by UID."""
    managed: frozenset[str]
    """UIDs of the pods that have a CiliumEndpoint."""
    no_node: str = ""
    """A pod that the scheduler has no node for, with its words; empty where there is none."""

    @property
    def is_deleted(self) -> bool:
        """Whether the workload was deleted, so that nothing recreates its pods."""
        return self.obj is None and workloads.path_of(self.workload) is not None

    @property
    def ready(self) -> int:
        """How many pods are ready and not terminating."""
        return sum(pod.ready and pod.deleted is None for pod in self.pods)

    @property
    def unmanaged(self) -> list[Pod]:
        """Pods that Cilium does not manage, or does not manage yet."""
        return [pod for pod in self.pods if needs_endpoint(pod) and pod.uid not in self.managed]

    def old(self, before: Collection[str]) -> list[Pod]:
        """Pods from before the restart that still exist, terminating ones included."""
        return [pod for pod in self.pods if pod.uid in before]

    def stopping(self, before: Collection[str]) -> float:
        """Seconds of grace that the longest of them has that is terminating."""
        return max((pod.grace_seconds for pod in self.old(before) if pod.deleted), default=0)

    def new_without_cilium(self, before: Collection[str]) -> list[Pod]:
        """Pods created since then that have no CiliumEndpoint yet."""
        return [pod for pod in self.unmanaged if pod.uid not in before]

    def wanted(self, before: int) -> int:
        """How many pods have to be ready: as many as before, or as the workload wants now if that is less."""
        if self.workload.kind == _BARE:
            return 0
        if self.obj is not None and self.workload.kind == "DaemonSet":
            return min(before, int(self.obj.get("status", {}).get("desiredNumberScheduled", 0)))
        desired = self.owner.desired if self.owner else None
        return before if desired is None else min(before, desired)

    def roll_out_progress(self) -> str:
        """What a Deployment's roll-out still has to do, in one sentence; empty when it is complete."""
        if self.obj is None:
            return ""
        status, wanted = self.obj.get("status", {}), self.obj["spec"].get("replicas", 1)
        if status.get("observedGeneration", 0) < self.obj["metadata"].get("generation", 0):
            return "its controller has not read the new template yet"
        new, all_ = status.get("updatedReplicas", 0), status.get("replicas", 0)
        if new < wanted or all_ > new:
            return f"{new} of {wanted} pods are new, {all_ - new} old ones are left"
        return ""

    def not_ready(self) -> str:
        """The first pods that are not ready, each with its reason."""
        waiting = [pod for pod in self.pods if not pod.ready and pod.deleted is None]
        return named((f"{pod.name}: {pod_reason(self.objects[pod.uid])}" for pod in waiting), _MOST_NAMED)


class WorkloadReader:
    """Reads one workload repeatedly. The ReplicaSets between it and its pods are read once.

    What changes in between comes from the view of the process, which is asked for the pods of this workload
    alone until `release`.
    """

    def __init__(self, world: World, workload: Reference) -> None:
        self._world, self._workload = world, workload
        self._backing = BackingReader(world.seen)
        self._watched: set[tuple[str, str]] = set()
        self._path = f"/api/v1/namespaces/{workload.namespace}/pods"

    def read(self, *, fresh: bool = False) -> WorkloadReading:
        """The workload and its pods as they are now; of the API server where it has to be `fresh`."""
        source: View | KubernetesApi = self._world.api if fresh else self._world.seen
        path = workloads.path_of(self._workload)
        obj = source.get(path) if path else None
        own = [pod for pod in self._candidates(obj, source) if self._is_own(pod)]
        known = [pod for item in own if (pod := pod_facts.pod(item)) and not pod.terminal]
        return WorkloadReading(
            workload=self._workload,
            obj=obj,
            owner=workloads.owner(self._workload.kind, obj) if obj else None,
            pods=tuple(sorted(known, key=lambda pod: pod.name)),
            objects={item["metadata"]["uid"]: item for item in own},
            managed=managed_pods_seen(self._world, self._workload.namespace),
            no_node=next(filter(None, map(_without_node, own)), ""),
        )

    def release(self) -> None:
        """Watch the pods no longer."""
        if self._world.view is not None:
            for kind, selector in self._watched:
                self._world.view.release(self._path, **({kind: selector} if kind else {}))
        self._watched.clear()

    def _candidates(self, obj: Object | None, source: View | KubernetesApi) -> list[Object]:
        """Pods of its namespace; only those with its labels, where its selector has labels."""
        kind, selector = self._selector(obj)
        if source is self._world.view:
            self._watched.add((kind, selector))
        return source.list(self._path, **({kind: selector} if kind else {}))

    def _selector(self, obj: Object | None) -> tuple[str, str]:
        """The parameter that selects its pods, and its value; empty where all of the namespace are read."""
        if self._workload.kind == _BARE:
            return "fieldSelector", f"metadata.name={self._workload.name}"
        selector = labels_in_request(((obj or {}).get("spec") or {}).get("selector"))
        return ("labelSelector", selector) if selector else ("", "")

    def _is_own(self, pod: Object) -> bool:
        if self._workload.kind == _BARE or controller(pod) is None:
            return reference(_BARE, pod) == self._workload
        return self._backing.is_owned_by(pod, self._workload)


def _without_node(pod: Object) -> str:
    scheduled = condition(pod, "PodScheduled")
    if scheduled.get("reason") != "Unschedulable" or pod["spec"].get("nodeName"):
        return ""
    return f"{pod['metadata']['name']}: {scheduled.get('message', 'no reason is given')}"
