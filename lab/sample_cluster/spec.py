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
_GROUPS = ("general", "web", "batch")


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
        """Return one group that may grow by `spare` nodes, and others that are already at their maximum.

        Raises:
            SpecError: a group would have no node.
        """
        if not 1 <= self.groups <= min(self.nodes, len(_GROUPS)):
            message = (
                f"{self.nodes} nodes cannot be split into {self.groups} node groups; "
                f"allowed: 1 to {len(_GROUPS)}, with a node each"
            )
            raise SpecError(message)
        share = self.nodes // self.groups
        first = self.nodes - share * (self.groups - 1)
        return (
            NodeGroup(
                name=_GROUPS[0],
                instance_type=self.instance_type,
                minimum=max(first // 2, 1),
                desired=first,
                maximum=first + self.spare,
            ),
            *(
                NodeGroup(
                    name=name, instance_type=self.instance_type, minimum=1, desired=share, maximum=share
                )
                for name in _GROUPS[1 : self.groups]
            ),
        )
