"""Where an evicted pod can run again: whether a new node is sure to be there that its demands allow.

A volume of EBS never leaves its zone, so a pod with one waits for ever when no new node comes up there. What
a new node will look like is read off the old ones of its Auto Scaling group: the labels they have in common.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from eks_cilium.cluster.names import CNI_LABEL
from eks_cilium.cluster.objects import HOSTNAME, ZONE, Reference, Terms

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from eks_cilium.migration.facts.model import Facts, Group, Node, Pod, Volume
    from eks_cilium.migration.plan.capacity import Forecast

_ZONE_KEYS = (ZONE, "failure-domain.beta.kubernetes.io/zone", "topology.ebs.csi.aws.com/zone")
_KEEPS_OUT = frozenset({"NoSchedule", "NoExecute"})
_ANY_NEW_NODE = "a node that does not exist yet"


class Chance(Enum):
    """Whether a node will be there."""

    NONE = 0
    UNSURE = 1
    SURE = 2


@dataclass(frozen=True, slots=True)
class Candidate:
    """A kind of node that pods may land on."""

    name: str
    labels: Mapping[str, str]
    zones: Mapping[str, Chance]
    reserved: bool
    """It is tainted, so only pods that ran on its like before count on it."""

    def chance(self, demands: Sequence[Terms]) -> Chance:
        """The best chance among its zones to meet all demands."""
        met = (
            chance
            for zone, chance in self.zones.items()
            if all(_meets({**self.labels, **dict.fromkeys(_ZONE_KEYS, zone)}, terms) for terms in demands)
        )
        return max(met, key=lambda chance: chance.value, default=Chance.NONE)


class Places:
    """All kinds of nodes there will be, and whether one suits a pod."""

    def __init__(self, facts: Facts, candidates: Iterable[Candidate]) -> None:
        self._facts = facts
        self._candidates = tuple(candidates)
        self._seen: dict[tuple[str, tuple[Terms, ...]], Chance] = {}

    def volumes(self, pod: Pod) -> Iterator[Volume]:
        """The volumes a pod uses."""
        for name in pod.claims:
            claim = self._facts.claims.get(Reference("PersistentVolumeClaim", pod.namespace, name))
            volume = self._facts.volumes.get(claim.volume) if claim and claim.volume else None
            if volume:
                yield volume

    def for_pod(self, pod: Pod, group: str) -> Chance:
        """Whether the pod's own demands on a node can be met."""
        return self._chance(group, _demands(pod, ()))

    def with_volumes(self, pod: Pod, group: str) -> Chance:
        """Whether its demands and those of its volumes can be met by one node."""
        return self._chance(group, _demands(pod, self.volumes(pod)))

    @property
    def sure_zones(self) -> tuple[str, ...]:
        """Zones that are sure to have some node in the end."""
        zones = {
            zone
            for candidate in self._candidates
            for zone, chance in candidate.zones.items()
            if chance is Chance.SURE
        }
        return tuple(sorted(zones))

    def _chance(self, group: str, demands: tuple[Terms, ...]) -> Chance:
        if not demands:
            return Chance.SURE
        key = (group, demands)
        if key not in self._seen:
            chances = (
                candidate.chance(demands)
                for candidate in self._candidates
                if candidate.name == group or not candidate.reserved
            )
            self._seen[key] = max(chances, key=lambda chance: chance.value, default=Chance.NONE)
        return self._seen[key]


def zones_of(volume: Volume) -> tuple[str, ...]:
    """The zones a volume names."""
    named = {
        value
        for term in volume.terms
        for requirement in term
        if requirement.key in _ZONE_KEYS
        for value in requirement.values
    }
    return tuple(sorted(named))


def new_nodes(group: Group, forecast: Forecast, old: Sequence[Node]) -> Candidate:
    """What the new nodes of a group will be like, and in which zones they will be."""
    return Candidate(
        name=group.name,
        labels={**_in_common(old), HOSTNAME: _ANY_NEW_NODE},
        zones={zone: Chance.SURE if zone in forecast.sure else Chance.UNSURE for zone in group.zones},
        reserved=all(_tainted(node) for node in old),
    )


def existing(node: Node, group: str) -> Candidate:
    """A node that is there already and stays."""
    return Candidate(
        name=group,
        labels=node.labels,
        zones={node.zone: Chance.SURE} if node.zone else {},
        reserved=_tainted(node) or node.unschedulable,
    )


def _demands(pod: Pod, volumes: Iterable[Volume]) -> tuple[Terms, ...]:
    return tuple(terms for terms in (pod.node_requirements, *(volume.terms for volume in volumes)) if terms)


def _meets(labels: Mapping[str, str], terms: Terms) -> bool:
    return any(all(requirement.matches(labels) for requirement in term) for term in terms)


def _in_common(nodes: Sequence[Node]) -> dict[str, str]:
    """Labels that all nodes of a group have: what one alone has, somebody put there by hand."""
    first, *others = nodes
    return {
        key: value
        for key, value in first.labels.items()
        if key != CNI_LABEL and all(other.labels.get(key) == value for other in others)
    }


def _tainted(node: Node) -> bool:
    return any(taint.effect in _KEEPS_OUT for taint in node.taints)
