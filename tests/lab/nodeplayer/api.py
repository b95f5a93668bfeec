"""A small client of the Kubernetes API for these tests: a refusal fails with what was asked and answered."""

import base64
import json
import ssl
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

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

    def __init__(self, endpoint: str, kubeconfig: Path) -> None:
        config = json.loads(kubeconfig.read_text())
        self._http = httpx.Client(
            base_url=endpoint,
            verify=_tls(config["clusters"][0]["cluster"], config["users"][0]["user"]),
            timeout=60,
            limits=httpx.Limits(max_connections=16),
        )

    def close(self) -> None:
        self._http.close()

    def create(self, *objects: dict) -> list[dict]:
        """Create objects, several at once; those of the API server's own making are answered."""
        with ThreadPoolExecutor(8) as pool:
            return list(pool.map(self._create, objects))

    def get(self, path: str) -> dict:
        return self._checked(self._http.get(path))

    def find(self, path: str) -> dict | None:
        answer = self._http.get(path)
        return None if answer.status_code == 404 else self._checked(answer)

    def items(self, path: str, **parameters: str) -> list[dict]:
        return self._checked(self._http.get(path, params=parameters))["items"]

    def annotate(self, path: str, **annotations: str | None) -> dict:
        named = {f"lab.eks-cilium.io/{name.replace('_', '-')}": value for name, value in annotations.items()}
        return self.merge(path, {"metadata": {"annotations": named}})

    def merge(self, path: str, patch: dict) -> dict:
        return self._checked(
            self._http.patch(
                path,
                content=json.dumps(patch),
                headers={"Content-Type": "application/merge-patch+json"},
            )
        )

    def delete(self, *paths: str, grace: int | None = None) -> None:
        body = {} if grace is None else {"gracePeriodSeconds": grace}
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda path: self._checked(self._http.request("DELETE", path, json=body)), paths))

    def evict(self, namespace: str, name: str) -> httpx.Response:
        body = {
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"namespace": namespace, "name": name},
        }
        return self._http.post(f"/api/v1/namespaces/{namespace}/pods/{name}/eviction", json=body)

    def pods(self, namespace: str = "default", **labels: str) -> list[dict]:
        selector = ",".join(f"{key.replace('_', '-')}={value}" for key, value in labels.items())
        return self.items(f"/api/v1/namespaces/{namespace}/pods", labelSelector=selector)

    def pod(self, name: str, namespace: str = "default") -> dict | None:
        return self.find(f"/api/v1/namespaces/{namespace}/pods/{name}")

    def node(self, name: str) -> dict:
        return self.get(f"/api/v1/nodes/{name}")

    def post(self, path: str, body: dict) -> dict:
        return self._checked(self._http.post(path, json=body))

    def _create(self, body: dict) -> dict:
        return self.post(KINDS[body["kind"]].format(body["metadata"].get("namespace", "default")), body)

    @staticmethod
    def _checked(answer: httpx.Response) -> dict:
        assert answer.status_code < 300, f"{answer.request.method} {answer.request.url}: {answer.text}"
        return answer.json()


def _tls(cluster: dict, user: dict) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=_decoded(cluster["certificate-authority-data"]).decode())
    with TemporaryDirectory() as directory:
        pair = Path(directory, "client.pem")
        pair.write_bytes(_decoded(user["client-certificate-data"]) + _decoded(user["client-key-data"]))
        context.load_cert_chain(pair)
    return context


def _decoded(text: str) -> bytes:
    return base64.b64decode(text)


def conditions(thing: dict) -> dict[str, dict]:
    """The conditions of a pod or node by type."""
    return {one["type"]: one for one in thing.get("status", {}).get("conditions", [])}


def is_ready(thing: dict | None) -> bool:
    return thing is not None and conditions(thing).get("Ready", {}).get("status") == "True"


def are_ready(things: Iterable[dict], count: int) -> bool:
    """Whether there are so many, all ready and none on its way out."""
    listed = list(things)
    leaving = any(one["metadata"].get("deletionTimestamp") for one in listed)
    return len(listed) == count and not leaving and all(is_ready(one) for one in listed)
