"""PersistentVolumeClaims, PersistentVolumes, and the nodes that volumes are attached to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eks_cilium.cluster.objects import Object, Reference, node_terms, reference
from eks_cilium.migration.facts.model import Claim, Volume

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_SHARED = frozenset({"ReadWriteMany", "ReadOnlyMany"})
_LOCAL = ("local", "hostPath")
_SOURCES = ("csi", "awsElasticBlockStore", "nfs", "iscsi", "fc", "cephfs", "rbd", *_LOCAL)


def claim(obj: Object) -> Claim:
    return Claim(
        reference=reference("PersistentVolumeClaim", obj),
        phase=obj.get("status", {}).get("phase", "Pending"),
        volume=obj["spec"].get("volumeName"),
    )


def volume(obj: Object, attached: Mapping[str, Sequence[str]]) -> Volume | None:
    """A PersistentVolume that is bound to a claim; `attached` holds the nodes of each volume, by its name."""
    spec, name = obj["spec"], obj["metadata"]["name"]
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
        handle=(spec.get("csi") or {}).get("volumeHandle", ""),
        attached_to=tuple(attached.get(name, ())),
    )


def attachment(obj: Object) -> tuple[str, str] | None:
    """Names of a VolumeAttachment's volume and node; None for an inline volume, which has no name."""
    name = obj["spec"]["source"].get("persistentVolumeName")
    return (name, obj["spec"]["nodeName"]) if name else None


def _driver(spec: Mapping[str, Any]) -> str:
    source = next((source for source in _SOURCES if source in spec), "")
    return str(spec["csi"]["driver"]) if source == "csi" else source
