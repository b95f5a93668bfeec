"""Claims, volumes, and which node a volume is attached to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eks_cilium.cluster.objects import Object, Reference, node_terms, reference
from eks_cilium.migration.facts.model import Claim, Volume

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_SHARED = frozenset({"ReadWriteMany", "ReadOnlyMany"})
_LOCAL = ("local", "hostPath")
_SOURCES = ("csi", "awsElasticBlockStore", "nfs", "iscsi", "fc", "cephfs", "rbd", *_LOCAL)


def claim(thing: Object) -> Claim:
    """A PersistentVolumeClaim."""
    return Claim(
        reference=reference("PersistentVolumeClaim", thing),
        phase=thing.get("status", {}).get("phase", "Pending"),
        volume=thing["spec"].get("volumeName"),
    )


def volume(thing: Object, attached: Mapping[str, Sequence[str]]) -> Volume | None:
    """A PersistentVolume that belongs to a claim; `attached` are the nodes of every volume, by name."""
    spec, name = thing["spec"], thing["metadata"]["name"]
    belongs_to = spec.get("claimRef")
    if not belongs_to:
        return None
    return Volume(
        name=name,
        claim=Reference("PersistentVolumeClaim", belongs_to["namespace"], belongs_to["name"]),
        driver=_driver(spec),
        terms=node_terms((spec.get("nodeAffinity") or {}).get("required")),
        local=any(source in spec for source in _LOCAL),
        shared=not _SHARED.isdisjoint(spec.get("accessModes") or ()),
        attached_to=tuple(attached.get(name, ())),
    )


def attachment(thing: Object) -> tuple[str, str] | None:
    """The volume and the node of a VolumeAttachment. Inline volumes have no name."""
    name = thing["spec"]["source"].get("persistentVolumeName")
    return (name, thing["spec"]["nodeName"]) if name else None


def _driver(spec: Mapping[str, Any]) -> str:
    source = next((source for source in _SOURCES if source in spec), "")
    return str(spec["csi"]["driver"]) if source == "csi" else source
