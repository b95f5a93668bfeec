"""The two CNIs of a migration, and which of them is replaced by which.

A rollback is the same migration with the two exchanged. Nodes to be replaced carry the label of the old CNI:
its agents run on those alone, the agents of the new CNI on all others. New nodes carry no label, so they
start with the new CNI.
"""

from __future__ import annotations

from dataclasses import dataclass

from eks_cilium.cluster.names import AWS_CNI, NAMESPACE
from eks_cilium.settings.model.migration import Target


@dataclass(frozen=True, slots=True)
class Cni:
    """A CNI plugin with an agent on every node."""

    label: str
    """Value of the label `cni-plugin` on nodes whose pods have addresses from it."""
    daemon_set: str
    selector: str
    """Label selector of the agents' pods."""

    @property
    def path(self) -> str:
        return f"/apis/apps/v1/namespaces/{NAMESPACE}/daemonsets/{self.daemon_set}"


AWS = Cni(AWS_CNI, "aws-node", "k8s-app=aws-node")
CILIUM = Cni("cilium", "cilium", "k8s-app=cilium")


def old_cni(target: Target) -> Cni:
    """The CNI that a migration replaces."""
    return AWS if target is Target.CILIUM else CILIUM


def new_cni(target: Target) -> Cni:
    """The CNI that all nodes run after a migration."""
    return CILIUM if target is Target.CILIUM else AWS
