"""Pods that the scheduler finds no node for, in its own words.

It writes them into the condition PodScheduled, with the reason Unschedulable (k8s.io/api/core/v1/types.go,
PodReasonUnschedulable). Read by drains, by the gate between nodes and before a cordon.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from eks_cilium.cluster.objects import condition, moment
from eks_cilium.texts import named

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from eks_cilium.cluster.objects import Object

_MOST_NAMED = 3


@dataclass(frozen=True, slots=True)
class Unscheduled:
    """A pod that no node suits."""

    obj: Object
    message: str
    """The scheduler's."""
    since: datetime | None

    def __str__(self) -> str:
        metadata = self.obj["metadata"]
        return f"{metadata['namespace']}/{metadata['name']}: {self.message}"

    def longer_than(self, seconds: float, now: datetime) -> bool:
        """Whether it has had no node for so long."""
        return self.since is not None and (now - self.since).total_seconds() > seconds


def unscheduled(obj: Object) -> Unscheduled | None:
    """What the scheduler says of a pod; None where it did not have to say anything."""
    verdict = condition(obj, "PodScheduled")
    if verdict.get("status") != "False" or verdict.get("reason") != "Unschedulable":
        return None
    if obj["metadata"].get("deletionTimestamp"):
        return None
    return Unscheduled(obj, verdict.get("message", ""), moment(verdict.get("lastTransitionTime")))


def sentence(pods: Sequence[Unscheduled]) -> str:
    """One sentence about these pods; empty where there are none."""
    return f"no node for {named(pods, _MOST_NAMED, separator='; ')}" if pods else ""
