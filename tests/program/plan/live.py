"""A namespace and a node on a real API server; the test acts as the kubelet."""

import time
from collections.abc import Callable
from typing import Any

from eks_cilium.clients.evictions import EvictionAnswer
from eks_cilium.clients.kubernetes import KubernetesApi
from eks_cilium.migration.facts.model import Facts
from eks_cilium.migration.facts.reading import read
from eks_cilium.migration.plan.model import NodePlan, Plan
from eks_cilium.migration.plan.planner import plan
from eks_cilium.settings.model.migration import MigrationOptions
from tests.program.plan.aws import Aws, a_cluster
from tests.program.plan.builders import ZONES

PATIENCE = 20.0
CONTAINERS = [{"name": "main", "image": "registry.example/main"}]


class Live:
    """Changes a test makes in its namespace, and the plan that results."""

    def __init__(self, api: KubernetesApi, namespace: str, node: str) -> None:
        self.api, self.namespace, self.node = api, namespace, node

    def begin(self) -> None:
        self.api.create("/api/v1/namespaces", {"metadata": {"name": self.namespace}})
        labels = {"kubernetes.io/os": "linux", "topology.kubernetes.io/zone": ZONES[0], "cni-plugin": "aws"}
        node = {
            "metadata": {"name": self.node, "labels": labels},
            "spec": {"providerID": f"aws:///{ZONES[0]}/i-{self.node}"},
        }
        self.api.create("/api/v1/nodes", node)
        ready = {"conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady"}]}
        self.api.merge(f"/api/v1/nodes/{self.node}/status", {"status": ready})
        eventually(lambda: self.api.get(self._path("serviceaccounts", "default", core=True)))

    def replica_set(self, name: str, replicas: int, *, ready: int | None = None) -> None:
        """Running pods on the node; the first `ready` of them are ready, by default all."""
        labels = {"app": name}
        spec = {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": self._pod_spec()},
        }
        self.api.create(
            self._path("replicasets", group="apps/v1"), {"metadata": {"name": name}, "spec": spec}
        )
        eventually(lambda: len(self.pods(name)) == replicas)
        for index, pod in enumerate(self.pods(name)):
            self.run(pod["metadata"]["name"], ready=ready is None or index < ready)

    def bare_pod(self, name: str, labels: dict[str, str]) -> None:
        pod = {"metadata": {"name": name, "labels": labels}, "spec": self._pod_spec()}
        self.api.create(self._path("pods", core=True), pod)
        self.run(name)

    def job(self, name: str, labels: dict[str, str], **spec: Any) -> str:
        """A Job with a running pod on the node; returns the pod's name."""
        template = {"metadata": {"labels": labels}, "spec": {**self._pod_spec(), "restartPolicy": "Never"}}
        job = {"metadata": {"name": name}, "spec": {**spec, "template": template}}
        self.api.create(self._path("jobs", group="batch/v1"), job)

        def pods() -> list[str]:
            return [pod["metadata"]["name"] for pod in self.pods() if _is_of(pod, name)]

        eventually(pods)
        (pod,) = pods()
        self.run(pod)
        return pod

    def job_conditions(self, name: str) -> list[str]:
        found = self.api.get(self._path("jobs", name, group="batch/v1")) or {}
        return [each["type"] for each in (found.get("status") or {}).get("conditions") or ()]

    def end(self, pod: str, phase: str = "Succeeded") -> None:
        """Write the status that a kubelet writes when all containers of a pod have ended."""
        path = f"{self._path('pods', pod, core=True)}/status"
        self.api.merge(
            path, {"status": {"phase": phase, "conditions": [{"type": "Ready", "status": "False"}]}}
        )

    def delete_pod(self, name: str) -> None:
        self.api.delete(self._path("pods", name, core=True))
        eventually(lambda: self.api.get(self._path("pods", name, core=True)) is None)

    def run(self, pod: str, *, ready: bool = True) -> None:
        """Write the status that a kubelet writes for a running pod."""
        conditions = [{"type": "Ready", "status": str(ready)}]
        status = {"phase": "Running", "conditions": conditions}
        self.api.merge(f"{self._path('pods', pod, core=True)}/status", {"status": status})

    def budget(self, name: str, app: str | None, *, settled: bool = True, **spec: Any) -> None:
        """A budget; returns when its controller has processed it and counts all running pods."""
        selector = {} if app is None else {"selector": {"matchLabels": {"app": app}} if app else {}}
        path = self._path("poddisruptionbudgets", group="policy/v1")
        self.api.create(path, {"metadata": {"name": name}, "spec": {**selector, **spec}})
        if settled:
            eventually(lambda: self.status(name).get("observedGeneration"))

    def settled(self, name: str, **expected: int) -> None:
        """Wait until a budget's status has these numbers."""
        eventually(lambda: expected.items() <= self.status(name).items(), lambda: self.status(name))

    def status(self, budget: str) -> dict[str, Any]:
        found = self.api.get(self._path("poddisruptionbudgets", budget, group="policy/v1"))
        return (found or {}).get("status") or {}

    def pods(self, app: str | None = None) -> list[dict[str, Any]]:
        selectors = {"labelSelector": f"app={app}"} if app else {}
        found = self.api.list(self._path("pods", core=True), **selectors)
        return sorted(found, key=lambda pod: pod["metadata"]["name"])

    def facts(self) -> Facts:
        aws = Aws()
        known = self.api.list("/api/v1/nodes")
        instances = {node["spec"]["providerID"].rsplit("/", 1)[-1]: ZONES[0] for node in known}
        a_cluster(aws, instances, AvailabilityZones=[ZONES[0]], MaxSize=100)
        return read("shop", self.api, aws)

    def plan(self, options: MigrationOptions | None = None) -> Plan:
        return plan(self.facts(), options)

    def node_plan(self, options: MigrationOptions | None = None) -> NodePlan:
        found = self.plan(options).of_node(self.node)
        assert found is not None
        return found

    def evict(self, pod: dict[str, Any]) -> EvictionAnswer:
        metadata = pod["metadata"]
        return self.api.evict(self.namespace, metadata["name"], uid=metadata["uid"])

    def _pod_spec(self) -> dict[str, Any]:
        return {"nodeName": self.node, "containers": CONTAINERS, "terminationGracePeriodSeconds": 600}

    def _path(self, resource: str, name: str = "", *, core: bool = False, group: str = "") -> str:
        root = "/api/v1" if core else f"/apis/{group}"
        return f"{root}/namespaces/{self.namespace}/{resource}" + (f"/{name}" if name else "")


def _is_of(pod: dict[str, Any], owner: str) -> bool:
    return any(each["name"] == owner for each in pod["metadata"].get("ownerReferences") or ())


def eventually(holds: Callable[[], Any], seen: Callable[[], Any] = lambda: "") -> None:
    """Wait until a controller has done its work."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, f"not so after {PATIENCE} s; seen: {seen()}"
        time.sleep(0.1)
