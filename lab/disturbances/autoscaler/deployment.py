"""The Deployment by which people and programs see that a Cluster Autoscaler is at work in a cluster.

The emulated one runs beside the cluster, so the Deployment wants no pod.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eks_cilium.clients.kubernetes import KubernetesApi

_NAME = "cluster-autoscaler"
_NAMESPACE = "kube-system"


def install(api: KubernetesApi) -> None:
    """Create the Deployment where it is not there yet."""
    labels = {"app": _NAME}
    container = {"name": _NAME, "image": f"registry.k8s.io/autoscaling/{_NAME}:v1.34.0"}
    api.apply(
        f"/apis/apps/v1/namespaces/{_NAMESPACE}/deployments/{_NAME}",
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": _NAME, "namespace": _NAMESPACE, "labels": labels},
            "spec": {
                "replicas": 0,
                "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
            },
        },
    )
