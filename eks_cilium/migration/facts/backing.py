"""The workload behind a pod, the number of pods it wants, and the volumes of a pod.

The only module that answers these questions: the plan, drains, the health check after a drain and restarts
use it, so that they agree on the workload of a pod.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

from eks_cilium.cluster.objects import HOSTNAME, Reference
from eks_cilium.migration.facts.volumes import storage

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from eks_cilium.migration.facts.model import Claim, Facts, Owner, Pod, Volume

# CronJob > Job and Deployment > ReplicaSet are two levels; operators that own a Deployment make it three.
DEEPEST = 5
_DAEMON_SET = "DaemonSet"


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
    _topmost: dict[Reference, Reference] | None = None
    """The workloads found so far, where all owners there are have been read."""

    @classmethod
    def of(cls, facts: Facts) -> Backing:
        """Everything that was read of a whole cluster."""
        local = storage.on_one_node(facts.volumes.values(), facts.nodes)
        found = {name: replace(facts.volumes[name], local=True) for name in local}
        volumes = {**facts.volumes, **found} if found else facts.volumes
        return cls(facts.owners, facts.claims, volumes, {})

    def workload_of(self, pod: Pod) -> Reference:
        """The topmost known owner: a pod's Deployment, not its ReplicaSet.

        A ReplicaSet whose own controller is of an unknown kind (an Argo Rollout) is the workload itself,
        since its ready pods can be read and those of a Rollout cannot. A controller of an unknown kind is the
        workload of its pods. A pod without a controller is its own workload.
        """
        if pod.owner is None:
            return pod.reference
        if self._topmost is None:
            return self._top(pod.owner)
        found = self._topmost.get(pod.owner)
        if found is None:
            found = self._topmost[pod.owner] = self._top(pod.owner)
        return found

    def _top(self, controller: Reference) -> Reference:
        *_, topmost = self.chain(controller)
        return topmost

    def is_bare(self, pod: Pod) -> bool:
        """Whether nothing recreates the pod: it has no controller, or its DaemonSet was deleted.

        DaemonSets of other API groups are not read, so they are taken to exist.
        """
        owner = pod.owner
        if owner is None:
            return True
        return owner.kind == _DAEMON_SET and not owner.group and owner not in self.owners

    def is_of_daemon_set(self, pod: Pod) -> bool:
        """Whether its controller runs a pod on every node, and so recreates it on the same node.

        Besides DaemonSets of any API group (apps.kruise.io) these are kinds named after it
        (ExtendedDaemonSetReplicaSet, api/v1alpha1 in DataDog/extendeddaemonset), and unknown ones that tie
        each pod to its node by the node's name and have it tolerate a cordon, as DaemonSets do.
        """
        owner = pod.owner
        if owner is None or self.is_bare(pod):
            return False
        if _DAEMON_SET in owner.kind:
            return True
        return owner not in self.owners and pod.tolerates_cordon and _is_tied_to_its_node(pod)

    def works_to_completion(self, pod: Pod) -> bool:
        """Whether the pod works until its work is done, and loses what it has done when it is deleted.

        Of Jobs of any API group, and of every controller that has its pods not started again (an
        EphemeralRunner, a Workflow); or made by another pod for its own work, as Spark's executors are.
        """
        owner = pod.owner
        return owner is not None and (pod.to_completion or owner.kind in ("Job", "Pod"))

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


def _is_tied_to_its_node(pod: Pod) -> bool:
    return bool(pod.node_requirements) and all(
        any(need.key == HOSTNAME and need.values == (pod.node,) for need in term)
        for term in pod.node_requirements
    )
