"""Run many pods in a sample cluster: plain Deployments, every other one with a PodDisruptionBudget."""

import json
import time
from collections.abc import Iterator
from typing import Any

from lab.sample_cluster.clients import CommandFailedError, Kubectl

_REPLICAS = 50
_NAMESPACE = "crowd"
_TIMEOUT = 1200.0


def run_pods(kubectl: Kubectl, pods: int, *, replicas: int = _REPLICAS) -> None:
    """Run `pods` pods, so many `replicas` of each Deployment, and wait until all of them are ready.

    Raises:
        CommandFailedError: not all of them became ready within 20 minutes.
    """
    kubectl.apply(json.dumps(item) for item in _manifests(pods, replicas))
    deadline = time.monotonic() + _TIMEOUT
    while (ready := _ready(kubectl)) < pods:
        if time.monotonic() > deadline:
            message = f"{ready} of {pods} pods were ready after {_TIMEOUT:.0f} s"
            raise CommandFailedError(message)
        time.sleep(1)


def _ready(kubectl: Kubectl) -> int:
    counts = kubectl(
        "get", "deployments", "-n", _NAMESPACE, "-o", "jsonpath={.items[*].status.readyReplicas}"
    ).split()
    return sum(int(count) for count in counts)


def _manifests(pods: int, replicas: int) -> Iterator[dict[str, Any]]:
    yield {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": _NAMESPACE}}
    for number, first in enumerate(range(0, pods, replicas)):
        name = f"app-{number:03}"
        yield _deployment(name, min(replicas, pods - first))
        if number % 2:
            yield _budget(name)


def _deployment(name: str, replicas: int) -> dict[str, Any]:
    container = {
        "name": "app",
        "image": "registry.example/app:1",
        "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": _NAMESPACE},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}},
        },
    }


def _budget(name: str) -> dict[str, Any]:
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": name, "namespace": _NAMESPACE},
        "spec": {"maxUnavailable": "20%", "selector": {"matchLabels": {"app": name}}},
    }
