"""The nodes a migration replaces, as they were before its first change.

Recorded in the cluster, in the order of work, so that every run finds the same list of nodes, however far the
last run got. `inventory.recording` writes it once; programs read it when they start.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

from eks_cilium.migration.part import Member
from eks_cilium.settings.model.migration import Target

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A node to be replaced."""

    name: str
    uid: str
    instance: str
    zone: str
    group: str
    """Its Auto Scaling group."""
    node_group: str = ""
    cordoned: bool = False
    """Whether the user cordoned it before the migration began."""


@dataclass(frozen=True, slots=True)
class Inventory:
    """All nodes to be replaced, in the order of work."""

    target: Target
    taken: str
    nodes: tuple[Outgoing, ...]

    def node(self, name: str) -> Outgoing | None:
        return next((node for node in self.nodes if node.name == name), None)

    @property
    def members(self) -> tuple[Member, ...]:
        """The nodes as `migration.part` takes them."""
        return tuple(Member(node.name, node.group, node.node_group) for node in self.nodes)

    def left(self, nodes: Sequence[Mapping[str, Any]]) -> tuple[Outgoing, ...]:
        """Its nodes that still exist, in order; `nodes` are all objects of nodes in the cluster.

        A node that registered again has another UID, and is still this node while its instance is the same.
        """
        uids = {node["metadata"]["uid"] for node in nodes}
        providers = {str(node["spec"].get("providerID", "")).rpartition("/")[2] for node in nodes}
        return tuple(node for node in self.nodes if node.uid in uids or node.instance in providers)

    def of_group(self, group: str) -> tuple[Outgoing, ...]:
        return tuple(node for node in self.nodes if node.group == group)

    @property
    def groups(self) -> tuple[str, ...]:
        return tuple(sorted({node.group for node in self.nodes}))

    @property
    def names(self) -> frozenset[str]:
        return frozenset(node.name for node in self.nodes)

    def to_json(self) -> dict[str, Any]:
        """Names of groups and zones once, and a short row for each node: 5,000 nodes take 600 kB."""
        groups = sorted({(node.group, node.node_group) for node in self.nodes})
        zones = sorted({node.zone for node in self.nodes})
        number_of = {group: number for number, group in enumerate(groups)}
        zone_of = {zone: number for number, zone in enumerate(zones)}
        return {
            "target": self.target.value,
            "taken": self.taken,
            "groups": [list(group) for group in groups],
            "zones": zones,
            "rows": [_row(node, number_of, zone_of) for node in self.nodes],
        }

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Self:
        """Read what `to_json` made, also in the longer form of earlier versions."""
        target, taken = Target(kept["target"]), kept["taken"]
        if "nodes" in kept:
            return cls(target, taken, tuple(Outgoing(**node) for node in kept["nodes"]))
        groups, zones = kept["groups"], kept["zones"]
        return cls(target, taken, tuple(_of_row(row, groups, zones) for row in kept["rows"]))


def _row(node: Outgoing, groups: Mapping[tuple[str, str], int], zones: Mapping[str, int]) -> list[Any]:
    group, zone = groups[node.group, node.node_group], zones[node.zone]
    return [node.name, node.uid, node.instance, group, zone, int(node.cordoned)]


def _of_row(row: Sequence[Any], groups: Sequence[Sequence[str]], zones: Sequence[str]) -> Outgoing:
    name, uid, instance, group, zone, cordoned = row
    auto_scaling, node_group = groups[group]
    return Outgoing(name, uid, instance, zones[zone], auto_scaling, node_group, bool(cordoned))


@dataclass(frozen=True, slots=True)
class GroupBefore:
    """An Auto Scaling group before the migration's first change."""

    name: str
    minimum: int
    maximum: int
    desired: int
    suspended: tuple[str, ...]
    node_group: str = ""
    """EKS managed node group behind it."""

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"suspended": list(self.suspended)}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Self:
        return cls(**{**kept, "suspended": tuple(kept["suspended"])})
