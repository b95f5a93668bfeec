"""An operator that closes its budget after each lost pod, as Elastic Cloud on Kubernetes (ECK) does.

Its pods belong to a custom kind. While the service is not healthy, `minAvailable` is the number of its pods;
only when all of them have been ready for some seconds, one may be disrupted.
Source: elastic/cloud-on-k8s, pkg/controller/elasticsearch/pdb/reconcile_default.go,
`allowedDisruptionsForSinglePDB`.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from eks_cilium.clients.kubernetes import KubernetesApi
from lab.cloud.schedule import Ticker

ACTOR = "system:serviceaccount:elastic-system:elastic-operator"
NAMESPACE = "search"
NAME = "search"
_MANIFESTS = Path(__file__).parent / "search.yaml"
_BUDGETS = f"/apis/policy/v1/namespaces/{NAMESPACE}/poddisruptionbudgets"
_CLUSTERS = f"/apis/elasticsearch.k8s.elastic.co/v1/namespaces/{NAMESPACE}/elasticsearches"
_SETS = f"/apis/apps/v1/namespaces/{NAMESPACE}/statefulsets"
_INTERVAL = 0.5


@dataclass
class SearchOperator:
    """The operator of one service. `clock` returns seconds.

    Args:
        api: The cluster's API as the operator.
        replicas: Pods of the service.
        settle: Seconds for which all of them have to be ready before the budget opens.
    """

    api: KubernetesApi
    replicas: int = 3
    settle: float = 5.0
    clock: Callable[[], float] = time.monotonic
    healthy_since: float | None = None
    closed_until: float = 0.0

    def step(self) -> None:
        """Read the pods once and write the budget that follows from them."""
        ready = sum(_serves(pod) for pod in self.api.list(f"/api/v1/namespaces/{NAMESPACE}/pods"))
        if ready < self.replicas:
            self.healthy_since = None
        elif self.healthy_since is None:
            self.healthy_since = self.clock()
        budget = self.api.get(f"{_BUDGETS}/{NAME}")
        if budget is None or budget["spec"]["minAvailable"] != self.minimum():
            self._write_budget()

    def minimum(self) -> int:
        """How many pods have to be available now, as far as the operator knows."""
        since, now = self.healthy_since, self.clock()
        is_green = since is not None and now - since >= self.settle and now >= self.closed_until
        return self.replicas - 1 if is_green else self.replicas

    def close(self, seconds: float) -> None:
        """Keep the budget closed for so many seconds: the service moves its data, for example."""
        self.closed_until = self.clock() + seconds

    def _write_budget(self) -> None:
        spec = {"minAvailable": self.minimum(), "selector": {"matchLabels": {"cluster-name": NAME}}}
        self.api.apply(
            f"{_BUDGETS}/{NAME}", _owned(self.api, "policy/v1", "PodDisruptionBudget", spec), force=True
        )


def install(operator: SearchOperator, wait: Callable[[float], None] = time.sleep) -> None:
    """Create the custom kind, the service and its pods; return when the budget has opened."""
    api = operator.api
    definition, namespace, cluster, pods = yaml.safe_load_all(_MANIFESTS.read_text())
    api.apply(
        f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{definition['metadata']['name']}",
        definition,
    )
    api.apply(f"/api/v1/namespaces/{NAMESPACE}", namespace)
    while not api.list("/apis/elasticsearch.k8s.elastic.co/v1/elasticsearches") and not _served(api):
        wait(_INTERVAL)
    api.apply(f"{_CLUSTERS}/{NAME}", cluster)
    spec = {**pods["spec"], "replicas": operator.replicas}
    api.apply(f"{_SETS}/{NAME}", _owned(api, "apps/v1", "StatefulSet", spec))
    while operator.minimum() == operator.replicas:
        operator.step()
        wait(_INTERVAL)
    operator.step()


@contextmanager
def running(operator: SearchOperator, fault: Callable[[str, str, str], None]) -> Iterator[None]:
    """Let the operator work for the length of a `with` block; failures of a step are passed to `fault`."""
    ticker = Ticker("search operator", _INTERVAL, operator.step, fault).start()
    try:
        yield
    finally:
        ticker.stop()


def _served(api: KubernetesApi) -> bool:
    return api.get("/apis/elasticsearch.k8s.elastic.co/v1") is not None


def _serves(pod: dict[str, Any]) -> bool:
    conditions = pod["status"].get("conditions", [])
    is_ready = any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
    return is_ready and "deletionTimestamp" not in pod["metadata"]


def _owned(api: KubernetesApi, version: str, kind: str, spec: dict[str, Any]) -> dict[str, Any]:
    """Return a manifest of an object that the custom resource owns and controls."""
    owner = api.get(f"{_CLUSTERS}/{NAME}")
    assert owner is not None, "the custom resource was created before what it owns"
    reference = {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": NAME,
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }
    metadata = {"name": NAME, "namespace": NAMESPACE, "ownerReferences": [reference]}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec}
