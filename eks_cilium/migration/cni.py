"""The two network plugins, and which of them goes and which comes.

A rollback is the same migration with the places exchanged. Nodes that are to go carry the label of their
plugin; agents of the one that goes run only on those, agents of the one that comes only on all others. New
nodes carry no label, so they get the right one by themselves.
"""

from __future__ import annotations

from dataclasses import dataclass

from eks_cilium.cluster.names import AWS_CNI, NAMESPACE
from eks_cilium.settings.model.migration import Target


@dataclass(frozen=True, slots=True)
class Plugin:
    """A network plugin: the agent on every node."""

    label: str
    """What the label `cni-plugin` says on its nodes when they are to go."""
    daemon_set: str
    selector: str
    """Of its agents' pods."""

    @property
    def path(self) -> str:
        """Of its DaemonSet."""
        return f"/apis/apps/v1/namespaces/{NAMESPACE}/daemonsets/{self.daemon_set}"


AWS = Plugin(AWS_CNI, "aws-node", "k8s-app=aws-node")
CILIUM = Plugin("cilium", "cilium", "k8s-app=cilium")


def outgoing(target: Target) -> Plugin:
    """The plugin that goes."""
    return AWS if target is Target.CILIUM else CILIUM


def incoming(target: Target) -> Plugin:
    """The plugin that comes."""
    return CILIUM if target is Target.CILIUM else AWS
