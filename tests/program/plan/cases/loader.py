"""Reads a case file: a cluster written down as the objects a reader needs, and plans it.

The first document is `kind: Case`: its id, `mode` (replacement or chaining), Auto Scaling `groups`,
`options`, and `attempts`, each a set of options to plan with. The others are objects. `times: n` makes n
copies, with `$i` the number of the copy and `$n` the next node of `at`, which is also the node of a pod. What
the API server, controllers and kubelets would fill in is filled in here, and the planners read it as from an
API server.
"""

import itertools
import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from eks_cilium.cluster.selectors import selector
from eks_cilium.migration.facts.model import Facts, Group, Instance
from eks_cilium.migration.facts.reading import read
from eks_cilium.migration.plan.model import Plan, PodPlan
from eks_cilium.migration.plan.planner import plan
from eks_cilium.migration.refresh.model import RefreshFacts, RefreshPlan
from eks_cilium.migration.refresh.planning import plan as refresh_plan
from eks_cilium.settings.model.migration import MigrationOptions, RefreshOptions
from tests.program.plan.builders import NOW

Object = dict[str, Any]

FOLDER = Path(__file__).parent
NAMESPACE = "shop"
_ZONE = "topology.kubernetes.io/zone"
_GROUPS = {
    "apps/v1": ("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet"),
    "batch/v1": ("Job", "CronJob"),
    "policy/v1": ("PodDisruptionBudget",),
    "storage.k8s.io/v1": ("VolumeAttachment", "CSINode", "StorageClass"),
}
_GROUP_OF = {kind: group for group, kinds in _GROUPS.items() for kind in kinds}
_CLUSTER_WIDE = frozenset({"Node", "PersistentVolume", "VolumeAttachment", "CSINode", "StorageClass"})
_SCALED = frozenset({"Deployment", "ReplicaSet", "StatefulSet", "ReplicationController"})
_STARTED = "2026-05-01T10:00:00Z"
_AWS_NODE = {
    "kind": "DaemonSet",
    "metadata": {"name": "aws-node", "namespace": "kube-system"},
    "spec": {
        "template": {
            "spec": {"containers": [{"name": "aws-node", "image": "x/amazon-k8s-cni:v1.20.5-eksbuild.1"}]}
        }
    },
}


@dataclass
class Api:
    """An API server that answers from the objects of a case."""

    objects: dict[str, list[Object]] = field(default_factory=lambda: defaultdict(list))

    def add(self, obj: Object) -> None:
        self.objects[_collection(obj)].append(obj)

    def get(self, path: str) -> Object | None:
        collection, _, name = path.rpartition("/")
        return next((obj for obj in self.list(collection) if obj["metadata"]["name"] == name), None)

    def each(self, path: str, keep: Callable[[Object], Any], **selectors: str) -> list[Any]:
        return [keep(obj) for obj in self.list(path, **selectors)]

    def list(self, path: str, **selectors: str) -> list[Object]:
        root, _, rest = path.partition("/namespaces/")
        namespace, _, plural = rest.partition("/")
        found = self.objects.get(f"{root}/{plural}" if plural else path, [])
        return [obj for obj in found if not namespace or obj["metadata"].get("namespace") == namespace]


class Eks:
    """Knows the cluster and its add-on vpc-cni."""

    def describe_cluster(self, name: str) -> Object:
        return {"cluster": {"name": name, "version": "1.34", "status": "ACTIVE"}}

    def describe_addon(self, **_: str) -> Object:
        return {"addon": {"addonVersion": "v1.20.5-eksbuild.1", "status": "ACTIVE"}}

    def describe_addon_configuration(self, **_: str) -> Object:
        return {"configurationSchema": "{}"}


