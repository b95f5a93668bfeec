"""PersistentVolumeClaims, PersistentVolumes, and the nodes that volumes are attached to."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from eks_cilium.cluster.objects import Object, Reference, Terms, node_terms, reference
from eks_cilium.migration.facts.model import Claim, Volume

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from eks_cilium.cluster.selectors import Requirement
    from eks_cilium.migration.facts.model import Node

_SHARED = frozenset({"ReadWriteMany", "ReadOnlyMany"})
_LOCAL = ("local", "hostPath")
_LABEL_OF_ONE_NODE = re.compile(r"(^|[-_.])(node|host|instance)[-_]?(name|id)?$", re.IGNORECASE)
"""The last part of label keys whose value is another one on every node.

The topology keys of drivers for disks of nodes, and the host name: topology.topolvm.io/node (constants.go in
topolvm/topolvm), openebs.io/nodename (pkg/lvm/volume.go in openebs/lvm-localpv), linbit.com/hostname
(pkg/topology/topology.go in piraeusdatastore/linstor-csi), directpv.min.io/node
(pkg/apis/directpv.min.io/types/label.go in minio/directpv), topology.lvm.csi/node (pkg/server/node.go in
metal-stack/csi-driver-lvm), topology.hostpath.csi/node (pkg/hostpath in kubernetes-csi/csi-driver-host-path).
"""
_LABEL_OF_MANY_NODES = re.compile(
    r"^(eks\.amazonaws\.com|node\.kubernetes\.io|karpenter\..*)/"
    r"|(^|[-_./])(zone|region|partition|account|outpost|os|arch|(instance|capacity)-?type|node-?(group|pool))"
    r"([-_]?(name|id))?$",
    re.IGNORECASE,
)
"""Label keys that nodes of a zone, a kind or a group have in common, so that a new node has them as well."""
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
    terms = node_terms((spec.get("nodeAffinity") or {}).get("required"))
    belongs_to = spec.get("claimRef")
    if not belongs_to:
        return None
    return Volume(
        name=name,
        claim=Reference("PersistentVolumeClaim", belongs_to["namespace"], belongs_to["name"]),
        driver=_driver(spec),
        terms=terms,
        local=any(source in spec for source in _LOCAL) or bool(nodes_named(terms)),
        shared=not _SHARED.isdisjoint(spec.get("accessModes") or ()),
        handle=(spec.get("csi") or {}).get("volumeHandle", ""),
        attached_to=tuple(attached.get(name, ())),
    )


def is_of_one_node(label: str) -> bool:
    """Whether the key of a label says that each node has a value of its own."""
    return _LABEL_OF_ONE_NODE.search(label.rpartition("/")[2]) is not None


def nodes_named(terms: Terms) -> frozenset[str]:
    """The nodes that every term of a volume's affinity is limited to, by a label that names them.

    Such a volume is on the disks of these nodes, whatever its driver: `csi` does not say where the data is.
    Where it is on several (linbit.com/hostname), only its operator knows when a copy is complete.
    """
    named = [
        {
            value
            for requirement in term
            if requirement.operator == "In" and is_of_one_node(requirement.key)
            for value in requirement.values
        }
        for term in terms
    ]
    return frozenset().union(*named) if named and all(named) else frozenset()


def on_one_node(volumes: Iterable[Volume], nodes: Sequence[Node]) -> frozenset[str]:
    """Names of the volumes that only one of these nodes can have, because of a label of its own.

    A driver may call the label of its node anything. Volumes whose own terms say so already are left out.
    """
    asking = [volume for volume in volumes if not needs_no_nodes(volume)]
    keys = {need.key for volume in asking for term in volume.terms for need in term if _is_own_label(need)}
    with_label: dict[tuple[str, str], list[Node]] = defaultdict(list)
    for node in nodes if keys else ():
        for key in keys & node.labels.keys():
            with_label[key, node.labels[key]].append(node)
    return frozenset(volume.name for volume in asking if len(_possible(volume, with_label)) == 1)


def needs_no_nodes(volume: Volume) -> bool:
    """Whether a volume's own terms say whether it is of one node."""
    return volume.local or not volume.terms or not all(map(_is_particular, volume.terms))


def _possible(volume: Volume, with_label: Mapping[tuple[str, str], Sequence[Node]]) -> set[str]:
    """Names of the nodes that a volume can be attached to, found by the label that is not of many nodes."""
    found: set[str] = set()
    for term in volume.terms:
        need = next(filter(_is_own_label, term))
        for node in (node for value in need.values for node in with_label[need.key, value]):
            if all(other.matches(node.labels) for other in term):
                found.add(node.name)
    return found


def _is_particular(term: tuple[Requirement, ...]) -> bool:
    return any(map(_is_own_label, term))


def _is_own_label(need: Requirement) -> bool:
    return need.operator == "In" and not _LABEL_OF_MANY_NODES.search(need.key)


def attachment(obj: Object) -> tuple[str, str] | None:
    """Names of a VolumeAttachment's volume and node; None for an inline volume, which has no name."""
    name = obj["spec"]["source"].get("persistentVolumeName")
    return (name, obj["spec"]["nodeName"]) if name else None


def _driver(spec: Mapping[str, Any]) -> str:
    source = next((source for source in _SOURCES if source in spec), "")
    return str(spec["csi"]["driver"]) if source == "csi" else source
