"""A cluster's API server as a dictionary, which EKS changes and tests inspect and control."""

from __future__ import annotations

import copy
from typing import Any

from lab.cloud.eks.kubernetes_api import KubernetesError, Object

Key = tuple[str, str | None, str]


class MemoryKubernetes:
    """The protocol `KubernetesApi` over a dictionary."""

    def __init__(self) -> None:
        self.objects: dict[Key, Object] = {}
        self.owned_by_others: set[tuple[str, str]] = set()
        self.missing_namespaces: set[str] = set()
        self.blocked_pods: set[str] = set()

    def apply(self, manifest: Object, *, force: bool) -> None:
        kind, metadata = manifest["kind"], manifest["metadata"]
        if metadata.get("namespace") in self.missing_namespaces:
            raise KubernetesError(404, f'namespaces "{metadata["namespace"]}" not found')
        if (kind, metadata["name"]) in self.owned_by_others and not force:
            raise KubernetesError(
                409, 'Apply failed with 1 conflict: conflict with "kubectl": .spec.replicas'
            )
        key = (kind, metadata.get("namespace"), metadata["name"])
        generation = self.objects.get(key, {}).get("metadata", {}).get("generation", 0) + 1
        stored = copy.deepcopy(manifest)
        stored["metadata"]["generation"] = generation
        self.objects[key] = stored

    def get(self, kind: str, name: str, namespace: str | None = None) -> Object | None:
        return copy.deepcopy(self.objects.get((kind, namespace, name)))

    def items(self, kind: str, namespace: str | None = None, **selectors: str) -> list[Object]:
        found = [item for (k, ns, _), item in self.objects.items() if k == kind and namespace in {None, ns}]
        return [copy.deepcopy(item) for item in found if _selected(item, selectors)]

    def patch(self, kind: str, name: str, patch: Object) -> None:
        _merge(self.objects[kind, None, name], patch)

    def delete(self, kind: str, name: str, namespace: str | None = None) -> None:
        self.objects.pop((kind, namespace, name), None)

    def evict(self, name: str, namespace: str) -> bool:
        if name in self.blocked_pods:
            return False
        self.delete("Pod", name, namespace)
        return True

    def names(self, kind: str) -> set[str]:
        return {name for k, _, name in self.objects if k == kind}

    def join(
        self, instance: str, group: str, *, ready: bool = True, labels: dict[str, str] | None = None
    ) -> str:
        """Register a node, as the cloud and the node player would."""
        name = f"node-{instance}"
        self.objects["Node", None, name] = {
            "metadata": {
                "name": name,
                "resourceVersion": "1",
                "labels": {"eks.amazonaws.com/nodegroup": group, **(labels or {})},
            },
            "spec": {"providerID": f"aws:///eu-central-1a/{instance}", "taints": []},
            "status": {"conditions": [{"type": "Ready", "status": "True" if ready else "False"}]},
        }
        return name

    def run_pod(self, name: str, node: str, owner: str = "ReplicaSet") -> None:
        metadata = {"name": name, "namespace": "default", "ownerReferences": [{"kind": owner}]}
        self.objects["Pod", "default", name] = {"metadata": metadata, "spec": {"nodeName": node}}

    def report(self, kind: str, name: str, **status: Any) -> None:
        """Set the status of a workload in kube-system, as its controller would."""
        workload = self.objects[kind, "kube-system", name]
        workload["status"] = {"observedGeneration": workload["metadata"]["generation"], **status}


def _selected(item: Object, selectors: dict[str, str]) -> bool:
    label, field = selectors.get("labelSelector"), selectors.get("fieldSelector")
    if label:
        key, _, value = label.partition("=")
        if item["metadata"].get("labels", {}).get(key) != value:
            return False
    return not field or item["spec"].get("nodeName") == field.partition("=")[2]


def _merge(target: Any, patch: Object) -> None:
    for key, value in patch.items():
        if value is None:
            target.pop(key, None)
        elif isinstance(value, dict):
            _merge(target.setdefault(key, {}), value)
        else:
            target[key] = value
