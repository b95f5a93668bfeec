"""What a change of policies opens and closes between running pods, and between them and the outside.

The preview of the mesh stack shows it. Only flows of pods that a changed policy selects, before or after, are
judged: no other verdict can change.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import TYPE_CHECKING

from eks_cilium.policy.overview.places import Directory, Place, place_of
from eks_cilium.policy.verdict.evaluation import Evaluator
from eks_cilium.policy.verdict.labels import identity_of
from eks_cilium.policy.verdict.model import Decision, Entity, Flow, Port, Verdict
from eks_cilium.policy.verdict.ranges import EVERY_PORT, PROTOCOLS
from eks_cilium.policy.verdict.reading.rules import rules_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from eks_cilium.policy.objects import Policy
    from eks_cilium.policy.verdict.live import LiveCluster, Workload
    from eks_cilium.policy.verdict.model import Cluster, Endpoint

MOST_FLOWS = 200_000
"""As many flows as are judged before and after; a preview should not take minutes."""
_WORLD = Entity("world")
Key = tuple[str, str, str]
"""Kind, namespace and name of a policy."""


@dataclass(frozen=True)
class Opening:
    """Sources that may reach a destination after a change and not before, or the reverse."""

    opens: bool
    destination: Place
    sources: frozenset[Place]
    ports: tuple[str, ...]


@dataclass(frozen=True)
class Differences:
    """What a change of policies opens and closes."""

    openings: tuple[Opening, ...]
    places: tuple[Place, ...]
    """All workloads of the clusters."""
    left_out: int = 0
    """How many flows were too many to be judged."""

    def lines(self, *, opens: bool, most: int) -> list[str]:
        """What opens or closes, in a line for each destination and port; a last line counts the rest."""
        directory = Directory(self.places)
        chosen = [each for each in self.openings if each.opens is opens]
        lines = [
            f"{directory.text(each.sources, 4)} -> {each.destination} at {', '.join(each.ports)}"
            for each in chosen[:most]
        ]
        return [*lines, f"and {len(chosen) - most} more"] if len(chosen) > most else lines


def key_of(policy: Policy) -> Key:
    """What tells a policy from the others of its cluster."""
    return policy.kind, policy.namespace, policy.name


def with_policies(now: Cluster, wanted: Iterable[Policy], removed: Collection[Key] = ()) -> Cluster:
    """A cluster as it is once policies are created, replaced and removed."""
    new = [policy for policy in wanted if policy.cluster == now.name]
    gone = {*map(key_of, new), *removed}
    kept = (policy for policy in now.policies if key_of(policy) not in gone)
    return dataclasses.replace(now, policies=(*kept, *new))


def differences(live: Sequence[LiveCluster], after: Sequence[Cluster]) -> Differences:
    """Compare the verdicts on the flows that a change can have an effect on.

    Args:
        live: What runs in the clusters now.
        after: The same clusters, in the same order, with their policies after the change.

    Returns:
        What opens and what closes. A flow that becomes undecided, or was, is neither.
    """
    before = [each.cluster for each in live]
    flows = _flows(live, list(zip(before, after, strict=True)))
    judged = list(islice(flows, MOST_FLOWS))
    found: dict[tuple[bool, Place, str], set[Place]] = defaultdict(set)
    old, new = Evaluator(before), Evaluator(after)
    for source, destination, flow in judged:
        for opens, port in _changes(old, new, flow):
            found[opens, destination, port].add(source)
    ports: dict[tuple[bool, Place, frozenset[Place]], list[str]] = defaultdict(list)
    for (opens, destination, port), sources in found.items():
        ports[opens, destination, frozenset(sources)].append(port)
    openings = (Opening(*key, tuple(numbers)) for key, numbers in ports.items())
    ordered = sorted(openings, key=lambda each: (-len(each.sources), each.destination, each.ports))
    places = {place_of(workload.pod, workload) for each in live for workload in each.workloads}
    return Differences(tuple(ordered), tuple(sorted(places)), sum(1 for _ in flows))


def _flows(
    live: Sequence[LiveCluster], clusters: Sequence[tuple[Cluster, Cluster]]
) -> Iterator[tuple[Place, Place, Flow]]:
    """Each flow that may change, with the places of its ends."""
    everywhere = [workload for each in live for workload in each.workloads]
    pods: list[tuple[Endpoint, Workload | None]] = [(each.pod, each) for each in everywhere]
    ends = [*pods, (_WORLD, None)]
    places = {id(endpoint): place_of(endpoint, workload) for endpoint, workload in ends}
    affected = {ingress: _affected(live, clusters, ingress=ingress) for ingress in (False, True)}
    for source, _ in ends:
        for destination, receiver in ends:
            if source is destination or not (
                id(source) in affected[False] or id(destination) in affected[True]
            ):
                continue
            for port in (receiver.ports if receiver else ()) or (EVERY_PORT,):
                flow = Flow(source, destination, port)
                yield places[id(source)], places[id(destination)], flow


def _affected(
    live: Sequence[LiveCluster], clusters: Sequence[tuple[Cluster, Cluster]], *, ingress: bool
) -> set[int]:
    """The pods that a changed policy selects in a direction, by their place in memory."""
    found: set[int] = set()
    for running, (before, after) in zip(live, clusters, strict=True):
        changed = [*_only_in(before, after), *_only_in(after, before)]
        rules = [
            rule
            for policy in changed
            for rule in rules_of(dataclasses.replace(before, policies=(policy,)))[0]
            if rule.ingress is ingress
        ]
        subjects = {rule.subject for rule in rules}
        for workload in running.workloads:
            identity = identity_of(workload.pod)
            if any(subject.matches(identity).truth is not False for subject in subjects):
                found.add(id(workload.pod))
    return found


def _only_in(first: Cluster, second: Cluster) -> Iterator[Policy]:
    """Policies of a cluster that the other one has not, or has with other rules."""
    others = {key_of(policy): list(policy.rules()) for policy in second.policies}
    yield from (policy for policy in first.policies if others.get(key_of(policy)) != list(policy.rules()))


def _changes(old: Evaluator, new: Evaluator, flow: Flow) -> Iterator[tuple[bool, str]]:
    """The ports at which a flow opens (True) or closes, as the report names them."""
    if flow.port.protocol != "ANY":
        change = _change(old.evaluate(flow), new.evaluate(flow))
        if change is not None:
            yield change, str(flow.port)
        return
    found = [each for protocol in PROTOCOLS for each in _changes_of(old, new, flow, protocol)]
    kinds = {change for change, _, _ in found}
    if len(kinds) == 1 and len(found) == len(PROTOCOLS) and all(whole for _, _, whole in found):
        yield kinds.pop(), EVERY_PORT.title
        return
    yield from ((change, name) for change, name, _ in found)


def _changes_of(
    old: Evaluator, new: Evaluator, flow: Flow, protocol: str
) -> Iterator[tuple[bool, str, bool]]:
    """The ranges of ports of a protocol that open or close, and whether a range is the whole of it."""
    first, last = EVERY_PORT.number, EVERY_PORT.last

    def at(number: int) -> Flow:
        return Flow(flow.source, flow.destination, Port(number, protocol))

    inside = sorted(edge for edge in old.edges(at(first)) | new.edges(at(first)) if first < edge <= last)
    ranges: list[tuple[bool | None, int, int]] = []
    for start, after in pairwise([first, *inside, last + 1]):
        change = _change(old.evaluate(at(start)), new.evaluate(at(start)))
        together = ranges.pop()[1] if ranges and ranges[-1][0] is change else start
        ranges.append((change, together, after - 1))
    for change, start, end in ranges:
        if change is not None:
            whole = (start, end) == (first, last)
            numbers = "every port" if whole else f"{start}{f'-{end}' if end > start else ''}"
            yield change, f"{numbers}/{protocol}", whole


def _change(before: Verdict, after: Verdict) -> bool | None:
    """Whether a flow opens (True), closes (False), or neither."""
    decisions = before.decision, after.decision
    if decisions == (Decision.DENIED, Decision.ALLOWED):
        return True
    if decisions == (Decision.ALLOWED, Decision.DENIED):
        return False
    return None
