"""Why a run stops before it is done. Each error says what is in the way and how to continue.

StoppedError
├── TimedOutError        a wait reached its time limit; says what was missing
├── DrainRefusedError    pods that must not be evicted
├── RestartRefusedError  the same for pods that are only restarted
├── UnhealthyError       a workload did not become as healthy as it was
├── StopRequestedError   `eks-cilium stop` asked runs on this cluster to begin nothing further
└── LeaseHeldError       another run works, or may work, on this cluster: this one must not act any more
    └── LeaseUnsureError     not known now, since the Lease could not be renewed: a TransientError too
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eks_cilium.errors import TransientError, UserError
from eks_cilium.troubleshooting import Topic

if TYPE_CHECKING:
    from collections.abc import Sequence

CONTINUE = "Nothing is lost: run `pulumi up` again, it continues from here."


class StoppedError(UserError):
    """A run stopped. Its `topic` is where docs/troubleshooting.md says what it means and how to go on."""

    def __init__(self, topic: Topic, problem: str, fix: str = CONTINUE) -> None:
        self.topic, self.problem, self.fix = topic, problem, fix
        super().__init__(f"{problem}\n{fix}")

    def add(self, sentence: str) -> None:
        """Say something else of the state in which the run stops, before how to go on."""
        self.fix = f"{sentence} {self.fix}"
        self.args = (f"{self.problem}\n{self.fix}",)


class TimedOutError(StoppedError):
    def __init__(
        self,
        waited_for: str,
        seconds: float,
        missing: str,
        fix: str = CONTINUE,
        *,
        topic: Topic = Topic.TIMED_OUT,
    ) -> None:
        self.missing = missing
        super().__init__(topic, f"waited {seconds:.0f} s for {waited_for}: {missing}", fix)


class DrainRefusedError(StoppedError):
    """Pods of a node must not be evicted, or never can be.

    Args:
        node: Its name.
        pods: The pods, each with the reason.
        moved: How many pods of the node were evicted or deleted before.
        waited: Seconds for which this was so.
    """

    def __init__(self, node: str, pods: Sequence[str], *, moved: int = 0, waited: float = 0) -> None:
        self.pods = tuple(pods)
        lines = "".join(f"\n  - {pod}" for pod in self.pods)
        so_long = f" (waited {waited:.0f} s)" if waited else ""
        super().__init__(
            Topic.PODS_MUST_STAY,
            f"node {node} cannot be drained{so_long}:{lines}",
            f"{_evicted(moved)} Fix what is named, or permit it in `migration.allow`, "
            "and run `pulumi up` again.",
        )


def _evicted(pods: int) -> str:
    if not pods:
        return "No pod was evicted for it."
    return "1 pod was evicted before." if pods == 1 else f"{pods} pods were evicted before."


class RestartRefusedError(StoppedError):
    """Pods of a workload must not be restarted, or never can be."""

    def __init__(self, workload: str, pods: Sequence[str]) -> None:
        self.pods = tuple(pods)
        lines = "".join(f"\n  - {pod}" for pod in self.pods)
        super().__init__(
            Topic.RESTART_REFUSED,
            f"{workload} cannot be restarted:{lines}",
            "Fix what is named, or permit it in `refresh.allow`, and run `pulumi up` again.",
        )


class UnhealthyError(StoppedError):
    """A restarted workload is not as healthy as before; no workload after it was restarted."""

    def __init__(self, workload: str, missing: str, undo: str = "") -> None:
        super().__init__(
            Topic.WORKLOAD_UNHEALTHY,
            f"{workload} did not become as healthy as it was: {missing}",
            f"The workloads after it were not restarted. Inspect it{undo}, then run `pulumi up` again: "
            "it continues from here.",
        )


class StopRequestedError(StoppedError):
    """A user asked runs on this cluster to begin no further node or workload."""


class LeaseHeldError(StoppedError):
    """Two runs at once would drain two sets of nodes."""


class LeaseUnsureError(LeaseHeldError, TransientError):
    """The Lease could not be renewed in time. Whether another run has it shows when it is renewed again."""
