"""The plan's own verdicts on the pods of one node, at the time of its drain.

The same judge as in the preview, fed with the facts of this node alone: its pods, what stands behind them,
and their budgets. Where pods can run again was decided for the whole cluster, in the preview.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eks_cilium.cluster.objects import Reference, controller
from eks_cilium.migration.facts import pods, storage, workloads
from eks_cilium.migration.facts.model import Cluster, Facts
from eks_cilium.migration.plan.budgets import Budgets, Ledger
from eks_cilium.migration.plan.findings import Findings
from eks_cilium.migration.plan.places import Chance, Places
from eks_cilium.migration.plan.verdicts import Judge

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from eks_cilium.cluster.objects import Object
    from eks_cilium.migration.facts.model import Budget, Claim, Owner, Pod, Volume
    from eks_cilium.migration.plan.model import PodPlan
    from eks_cilium.migration.run import Run


class Bench:
    """Judges the pods of one node, look by look. What stands behind a pod is read once."""

    def __init__(self, run: Run, group: str, judge: Callable[..., Judge] = Judge) -> None:
        self._run, self._group, self._judge = run, group, judge
        self._owners: dict[Reference, Owner] = {}
        self._asked: set[Reference] = set()
        self._claims: dict[Reference, Claim] = {}
        self._volumes: dict[str, Volume] = {}

    def judge(self, things: Sequence[Object]) -> dict[str, PodPlan]:
        """The verdict on every pod, by UID."""
        facts = self.facts(things)
        judge = self._judge(
            facts,
            self._run.options,
            budgets=Budgets(facts),
            ledger=Ledger(),
            places=Anywhere(facts, ()),
            findings=Findings(),
        )
        return {pod.uid: judge.judge(pod, self._group) for pod in facts.pods}

    def facts(self, things: Sequence[Object]) -> Facts:
        """What is known of these pods and of what stands behind them."""
        known = [pod for thing in things if (pod := pods.pod(thing))]
        for thing in things:
            self._learn_owner(controller(thing))
        for pod in known:
            self._learn_volumes(pod)
        return Facts(
            cluster=Cluster(name=self._run.world.cluster, version=""),
            pods=tuple(known),
            budgets=self._budgets({pod.namespace for pod in known}),
            owners=self._owners,
            claims=self._claims,
            volumes=self._volumes,
            read_at=self._run.world.time.now(),
        )

    def owners(self) -> Mapping[Reference, Owner]:
        """What stands behind the pods seen so far."""
        return self._owners

    def _budgets(self, namespaces: set[str]) -> tuple[Budget, ...]:
        return tuple(
            budget
            for namespace in sorted(namespaces)
            for budget in self._run.world.api.each(
                f"/apis/policy/v1/namespaces/{namespace}/poddisruptionbudgets", pods.budget
            )
        )

    def _learn_owner(self, owner: Reference | None) -> None:
        """Read an owner and what stands behind it. Of kinds nobody here knows, the name has to do."""
        while owner is not None and owner not in self._asked:
            self._asked.add(owner)
            path = workload_path(owner)
            thing = self._run.world.api.get(path) if path else None
            found = workloads.reader(owner.kind)(thing) if thing else None
            if thing is None or found is None:
                return
            self._owners[owner] = found
            owner = controller(thing)

    def _learn_volumes(self, pod: Pod) -> None:
        for name in pod.claims:
            reference = Reference("PersistentVolumeClaim", pod.namespace, name)
            if reference in self._claims:
                continue
            path = f"/api/v1/namespaces/{pod.namespace}/persistentvolumeclaims/{name}"
            thing = self._run.world.api.get(path)
            if thing is None:
                continue
            claim = self._claims[reference] = storage.claim(thing)
            volume = (
                self._run.world.api.get(f"/api/v1/persistentvolumes/{claim.volume}") if claim.volume else None
            )
            if volume is not None and (known := storage.volume(volume, {})):
                self._volumes[known.name] = known


class Anywhere(Places):
    """Places that suit every pod."""

    def with_volumes(self, _pod: Pod, _group: str) -> Chance:
        """Everywhere."""
        return Chance.SURE


def workload_path(owner: Reference) -> str | None:
    """Where a workload is read; None for kinds nobody here knows."""
    collection = workloads.PATHS.get(owner.kind)
    if collection is None:
        return None
    group, _, plural = collection.rpartition("/")
    return f"{group}/namespaces/{owner.namespace}/{plural}/{owner.name}"
