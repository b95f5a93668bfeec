"""The last check before a cordon: every pod that needs a particular node has a node to move to, now.

The number of spare nodes says nothing about their zones, labels and devices: with no capacity in a zone, the
last old node there would be drained, and a pod whose volume is in that zone would stay Pending. Called by the
rotation of each node, until it finds nothing missing or its time is up.

A node that is still to be replaced is good enough as long as pods can be scheduled to it. Not judged are what
the scheduler only prefers, and what pods on other nodes of the same zone forbid.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from eks_cilium.migration.eviction.reading import pods_seen_on
from eks_cilium.migration.facts import pods
from eks_cilium.migration.facts.on_demand import BackingReader
from eks_cilium.migration.options import covers
from eks_cilium.migration.placement.candidates import Candidate
from eks_cilium.migration.placement.needs import need_of
from eks_cilium.migration.placement.spread import Spreading
from eks_cilium.migration.placement.surroundings import Surroundings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from eks_cilium.cluster.objects import Object
    from eks_cilium.migration.inventory.model import Outgoing
    from eks_cilium.migration.placement.needs import AffinityTerm, Need
    from eks_cilium.migration.run import MigrationRun
    from eks_cilium.runtime.context import World

_ADVICE = "raise `migration.surge`, or permit it in `migration.allow.strandedPods`"


class Unsuited(NamedTuple):
    """A pod that has no other node to run on."""

    sentence: str
    """Which pod, and why."""
    wants_zone: bool
    """Whether a further node, in the zone of its volume, is what is missing."""


def missing(run: MigrationRun, node: Outgoing) -> Unsuited | None:
    """The first pod of a node that has no other node to run on; None where all have one."""
    needs = particular_needs(run, pods_seen_on(run.world, node.name))
    if not needs:
        return None
    surroundings = Surroundings(run.world)
    fit = _Fit(run.world, node.name, surroundings)
    if fit.serves_nothing or fit.first_without(needs, fit.suiting_by_objects) is None:
        return None
    # The order was not the best, perhaps: what is free was not known.
    fit = _Fit(run.world, node.name, surroundings)
    need = fit.first_without(needs, fit.suiting)
    if need is None:
        return None
    sentence = f"no other node suits {need.pod.reference}: {fit.reasons(need)}; {_ADVICE}"
    return Unsuited(sentence, fit.lacks_zone(need))


def particular_needs(run: MigrationRun, objects: Sequence[Object]) -> list[Need]:
    """What the pods need that move and that not every node suits; without those that may stay Pending."""
    backing = BackingReader(run.world.seen).of(objects)
    found = []
    for obj in objects:
        pod = pods.pod(obj)
        if pod is None or pod.mirror or pod.terminal or pod.deleted or backing.is_bare(pod):
            continue
        permitted = covers(run.options.allow.stranded_pods, pod.reference, backing.workload_of(pod))
        need = need_of(obj, pod, (volume for volume in backing.volumes_of(pod) if volume))
        if not (backing.is_of_daemon_set(pod) or permitted) and need.is_particular:
            found.append(need)
    return found


class _Fit:
    """All nodes that pods may be scheduled to, besides the one that is to be drained."""

    def __init__(self, world: World, leaving: str, surroundings: Surroundings) -> None:
        self._world, self._leaving, self._surroundings = world, leaving, surroundings
        listed = [Candidate(world, obj, surroundings) for obj in world.seen.list("/api/v1/nodes")]
        self._labels = {each.name: each.labels for each in listed}
        self._candidates = [each for each in listed if each.is_open and each.name != leaving]
        self.serves_nothing = all(each.is_silent for each in listed if each.name == leaving)
        """The kubelet of the node does not answer, or the node is gone: its pods are down already."""
        self._domains: dict[AffinityTerm, frozenset[str]] = {}
        self._spreading = Spreading(world, listed, leaving)

    def first_without(self, needs: Sequence[Need], suiting: Callable[[Need], int]) -> Need | None:
        """The first pod that finds no node, where those with the fewest nodes `suiting` them choose first.

        Every other pod is counted on its node.
        """
        for need in sorted(needs, key=lambda each: (suiting(each), each.pod.name)):
            found = next(self._suitable(need), None)
            if found is None:
                return need
            self.take(found, need)
        return None

    def suiting_by_objects(self, need: Need) -> int:
        """How many nodes suit a pod by themselves; the pods of none are listed for it."""
        return sum(not each.why_not_by_its_object(need) for each in self._candidates)

    def suiting(self, need: Need) -> int:
        """How many nodes suit a pod."""
        return sum(1 for _ in self._suitable(need))

    def _suitable(self, need: Need) -> Iterator[Candidate]:
        return (candidate for candidate in self._candidates if not self._why_not(candidate, need))

    def take(self, candidate: Candidate, need: Need) -> None:
        """Count a pod where it will run."""
        candidate.take(need)
        self._spreading.take(candidate, need)

    def lacks_zone(self, need: Need) -> bool:
        """Whether a node would suit a pod if it was in the zone of its volume."""
        return any(candidate.is_only_in_another_zone(need) for candidate in self._candidates)

    def reasons(self, need: Need) -> str:
        """Why no node suits a pod, and how many nodes there are for each reason."""
        found = Counter(self._why_not(candidate, need) for candidate in self._candidates)
        texts = (
            f"{count} {'node' if count == 1 else 'nodes'} ({reason})" for reason, count in found.most_common()
        )
        return ", ".join(texts) or "there is no other node"

    def _why_not(self, candidate: Candidate, need: Need) -> str:
        return (
            candidate.why_not(need)
            or self._by_other_pods(candidate, need)
            or self._spreading.why_not(candidate, need)
        )

    def _by_other_pods(self, candidate: Candidate, need: Need) -> str:
        for term in need.apart:
            if candidate.labels.get(term.topology, "") in self._taken(term):
                return "has a pod beside which it must not run"
        for term in need.together:
            taken = self._taken(term)
            # Without such pods elsewhere they move as well, or the pod itself is the first.
            if taken and candidate.labels.get(term.topology, "") not in taken:
                return "has no pod beside which it has to run"
        return ""

    def _taken(self, term: AffinityTerm) -> frozenset[str]:
        """The domains with a pod that a term selects, those on the drained node left out."""
        if term not in self._domains:
            names = self._surroundings.namespaces_of(term)
            paths = (
                ["/api/v1/pods"] if names is None else [f"/api/v1/namespaces/{name}/pods" for name in names]
            )
            nodes = {
                node
                for path in paths
                for node in self._world.api.each(path, lambda obj: _node_if_selected(obj, term))
                if node and node != self._leaving
            }
            self._domains[term] = frozenset(
                self._labels[node].get(term.topology, "") for node in nodes if node in self._labels
            ) - {""}
        return self._domains[term]


def _node_if_selected(obj: Object, term: AffinityTerm) -> str:
    """The node of a running pod that a term selects; empty for all others."""
    ended = obj.get("status", {}).get("phase") in ("Succeeded", "Failed")
    selected = term.selector.matches(obj["metadata"].get("labels") or {})
    return str(obj["spec"].get("nodeName") or "") if selected and not ended else ""
