"""The context of one run: the cluster it works on, what was asked for, and where its progress is reported.

`dynamic/` and the command line create one for each operation and hand it down; the functions of a migration
take it as their first argument. Those that only read the cluster take its `world` alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from eks_cilium.migration.options import Limits, Options, Refreshing, Rules
    from eks_cilium.runtime.context import Report, World
    from eks_cilium.runtime.waiting import Polls


@dataclass(frozen=True)
class Run:
    world: World
    rules: Rules
    report: Report

    @property
    def options(self) -> Options:
        return self.rules.options

    @property
    def limits(self) -> Limits:
        return self.rules.limits

    @property
    def refresh(self) -> Refreshing:
        return self.rules.refresh

    def silent(self) -> Run:
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
    ) -> None:
        """`World.wait` at this run's polling interval, reporting where this run reports."""
        self.world.wait(
            missing,
            waited_for=waited_for,
            seconds=seconds,
            every=self.limits.between_looks,
            report=self.report,
            readings=readings,
            since_progress=since_progress,
        )

    def polls(self, *, seconds: float) -> Polls:
        """The loop under `wait`, for what has to act between readings."""
        return self.world.polls(seconds=seconds, every=self.limits.between_looks)
