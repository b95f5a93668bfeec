"""Why a migration stops before it is done. Each says what stands in the way and how to go on.

StoppedError
├── TimedOutError      something did not come about in time; says what was missing
├── DrainRefusedError  pods that must not be evicted; nothing was
├── RestartRefusedError  the same for pods that are only restarted
├── UnhealthyError     a workload did not come back as healthy as it was
└── LeaseHeldError     somebody else is, or may be, at work on this cluster: nothing more must be done
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eks_cilium.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

GO_ON = "Nothing is lost: run `pulumi up` again, it goes on from here."


class StoppedError(UserError):
    """Something a person has to look at first."""

    def __init__(self, problem: str, fix: str = GO_ON) -> None:
        self.problem, self.fix = problem, fix
        super().__init__(f"{problem}\n{fix}")


class TimedOutError(StoppedError):
    """Time ran out."""

    def __init__(self, waited_for: str, seconds: float, missing: str, fix: str = GO_ON) -> None:
        self.missing = missing
        super().__init__(f"waited {seconds:.0f} s for {waited_for}: {missing}", fix)


class DrainRefusedError(StoppedError):
    """Pods of a node must not be evicted, or never can be."""

    def __init__(self, node: str, pods: Sequence[str]) -> None:
        self.pods = tuple(pods)
        lines = "".join(f"\n  - {pod}" for pod in self.pods)
        super().__init__(
            f"node {node} can not be drained:{lines}",
            "No pod was evicted for it. Fix what is named, or permit it in `migration.allow`, "
            "and run `pulumi up` again.",
        )


class RestartRefusedError(StoppedError):
    """Pods of a workload must not be restarted, or never can be."""

    def __init__(self, workload: str, pods: Sequence[str]) -> None:
        self.pods = tuple(pods)
        lines = "".join(f"\n  - {pod}" for pod in self.pods)
        super().__init__(
            f"{workload} can not be restarted:{lines}",
            "Fix what is named, or permit it in `refresh.allow`, and run `pulumi up` again.",
        )


class UnhealthyError(StoppedError):
    """A workload that was restarted is not as healthy as it was; nothing after it was touched."""

    def __init__(self, workload: str, missing: str, undo: str = "") -> None:
        super().__init__(
            f"{workload} did not come back as healthy as it was: {missing}",
            f"The workloads after it were not touched. Look at it{undo}, then run `pulumi up` again: "
            "it goes on from here.",
        )


class LeaseHeldError(StoppedError):
    """Two runs at once would drain two sets of nodes."""
