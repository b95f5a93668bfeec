"""The sizes of an Auto Scaling group along a migration, and the zones its new instances come up in.

All of it follows from what the group was before the first change, how many old nodes are left, and the surge.
So a run that is started again arrives at the same sizes, whatever the last one did.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from eks_cilium.migration.options import Before, Capacity
from eks_cilium.migration.plan.model import GroupPlan

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from eks_cilium.migration.facts.model import Group


def decrements(capacity: Capacity, surge: int, left: int) -> bool:
    """Whether the group gets smaller when one of the `left` old nodes that remain goes.

    With a surge every node is replaced, but for the last ones: the surge takes their place.
    """
    return capacity is Capacity.DECREMENT or left <= surge


def desired(capacity: Capacity, surge: int, before: Before, left: int) -> int:
    """The desired capacity while `left` old nodes remain."""
    if capacity is Capacity.DECREMENT:
        return before.desired + surge - (before.outgoing - left)
    return before.desired + min(surge, left)


@dataclass(frozen=True, slots=True)
class Forecast:
    """What becomes of one group."""

    sizes: GroupPlan
    decrements: tuple[bool, ...]
    """For each of its old nodes in order."""
    launches: tuple[tuple[str, ...], ...]
    """The zones each new instance may come up in, in the order they are asked for."""
    sure: frozenset[str]
    """Zones that have a new node in the end, however AWS decides where it has a choice."""

    def replacement_zones(self, index: int) -> tuple[str, ...]:
        """Where the replacement of an old node comes up. With fewer extra nodes than old ones: nowhere."""
        return self.launches[index] if index < len(self.launches) else ()


def forecast(
    group: Group,
    outgoing: Sequence[str],
    *,
    capacity: Capacity,
    surge: int,
    before: Before | None = None,
    lower_minimum: bool = False,
) -> Forecast:
    """Follow a group through the migration. `outgoing` are the zones of its old nodes, in order."""
    count = len(outgoing)
    before = before or Before(desired=group.desired, outgoing=count)
    sizes = [desired(capacity, surge, before, left) for left in range(count, -1, -1)]
    peak, lowest = max(sizes), min(sizes)
    shrinking = tuple(decrements(capacity, surge, count - index) for index in range(count))
    course = _Course(group, outgoing, shrinking, extra=max(peak - group.desired, 0))
    return Forecast(
        sizes=GroupPlan(
            name=group.name,
            node_group=group.node_group,
            outgoing=count,
            minimum=min(group.minimum, max(lowest, 0)) if lower_minimum else group.minimum,
            maximum=max(group.maximum, peak),
            desired=before.desired,
            peak=peak,
            lowest=lowest,
            at_end=sizes[-1],
        ),
        decrements=shrinking,
        launches=course.launches(),
        sure=frozenset(zone for zone in group.zones if course.surely_reaches(zone)),
    )


class _Course:
    """The instances of a group by zone, as they come and go. AWS launches where the fewest are."""

    def __init__(
        self, group: Group, outgoing: Sequence[str], shrinking: Sequence[bool], *, extra: int
    ) -> None:
        self._zones, self._outgoing, self._shrinking, self._extra = group.zones, outgoing, shrinking, extra
        staying = (instance for instance in group.instances if not instance.leaving)
        self._members = Counter(instance.zone for instance in staying)
        self._new = self._members - Counter(outgoing)

    def launches(self) -> tuple[tuple[str, ...], ...]:
        """The zones each launch may choose from, when it takes the first of them."""
        return tuple(choice for choice, _ in self._follow(shunned=None))

    def surely_reaches(self, zone: str) -> bool:
        """Whether a zone has a new node in the end even if AWS takes another one wherever it can."""
        return self._new[zone] > 0 or any(taken == zone for _, taken in self._follow(shunned=zone))

    def _follow(self, shunned: str | None) -> Iterable[tuple[tuple[str, ...], str]]:
        members = Counter({zone: self._members[zone] for zone in self._zones})
        for _ in range(self._extra if self._zones else 0):
            yield self._launch(members, shunned)
        for zone, shrinks in zip(self._outgoing, self._shrinking, strict=True):
            members[zone] -= 1
            if not shrinks and self._zones:
                yield self._launch(members, shunned)

    def _launch(self, members: Counter[str], shunned: str | None) -> tuple[tuple[str, ...], str]:
        fewest = min(members[zone] for zone in self._zones)
        choice = tuple(zone for zone in self._zones if members[zone] == fewest)
        taken = next((zone for zone in choice if zone != shunned), choice[0])
        members[taken] += 1
        return choice, taken
