"""What lists are decoded into has everything that a plan looks at, and nothing of a plan depends on it."""

import json
from collections.abc import Callable, Iterator
from typing import Any, get_args, get_origin, get_type_hints

import pytest

from eks_cilium.clients.pages import decoding
from eks_cilium.clients.pages.decoding import Shaped
from eks_cilium.migration.facts import nodes, pods, shapes, workloads
from eks_cilium.migration.facts.volumes import storage
from tests.benchmarks.big_cluster import BigCluster
from tests.program.plan.test_reading import OBJECTS

pytestmark = pytest.mark.unit

PLAIN = (str, int, bool, float)
CONTAINER = {
    "name": "app",
    "restartPolicy": "Always",
    "ports": [{"hostPort": 80}],
    "resources": {"requests": {"cpu": "1"}, "limits": {"example.com/gpu": "2"}},
    "volumeMounts": [{"name": "data", "mountPath": "/data", "readOnly": False}],
}
TERM = {"matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}], "matchFields": []}
APART = {"labelSelector": {"matchLabels": {"app": "web"}}, "topologyKey": "zone", "namespaces": ["shop"]}
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
POD: dict[str, Any] = {
    "metadata": {
        "name": "web",
        "namespace": "shop",
        "uid": "u",
        "labels": {"app": "web"},
        "annotations": {pods.SAFE_TO_EVICT: "true", pods.MIRROR_ANNOTATION: "x"},
        "finalizers": ["a/b"],
        "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "w", "controller": True}],
        "creationTimestamp": "2026-05-01T10:00:00Z",
        "deletionTimestamp": "2026-05-01T11:00:00Z",
    },
    "spec": {
        "nodeName": "node-0",
        "nodeSelector": {"disk": "fast"},
        "affinity": {
            "nodeAffinity": {REQUIRED: {"nodeSelectorTerms": [TERM]}},
            "podAntiAffinity": {REQUIRED: [APART]},
        },
        "tolerations": [
            {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"},
            {"operator": "Exists"},
        ],
        "terminationGracePeriodSeconds": 60,
        "restartPolicy": "OnFailure",
        "hostNetwork": True,
        "volumes": [
            {"name": "data", "emptyDir": {"medium": ""}},
            {"name": "logs", "hostPath": {"path": "/data", "type": "Directory"}},
            {"name": "claim", "persistentVolumeClaim": {"claimName": "c"}},
            {"name": "scratch", "ephemeral": {"volumeClaimTemplate": {}}},
        ],
        "containers": [CONTAINER],
        "initContainers": [{**CONTAINER, "name": "sidecar"}],
        "ephemeralContainers": [{"name": "debug", "volumeMounts": [{"name": "logs", "mountPath": "/x"}]}],
    },
    "status": {
        "phase": "Running",
        "startTime": "2026-05-01T10:00:05Z",
        "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": "2026-05-01T10:00:42Z"}],
    },
}
JOB = {
    "metadata": POD["metadata"],
    "spec": {
        "replicas": 2,
        "paused": True,
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}},
        "podFailurePolicy": {
            "rules": [{"action": "FailJob", "onPodConditions": [{"type": "DisruptionTarget"}]}]
        },
        "backoffLimit": 0,
    },
    "status": {"readyReplicas": 1, "failed": 1},
}
BY_INDEX = {**JOB, "spec": {"backoffLimitPerIndex": 0, "updateStrategy": {"type": "OnDelete"}}}
NODE = OBJECTS["/api/v1/nodes"][0] | {
    "status": {
        "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": "2026-05-01T09:00:00Z"}],
        "allocatable": {"pods": "58", "example.com/gpu": "1"},
        "nodeInfo": {"osImage": "Bottlerocket"},
    }
}

