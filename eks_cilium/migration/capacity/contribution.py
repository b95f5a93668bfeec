"""What this migration itself added to the desired capacity of an Auto Scaling group, and what others did.

Autoscalers and people resize groups in the middle of a migration. Their part stays: only the migration's own
part is taken back at the end, so it is recorded apart from the sizes. What is going to be sent to AWS is
recorded first; whether it was sent follows from the group, so that a run that was killed between the two
counts right. `groups`, `surge`, `termination` and `rotation.restore` use it, under the lock of the group.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Self

from eks_cilium.runtime.record import of_group

if TYPE_CHECKING:
    from collections.abc import Mapping

    from eks_cilium.clients.autoscaling import GroupState
    from eks_cilium.migration.inventory.model import GroupBefore
    from eks_cilium.runtime.context import World


@dataclass(frozen=True, slots=True)
class Contribution:
    """The migration's part of one group's desired capacity, and whether the group was given up."""

    added: int = 0
    """By how much the desired capacity was raised, in all."""
    raising: tuple[int, int] | None = None
    """A change that was about to be sent: the desired capacity before and after it."""
    decremented: tuple[str, ...] = ()
    """Instances that were about to be terminated with a decrement of the desired capacity."""
    stopped: str = ""
    """Why the nodes of the group are not replaced, where it cannot grow."""

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Self:
        raising = kept.get("raising")
        return cls(
            added=kept["added"],
            raising=(raising[0], raising[1]) if raising else None,
            decremented=tuple(kept.get("decremented") or ()),
            stopped=kept.get("stopped") or "",
        )

    def settled(self, state: GroupState) -> Contribution:
        """The same, with a change that was about to be sent counted where the group shows it."""
        if self.raising is None:
            return self
        before, after = self.raising
        arrived = state.desired >= after if after > before else state.desired <= after
        return replace(self, added=self.added + (after - before if arrived else 0), raising=None)

    def net(self, state: GroupState) -> int:
        """How many of the desired instances are the migration's; negative where it has taken some away."""
        now = self.settled(state)
        # A termination that was recorded and never sent has left its instance in the group.
        return now.added - sum(not _is_member(state, instance) for instance in now.decremented)


def of(world: World, before: GroupBefore, state: GroupState) -> Contribution:
    """The contribution to a group.

    Where an earlier version of this program recorded none, the whole difference to the recorded size.
    """
    kept = world.record.load(of_group(before.name), Contribution.from_json)
    return Contribution(added=state.desired - before.desired) if kept is None else kept.settled(state)


def marked(now: Contribution, *, decremented: str | None = None, stopped: str | None = None) -> Contribution:
    """The same with one more instance that is about to be decremented, or with another reason to stop."""
    if decremented is not None and decremented not in now.decremented:
        now = replace(now, decremented=(*now.decremented, decremented))
    return now if stopped is None else replace(now, stopped=stopped)


def keep(world: World, group: str, now: Contribution) -> None:
    """Record the contribution to a group, where it changed."""
    record = world.record
    if record.load(of_group(group), Contribution.from_json) != now:
        record.put(of_group(group), {"group": group, **asdict(now)})


def forget(world: World, group: str) -> None:
    world.record.drop(of_group(group))


def _is_member(state: GroupState, instance: str) -> bool:
    member = state.member(instance)
    return member is not None and member.counts
