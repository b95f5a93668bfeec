"""Waits until the volumes of moved pods are detached from a drained node, before it is terminated.

The wait is bounded. A volume that is not detached in time is detached with the instance; the pod that waits
for it then starts minutes later, which the journal records. Called by the rotation of each node.

What is waited for is the end of each VolumeAttachment, which external-attacher removes when the volume is
detached; the lists in a node's status are shortened before that (pkg/controller/volume/attachdetach/
reconciler/reconciler.go: "mark volume as detached and update the node status" precedes the detach). The
status says which volumes there are, and their names say the names of the attachments, so that no list of all
attachments of the cluster is read.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from eks_cilium.migration.eviction.reading import pods_seen_on
from eks_cilium.migration.facts.on_demand import BackingReader
from eks_cilium.migration.inventory import marks
from eks_cilium.migration.rotation import before as records
from eks_cilium.runtime.errors import TimedOutError
from eks_cilium.texts import named

if TYPE_CHECKING:
    from eks_cilium.migration.inventory.model import Outgoing
    from eks_cilium.migration.run import MigrationRun
    from eks_cilium.runtime.context import World

_CSI = "kubernetes.io/csi/"
_ATTACHMENT = "/apis/storage.k8s.io/v1/volumeattachments/{}"


def attached(world: World, node: Outgoing) -> tuple[str, ...]:
    """Names of the VolumeAttachments of a node, from the volumes that its status lists."""
    obj = world.seen.get(marks.path(node.name)) or {}
    status = obj.get("status") or {}
    listed = [each["name"] for each in status.get("volumesAttached") or ()]
    names = {*listed, *(status.get("volumesInUse") or ())}
    volumes = (name.removeprefix(_CSI).partition("^") for name in names if name.startswith(_CSI))
    return tuple(sorted(_attachment(driver, handle, node.name) for driver, _, handle in volumes))


def await_detached(run: MigrationRun, node: Outgoing) -> None:
    """Wait for the volumes of the pods that moved; those of pods that stay are never detached before."""
    before = records.of(run.world, node)
    recorded = before.attachments if before else ()
    names = {*recorded, *attached(run.world, node)} - _of_pods_that_stay(run.world, node)
    volumes: dict[str, str] = {}

    def missing() -> str:
        for name in sorted(names):
            attachment = run.world.seen.get(_ATTACHMENT.format(name))
            if attachment is None or attachment["spec"]["nodeName"] != node.name:
                names.discard(name)
            else:
                volumes[name] = attachment["spec"]["source"].get("persistentVolumeName") or name
        left = sorted(volumes[name] for name in names)
        return f"still attached to {node.name}: {named(left)}" if left else ""

    try:
        run.wait(missing, waited_for=f"the volumes of {node.name}", seconds=run.limits.volumes)
    except TimedOutError as error:
        run.report(f"{error.missing}; they are detached with the instance")
        run.world.note("volumes-not-detached", node=node.name, missing=error.missing)


def _of_pods_that_stay(world: World, node: Outgoing) -> set[str]:
    """Attachments of pods that are left after the drain: those of DaemonSets, and static pods."""
    backing = BackingReader(world.seen).of(pods_seen_on(world, node.name))
    return {
        _attachment(volume.driver, volume.handle, node.name)
        for volume in backing.volumes.values()
        if volume.handle
    }


def _attachment(driver: str, handle: str, node: str) -> str:
    """The name of a VolumeAttachment (pkg/volume/csi/csi_attacher.go, getAttachmentName)."""
    return f"csi-{hashlib.sha256(f'{handle}{driver}{node}'.encode()).hexdigest()}"
