"""Which pods Cilium could manage, and what to restart for each of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eks_cilium.cilium.values import COMPUTE_TYPE, COMPUTE_WITHOUT_AGENTS

if TYPE_CHECKING:
    from eks_cilium.migration.facts.model import Node, Pod

_OS = "kubernetes.io/os"


def is_ordinary(pod: Pod) -> bool:
    """Whether a network plugin connects a pod, and it will still be there in a moment."""
    return not (pod.host_network or pod.mirror or pod.terminal or pod.deleted)


def unable(node: Node) -> str:
    """Why no agent of Cilium can run on a node; empty where one can."""
    kind = node.labels.get(COMPUTE_TYPE, "")
    if kind in COMPUTE_WITHOUT_AGENTS:
        return f"compute type {kind}"
    return "Windows" if node.labels.get(_OS) == "windows" else ""
