"""The pace of evictions where no PodDisruptionBudget sets it.

The API server evicts all replicas of a workload without a budget at once. Here no more of them go missing
than in the workload's own roll-out (`replicas.roll_outs`): the next is evicted when successors are ready.
What is counted are the pods that are not ready anywhere in the cluster, so that drains of several nodes at
once count together. A pod that had not been ready for longer than the health gate waits when the drain began
is not waited for: it is broken, and no successor of a pod that moved.

Asked by the drain before each eviction or deletion. Where successors never become ready, the drain reaches
its time limit, and `why` says what it waited for.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from eks_cilium.cluster.objects import condition, moment
from eks_cilium.cluster.selectors import labels_in_request
from eks_cilium.migration.facts import workloads
from eks_cilium.migration.facts.on_demand import BackingReader
from eks_cilium.migration.options import covers
from eks_cilium.migration.plan.model import Verdict
from eks_cilium.migration.replicas import custom_owners
from eks_cilium.migration.replicas.roll_outs import most_unavailable
from eks_cilium.migration.replicas.scheduling import sentence, unscheduled
from eks_cilium.runtime.errors import TimedOutError
from eks_cilium.troubleshooting import Topic

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from eks_cilium.cluster.objects import Object, Reference
    from eks_cilium.cluster.reading import ReadingApi
    from eks_cilium.migration.plan.model import PodPlan
    from eks_cilium.migration.replicas.custom_owners import CustomOwner
    from eks_cilium.migration.replicas.scheduling import Unscheduled
    from eks_cilium.migration.run import MigrationRun


_ASKED_AGAIN = 3.0
"""Seconds after which the API server is asked again for the pods of a workload that was held back."""
_LOOKED_AGAIN = 1.0
"""The same where the view of the process showed that a pod is missing."""


@dataclass(frozen=True, slots=True)
class _Replicas:
    """The pods of a workload, counted now."""

    wanted: int
    ready: int
    broken: int
    """Not ready since long before the drain, so that waiting for them cannot help."""
    at_once: int
    """How many may be missing."""
    unscheduled: tuple[Unscheduled, ...]

    @property
    def may_lose_one(self) -> bool:
        return self.wanted - self.ready - self.broken < self.at_once


class Pace:
    """The pace of one drain."""

    def __init__(self, run: MigrationRun) -> None:
        self._run, self._began = run, run.world.time.now()
        self._held: dict[str, str] = {}
        self._held_until: dict[str, float] = {}
        self._held_why: dict[str, str] = {}
        self._most: dict[str, int] = {}

    @contextmanager
    def turn(self, obj: Object, plan: PodPlan) -> Iterator[bool]:
        """Whether a pod may be evicted now; no other drain decides on its workload inside the block."""
        self._held.pop(plan.uid, None)
        if _has_budget(plan) or not custom_owners.is_ready(obj) or self._may_stay_pending(plan):
            yield True
            return
        with self._run.world.lock(f"evictions of {plan.workload}"):
            held = self._holds_back(obj, plan)
            if held:
                self._held[plan.uid] = held
            yield not held

    def why(self, uid: str) -> str:
        """Why the eviction of a pod was held back last time; empty where it was not."""
        return self._held.get(uid, "")

    def _may_stay_pending(self, plan: PodPlan) -> bool:
        workload = [plan.workload] if plan.workload else []
        return covers(self._run.options.allow.stranded_pods, plan.pod, *workload)

    def _holds_back(self, obj: Object, plan: PodPlan) -> str:
        workload, now = plan.workload, self._run.world.time.monotonic()
        if now < self._held_until.get(str(workload), now):
            return self._held_why.get(plan.uid) or f"{workload}: another pod of it waits as well"
        replicas, pause = self._missing_in_view(obj, plan), _LOOKED_AGAIN
        if replicas is None:
            replicas, pause = self._replicas(obj, plan, self._run.world.api), _ASKED_AGAIN
        if replicas is None or replicas.may_lose_one:
            return ""
        self._held_until[str(workload)] = now + pause
        self._refuse_without_nodes(workload, replicas)
        no_node = f"; {text}" if (text := sentence(replicas.unscheduled)) else ""
        why = self._held_why[plan.uid] = (
            f"{workload} has {replicas.ready} of {replicas.wanted} pods ready; without a budget at most "
            f"{replicas.at_once} may be missing, as in its own roll-out{no_node}"
        )
        return why

    def _refuse_without_nodes(self, workload: Reference | None, replicas: _Replicas) -> None:
        """Give the drain up where successors find no node: the node it uncordons is what they need."""
        limit, now = self._run.options.pending_timeout_seconds, self._run.world.time.now()
        ours = [pod for pod in replicas.unscheduled if pod.since and pod.since >= self._began]
        if late := [pod for pod in ours if pod.longer_than(limit, now)]:
            raise TimedOutError(
                f"successors of pods of {workload} to be scheduled",
                limit,
                sentence(late),
                topic=Topic.PODS_PENDING,
            )

    def _missing_in_view(self, obj: Object, plan: PodPlan) -> _Replicas | None:
        """The pods as the view has them, where these forbid an eviction: what permits it is asked for."""
        if self._run.world.view is None or custom_owners.custom_owner(obj) is not None:
            return None
        seen = self._replicas(obj, plan, self._run.world.seen)
        return seen if seen and not seen.may_lose_one else None

    def _replicas(self, obj: Object, plan: PodPlan, api: ReadingApi) -> _Replicas | None:
        """None where no number of pods is known, as for Jobs."""
        custom = custom_owners.custom_owner(obj)
        if custom is not None:
            return self._of_custom(custom)
        path = workloads.path_of(plan.workload) if plan.workload else None
        found = self._run.world.seen.get(path) if path else None
        return self._of_known(plan.workload, found, api) if plan.workload and found else None

    def _of_known(self, workload: Reference, found: Object, api: ReadingApi) -> _Replicas | None:
        owner = workloads.owner(workload.kind, found)
        if owner.desired is None:
            return None
        reader = BackingReader(self._run.world.seen)
        listed = api.list(
            f"/api/v1/namespaces/{workload.namespace}/pods",
            labelSelector=labels_in_request(found["spec"].get("selector")),
        )
        owned = [pod for pod in listed if reader.is_owned_by(pod, workload)]
        return self._counted(owned, owner.desired, most_unavailable(owner, owner.desired))

    def _of_custom(self, owner: CustomOwner) -> _Replicas | None:
        api = self._run.world.api
        owned = custom_owners.pods_of(api, owner)
        wanted = custom_owners.wanted(api, owner)
        # Where the kind does not say how many pods it wants, as many as there were at most in this drain;
        # a pod that is stopping may have its successor already.
        staying = sum("deletionTimestamp" not in pod["metadata"] for pod in owned)
        most = self._most[owner.uid] = max(self._most.get(owner.uid, 0), staying)
        return self._counted(owned, most if wanted.pods is None else wanted.pods, 1)

    def _counted(self, owned: Sequence[Object], wanted: int, at_once: int) -> _Replicas:
        return _Replicas(
            wanted=wanted,
            ready=sum(map(custom_owners.is_ready, owned)),
            broken=sum(map(self._is_broken, owned)),
            at_once=at_once,
            unscheduled=tuple(filter(None, map(unscheduled, owned))),
        )

    def _is_broken(self, pod: Object) -> bool:
        if custom_owners.is_ready(pod) or pod["metadata"].get("deletionTimestamp"):
            return False
        ready = condition(pod, "Ready")
        since = moment(ready.get("lastTransitionTime") or pod["metadata"].get("creationTimestamp"))
        limit = self._run.options.health_timeout_seconds
        return since is not None and (self._began - since).total_seconds() > limit


def _has_budget(plan: PodPlan) -> bool:
    """Whether the API server asks a budget. None is asked about pods that are deleted, as permitted."""
    return plan.budget is not None and plan.verdict is not Verdict.DELETE
