"""A cluster as the gate reads it, which gets ready step by step as time passes."""

import copy
from typing import TYPE_CHECKING, Any

from eks_cilium.cilium.values import AGENT_NOT_READY_TAINT
from eks_cilium.cluster.gates.readiness import CUSTOM_RESOURCES

if TYPE_CHECKING:
    from collections.abc import Callable


class Clock:
    """Time that passes only while the program sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def condition(kind: str, status: str, reason: str = "", message: str = "") -> dict[str, str]:
    return {"type": kind, "status": status, "reason": reason, "message": message}


class FakeCluster:
    """Answers `get` and `list` from a state that tests change."""

    def __init__(self, nodes: int = 2) -> None:
        self.state: dict[str, Any] = {
            "/apis/apiextensions.k8s.io/v1/customresourcedefinitions": [
                {"metadata": {"name": name}, "status": {"conditions": [condition("Established", "True")]}}
                for name in CUSTOM_RESOURCES
            ],
            "/api/v1/nodes": [node(f"node-{index}") for index in range(nodes)],
            "/apis/apps/v1/namespaces/kube-system/daemonsets/cilium": daemon_set(nodes, nodes),
            "/apis/apps/v1/namespaces/kube-system/deployments/cilium-operator": {
                "metadata": {"name": "cilium-operator"},
                "status": {"conditions": [condition("Available", "True")]},
            },
            "/api/v1/namespaces/kube-system/pods": [],
        }
        self.selectors: list[dict[str, str]] = []
        self.before_list: Callable[[], None] = lambda: None

    def get(self, path: str) -> dict[str, Any] | None:
        return copy.deepcopy(self.state.get(path))

    def list(self, path: str, **selectors: str) -> list[dict[str, Any]]:
        if path == "/api/v1/nodes":
            self.before_list()
        self.selectors.append(selectors)
        return copy.deepcopy(self.state.get(path, []))

    def node(self, index: int) -> dict[str, Any]:
        return self.state["/api/v1/nodes"][index]


def node(name: str) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {}, "status": {"conditions": [condition("Ready", "True")]}}


def daemon_set(desired: int, ready: int) -> dict[str, Any]:
    return {
        "metadata": {"name": "cilium", "generation": 1},
        "status": {"observedGeneration": 1, "desiredNumberScheduled": desired, "numberReady": ready},
    }


TAINT = {"key": AGENT_NOT_READY_TAINT, "value": "true", "effect": "NoExecute"}