@dataclass
class CaseFile:
    """A case: the cluster it describes, and the options to plan with."""

    id: str
    mode: str
    attempts: list[dict[str, Any]]
    groups: list[dict[str, Any]]
    options: dict[str, Any]
    api: Api

    def facts(self) -> Facts:
        facts = read("shop", self.api, lambda _: Eks(), clock=lambda: NOW, with_groups=False)
        return replace(facts, groups=tuple(self._groups()))

    def plan(self, **attempt: Any) -> Plan:
        """The plan of a migration with the options of one attempt."""
        return plan(self.facts(), MigrationOptions.model_validate({**self.options, **attempt}))

    def refresh(self, **attempt: Any) -> RefreshPlan:
        """The plan of a refresh with the options of one attempt; Cilium manages no pod yet."""
        options = RefreshOptions.model_validate({**self.options, **attempt})
        return refresh_plan(RefreshFacts(facts=self.facts()), options)

    def plans(self) -> Iterator[Plan | RefreshPlan]:
        """The plan of every attempt, in order."""
        make = self.refresh if self.mode == "chaining" else self.plan
        for attempt in self.attempts:
            yield make(**attempt)

    def _groups(self) -> Iterator[Group]:
        nodes = {node["metadata"]["name"]: node for node in self.api.list("/api/v1/nodes")}
        zones = sorted({node["metadata"]["labels"][_ZONE] for node in nodes.values()})
        for given in self.groups or [{"name": "workers", "nodes": list(nodes), "zones": zones}]:
            members = tuple(
                Instance(f"i-{name}", nodes[name]["metadata"]["labels"][_ZONE]) for name in given["nodes"]
            )
            yield Group(
                name=given["name"],
                minimum=given.get("minimum", 1),
                maximum=given.get("maximum", len(members) + 5),
                desired=given.get("desired", len(members)),
                zones=tuple(given["zones"]),
                instances=members,
            )


def load(path: Path) -> CaseFile:
    """A case from its file."""
    head, *written = [document for document in yaml.safe_load_all(path.read_text()) if document]
    objects = [_filled(obj) for document in written for obj in _copies(document)]
    if not any(obj["metadata"]["name"] == "aws-node" for obj in objects):
        objects.append(_filled(_AWS_NODE))
    for obj in objects:
        if obj["kind"] == "PodDisruptionBudget":
            obj.setdefault("status", _counted(obj, objects))
    case = CaseFile(
        id=head["id"],
        mode=head.get("mode", "replacement"),
        attempts=head.get("attempts") or [{}],
        groups=head.get("groups") or [],
        options=head.get("options") or {},
        api=Api(),
    )
    for obj in objects:
        case.api.add(obj)
    return case


def named(name: str) -> CaseFile:
    """A case of this folder."""
    return load(FOLDER / f"{name}.yaml")


def pods_of(planned: Plan | RefreshPlan) -> dict[str, PodPlan]:
    """The verdicts of a plan, by namespace/name."""
    parts = planned.nodes if isinstance(planned, Plan) else planned.workloads
    return {f"{pod.pod.namespace}/{pod.pod.name}": pod for part in parts for pod in part.pods}


def codes_of(planned: Plan | RefreshPlan) -> tuple[list[str], list[str]]:
    """The codes of a plan's blockers and of its warnings."""
    return [str(found.code) for found in planned.blockers], [str(found.code) for found in planned.warnings]


def _copies(document: Object) -> Iterator[Object]:
    times, nodes = document.get("times", 1), itertools.cycle(document.get("at") or [""])
    template = {key: value for key, value in document.items() if key not in ("times", "at")}
    for number, node in zip(range(times), nodes, strict=False):
        copy = _substituted(template, {"$i": str(number), "$n": node})
        if node:
            copy.setdefault("spec", {}).setdefault("nodeName", node)
        yield copy


def _substituted(value: Any, words: Mapping[str, str]) -> Any:
    match value:
        case dict():
            return {_substituted(key, words): _substituted(item, words) for key, item in value.items()}
        case list():
            return [_substituted(item, words) for item in value]
        case str():
            for word, meant in words.items():
                value = value.replace(word, meant)
    return value


def _filled(obj: Object) -> Object:
    kind, metadata = obj["kind"], {**obj.get("metadata", {})}
    metadata.setdefault("uid", f"uid-of-{kind}-{metadata['name']}")
    metadata.setdefault("creationTimestamp", _STARTED)
    metadata.setdefault("generation", 1)
    if kind not in _CLUSTER_WIDE:
        metadata.setdefault("namespace", NAMESPACE)
    metadata["ownerReferences"] = [
        {"apiVersion": _GROUP_OF.get(owner["kind"], "v1"), "controller": True, "uid": "", **owner}
        for owner in metadata.get("ownerReferences") or ()
    ]
    full = {"apiVersion": _GROUP_OF.get(kind, "v1"), **obj, "metadata": metadata}
    full["spec"] = {**obj.get("spec", {})}
    _FILLERS.get(kind, _controller)(full)
    return full


