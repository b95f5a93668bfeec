"""One reading of a workload that is being restarted: its pods, which are new, which Cilium manages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from eks_cilium.cluster.objects import controller, reference
from eks_cilium.cluster.readiness import pod_reason
from eks_cilium.migration.facts import pods as pod_facts
from eks_cilium.migration.facts import workloads
from eks_cilium.migration.facts.on_demand import BackingReader
from eks_cilium.migration.refresh.pods import is_ordinary
from eks_cilium.migration.refresh.reading import managed
from eks_cilium.texts import named

if TYPE_CHECKING:
    from collections.abc import Collection

    from eks_cilium.cluster.objects import Object, Reference
    from eks_cilium.migration.facts.model import Owner, Pod
    from eks_cilium.runtime.context import World

_MOST_NAMED = 3
_BARE = "Pod"


@dataclass(frozen=True, slots=True)
class Look:
    """What there is now."""

    workload: Reference
    thing: Object | None
    """The workload itself; None where it is gone, and for kinds nobody here knows."""
    owner: Owner | None
    pods: tuple[Pod, ...]
    """All that have not ended."""
    things: dict[str, Object]
    """The same by UID, as the API server sent them."""
    managed: frozenset[str]

    @property
    def is_gone(self) -> bool:
        """Whether there is nothing any more that would make pods."""
        return self.thing is None and workloads.path_of(self.workload) is not None

    @property
    def ready(self) -> int:
        """How many pods serve."""
        return sum(pod.ready and pod.deleted is None for pod in self.pods)

    @property
    def unmanaged(self) -> list[Pod]:
        """Pods that Cilium does not manage, or not yet."""
        return [pod for pod in self.pods if is_ordinary(pod) and pod.uid not in self.managed]

    def old(self, before: Collection[str]) -> list[Pod]:
        """Pods of the beginning that are still there, terminating ones too."""
        return [pod for pod in self.pods if pod.uid in before]

    def new_without_cilium(self, before: Collection[str]) -> list[Pod]:
        """Pods that came since and have no endpoint yet."""
        return [pod for pod in self.unmanaged if pod.uid not in before]

    def wanted(self, before: int) -> int:
        """How many pods have to be ready: as before, or what the workload wants by now where that is less."""
        if self.workload.kind == _BARE:
            return 0
        if self.thing is not None and self.workload.kind == "DaemonSet":
            return min(before, int(self.thing.get("status", {}).get("desiredNumberScheduled", 0)))
        desired = self.owner.desired if self.owner else None
        return before if desired is None else min(before, desired)

    def rolling(self) -> str:
        """How far a Deployment's roll-out is, in one sentence; nothing when it is through."""
        if self.thing is None:
            return ""
        status, wanted = self.thing.get("status", {}), self.thing["spec"].get("replicas", 1)
        if status.get("observedGeneration", 0) < self.thing["metadata"].get("generation", 0):
            return "its controller has not looked at it yet"
        new, all_ = status.get("updatedReplicas", 0), status.get("replicas", 0)
        if new < wanted or all_ > new:
            return f"{new} of {wanted} pods are new, {all_ - new} old ones are left"
        return ""

    def not_ready(self) -> str:
        """The first pods that are not ready, and why."""
        waiting = [pod for pod in self.pods if not pod.ready and pod.deleted is None]
        return named((f"{pod.name}: {pod_reason(self.things[pod.uid])}" for pod in waiting), _MOST_NAMED)


class Looking:
    """Reads one workload, again and again. ReplicaSets between it and its pods are read once."""

    def __init__(self, world: World, workload: Reference) -> None:
        self._world, self._workload = world, workload
        self._backing = BackingReader(world.api)

    def look(self) -> Look:
        """Now."""
        path = workloads.path_of(self._workload)
        thing = self._world.api.get(path) if path else None
        found = [one for one in self._listed(thing) if self._is_ours(one)]
        known = [pod for one in found if (pod := pod_facts.pod(one)) and not pod.terminal]
        return Look(
            workload=self._workload,
            thing=thing,
            owner=workloads.owner(self._workload.kind, thing) if thing else None,
            pods=tuple(sorted(known, key=lambda pod: pod.name)),
            things={one["metadata"]["uid"]: one for one in found},
            managed=managed(self._world, self._workload.namespace),
        )

    def _listed(self, thing: Object | None) -> list[Object]:
        """Pods of its namespace; only those with its labels, where it says which."""
        labels = (((thing or {}).get("spec") or {}).get("selector") or {}).get("matchLabels") or {}
        selectors = {"labelSelector": ",".join(f"{key}={value}" for key, value in sorted(labels.items()))}
        path = f"/api/v1/namespaces/{self._workload.namespace}/pods"
        return self._world.api.list(path, **(selectors if labels else {}))

    def _is_ours(self, thing: Object) -> bool:
        owner = controller(thing)
        if owner is None or self._workload.kind == _BARE:
            return reference(_BARE, thing) == self._workload
        return self._backing.is_owned_by(thing, self._workload)
