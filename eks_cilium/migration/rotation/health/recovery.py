"""The health gate of one rotation: its node is done when the workloads of its pods are as healthy as before.

A pod may be ready for a moment and crash then, so the workloads have to be healthy in all readings of some
seconds (`migration.settleReadings`). These readings begin while the last pods of the node stop, since their
successors are often ready by then. Used by `rotation.steps` with `migration.waitUntilHealthy`; without it
`settling` judges the workloads by the same rule.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from eks_cilium.cluster.objects import controller
from eks_cilium.migration.rotation import before as records
from eks_cilium.migration.rotation.health import as_before
from eks_cilium.troubleshooting import Topic

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eks_cilium.cluster.objects import Object
    from eks_cilium.migration.inventory.model import Outgoing
    from eks_cilium.migration.run import MigrationRun

_LEAVE_OUT_WHAT_STOPS = frozenset({"ReplicaSet", "ReplicationController"})
"""Controllers whose status counts no pod that is being deleted; that of a StatefulSet does.

Source: kubernetes/pkg/controller/replicaset/replica_set.go, FilterActivePods before calculateStatus, and
pkg/controller/statefulset/stateful_set_control.go, computeReplicaStatus.
"""


@dataclass
class Steadiness:
    """Since when all readings in a row have found workloads as healthy as before."""

    since: float | None = None
    """By the monotonic clock; None where the latest reading did not."""

    def note(self, now: float, *, is_healthy: bool) -> None:
        if not is_healthy:
            self.since = None
        elif self.since is None:
            self.since = now

    def has_lasted(self, run: MigrationRun, now: float) -> bool:
        """Whether that is as long as `migration.settleReadings` readings take, a polling interval apart."""
        wanted = (run.options.settle_readings - 1) * run.limits.poll_interval
        return self.since is not None and now - self.since >= wanted


class Recovery:
    """The recovery of the workloads of one node."""

    def __init__(self, run: MigrationRun, node: Outgoing) -> None:
        self._run, self._node = run, node
        self._before = records.of(run.world, node)
        self._steady = Steadiness()
        self._all_stop_since: float | None = None

    def look(self, left: Sequence[Object]) -> None:
        """Read the workloads while these pods are left on the node, the last ones that stop.

        From one polling interval after the last eviction on: until then a controller may not have noticed it.
        """
        now = self._run.world.time.monotonic()
        if not all("deletionTimestamp" in pod["metadata"] for pod in left):
            self._all_stop_since = None
        elif self._all_stop_since is None:
            self._all_stop_since = now
        began = self._all_stop_since
        is_late_enough = began is not None and now - began >= self._run.limits.poll_interval
        self._steady.note(now, is_healthy=is_late_enough and self._is_healthy_without(left))

    def wait(self) -> None:
        """Wait until the workloads have been as healthy as before for long enough. Raises TimedOutError."""
        before = self._before
        if before is None or not (before.ready or before.custom):
            return
        self._run.wait(
            self._missing,
            waited_for=f"the workloads of node {self._node.name} to be as healthy as before",
            seconds=self._run.options.health_timeout_seconds,
            topic=Topic.WORKLOAD_UNHEALTHY,
            wakes=not before.custom,  # their pods are asked for at each reading
        )

    def _is_healthy_without(self, left: Sequence[Object]) -> bool:
        """Whether the workloads are as healthy as before, and none of these pods counts as ready."""
        before = self._before
        if before is None or before.custom or not all(map(_is_left_out, left)):
            return False
        return not as_before.worse(self._run, before)

    def _missing(self) -> str:
        before = self._before
        sentence = as_before.missing(self._run, before) if before else ""
        now = self._run.world.time.monotonic()
        self._steady.note(now, is_healthy=not sentence)
        has_lasted = self._steady.has_lasted(self._run, now)
        return sentence or ("" if has_lasted else "as healthy as before, but not for long enough")


def _is_left_out(pod: Object) -> bool:
    owner = controller(pod)
    return owner is not None and not owner.group and owner.kind in _LEAVE_OUT_WHAT_STOPS
