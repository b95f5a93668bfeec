"""Pods that are not evicted: they are recreated on the same node, or serve the other pods there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eks_cilium.migration.facts.pods import LIKE_DAEMON_SET
from eks_cilium.migration.plan.model import Code, Verdict
from eks_cilium.migration.plan.verdicts import Ruling

if TYPE_CHECKING:
    from eks_cilium.migration.facts.model import Pod
    from eks_cilium.migration.plan.verdicts import Case

_MOUNT_SERVERS = (
    ("s3.csi.aws.com/mountpoint-version", ""),
    ("app.kubernetes.io/name", "juicefs-mount"),
)
"""Labels of pods that a CSI driver starts to serve mounts; without a value, any.

Mountpoint for Amazon S3 (pkg/podmounter/mppod/creator.go in awslabs/mountpoint-s3-csi-driver) and JuiceFS
(pkg/common/common.go, PodTypeKey, in juicedata/juicefs-csi-driver).
"""


def of_daemon_set(case: Case) -> Ruling | None:
    if not case.context.backing.is_of_daemon_set(case.pod) or case.pod.terminal:
        return None
    return Ruling(Verdict.SKIP, f"{case.pod.owner} runs it on every node")


def serves_mounts(case: Case) -> Ruling | None:
    """A pod that serves mounts ends by itself after the pods that use them; without it they lose files."""
    if not is_mount_server(case.pod) or case.pod.terminal or case.pod.deleted:
        return None
    case.find(Code.SERVES_MOUNTS, case.pod.reference)
    return Ruling(Verdict.WAIT, "serves mounts of other pods, and ends after them")


def is_mount_server(pod: Pod) -> bool:
    """Whether a pod without a controller serves mounts of other pods on its node.

    Any driver's: the Cluster Autoscaler is asked to treat the pod like that of a DaemonSet, and it tolerates
    every taint, as what serves a node's other pods has to.
    """
    if pod.owner is not None:
        return False
    known = any(
        key in pod.labels and (not value or pod.labels[key] == value) for key, value in _MOUNT_SERVERS
    )
    return known or (pod.tolerates_all and pod.annotations.get(LIKE_DAEMON_SET) == "true")
