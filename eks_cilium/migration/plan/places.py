"""Where an evicted pod can run again: whether a new node is sure to exist that meets its requirements.

An EBS volume never leaves its zone, so a pod with one stays Pending when no new node is created there. Which
labels a new node will have is derived from the old nodes of its Auto Scaling group: those that all have.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from eks_cilium.cluster.names import CNI_LABEL
from eks_cilium.cluster.objects import HOSTNAME, ZONE, Terms
from eks_cilium.migration.facts.volumes.storage import is_of_one_node

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from eks_cilium.migration.facts.model import Group, Node, Pod, Volume
    from eks_cilium.migration.plan.capacity import Forecast

_ZONE_KEYS = (ZONE, "failure-domain.beta.kubernetes.io/zone", "topology.ebs.csi.aws.com/zone")
_KEEPS_OUT = frozenset({"NoSchedule", "NoExecute"})
_ANY_NEW_NODE = "a node that does not exist yet"


class Chance(Enum):
    """Whether a suitable node will exist."""

    NONE = 0
    UNSURE = 1
    SURE = 2


@dataclass(frozen=True, slots=True)
class Candidate:
    """A kind of node that pods may be scheduled to."""

    group: str
    """Its Auto Scaling group; empty where it is in none."""
    labels: Mapping[str, str]
    zones: Mapping[str, Chance]
    reserved: bool
    """It is tainted, so only pods that ran in its group before are sure to tolerate it."""

    def chance(self, requirements: Sequence[Terms]) -> Chance:
        """The best chance among its zones to meet all requirements."""
        met = (
            chance
            for zone, chance in self.zones.items()
            if all(
                _meets({**self.labels, **dict.fromkeys(_ZONE_KEYS, zone)}, terms) for terms in requirements
            )
        )
        return max(met, key=lambda chance: chance.value, default=Chance.NONE)


class Places:
    """All kinds of nodes there will be, and whether one of them suits a pod."""

    def __init__(self, candidates: Iterable[Candidate]) -> None:
        self._candidates = tuple(candidates)
        self._seen: dict[tuple[str, tuple[Terms, ...]], Chance] = {}

    def chance(self, pod: Pod, group: str, volumes: Iterable[Volume]) -> Chance:
        """Whether one node can meet the requirements of a pod and of these volumes.

        `group` is the Auto Scaling group that the pod ran in.
        """
        every = (pod.node_requirements, *(volume.terms for volume in volumes))
        return self._chance(group, tuple(terms for terms in every if terms))

    @property
    def sure_zones(self) -> tuple[str, ...]:
        """Zones that are sure to have a node in the end."""
        zones = {
            zone
            for candidate in self._candidates
            for zone, chance in candidate.zones.items()
            if chance is Chance.SURE
        }
        return tuple(sorted(zones))

    def _chance(self, group: str, requirements: tuple[Terms, ...]) -> Chance:
        if not requirements:
            return Chance.SURE
        key = (group, requirements)
        if key not in self._seen:
            chances = (
                candidate.chance(requirements)
                for candidate in self._candidates
                if candidate.group == group or not candidate.reserved
            )
            self._seen[key] = max(chances, key=lambda chance: chance.value, default=Chance.NONE)
        return self._seen[key]


def zones_of(volume: Volume) -> tuple[str, ...]:
    """The zones that the node affinity of a volume names."""
    named = {
        value
        for term in volume.terms
        for requirement in term
        if requirement.key in _ZONE_KEYS
        for value in requirement.values
    }
    return tuple(sorted(named))


def new_nodes(group: Group, forecast: Forecast, old: Sequence[Node]) -> Candidate:
    """The new nodes of a group: their labels, and the zones they will be in."""
    return Candidate(
        group=group.name,
        labels={**_in_common(old), HOSTNAME: _ANY_NEW_NODE},
        zones={zone: Chance.SURE if zone in forecast.sure else Chance.UNSURE for zone in group.zones},
        reserved=all(_tainted(node) for node in old),
    )


def existing(node: Node, group: str) -> Candidate:
    """An existing node that is not replaced."""
    return Candidate(
        group=group,
        labels=node.labels,
        zones={node.zone: Chance.SURE} if node.zone else {},
        reserved=_tainted(node) or node.unschedulable,
    )


def _meets(labels: Mapping[str, str], terms: Terms) -> bool:
    return any(all(requirement.matches(labels) for requirement in term) for term in terms)


def _in_common(nodes: Sequence[Node]) -> dict[str, str]:
    """Labels that all nodes have. A label of one node alone was added by hand, and new nodes lack it.

    Of a group's only node, the labels that name the node are left out as well.
    """
    first, *others = nodes
    return {
        key: value
        for key, value in first.labels.items()
        if key != CNI_LABEL
        and all(other.labels.get(key) == value for other in others)
        and not (is_of_one_node(key) or value in (first.name, first.instance))
    }


def _tainted(node: Node) -> bool:
    return any(taint.effect in _KEEPS_OUT for taint in node.taints)
