"""What the record keeps of aws-node before it is changed, so that any later run can restore it exactly."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

    from eks_cilium.cluster.objects import Object


@dataclass(frozen=True, slots=True)
class AffinityBefore:
    managed: bool
    """Whether EKS managed aws-node as an add-on."""
    affinity: Object | None
    configuration: str
    """The add-on's configuration to the letter; empty where it had none, or where there is no add-on."""
    manager: str
    """The field manager that owned the affinity."""
    checked: str = ""
    """The target for which nodes that joined late were looked for; empty before that."""
    rewritten: str = ""
    """Who changed the affinity in the middle, as the last run said when it stopped for it."""

    def to_json(self) -> dict[str, Any]:
        kept = asdict(self)
        return {key: value for key, value in kept.items() if value or key not in ("checked", "rewritten")}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Self:
        return cls(**kept)


@dataclass(frozen=True, slots=True)
class RemovedAddOn:
    version: str
    configuration: str
    role: str
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class RemovedAwsNode:
    add_on: RemovedAddOn | None
    objects: tuple[Object, ...]
    """As they were, without the fields that the API server sets; none where EKS managed them."""

    def to_json(self) -> dict[str, Any]:
        return {"addOn": asdict(self.add_on) if self.add_on else None, "objects": list(self.objects)}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Self:
        return cls(RemovedAddOn(**kept["addOn"]) if kept["addOn"] else None, tuple(kept["objects"]))


@dataclass(frozen=True, slots=True)
class SnatBefore:
    configuration: str | None
    """The add-on's configuration; None where aws-node is self-managed."""
    exclusions: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        return {"configuration": self.configuration, "exclusions": list(self.exclusions)}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Self:
        return cls(kept["configuration"], tuple(kept["exclusions"]))
