"""The specification of a sample cluster: its size, its node groups, and what runs in it."""

from dataclasses import dataclass
from enum import StrEnum

from lab.errors import LabError


class VpcCni(StrEnum):
    """How aws-node is managed: as an EKS add-on, or as the DaemonSet that EKS installed at creation."""

    MANAGED = "managed"
    SELF_MANAGED = "self-managed"


class SpecError(LabError):
    """No cluster can be created by this specification."""


DEFAULT_WORKLOADS = ("storage", "shop", "data", "batch", "monitoring")
"""Names of the manifests in `manifests/`, in the order in which they are applied."""


@dataclass(frozen=True, kw_only=True)
class NodeGroup:
    """A managed node group that spans all zones."""

    name: str
    instance_type: str
    minimum: int
    desired: int
    maximum: int


@dataclass(frozen=True, kw_only=True)
class ClusterSpec:
    name: str = "existing"
    nodes: int = 12
    vpc_cni: VpcCni = VpcCni.MANAGED
    kubernetes: str = "1.35"
    instance_type: str = "m7i.large"
    workloads: tuple[str, ...] = DEFAULT_WORKLOADS
    zones: int = 3
    groups: int = 2
    spare: int = 2
    """By how many nodes the first group may grow."""
    autoscaled: bool = False
    """Whether a Cluster Autoscaler resizes the first group, whose zones Auto Scaling then leaves alone."""

    @property
    def node_groups(self) -> tuple[NodeGroup, ...]:
        """Return one group that may grow by `spare` nodes and, of two groups, one already at its maximum.

        Raises:
            SpecError: a group would have no node.
        """
        if not 1 <= self.groups <= min(self.nodes, 2):
            message = f"{self.nodes} nodes cannot be split into {self.groups} node groups; allowed: 1 or 2"
            raise SpecError(message)
        web = self.nodes // 2 if self.groups == 2 else 0
        general = self.nodes - web
        groups = (
            NodeGroup(
                name="general",
                instance_type=self.instance_type,
                minimum=max(general // 2, 1),
                desired=general,
                maximum=general + self.spare,
            ),
            NodeGroup(name="web", instance_type=self.instance_type, minimum=1, desired=web, maximum=web),
        )
        return groups[: self.groups]
