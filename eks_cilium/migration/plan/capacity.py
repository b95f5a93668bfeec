"""The sizes of an Auto Scaling group during a migration, and the zones its new instances start in.

All of it follows from the size of the group before the first change, the number of old nodes left, and the
surge. So a run that is started again computes the same sizes, whatever the last one did.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from eks_cilium.migration.options import Before
from eks_cilium.migration.plan.model import GroupPlan
from eks_cilium.settings.model.migration import Capacity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from eks_cilium.migration.facts.model import Group


def decrements(capacity: Capacity, surge: int, remaining: int) -> bool:
    """Whether the group shrinks when one of the `remaining` old nodes is terminated.

    With a surge every node is replaced except the last ones, whose place the extra nodes take.
    """
    return capacity is Capacity.DECREMENT or remaining <= surge


def desired(capacity: Capacity, surge: int, before: Before, remaining: int) -> int:
    """The desired capacity while `remaining` old nodes are left."""
    if capacity is Capacity.DECREMENT:
        return before.desired + surge - (before.outgoing - remaining)
    return before.desired + min(surge, remaining)


@dataclass(frozen=True, slots=True)
class Forecast:
    """The course of one group through a migration."""

    sizes: GroupPlan
    decrements: tuple[bool, ...]
    """For each of its old nodes in order."""
    launches: tuple[tuple[str, ...], ...]
    """The zones each new instance may start in, in the order of the launches."""
    sure: frozenset[str]
    """Zones that have a new node in the end, whichever zones AWS chooses where it has a choice.

    Provided that they have capacity, which no plan can know: `migration.placement` looks before each cordon.
    """

    sure_after: Mapping[str, int]
    """For each of these zones: after how many terminations of old nodes a new one is sure to be there."""

    def replacement_zones(self, index: int) -> tuple[str, ...]:
        """The zones that the replacement of an old node may start in; none where it is not replaced."""
        return self.launches[index] if index < len(self.launches) else ()


def forecast(
    group: Group,
    outgoing: Sequence[str],
    *,
    capacity: Capacity,
    surge: int,
    before: Before | None = None,
    lower_minimum: bool = False,
    left_out: Sequence[str] = (),
) -> Forecast:
    """The forecast of a group.

    `outgoing` are the zones of its nodes that are replaced, in order; `left_out` those of its old nodes that
    stay for now.
    """
    count = len(outgoing) + len(left_out)
    before = before or Before(desired=group.desired, outgoing=count)
    sizes = [desired(capacity, surge, before, remaining) for remaining in range(count, len(left_out) - 1, -1)]
    peak, lowest = max(sizes), min(sizes)
    shrinking = tuple(decrements(capacity, surge, count - index) for index in range(len(outgoing)))
    course = _Course(group, outgoing, shrinking, left_out, extra=max(peak - group.desired, 0))
    sure_after = {
        zone: after for zone in group.zones if (after := course.surely_reached_after(zone)) is not None
    }
    return Forecast(
        sizes=GroupPlan(
            name=group.name,
            node_group=group.node_group,
            outgoing=len(outgoing),
            minimum=min(group.minimum, max(lowest, 0)) if lower_minimum else group.minimum,
            maximum=max(group.maximum, peak),
            desired=before.desired,
            peak=peak,
            lowest=lowest,
            at_end=sizes[-1],
        ),
        decrements=shrinking,
        launches=course.launches(),
        sure=frozenset(sure_after),
        sure_after=sure_after,
    )


class _Course:
    """The instances of a group by zone in the course of a migration.

    AWS launches in the zone with the fewest instances, and in one of these where several have the fewest.
    Where that zone has no capacity, it tries another.
    """

    def __init__(
        self,
        group: Group,
        outgoing: Sequence[str],
        shrinking: Sequence[bool],
        left_out: Sequence[str],
        *,
        extra: int,
    ) -> None:
        self._zones, self._outgoing, self._shrinking, self._extra = group.zones, outgoing, shrinking, extra
        staying = (instance for instance in group.instances if not instance.leaving)
        self._members = Counter(instance.zone for instance in staying)
        self._new = self._members - Counter(outgoing) - Counter(left_out)

    def launches(self) -> tuple[tuple[str, ...], ...]:
        """The zones each launch may choose from, if every launch before it took the first of its choice."""
        return tuple(choice for _, choice, _ in self._follow(shunned=None))

    def surely_reached_after(self, zone: str) -> int | None:
        """After how many terminations a zone has a new node even if AWS takes another wherever it can.

        None where it may never have one.
        """
        if self._new[zone] > 0:
            return 0
        launches = self._follow(shunned=zone)
        return next((terminated for terminated, _, chosen in launches if chosen == zone), None)

    def _follow(self, shunned: str | None) -> Iterable[tuple[int, tuple[str, ...], str]]:
        """Each launch: how many old nodes were terminated before, its choice of zones, and the zone."""
        members = Counter({zone: self._members[zone] for zone in self._zones})
        for _ in range(self._extra if self._zones else 0):
            yield 0, *self._launch(members, shunned)
        for terminated, (zone, shrinks) in enumerate(zip(self._outgoing, self._shrinking, strict=True), 1):
            members[zone] -= 1
            if not shrinks and self._zones:
                yield terminated, *self._launch(members, shunned)

    def _launch(self, members: Counter[str], shunned: str | None) -> tuple[tuple[str, ...], str]:
        fewest = min(members[zone] for zone in self._zones)
        choice = tuple(zone for zone in self._zones if members[zone] == fewest)
        chosen = next((zone for zone in choice if zone != shunned), choice[0])
        members[chosen] += 1
        return choice, chosen
