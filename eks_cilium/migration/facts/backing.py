"""The workload behind a pod, the number of pods it wants, and the volumes of a pod.

The only module that answers these questions: the plan, drains, the health check after a drain and restarts
use it, so that they agree on the workload of a pod.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from eks_cilium.cluster.objects import Reference

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from eks_cilium.migration.facts.model import Claim, Facts, Owner, Pod, Volume

# CronJob > Job and Deployment > ReplicaSet are two levels; operators that own a Deployment make it three.
DEEPEST = 5


class Scale(NamedTuple):
    """A workload that states its number of pods, and that number."""

    workload: Reference
    pods: int


@dataclass(frozen=True, slots=True)
class Backing:
    """The workloads and volumes behind pods, as far as they were read."""

    owners: Mapping[Reference, Owner] = field(default_factory=dict)
    claims: Mapping[Reference, Claim] = field(default_factory=dict)
    volumes: Mapping[str, Volume] = field(default_factory=dict)

    @classmethod
    def of(cls, facts: Facts) -> Backing:
        """Everything that was read of a whole cluster."""
        return cls(facts.owners, facts.claims, facts.volumes)

    def workload_of(self, pod: Pod) -> Reference:
        """The topmost known owner: a pod's Deployment, not its ReplicaSet.

        A ReplicaSet whose own controller is of an unknown kind (an Argo Rollout) is the workload itself,
        since its ready pods can be read and those of a Rollout cannot. A controller of an unknown kind is the
        workload of its pods. A pod without a controller is its own workload.
        """
        if pod.owner is None:
            return pod.reference
        *_, topmost = self.chain(pod.owner)
        return topmost

    def is_bare(self, pod: Pod) -> bool:
        """Whether nothing recreates the pod: it has no controller, or its DaemonSet was deleted."""
        return pod.owner is None or (pod.owner.kind == "DaemonSet" and pod.owner not in self.owners)

    def scale(self, controller: Reference) -> Scale | None:
        """Whose number of replicas counts for a controller's pods: a Deployment's, not its ReplicaSet's.

        None for what has no replicas of its own (DaemonSet, Job) and for unknown kinds.
        """
        found = None
        for reference in self.chain(controller):
            owner = self.owners.get(reference)
            if owner is not None and owner.desired is not None:
                found = Scale(reference, owner.desired)
        return found

    def volumes_of(self, pod: Pod) -> Iterator[Volume | None]:
        """The volume of each claim that the pod uses; None where the claim has none yet."""
        for name in pod.claims:
            claim = self.claims.get(Reference("PersistentVolumeClaim", pod.namespace, name))
            yield self.volumes.get(claim.volume) if claim and claim.volume else None

    def chain(self, controller: Reference) -> Iterator[Reference]:
        """A pod's controller, then each known owner above it."""
        found: Reference | None = controller
        for _ in range(DEEPEST):
            if found is None:
                return
            yield found
            owner = self.owners.get(found)
            above = owner.owner if owner else None
            found = above if above in self.owners else None


def is_of_job(pod: Pod) -> bool:
    """Whether the pod works until its work is done, and starts it again when it is recreated."""
    return pod.owner is not None and pod.owner.kind == "Job"
