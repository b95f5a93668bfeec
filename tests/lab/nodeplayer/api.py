"""A client of the Kubernetes API for these tests: a rejected request fails the test with its answer."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx

from eks_cilium.clients.kubeconfig import Kubeconfig
from eks_cilium.clients.kubernetes import MERGE_PATCH

KINDS = {
    "ConfigMap": "/api/v1/namespaces/{}/configmaps",
    "Node": "/api/v1/nodes",
    "Pod": "/api/v1/namespaces/{}/pods",
    "DaemonSet": "/apis/apps/v1/namespaces/{}/daemonsets",
    "Deployment": "/apis/apps/v1/namespaces/{}/deployments",
    "Job": "/apis/batch/v1/namespaces/{}/jobs",
    "PodDisruptionBudget": "/apis/policy/v1/namespaces/{}/poddisruptionbudgets",
}


class Api:
    """The API server as the lab's administrator sees it."""

    def __init__(self, kubeconfig: Path) -> None:
        self._api = Kubeconfig.read(kubeconfig).access().connect(timeout=httpx.Timeout(60))

    def close(self) -> None:
        self._api.close()

    def create(self, *objects: dict) -> list[dict]:
        """Create objects, several at a time; returns them as the API server created them."""
        with ThreadPoolExecutor(8) as pool:
            return list(pool.map(self._create, objects))

    def get(self, path: str) -> dict:
        return self._asked("GET", path)

    def find(self, path: str) -> dict | None:
        answer = self._api.exchange("GET", path)
        return None if answer.status_code == 404 else self._checked(answer)

    def items(self, path: str, **parameters: str) -> list[dict]:
        return self._asked("GET", path, query=parameters)["items"]

    def annotate(self, path: str, **annotations: str | None) -> dict:
        named = {f"lab.eks-cilium.io/{name.replace('_', '-')}": value for name, value in annotations.items()}
        return self.merge(path, {"metadata": {"annotations": named}})

    def merge(self, path: str, patch: dict) -> dict:
        return self._asked("PATCH", path, body=patch, content_type=MERGE_PATCH)

    def delete(self, *paths: str, grace: int | None = None) -> None:
        body = {} if grace is None else {"gracePeriodSeconds": grace}
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda path: self._asked("DELETE", path, body=body), paths))

    def evict(self, namespace: str, name: str) -> httpx.Response:
        body = {
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"namespace": namespace, "name": name},
        }
        path = f"/api/v1/namespaces/{namespace}/pods/{name}/eviction"
        return self._api.exchange("POST", path, body=body)

    def pods(self, namespace: str = "default", **labels: str) -> list[dict]:
        selector = ",".join(f"{key.replace('_', '-')}={value}" for key, value in labels.items())
        return self.items(f"/api/v1/namespaces/{namespace}/pods", labelSelector=selector)

    def pod(self, name: str, namespace: str = "default") -> dict | None:
        return self.find(f"/api/v1/namespaces/{namespace}/pods/{name}")

    def node(self, name: str) -> dict:
        return self.get(f"/api/v1/nodes/{name}")

    def post(self, path: str, body: dict) -> dict:
        return self._asked("POST", path, body=body)

    def answer(self, path: str, body: dict) -> str:
        """The API server's answer to an object that it may refuse."""
        return self._api.exchange("POST", path, body=body).text

    def _create(self, body: dict) -> dict:
        return self.post(KINDS[body["kind"]].format(body["metadata"].get("namespace", "default")), body)

    def _asked(self, method: str, path: str, **more: Any) -> dict:
        return self._checked(self._api.exchange(method, path, **more))

    @staticmethod
    def _checked(answer: httpx.Response) -> dict:
        assert answer.status_code < 300, f"{answer.request.method} {answer.request.url}: {answer.text}"
        return answer.json()


def conditions(obj: dict) -> dict[str, dict]:
    """The conditions of a pod or node by type."""
    return {condition["type"]: condition for condition in obj.get("status", {}).get("conditions", [])}


def is_ready(obj: dict | None) -> bool:
    return obj is not None and conditions(obj).get("Ready", {}).get("status") == "True"


def is_open(node: dict) -> bool:
    """Whether a node is ready and has no taint.

    A kubelet reports its node as ready before Cilium's operator removes the agent's taint, and the taint
    eviction controller deletes a pod that is bound to a node with that taint.
    """
    return is_ready(node) and not node["spec"].get("taints")


def are_ready(objects: Iterable[dict], count: int) -> bool:
    """Whether there are exactly `count`, all ready and none terminating."""
    listed = list(objects)
    terminating = any(obj["metadata"].get("deletionTimestamp") for obj in listed)
    return len(listed) == count and not terminating and all(is_ready(obj) for obj in listed)
