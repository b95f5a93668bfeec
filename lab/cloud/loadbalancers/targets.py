"""Targets that are deregistered: `draining` for the group's delay, and gone then, as on AWS.

moto forgets a deregistered target at once. How long a group drains is its attribute
deregistration_delay.timeout_seconds, 300 s unless changed, times what the lab's timing makes of 300 s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.ec2.models import ec2_backends
from moto.elbv2.models import FakeHealthStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

_DELAY = "deregistration_delay.timeout_seconds"
_DEFAULT_DELAY = 300.0


class Targets:
    """The targets of Network and Application Load Balancers, mixed in before moto's own methods."""

    draining_seconds = 0.0
    """What 300 s of draining take."""
    target_groups: dict[str, Any]
    account_id: str
    region_name: str

    def deregister_targets(self, target_group_arn: str, instances: list[dict[str, Any]]) -> None:
        """Deregister targets, which drain from now on."""
        super().deregister_targets(target_group_arn, instances)  # type: ignore[misc]  # moto's half
        group = self.target_groups[target_group_arn]
        delay = float(group.attributes.get(_DELAY, _DEFAULT_DELAY))
        ends = self._now() + delay * self.draining_seconds / _DEFAULT_DELAY
        draining = vars(group).setdefault("draining", {})
        draining |= {target["Id"]: ends for target in instances}

    def describe_target_health(self, target_group_arn: str, targets: Sequence[dict[str, Any]]) -> list[Any]:
        """Describe registered targets and those that drain; or these targets alone."""
        found = super().describe_target_health(target_group_arn, targets)  # type: ignore[misc]
        group = self.target_groups[target_group_arn]
        asked = {target["Id"] for target in targets}
        draining = [
            name
            for name, ends in vars(group).get("draining", {}).items()
            if ends > self._now() and name not in group.targets and (not asked or name in asked)
        ]
        others = [status for status in found if status.instance_id not in draining]
        return [*others, *(_draining(name, group) for name in draining)]

    def _now(self) -> float:
        schedule = ec2_backends[self.account_id][self.region_name].schedule
        return float(schedule.clock())


def _draining(target: str, group: Any) -> FakeHealthStatus:
    reason, text = "Target.DeregistrationInProgress", "Target deregistration is in progress"
    return FakeHealthStatus(target, group.port, group.health_check_port, "draining", reason, text)
