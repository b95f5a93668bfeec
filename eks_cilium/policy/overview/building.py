"""Judges a whole table of flows and keeps of it who may reach what: one row for workloads that are alike."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from eks_cilium.policy.overview.places import Directory, Place
from eks_cilium.policy.verdict.model import Decision, Flow
from eks_cilium.policy.verdict.ranges import verdicts_on

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from eks_cilium.policy.verdict.evaluation import Evaluator
    from eks_cilium.policy.verdict.model import Endpoint, Port


@dataclass(frozen=True)
class Judged:
    """A destination at a port, or at a range of ports, and the verdict on each source."""

    to: int
    """Index of the destination in `Overview.endpoints`."""
    port: str
    sources: dict[Decision, tuple[int, ...]]
    """Indexes of the sources by the decision on them."""


@dataclass(frozen=True)
class Row:
    """Workloads that are reached by the same others at the same ports."""

    destinations: tuple[Place, ...]
    ports: tuple[str, ...]
    allowed: frozenset[Place]
    """Sources of which every pod may reach every pod of the destinations."""
    partly: frozenset[Place]
    """Sources of which some pods may, or of which it is undecided."""
    among: int
    """How many sources there are for each of the destinations, which is none of its own."""
    reaching: int
    """How many of the sources may reach each of the destinations."""

    @property
    def openness(self) -> tuple[int, int]:
        """How open the destinations are: a row of many sources and destinations comes first."""
        return self.reaching + len(self.partly), len(self.destinations)


@dataclass(frozen=True)
class Overview:
    """The verdicts on a table of flows."""

    endpoints: tuple[Endpoint, ...]
    places: tuple[Place, ...]
    """The place of each endpoint."""
    judged: tuple[Judged, ...]
    counts: dict[Decision, int] = field(default_factory=dict)
    """How many flows are allowed, denied and undecided, ranges of ports split where they differ."""

    @property
    def decisions(self) -> frozenset[Decision]:
        """The decisions that were found."""
        return frozenset(decision for decision, count in self.counts.items() if count)

    def rows(self) -> list[Row]:
        """The rows for people, the most open first."""
        ports: dict[Row, list[str]] = defaultdict(list)
        for same in _alike(list(self._reached())):
            ports[self._row(same)].append(same[0].port)
        rows = (replace(row, ports=tuple(sorted(numbers, key=_by_number))) for row, numbers in ports.items())
        return sorted(
            rows,
            key=lambda row: (tuple(-number for number in row.openness), row.destinations, row.ports),
        )

    def directory(self) -> Directory:
        """All workloads, to name many of them by one word."""
        return Directory(self._all_places)

    @cached_property
    def _all_places(self) -> tuple[Place, ...]:
        return tuple(dict.fromkeys(self.places))

    @cached_property
    def _number_of(self) -> list[int]:
        """For each endpoint the number of its place: sets of numbers take less time than sets of places."""
        numbers = {place: number for number, place in enumerate(self._all_places)}
        return [numbers[place] for place in self.places]

    def _reached(self) -> Iterator[_Reached]:
        number_of = self._number_of
        by_place: dict[tuple[int, str], list[Judged]] = defaultdict(list)
        for each in self.judged:
            by_place[number_of[each.to], each.port].append(each)
        sources = {
            number_of[index] for each in self.judged for found in each.sources.values() for index in found
        }
        for (place, port), same in by_place.items():
            yield self._merged(place, port, same, sources)

    def _merged(self, place: int, port: str, same: Sequence[Judged], sources: set[int]) -> _Reached:
        """One answer for the identities of a workload, and for those of each source."""
        number_of = self._number_of
        found: dict[Decision, set[int]] = {decision: set() for decision in Decision}
        for each in same:
            for decision, indexes in each.sources.items():
                found[decision].update(number_of[index] for index in indexes)
        allowed, denied = found[Decision.ALLOWED], found[Decision.DENIED]
        partly = found[Decision.UNDECIDED] | (allowed & denied)
        others = len(sources) - (place in sources)
        return _Reached(place, port, frozenset(allowed - partly), frozenset(partly), others)

    def _row(self, same: Sequence[_Reached]) -> Row:
        """A row for workloads that are reached alike, still without its ports."""
        first, places = same[0], self._all_places
        allowed = {source for each in same for source in each.allowed}
        return Row(
            tuple(sorted(places[each.place] for each in same)),
            (),
            frozenset(places[number] for number in allowed),
            frozenset(places[number] for number in first.partly),
            max(each.among for each in same),
            len(first.allowed),
        )


@dataclass(frozen=True)
class _Reached:
    """A workload, and by their numbers the workloads that reach it."""

    place: int
    port: str
    allowed: frozenset[int]
    partly: frozenset[int]
    among: int


def _by_number(port: str) -> tuple[int, str]:
    digits = port.split("/", maxsplit=1)[0].split("-", maxsplit=1)[0]
    return (int(digits) if digits.isdigit() else 0), port


def _alike(every: Sequence[_Reached]) -> Iterator[Sequence[_Reached]]:
    """Workloads that the same sources reach at a port.

    A workload is no source of its own flows, so that workloads that are open to each other are reached by the
    same ones only if each of them counts as its own source.
    """
    with_itself = _grouped((reached.allowed | {reached.place}, reached) for reached in every)
    yield from (same for same in with_itself if len(same) > 1)
    single = [same[0] for same in with_itself if len(same) == 1]
    yield from _grouped((reached.allowed, reached) for reached in single)


def _grouped(keyed: Iterable[tuple[frozenset[int], _Reached]]) -> list[list[_Reached]]:
    found: dict[tuple[object, ...], list[_Reached]] = defaultdict(list)
    for allowed, reached in keyed:
        found[reached.port, allowed, reached.partly].append(reached)
    return list(found.values())


def overview(
    evaluator: Evaluator,
    sources: Sequence[tuple[Endpoint, Place]],
    destinations: Iterable[tuple[Endpoint, Place, Sequence[Port]]],
) -> Overview:
    """Judge every source against every destination.

    Args:
        evaluator: The evaluator of the clusters.
        sources: Each endpoint that opens connections, with its place.
        destinations: Each endpoint that is reached, with its place and the ports to judge.

    Returns:
        The verdicts, without their reasons: memory grows with flows by a number each.
    """
    endpoints: dict[int, tuple[int, Endpoint, Place]] = {}

    def index_of(endpoint: Endpoint, place: Place) -> int:
        return endpoints.setdefault(id(endpoint), (len(endpoints), endpoint, place))[0]

    numbered = [(index_of(endpoint, place), endpoint) for endpoint, place in sources]
    judged: list[Judged] = []
    counts: dict[Decision, int] = defaultdict(int)
    for endpoint, place, ports in destinations:
        to = index_of(endpoint, place)
        for port in ports:
            for found in _judge(evaluator, numbered, to, endpoint, port):
                judged.append(found)
                for decision, indexes in found.sources.items():
                    counts[decision] += len(indexes)
    kept = endpoints.values()
    return Overview(
        tuple(endpoint for _, endpoint, _ in kept),
        tuple(place for *_, place in kept),
        tuple(judged),
        dict(counts),
    )


def _judge(
    evaluator: Evaluator, sources: Sequence[tuple[int, Endpoint]], to: int, destination: Endpoint, port: Port
) -> Iterator[Judged]:
    by_port: dict[str, dict[Decision, list[int]]] = defaultdict(lambda: defaultdict(list))
    single = port.protocol != "ANY" and port.last <= port.number
    for index, source in sources:
        if source is destination:
            continue
        flow = Flow(source, destination, port)
        if single:
            by_port[""][evaluator.evaluate(flow).decision].append(index)
        else:
            for verdict in verdicts_on(evaluator, flow):
                by_port[str(verdict.flow.port)][verdict.decision].append(index)
    for name, found in by_port.items():
        parts = {decision: tuple(indexes) for decision, indexes in found.items()}
        yield Judged(to, name or str(port), parts)
