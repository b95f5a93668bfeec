"""A node group's update to another version: new nodes first, then the old ones are drained and terminated.

With the strategy MINIMAL the old ones go first (API_NodegroupUpdateConfig.html, updateStrategy).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lab.cloud.eks.nodegroups import ec2_resources, nodes

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.cloud.eks.aws_clients import AwsClients
    from lab.cloud.eks.kubernetes_api import KubernetesApi, Object
    from lab.cloud.eks.records.model import Nodegroup
    from lab.cloud.eks.records.updates import Update


def surge_of(group: Nodegroup, count: int) -> int:
    """Return how many nodes may be replaced at once: maxUnavailable, at least one."""
    percentage = group.update_config.get("maxUnavailablePercentage")
    wanted: int = group.update_config.get("maxUnavailable", 1)
    if percentage is not None:
        wanted = count * int(percentage) // 100
    return max(1, min(wanted, count))


@dataclass
class Rotation:
    """One rolling update, with its state between steps."""

    group: Nodegroup
    update: Update
    old: list[str]
    sizes: dict[str, int]
    surge: int
    force: bool
    drain_timeout: float
    revert: Callable[[], None]
    grown: bool = False
    draining_since: dict[str, float] = field(default_factory=dict)

    def step(self, aws: AwsClients, api: KubernetesApi, now: float) -> bool:
        """Do what is possible now; return True when the update has ended, successfully or not."""
        if not self.grown:
            self._grow(aws)
            return False
        sizes = ec2_resources.sizes(aws, self.group)
        if sizes is None:
            self.update.fail("Unknown", f"Auto Scaling group {self.group.group_name} was deleted")
            return True
        members = ec2_resources.members(aws, self.group)
        self.old = [instance for instance in self.old if instance in members]
        if not self.old:
            ec2_resources.resize(aws, self.group, self.sizes)
            self.update.status = "Successful"
            return True
        living = {nodes.instance_of(node): node for node in nodes.of_group(api, self.group.name)}
        ready = [i for i in members if i in living and nodes.is_ready(living[i])]
        if len(ready) < sizes["desiredSize"] or len(ready) < len(members):
            return False
        return self._replace(aws, api, living, now)

    @property
    def _minimal(self) -> bool:
        return bool(self.group.update_config.get("updateStrategy") == "MINIMAL")

    def _grow(self, aws: AwsClients) -> None:
        self.grown = True
        if self._minimal:
            return
        desired = self.sizes["desiredSize"] + self.surge
        larger = {**self.sizes, "desiredSize": desired, "maxSize": max(self.sizes["maxSize"], desired)}
        ec2_resources.resize(aws, self.group, larger)

    def _replace(self, aws: AwsClients, api: KubernetesApi, living: dict[str, Object], now: float) -> bool:
        shrinking = not self._minimal and len(self.old) <= self.surge
        for instance in self.old[: self.surge]:
            since = self.draining_since.setdefault(instance, now)
            overdue = now - since > self.drain_timeout
            left = nodes.drain_once(api, living[instance])
            if left and overdue and not self.force:
                self._give_up(aws, api, living, instance)
                return True
            if not left or overdue:
                ec2_resources.terminate(aws, instance, decrement=shrinking)
                self.old.remove(instance)
        return False

    def _give_up(self, aws: AwsClients, api: KubernetesApi, living: dict[str, Object], instance: str) -> None:
        message = f"Reached max retries while trying to evict pods from nodes in node group {self.group.name}"
        self.update.fail("PodEvictionFailure", message, living[instance]["metadata"]["name"])
        for left in self.old:
            if left in living:
                nodes.cordon(api, living[left], on=False)
        ec2_resources.resize(aws, self.group, self.sizes)
        self.revert()
