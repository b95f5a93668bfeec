"""A refresh, as frozen values: the facts it is planned from, and what happens to every workload."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from eks_cilium.cluster.objects import same

if TYPE_CHECKING:
    from collections.abc import Mapping

    from eks_cilium.cilium.limits import Limited
    from eks_cilium.cluster.objects import Reference
    from eks_cilium.migration.facts.model import Facts
    from eks_cilium.migration.plan.model import Blocker, BudgetUse, PlanWarning, PodPlan


class Method(StrEnum):
    """How the pods of a workload are restarted."""

    ROLL_OUT = "roll out"
    """By the Deployment's own roll-out, which creates every new pod before it deletes an old one."""
    EVICT = "evict"
    """Pod by pod through the Eviction API, which asks the pod's budget."""


@dataclass(frozen=True, slots=True)
class RefreshFacts:
    """Everything that the plan of a refresh depends on, read at one time."""

    facts: Facts
    managed: frozenset[str] = frozenset()
    """UIDs of the pods that have a CiliumEndpoint."""
    unchained_ipam: str = ""
    """The IPAM mode of a Cilium that is installed and not chained; empty where there is none."""
    limited: tuple[Limited, ...] = ()
    """Policies and other objects that use a feature which does not work when Cilium is chained."""
    untainted: tuple[Reference, ...] = ()
    """Managed node groups whose new nodes do not wait for Cilium before they start pods."""


@dataclass(frozen=True, slots=True)
class WorkloadPlan:
    """What happens to one workload."""

    position: int
    """From 1."""
    workload: Reference
    uid: str
    method: Method
    reason: str
    """Why this method."""
    at_once: int
    """How many of its pods may be missing at the same time."""
    pods: tuple[PodPlan, ...]
    """Those that Cilium does not manage."""
    budgets: tuple[BudgetUse, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class RefreshPlan:
    """Everything a refresh will do."""

    cluster: str
    parallel: int
    managed: int
    total: int
    """Running pods that Cilium can manage: those that are not on the network of their node."""
    workloads: tuple[WorkloadPlan, ...]
    bare: tuple[Reference, ...]
    """Pods that nothing recreates, and whose deletion the configuration does not permit."""
    jobs: tuple[Reference, ...]
    """Pods of Jobs, which are never restarted."""
    blockers: tuple[Blocker, ...]
    warnings: tuple[PlanWarning, ...]
    seconds: float

    @property
    def clean(self) -> bool:
        return not self.blockers

    @property
    def not_restarted(self) -> tuple[Reference, ...]:
        return (*self.bare, *self.jobs)

    @property
    def pods(self) -> int:
        """How many pods are restarted."""
        return sum(len(workload.pods) for workload in self.workloads)

    def of(self, workload: Reference) -> WorkloadPlan | None:
        """The plan of one workload; None when none of its pods has to be restarted."""
        return next((planned for planned in self.workloads if planned.workload == workload), None)

    def blockers_of(self, workload: Reference) -> tuple[Blocker, ...]:
        """Why one workload cannot be restarted."""
        plan = self.of(workload)
        pods = {pod.pod for pod in plan.pods} if plan else set()
        return tuple(
            blocker
            for blocker in self.blockers
            if blocker.object == workload or not pods.isdisjoint(blocker.pods)
        )


@dataclass(frozen=True, slots=True)
class Listed:
    """A workload in the list that the first run recorded."""

    workload: Reference
    uid: str

    def to_json(self) -> Mapping[str, str]:
        known = self.workload
        group = {"group": known.group} if known.group else {}
        named = {"kind": known.kind, "namespace": known.namespace, "name": known.name}
        return {**named, **group, "uid": self.uid}


@dataclass(frozen=True, slots=True)
class WorkloadList:
    """The workloads whose pods ran before Cilium, in the order in which they are restarted."""

    recorded_at: str
    """A time in ISO 8601; it also identifies the refresh."""
    round: int
    workloads: tuple[Listed, ...] = field(default=())

    @property
    def references(self) -> tuple[Reference, ...]:
        return tuple(listed.workload for listed in self.workloads)

    def has(self, workload: Reference) -> bool:
        return any(same(recorded, workload) for recorded in self.references)
