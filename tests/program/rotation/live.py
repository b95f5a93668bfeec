"""What tests do to a real cluster, and its API server's audit log."""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

from eks_cilium.clients.kubernetes import KubernetesApi
from eks_cilium.migration.inventory.model import Outgoing
from eks_cilium.runtime.context import World
from eks_cilium.runtime.view import View
from lab.cluster import ControlPlane
from tests.lab.nodeplayer import objects

from .simulation.api_server import Clock
from .simulation.cloud import Cloud

PATIENCE = 60.0


class Live:
    """A control plane with simulated nodes. Every test has a namespace of its own."""

    def __init__(self, plane: ControlPlane, api: KubernetesApi, view: View | None = None) -> None:
        """With a `view` the program watches the cluster, as in a run."""
        self.plane, self.api, self.view = plane, api, view
        self._numbers = count(1)
        self.namespace = "default"

    def begin(self, nodes: int) -> None:
        self.api.create(objects_path("DaemonSet", "kube-system"), objects.aws_node())
        for number in range(1, nodes + 1):
            self.api.create("/api/v1/nodes", objects.node(number))
        eventually(lambda: sum(map(is_ready, self.api.list("/api/v1/nodes"))) == nodes)

    def enter(self) -> str:
        """A new namespace for a test."""
        self.namespace = f"shop-{next(self._numbers)}"
        self.api.create("/api/v1/namespaces", {"metadata": {"name": self.namespace}})
        path = f"/api/v1/namespaces/{self.namespace}/serviceaccounts/default"
        eventually(lambda: self.api.get(path))
        return self.namespace

    def leave(self, namespace: str) -> None:
        """Nothing of a test is in the way of the next one's drains.

        Its controllers cannot create pods any more, and its pods end at once.
        """
        self.api.delete(f"/api/v1/namespaces/{namespace}")
        self.api.exchange("DELETE", f"/api/v1/namespaces/{namespace}/pods", query={"gracePeriodSeconds": "0"})
        eventually(lambda: not self.api.list(f"/api/v1/namespaces/{namespace}/pods"))

    def world(self) -> World:
        """The world as the program gets it; of AWS there is an EKS without an add-on."""
        cloud = Cloud(Clock())
        return World(cluster="rotation", api=self.api, aws=cloud.client, view=self.view).observed()

    def node(self, index: int) -> Outgoing:
        found = sorted(self.api.list("/api/v1/nodes"), key=lambda node: str(node["metadata"]["name"]))[index]
        return Outgoing(found["metadata"]["name"], found["metadata"]["uid"], "i-1", "us-east-1a", "workers")

    def node_object(self, index: int) -> dict[str, Any]:
        found = self.api.get(f"/api/v1/nodes/{self.node(index).name}")
        assert found is not None
        return found

    def deploy(self, name: str, replicas: int, **spec: Any) -> None:
        """Create a Deployment and wait until its pods are ready."""
        body = objects.workload("Deployment", name, {"app": name}, self.namespace, replicas=replicas, **spec)
        self.api.create(objects_path("Deployment", self.namespace), body)
        eventually(lambda: self.ready(name) == replicas)

    def budget(self, name: str, app: str = "", **spec: Any) -> None:
        """A budget that its controller has looked at."""
        path = f"/apis/policy/v1/namespaces/{self.namespace}/poddisruptionbudgets"
        selector = {"matchLabels": {"app": app or name}}
        self.api.create(path, {"metadata": {"name": name}, "spec": {"selector": selector, **spec}})
        if self.is_running("kube-controller-manager"):
            eventually(lambda: (self.budget_status(name)).get("observedGeneration"))

    def budget_status(self, name: str) -> dict[str, Any]:
        path = f"/apis/policy/v1/namespaces/{self.namespace}/poddisruptionbudgets/{name}"
        return (self.api.get(path) or {}).get("status") or {}

    def pods(self, app: str) -> list[dict[str, Any]]:
        path = f"/api/v1/namespaces/{self.namespace}/pods"
        return self.api.list(path, labelSelector=f"app={app}")

    def ready(self, app: str) -> int:
        return sum(is_ready(pod) and "deletionTimestamp" not in pod["metadata"] for pod in self.pods(app))

    def is_running(self, component: str) -> bool:
        with open(f"/proc/{self.plane.pids[component]}/stat", encoding="ascii") as file:
            return file.read().rpartition(")")[2].split()[0] != "T"

    @contextmanager
    def stopped(self, component: str) -> Iterator[None]:
        """Hold one component still, so that nothing overwrites what a test writes."""
        os.kill(self.plane.pids[component], signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.plane.pids[component], signal.SIGCONT)

    def witnessed(self, verb: str, resource: str, subresource: str = "") -> list[dict[str, Any]]:
        """What this namespace's audit log says of the program's own requests of a kind."""
        lines = self.plane.audit_log.read_text(encoding="utf-8").splitlines()
        events = (json.loads(line) for line in lines)
        return [
            event
            for event in events
            if event["stage"] == "ResponseComplete"
            and event["verb"] == verb
            and event["objectRef"].get("resource") == resource
            and event["objectRef"].get("subresource", "") == subresource
            and event["objectRef"].get("namespace") == self.namespace
            and "python-httpx" in event.get("userAgent", "")
        ]


def objects_path(kind: str, namespace: str) -> str:
    return f"/apis/apps/v1/namespaces/{namespace}/{kind.lower()}s"


def is_ready(obj: dict[str, Any]) -> bool:
    conditions = obj.get("status", {}).get("conditions", [])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def eventually(holds: Callable[[], object], limit: float = PATIENCE) -> None:
    """Wait for what the cluster brings about by itself."""
    deadline = time.monotonic() + limit
    while not holds():
        assert time.monotonic() < deadline, f"not so after {limit} s"
        time.sleep(0.1)
