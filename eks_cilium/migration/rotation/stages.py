"""The stage of a node's replacement, from one reading of Kubernetes, EC2 and Auto Scaling.

No single answer decides that an instance has ended: EC2 and Auto Scaling are eventually consistent, so an
answer may miss what exists. A node that is Ready is never gone, whatever they say. `rotation.steps` reads
again where a reading is not plain.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING

from eks_cilium.clients.ec2 import ABSENT, ENDED
from eks_cilium.cluster.objects import condition, is_cordoned
from eks_cilium.migration.inventory import marks

if TYPE_CHECKING:
    from eks_cilium.clients.autoscaling import Member
    from eks_cilium.cluster.objects import Object

READINGS = 3
"""Readings in a row that have to agree before an instance is terminated or taken for terminated."""


class Stage(Enum):
    SERVING = auto()
    CORDONED = auto()
    NODELESS = auto()
    LEAVING = auto()
    GONE = auto()
    UNCLEAR = auto()
    """EC2 or Auto Scaling says what the Ready node contradicts."""


@dataclass(frozen=True)
class Reading:
    """One reading of a node from Kubernetes, EC2 and Auto Scaling."""

    node: Object | None
    """None when it was deleted, or when another instance has registered under its name."""
    state: str
    """Of the instance in EC2; ABSENT where the answer did not have it."""
    member: Member | None
    """The instance in its Auto Scaling group."""

    @property
    def stage(self) -> Stage:
        if self.member is not None and self.member.leaving:
            return Stage.GONE if self.node is None and self._has_ended else Stage.LEAVING
        if self._is_ready and self.state in {*ENDED, ABSENT}:
            return Stage.UNCLEAR
        if self._has_ended and self.member is None:
            return Stage.GONE if self.node is None else Stage.LEAVING
        if self._has_ended or self.node is None:
            return Stage.NODELESS
        ours = is_cordoned(self.node) and marks.is_ours(self.node)
        return Stage.CORDONED if ours else Stage.SERVING

    @property
    def is_plain(self) -> bool:
        """Whether this reading alone shows the stage: nothing in it can be a stale answer that matters."""
        return self.stage is not Stage.NODELESS and self.state != ABSENT

    @property
    def _is_ready(self) -> bool:
        return self.node is not None and condition(self.node, "Ready").get("status") == "True"

    @property
    def _has_ended(self) -> bool:
        """An instance that EC2 does not name has ended only where its group does not have it either."""
        gone_from_group = self.member is None or self.member.leaving
        return self.state in ENDED or (self.state == ABSENT and gone_from_group and not self._is_ready)

    def __str__(self) -> str:
        group = f", {self.member.lifecycle} in its group" if self.member else ", in no group"
        node = "gone" if self.node is None else "Ready" if self._is_ready else "not Ready"
        return f"the instance is {self.state}{group}, the node is {node}"