KINDS: list[tuple[Any, Callable[[Any], Any], list[dict[str, Any]]]] = [
    (shapes.Pod, pods.pod, [POD, *OBJECTS["/api/v1/pods"]]),
    (shapes.Node, lambda obj: nodes.node(obj, {}), [NODE]),
    (shapes.Workload, lambda obj: workloads.current_owner("Job", obj), [JOB, BY_INDEX]),
    (shapes.Budget, pods.budget, OBJECTS["/apis/policy/v1/poddisruptionbudgets"]),
    (shapes.Whole, storage.claim, OBJECTS["/api/v1/persistentvolumeclaims"]),
    (shapes.Whole, lambda obj: storage.volume(obj, {}), OBJECTS["/api/v1/persistentvolumes"]),
    (shapes.Whole, storage.attachment, OBJECTS["/apis/storage.k8s.io/v1/volumeattachments"]),
    (shapes.Whole, nodes.volume_limits, OBJECTS["/apis/storage.k8s.io/v1/csinodes"]),
]


class Watched(dict[str, Any]):
    """An object that notes which of its fields are looked at, at any depth."""

    def __init__(
        self, fields: dict[str, Any], looked_at: set[tuple[str, ...]], path: tuple[str, ...] = ()
    ) -> None:
        super().__init__()
        self.looked_at, self.path = looked_at, path
        for key, value in fields.items():
            super().__setitem__(key, self._watched(value, (*path, key)))

    def _watched(self, value: Any, path: tuple[str, ...]) -> Any:
        if isinstance(value, dict):
            return Watched(value, self.looked_at, path)
        return [self._watched(each, path) for each in value] if isinstance(value, list) else value

    def __getitem__(self, key: str) -> Any:
        self.looked_at.add((*self.path, key))
        return super().__getitem__(key)

    def get(self, key: str, default: Any = None) -> Any:
        self.looked_at.add((*self.path, key))
        return super().get(key, default)

    def __contains__(self, key: object) -> bool:
        self.looked_at.add((*self.path, str(key)))
        return super().__contains__(key)


def has(shape: Any, path: tuple[str, ...]) -> bool:
    """Whether a field is part of a shape."""
    for step, key in enumerate(path):
        shape = _objects_in(shape)
        if shape is None:
            return True  # decoded as it is
        hints = get_type_hints(shape)
        if key not in hints:
            return False
        shape = hints[key]
        if shape in PLAIN:
            return step == len(path) - 1
    return True


def _objects_in(shape: Any) -> Any:
    """The TypedDict in a field's type; None for what is decoded as it is."""
    if hasattr(shape, "__total__"):
        return shape
    if get_origin(shape) is dict:
        return None
    found = [_objects_in(each) for each in get_args(shape)]
    return next((each for each in found if each is not None), None)


@pytest.mark.parametrize(("shape", "keep", "objects"), KINDS)
def test_every_field_that_is_looked_at_is_decoded(
    shape: Any, keep: Callable[[Any], Any], objects: list[dict[str, Any]]
) -> None:
    looked_at: set[tuple[str, ...]] = set()

    for obj in objects:
        keep(Watched(obj, looked_at))

    assert {path for path in looked_at if not has(shape, path)} == set()


@pytest.mark.parametrize(("shape", "keep", "objects"), KINDS)
def test_the_same_is_kept_of_an_object_as_without_a_shape(
    shape: Any, keep: Callable[[Any], Any], objects: list[dict[str, Any]]
) -> None:
    page = decoding.page(json.dumps({"items": objects}).encode())

    assert list(page.each(Shaped(shape, keep))) == list(map(keep, objects))


def test_an_object_with_a_field_of_another_type_is_kept_as_without_a_shape() -> None:
    odd = {**POD, "spec": {**POD["spec"], "terminationGracePeriodSeconds": "60", "hostNetwork": 1}}
    page = decoding.page(json.dumps({"items": [POD, odd]}).encode())

    assert list(page.each(Shaped(shapes.Pod, pods.pod))) == [pods.pod(POD), pods.pod(odd)]


def of_a_big_cluster() -> Iterator[tuple[str, str]]:
    for path, objects in BigCluster(2).collections():
        for text in objects:
            yield path, text


def test_most_of_a_pod_is_skipped() -> None:
    texts = [text for path, text in of_a_big_cluster() if path == "/api/v1/pods"]
    page = decoding.page(f'{{"items":[{",".join(texts)}]}}'.encode())

    kept = list(page.each(Shaped(shapes.Pod, json.dumps)))

    assert sum(map(len, kept)) < sum(map(len, texts)) / 2
