"""A refresh, as frozen values: what is asked for, what was found, and what will happen to every workload."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from eks_cilium.cilium.limits import Limited
    from eks_cilium.cluster.objects import Reference
    from eks_cilium.migration.facts.model import Facts
    from eks_cilium.migration.plan.model import Blocker, BudgetUse, PlanWarning, PodPlan


class How(StrEnum):
    """How the pods of a workload are restarted."""

    ROLL_OUT = "roll out"
    """By the Deployment's own roll-out, which makes every new pod before an old one goes."""
    EVICT = "evict"
    """Pod by pod through the Eviction API, which asks their budget."""


@dataclass(frozen=True, slots=True)
class Found:
    """One reading of everything the plan of a refresh is made of."""

    facts: Facts
    managed: frozenset[str] = frozenset()
    """UIDs of the pods that have a CiliumEndpoint."""
    alone: str = ""
    """Where Cilium runs on its own: its IPAM mode."""
    limited: tuple[Limited, ...] = ()
    """Objects of Cilium's that use what is limited when it is chained."""
    untainted: tuple[Reference, ...] = ()
    """Managed node groups whose new nodes do not wait for Cilium."""


@dataclass(frozen=True, slots=True)
class WorkloadPlan:
    """What happens to one workload."""

    position: int
    """From 1."""
    workload: Reference
    uid: str
    how: How
    why: str
    width: int
    """How many of its pods may be missing at once."""
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
    """Pods that Cilium could manage: all that run and are not on the network of their node."""
    workloads: tuple[WorkloadPlan, ...]
    bare: tuple[Reference, ...]
    """Pods that nothing makes anew and nobody permitted to go."""
    jobs: tuple[Reference, ...]
    """Pods of Jobs."""
    blockers: tuple[Blocker, ...]
    warnings: tuple[PlanWarning, ...]
    seconds: float

    @property
    def clean(self) -> bool:
        """Whether nothing forbids it."""
        return not self.blockers

    @property
    def left(self) -> tuple[Reference, ...]:
        """Pods that are not restarted."""
        return (*self.bare, *self.jobs)

    @property
    def pods(self) -> int:
        """How many pods are restarted."""
        return sum(len(workload.pods) for workload in self.workloads)

    def of(self, workload: Reference) -> WorkloadPlan | None:
        """The plan of one workload; None when nothing of it is to be restarted."""
        return next((one for one in self.workloads if one.workload == workload), None)

    def blockers_of(self, workload: Reference) -> tuple[Blocker, ...]:
        """Why one workload can not be restarted."""
        plan = self.of(workload)
        pods = {pod.pod for pod in plan.pods} if plan else set()
        return tuple(one for one in self.blockers if one.object == workload or not pods.isdisjoint(one.pods))


@dataclass(frozen=True, slots=True)
class Listed:
    """A workload in the list that the first run wrote."""

    workload: Reference
    uid: str

    def to_json(self) -> Mapping[str, str]:
        """As it is kept."""
        known = self.workload
        return {"kind": known.kind, "namespace": known.namespace, "name": known.name, "uid": self.uid}


@dataclass(frozen=True, slots=True)
class WorkloadList:
    """The workloads whose pods ran before Cilium, in the order of work."""

    taken: str
    round: int
    workloads: tuple[Listed, ...] = field(default=())

    @property
    def references(self) -> tuple[Reference, ...]:
        """Which workloads."""
        return tuple(one.workload for one in self.workloads)
