"""Where an evicted pod can run again: whether a new node is sure to exist that meets its requirements.

An EBS volume never leaves its zone, so a pod with one stays Pending when no new node is created there. Which
labels a new node will have is derived from the old nodes of its Auto Scaling group: those that all have.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from eks_cilium.cluster.names import CNI_LABEL
from eks_cilium.cluster.objects import HOSTNAME, ZONE, Terms
from eks_cilium.migration.facts.volumes.storage import is_of_one_node

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from eks_cilium.cluster.selectors import Requirement
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
        self._named: dict[str, list[Candidate]] = defaultdict(list)
        for candidate in self._candidates:
            self._named[candidate.labels.get(HOSTNAME, "")].append(candidate)
        self._seen: dict[tuple[str, tuple[Terms, ...]], Chance] = {}

    def chance(self, pod: Pod, group: str, volumes: Iterable[Volume]) -> Chance:
        """Whether one node can meet the requirements of a pod and of these volumes.

        `group` is the Auto Scaling group that the pod ran in.
        """
        of_volumes = tuple(volume.terms for volume in volumes if volume.terms)
        if not (pod.node_requirements or of_volumes):
            return Chance.SURE
        own = (pod.node_requirements,) if pod.node_requirements else ()
        return self._chance(group, (*own, *of_volumes))

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
        key = (group, requirements)
        if key not in self._seen:
            self._seen[key] = _best(
                candidate.chance(requirements)
                for candidate in self._that_may_suit(requirements)
                if candidate.group == group or not candidate.reserved
            )
        return self._seen[key]

    def _that_may_suit(self, requirements: tuple[Terms, ...]) -> Iterable[Candidate]:
        """Those with a name that the requirements name, where they name some; else all."""
        for terms in requirements:
            names = [_host_names(term) for term in terms]
            if all(name is not None for name in names):
                every = dict.fromkeys(host for name in names for host in name or ())
                return [candidate for host in every for candidate in self._named.get(host, ())]
        return self._candidates


def _best(chances: Iterable[Chance]) -> Chance:
    """The best of them; no further one is asked after one that is sure."""
    best = Chance.NONE
    for chance in chances:
        if chance is Chance.SURE:
            return chance
        best = max(best, chance, key=lambda each: each.value)
    return best


def _host_names(term: tuple[Requirement, ...]) -> tuple[str, ...] | None:
    """The host names that a term allows; None where it names none."""
    named = (need.values for need in term if need.key == HOSTNAME and need.operator == "In")
    return next(named, None)


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
