"""A node that hangs: its kubelet posts no status, and its deleted pods stay Terminating.

The node player does it; the consequences (Ready Unknown after the node monitor's grace period, taints, the
eviction of its pods) are those of the real controllers.
"""

from eks_cilium.clients.kubernetes import KubernetesApi

ANNOTATION = "lab.eks-cilium.io/dead"


def kill(api: KubernetesApi, node: str) -> None:
    """Let the kubelet of a node die; its instance keeps running."""
    _annotate(api, node, "true")


def revive(api: KubernetesApi, node: str) -> None:
    """Let the kubelet of a node work again."""
    _annotate(api, node, None)


def _annotate(api: KubernetesApi, node: str, value: str | None) -> None:
    api.merge(f"/api/v1/nodes/{node}", {"metadata": {"annotations": {ANNOTATION: value}}})
