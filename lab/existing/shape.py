"""What an existing cluster is to be like."""

from dataclasses import dataclass
from enum import StrEnum

from lab.errors import LabError


class VpcCni(StrEnum):
    """Who looks after aws-node: EKS's managed add-on, or nobody since the cluster was created."""

    MANAGED = "managed"
    SELF_MANAGED = "self-managed"


class ShapeError(LabError):
    """A cluster was asked for that can not be made."""


USUAL = ("storage", "shop", "data", "batch", "monitoring")
"""The manifests of everything that runs in a cluster by default, in the order in which they are applied."""


@dataclass(frozen=True, kw_only=True)
class NodeGroup:
    """A managed node group over all zones."""

    name: str
    instance_type: str
    minimum: int
    desired: int
    maximum: int


@dataclass(frozen=True, kw_only=True)
class Shape:
    """Name, size and age of a cluster, and what runs in it."""

    name: str = "existing"
    nodes: int = 12
    vpc_cni: VpcCni = VpcCni.MANAGED
    kubernetes: str = "1.35"
    instance_type: str = "m7i.large"
    workloads: tuple[str, ...] = USUAL
    zones: int = 3
    groups: int = 2

    @property
    def node_groups(self) -> tuple[NodeGroup, ...]:
        """One group with room to grow and, of two, a second one that is at its largest size already.

        Raises:
            ShapeError: there is a group without a node.
        """
        if not 1 <= self.groups <= min(self.nodes, 2):
            message = f"{self.nodes} nodes can not be in {self.groups} node groups; one or two are made"
            raise ShapeError(message)
        web = self.nodes // 2 if self.groups == 2 else 0
        general = self.nodes - web
        groups = (
            NodeGroup(
                name="general",
                instance_type=self.instance_type,
                minimum=max(general // 2, 1),
                desired=general,
                maximum=general + 2,
            ),
            NodeGroup(name="web", instance_type=self.instance_type, minimum=1, desired=web, maximum=web),
        )
        return groups[: self.groups]