def _node(obj: Object) -> None:
    name, labels = obj["metadata"]["name"], obj["metadata"].get("labels") or {}
    always = {"kubernetes.io/os": "linux", "kubernetes.io/hostname": name, _ZONE: "eu-central-1a"}
    obj["metadata"]["labels"] = {**always, **labels}
    obj["spec"].setdefault("providerID", f"aws:///{obj['metadata']['labels'][_ZONE]}/i-{name}")
    obj.setdefault("status", {}).setdefault("conditions", [{"type": "Ready", "status": "True"}])


def _pod(obj: Object) -> None:
    obj["spec"].setdefault("containers", [])
    obj["spec"].setdefault("restartPolicy", "Always")
    status = obj.setdefault("status", {})
    status.setdefault("phase", "Running")
    status.setdefault("startTime", _STARTED)
    ready = {"type": "Ready", "status": str(status["phase"] == "Running"), "lastTransitionTime": _STARTED}
    status.setdefault("conditions", [ready])


def _controller(obj: Object) -> None:
    spec = obj["spec"]
    if obj["kind"] in (*_SCALED, "DaemonSet", "Job"):
        spec.setdefault("template", {"metadata": {}, "spec": {"containers": []}})
    if obj["kind"] == "Deployment":
        rolling = {"maxUnavailable": "25%", "maxSurge": "25%"}
        spec["strategy"] = {"rollingUpdate": rolling, **spec.get("strategy", {"type": "RollingUpdate"})}
    if obj["kind"] in ("StatefulSet", "DaemonSet"):
        spec.setdefault("updateStrategy", {"type": "RollingUpdate"})
    if obj["kind"] in _SCALED:
        spec.setdefault("replicas", 1)
        obj.setdefault("status", {"readyReplicas": spec["replicas"], "replicas": spec["replicas"]})
    if obj["kind"] == "Job":
        spec.setdefault("backoffLimit", 6)


_FILLERS = {"Node": _node, "Pod": _pod, "PodDisruptionBudget": lambda _: None}


def _counted(budget: Object, objects: list[Object]) -> Object:
    """The status that the disruption controller writes (pkg/controller/disruption in Kubernetes)."""
    namespace, chosen = budget["metadata"]["namespace"], selector(budget["spec"].get("selector"))
    pods = [
        obj
        for obj in objects
        if obj["kind"] == "Pod"
        and obj["metadata"]["namespace"] == namespace
        and chosen is not None
        and chosen.matches(obj["metadata"].get("labels") or {})
    ]
    spec = budget["spec"]
    by_pods = isinstance(spec.get("minAvailable"), int)
    expected = len(pods) if by_pods else _replicas(pods, objects)
    if spec.get("maxUnavailable") is not None:
        desired = max(expected - _scaled(spec["maxUnavailable"], expected), 0)
    else:
        desired = _scaled(spec.get("minAvailable", 1), expected)
    healthy = sum(pod["status"]["conditions"][0]["status"] == "True" for pod in pods)
    return {
        "observedGeneration": budget["metadata"]["generation"],
        "expectedPods": expected,
        "currentHealthy": healthy,
        "desiredHealthy": desired,
        "disruptionsAllowed": max(healthy - desired, 0),
    }


def _replicas(pods: list[Object], objects: list[Object]) -> int:
    """Replicas of the controllers of pods. A ReplicaSet has as many as its Deployment wants of it."""
    owners = {owner["name"] for pod in pods for owner in pod["metadata"]["ownerReferences"]}
    return sum(
        obj["spec"]["replicas"]
        for obj in objects
        if obj["kind"] in _SCALED - {"Deployment"} and obj["metadata"]["name"] in owners
    )


def _scaled(value: int | str, whole: int) -> int:
    return value if isinstance(value, int) else math.ceil(int(value.rstrip("%")) * whole / 100)


def _collection(obj: Object) -> str:
    version, kind = obj["apiVersion"], obj["kind"].lower()
    root = f"/api/{version}" if "/" not in version else f"/apis/{version}"
    plural = f"{kind[:-1]}ies" if kind.endswith("y") else f"{kind}{'es' if kind.endswith('class') else 's'}"
    return f"{root}/{plural}"
