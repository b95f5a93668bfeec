"""One reading of a node during its drain: its pods, the verdicts on them, and what is left to do."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from eks_cilium.migration.eviction.judging import LiveVerdicts
from eks_cilium.migration.eviction.requests import name_of
from eks_cilium.migration.eviction.successors import Successors
from eks_cilium.migration.facts import pods
from eks_cilium.migration.plan.model import Verdict
from eks_cilium.migration.plan.pods.staying import is_mount_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from eks_cilium.cluster.objects import Object
    from eks_cilium.migration.facts.model import Pod
    from eks_cilium.migration.plan.model import PodPlan
    from eks_cilium.migration.run import MigrationRun
    from eks_cilium.runtime.context import World

_CRITICAL = "system-"
"""Prefix of the priority classes of critical pods, `system-node-critical` and `system-cluster-critical`."""


@dataclass(frozen=True)
class Reading:
    """The pods of a node by UID, with the verdicts on them."""

    pods: Mapping[str, Object] = field(default_factory=dict)
    verdicts: Mapping[str, PodPlan] = field(default_factory=dict)
    has_pods: bool = False
    """Whether pods are there that are neither over nor tied to the node, as those of DaemonSets are."""

    def of(self, *verdicts: Verdict) -> list[str]:
        return [uid for uid, plan in self.verdicts.items() if plan.verdict in verdicts]

    @property
    def blocked(self) -> list[str]:
        """The pods that must not be evicted now, each with the reason."""
        return blocked(self.verdicts.values())

    @property
    def left(self) -> list[str]:
        """UIDs of the pods that the drain still has to move."""
        return self.of(Verdict.EVICT, Verdict.DELETE, Verdict.WAIT)

    @property
    def next(self) -> list[str]:
        """UIDs of the pods to evict now; critical ones last: others may need them to terminate."""
        ordinary = any(not self._is_critical(uid) for uid in self.left)
        moving = self.of(Verdict.EVICT, Verdict.DELETE)
        return [uid for uid in moving if not (ordinary and self._is_critical(uid))]

    @property
    def longest_grace(self) -> float:
        """Seconds that the terminating pods may take to stop, from when their deletion was requested."""
        stopping = (self.pods[uid] for uid in self.of(Verdict.WAIT))
        return max((_grace(pod) for pod in stopping if "deletionTimestamp" in pod["metadata"]), default=0.0)

    def _is_critical(self, uid: str) -> bool:
        return str(self.pods[uid]["spec"].get("priorityClassName") or "").startswith(_CRITICAL)


class NodeReader:
    """Reads one node again and again; pods that came back after their eviction are none of the drain's."""

    def __init__(self, run: MigrationRun, node: str, evicted: Callable[[str], bool]) -> None:
        self._run, self._node = run, node
        self._verdicts = LiveVerdicts(run)
        self._successors = Successors(evicted)
        self._reported: set[str] = set()
        self._unused_since: float | None = None

    def read(self, *, terminating_limit: float | None = None, fresh: bool = True) -> Reading:
        """Read the node; `terminating_limit` is that of `LiveVerdicts.on`.

        Without `fresh` its pods are as the view of this process has them.
        """
        objects = (pods_on if fresh else pods_seen_on)(self._run.world, self._node)
        verdicts = self._verdicts.on(objects, terminating_limit=terminating_limit)
        if blocked(verdicts.values()):
            # What blocks may pass with a change to a workload, such as more replicas: it is read again.
            self._verdicts = LiveVerdicts(self._run)
        known = [pod for obj in objects if (pod := pods.pod(obj))]
        self._successors.note((pod, verdicts[pod.uid]) for pod in known)
        for pod in known:
            if verdicts[pod.uid].verdict.moves and self._successors.came_back(pod):
                verdicts[pod.uid] = self._skipped(verdicts[pod.uid])
        self._skip_unused_servers(known, verdicts)
        backing = self._verdicts.backing(objects)
        has_pods = any(not (pod.mirror or pod.terminal or backing.is_of_daemon_set(pod)) for pod in known)
        return Reading({obj["metadata"]["uid"]: obj for obj in objects}, verdicts, has_pods)

    def still_says(self, verdict: Verdict, plan: PodPlan) -> bool:
        """Whether a verdict on a pod is the same from what the API server says now, of all it depends on."""
        obj = self._run.world.api.get(f"/api/v1/namespaces/{plan.pod.namespace}/pods/{plan.pod.name}")
        if obj is None or obj["metadata"]["uid"] != plan.uid:
            return False
        return LiveVerdicts(self._run, fresh=True).on([obj])[plan.uid].verdict is verdict

    def _skip_unused_servers(self, known: Iterable[Pod], verdicts: dict[str, PodPlan]) -> None:
        """Skip pods that serve mounts when all others have been gone for a while, and they have not ended.

        Nothing uses them any more: a kubelet unmounts the volumes of a pod before the pod is deleted.
        """
        left = [pod for pod in known if verdicts[pod.uid].verdict not in (Verdict.SKIP, Verdict.ROLL)]
        now = self._run.world.time.monotonic()
        if not all(map(is_mount_server, left)):
            self._unused_since = None
            return
        if self._unused_since is None:
            self._unused_since = now
        if now - self._unused_since >= self._run.limits.volumes:
            for pod in left:
                plan = verdicts[pod.uid]
                verdicts[pod.uid] = replace(
                    plan, verdict=Verdict.SKIP, reason="no pod uses its mounts any more"
                )

    def _skipped(self, plan: PodPlan) -> PodPlan:
        if plan.uid not in self._reported:
            self._reported.add(plan.uid)
            self._run.report(f"{name_of(plan)} came back to the cordoned node: it ends with the node")
            self._run.world.note("came-back", node=self._node, pod=name_of(plan))
        return replace(plan, verdict=Verdict.SKIP, reason="came back to the cordoned node after its eviction")


def pods_on(world: World, node: str) -> list[Object]:
    """All pods that are bound to a node, asked of the API server."""
    return world.api.list("/api/v1/pods", fieldSelector=f"spec.nodeName={node}")


def pods_seen_on(world: World, node: str) -> list[Object]:
    """The same, as the view of this process has them."""
    return world.seen.list("/api/v1/pods", fieldSelector=f"spec.nodeName={node}")


def forget_pods_on(world: World, node: str) -> None:
    """Watch the pods of a node no longer: it is drained."""
    if world.view is not None:
        world.view.release("/api/v1/pods", fieldSelector=f"spec.nodeName={node}")


def blocked(verdicts: Iterable[PodPlan]) -> list[str]:
    """The pods that must not be evicted, each with the reason."""
    return [f"{name_of(plan)}: {plan.reason}" for plan in verdicts if plan.verdict.blocks_drain]


def _is_stopping(pod: Object) -> bool:
    return "deletionTimestamp" in pod["metadata"]


def _grace(pod: Object) -> float:
    default = pod["spec"].get("terminationGracePeriodSeconds", 30)
    return float(pod["metadata"].get("deletionGracePeriodSeconds", default))
