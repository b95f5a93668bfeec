"""The context of one run: the cluster it works on, its options, and where its progress is reported.

`dynamic/` and the stacks create one for each operation and hand it down; the functions of a migration take it
as their first argument. Those that only read the cluster take its `world` alone. A migration has a target, a
refresh has none: what depends on the target takes a `MigrationRun`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

from eks_cilium.troubleshooting import Topic

if TYPE_CHECKING:
    from collections.abc import Callable

    from eks_cilium.migration.options import CiliumChoices, Limits
    from eks_cilium.runtime.context import Kept, Report, World
    from eks_cilium.runtime.waiting import Polls
    from eks_cilium.settings.model.migration import MigrationOptions, RefreshOptions


@dataclass(frozen=True)
class Run:
    """For what migrations and refreshes have in common."""

    world: World
    options: MigrationOptions | RefreshOptions
    report: Report
    limits: Limits

    def silent(self) -> Self:
        """The same run without progress lines, for readings that are repeated."""
        return replace(self, report=lambda _: None)

    def wait(
        self,
        missing: Callable[[], str],
        *,
        waited_for: str,
        seconds: float,
        readings: int = 1,
        since_progress: bool = False,
        topic: Topic = Topic.TIMED_OUT,
        wakes: bool = False,
    ) -> None:
        """`World.wait` at this run's polling interval, reporting where this run reports."""
        self.world.wait(
            missing,
            waited_for=waited_for,
            seconds=seconds,
            every=self.limits.poll_interval,
            report=self.report,
            readings=readings,
            since_progress=since_progress,
            topic=topic,
            wakes=wakes,
        )

    def persist(self, act: Callable[[], Kept]) -> Kept:
        """`World.persist` for this run: act again while the API server or AWS does not answer."""
        return self.world.persist(
            act, seconds=self.limits.answer, every=self.limits.poll_interval, report=self.report
        )

    def polls(self, *, seconds: float, wakes: bool = False) -> Polls:
        """The loop under `wait`, for what has to act between readings."""
        return self.world.polls(seconds=seconds, every=self.limits.poll_interval, wakes=wakes)


@dataclass(frozen=True)
class MigrationRun(Run):
    """Nodes are replaced, in one direction or the other."""

    options: MigrationOptions
    cilium: CiliumChoices | None = None
    """How Cilium is configured; None for as it is installed, or by default."""


@dataclass(frozen=True)
class RefreshRun(Run):
    """Pods are restarted on their nodes, so that chained Cilium manages them."""

    options: RefreshOptions
    vpc_cni_version: str = ""
    """Version the VPC CNI's add-on has to have; empty for any."""
