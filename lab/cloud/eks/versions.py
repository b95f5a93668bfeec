"""EKS's rules for Kubernetes versions: which are offered, allowed upgrades, and how old nodes may be."""

from __future__ import annotations

from lab.cloud.eks.errors import InvalidParameterError
from lab.cloud.kubernetes_versions import OFFERED, KubernetesVersion

MINORS_NODES_MAY_LAG = 3


def offered(minor: str) -> KubernetesVersion:
    """Return an offered version, or raise EKS's refusal."""
    if minor not in OFFERED:
        message = f"unsupported Kubernetes version: {minor} (the lab serves {', '.join(OFFERED)})"
        raise InvalidParameterError(message)
    return OFFERED[minor]


def supported(minor: str, now: float) -> KubernetesVersion:
    """Return a version for a new cluster; refuse it after the end of its extended support."""
    version = offered(minor)
    if version.support(now) == "UNSUPPORTED":
        message = f"unsupported Kubernetes version: {minor}"
        raise InvalidParameterError(message)
    return version


def check_upgrade(current: str, wanted: str) -> None:
    """Refuse the same version, a downgrade, and a step over a minor version, as EKS does."""
    step = _number(offered(wanted).minor) - _number(current)
    if step == 0:
        message = f"Cluster is already at the desired version with Kubernetes version: {wanted}"
        raise InvalidParameterError(message)
    if step != 1:
        message = f"Unsupported Kubernetes minor version update from {current} to {wanted}"
        raise InvalidParameterError(message)


def check_nodes(cluster: str, nodes: str) -> None:
    """Refuse nodes newer than their control plane, or too old for it."""
    lag = _number(cluster) - _number(offered(nodes).minor)
    if lag < 0 or lag > MINORS_NODES_MAY_LAG:
        message = f"Nodegroup Kubernetes version {nodes} is not supported by cluster version {cluster}"
        raise InvalidParameterError(message)


def _number(minor: str) -> int:
    return int(minor.partition(".")[2])
