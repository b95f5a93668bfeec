"""The services of the benchmark's cluster: Deployments and StatefulSets with a mix of budgets.

Their pods have no volumes and may run in every zone, so that each program can finish. How long a pod takes to
stop differs by service.
"""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lab.sample_cluster.clients import CommandFailedError, Kubectl

NAMESPACE = "bench"
OF = 600
"""The number of pods that the numbers of services below are for."""
_TIMEOUT = 600.0
_STOPS = "lab.eks-cilium.io/termination-seconds"


@dataclass(frozen=True)
class Kind:
    """Services of the same size with the same budget."""

    name: str
    services: int
    """Of 600 pods."""
    replicas: int
    budget: dict[str, Any] | None
    stops: float
    """Seconds that a pod takes to stop."""
    kind: str = "Deployment"


KINDS = (
    Kind("large", 8, 25, {"maxUnavailable": "20%"}, 8),
    Kind("middle", 10, 16, {"maxUnavailable": 2}, 10),
    Kind("small", 20, 5, {"maxUnavailable": 1}, 6),
    Kind("steady", 8, 5, {"minAvailable": "80%"}, 8),
    Kind("without", 10, 6, None, 6),
    Kind("state", 8, 5, {"maxUnavailable": 1}, 10, "StatefulSet"),
)


def create(kubectl: Kubectl, pods: int) -> int:
    """Create about so many pods and wait until all are ready; return how many there are.

    Raises:
        CommandFailedError: not all of them became ready within ten minutes.
    """
    manifests = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}, *services(pods)]
    wanted = sum(int(manifest["spec"]["replicas"]) for manifest in manifests if _has_pods(manifest))
    kubectl.apply(json.dumps(manifest) for manifest in manifests)
    deadline = time.monotonic() + _TIMEOUT
    while (ready := _ready(kubectl)) < wanted:
        if time.monotonic() > deadline:
            message = f"{ready} of {wanted} pods were ready after {_TIMEOUT:.0f} s"
            raise CommandFailedError(message)
        time.sleep(1)
    return wanted


def services(pods: int) -> Iterator[dict[str, Any]]:
    """Yield the manifests of services with about so many pods together."""
    for kind in KINDS:
        for number in range(max(round(kind.services * pods / OF), 1)):
            name = f"{kind.name}-{number:02}"
            yield _workload(kind, name)
            if kind.budget is not None:
                yield _budget(name, kind.budget)


def _has_pods(manifest: dict[str, Any]) -> bool:
    return manifest["kind"] in ("Deployment", "StatefulSet")


def _ready(kubectl: Kubectl) -> int:
    path = "jsonpath={.items[*].status.readyReplicas}"
    counts = kubectl("get", "deployments,statefulsets", "-n", NAMESPACE, "-o", path).split()
    return sum(map(int, counts))


def _workload(kind: Kind, name: str) -> dict[str, Any]:
    container = {
        "name": "app",
        "image": "registry.example/app:1",
        "readinessProbe": {"httpGet": {"path": "/ready", "port": 8080}},
        "resources": {"requests": {"cpu": "20m", "memory": "32Mi"}},
    }
    spread = {
        "maxSkew": 1,
        "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": {"app": name}},
    }
    template = {
        "metadata": {"labels": {"app": name}, "annotations": {_STOPS: str(kind.stops)}},
        "spec": {"containers": [container], "topologySpreadConstraints": [spread]},
    }
    of_kind = {"serviceName": name, "podManagementPolicy": "Parallel"} if kind.kind == "StatefulSet" else {}
    selector = {"matchLabels": {"app": name}}
    return {
        "apiVersion": "apps/v1",
        "kind": kind.kind,
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": {"app": name}},
        "spec": {"replicas": kind.replicas, "selector": selector, "template": template, **of_kind},
    }


def _budget(name: str, budget: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {**budget, "selector": {"matchLabels": {"app": name}}},
    }
