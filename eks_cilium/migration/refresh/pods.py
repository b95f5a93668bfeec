"""Which pods Cilium can manage, and on which nodes its agent cannot run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eks_cilium.cilium.values import COMPUTE_TYPE, COMPUTE_WITHOUT_AGENTS

if TYPE_CHECKING:
    from eks_cilium.migration.facts.model import Node, Pod

_OS = "kubernetes.io/os"


def needs_endpoint(pod: Pod) -> bool:
    """Whether a CNI connects the pod, so that Cilium has to manage it, and it is not about to end."""
    return not (pod.host_network or pod.mirror or pod.terminal or pod.deleted)


def why_no_agent(node: Node) -> str:
    """Why no Cilium agent can run on a node; empty where one can."""
    kind = node.labels.get(COMPUTE_TYPE, "")
    if kind in COMPUTE_WITHOUT_AGENTS:
        return f"compute type {kind}"
    return "Windows" if node.labels.get(_OS) == "windows" else ""
