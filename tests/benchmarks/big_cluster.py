"""A cluster of any size as its API server and AWS describe it: pages of lists on disk, and answers of AWS.

Thirty pods a node: four of DaemonSets, the others of Deployments, StatefulSets with volumes, and Jobs, twenty
workloads to a namespace. Every other workload has a budget. Objects are as long as in real clusters, about
4.7 kB for a pod and 9 kB for a node; most of it is of no interest to a plan.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from eks_cilium.clients.kubernetes import PAGE_SIZE

Object = dict[str, Any]

NAME = "demo"
ZONES = ("eu-central-1a", "eu-central-1b", "eu-central-1c")
DAEMON_SETS = ("aws-node", "kube-proxy", "ebs-csi-node", "log-agent")
PODS_OF_A_NODE, REPLICAS, WORKLOADS_OF_A_NAMESPACE, NODES_OF_A_GROUP = 30, 20, 20, 250
OLD_REPLICA_SETS = 4
BUDGET = {"selector": {"matchLabels": {"app": "@WORKLOAD@"}}, "maxUnavailable": "10%"}
CREATED, READY = "2026-05-01T10:00:00Z", "2026-05-01T10:00:21Z"


@dataclass(frozen=True)
class Workload:
    """A workload and how many pods it has."""

    number: int
    pods: int

    @property
    def kind(self) -> str:
        """Of ten, one is a StatefulSet and one a Job."""
        return {3: "StatefulSet", 7: "Job"}.get(self.number % 10, "Deployment")

    @property
    def name(self) -> str:
        return f"app-{self.number}"

    @property
    def namespace(self) -> str:
        return f"team-{self.number // WORKLOADS_OF_A_NAMESPACE}"

    @property
    def has_budget(self) -> bool:
        """Jobs have none: the disruption controller could not count them."""
        return self.number % 2 == 0 or self.kind == "StatefulSet"


@dataclass(frozen=True)
class BigCluster:
    """So many nodes, and everything that runs on them."""

    nodes: int
    of_a_group: int = NODES_OF_A_GROUP
    """How many nodes an Auto Scaling group has."""

    @property
    def pods(self) -> int:
        return self.nodes * PODS_OF_A_NODE

    @property
    def groups(self) -> list[str]:
        return [f"eks-general-{number}" for number in range(-(-self.nodes // self.of_a_group))]

    @property
    def workloads(self) -> list[Workload]:
        pods = self.nodes * (PODS_OF_A_NODE - len(DAEMON_SETS))
        return [
            Workload(number, min(REPLICAS, pods - first))
            for number, first in enumerate(range(0, pods, REPLICAS))
        ]

    def collections(self) -> Iterator[tuple[str, Iterable[str]]]:
        """The path of each collection that has objects, and the JSON of its objects."""
        yield "/api/v1/nodes", self._nodes()
        yield "/apis/storage.k8s.io/v1/csinodes", self._csi_nodes()
        yield "/api/v1/pods", self._pods()
        yield "/apis/policy/v1/poddisruptionbudgets", self._budgets()
        yield "/apis/apps/v1/deployments", self._of_kind("Deployment")
        yield "/apis/apps/v1/replicasets", self._replica_sets()
        yield "/apis/apps/v1/statefulsets", self._of_kind("StatefulSet")
        yield "/apis/batch/v1/jobs", self._of_kind("Job")
        yield "/apis/apps/v1/daemonsets", map(json.dumps, map(daemon_set, DAEMON_SETS))
        yield "/api/v1/persistentvolumeclaims", self._claims()
        yield "/api/v1/persistentvolumes", self._volumes()
        yield "/apis/storage.k8s.io/v1/volumeattachments", self._attachments()

    def write(self, folder: Path) -> int:
        """Write every page of every list into files, as `page_server` serves them; returns their bytes."""
        total = 0
        for path, objects in self.collections():
            place = folder / path.strip("/").replace("/", "+")
            place.mkdir(parents=True)
            for number, page in enumerate(_pages(objects)):
                total += (place / str(number)).write_bytes(page)
        single = folder / "apis+apps+v1+namespaces+kube-system+daemonsets+aws-node"
        single.mkdir()
        (single / "0").write_text(json.dumps(daemon_set("aws-node", self.nodes)))
        return total

    def instance(self, node: int) -> str:
        return f"i-{node:017x}"

    def zone(self, node: int) -> str:
        return ZONES[node % len(ZONES)]

    def _nodes(self) -> Iterator[str]:
        text = json.dumps(NODE)
        for node in range(self.nodes):
            group = self.groups[node // self.of_a_group]
            yield _filled(
                text, NAME=_node_name(node), ZONE=self.zone(node), INSTANCE=self.instance(node), GROUP=group
            )

    def _csi_nodes(self) -> Iterator[str]:
        drivers = [{"name": "ebs.csi.aws.com", "allocatable": {"count": 25}}]
        for node in range(self.nodes):
            yield json.dumps({"metadata": {"name": _node_name(node)}, "spec": {"drivers": drivers}})

    def _pods(self) -> Iterator[str]:
        text, number = json.dumps(POD), 0
        for name in DAEMON_SETS:
            pinned = json.dumps({**POD, "spec": {**POD["spec"], "affinity": PINNED, "tolerations": EVERY}})
            for node in range(self.nodes):
                yield _filled(
                    pinned, KIND="DaemonSet", OWNER=name, NAMESPACE="kube-system", WORKLOAD=name,
                    NAME=f"{name}-{node}", NODE=_node_name(node), UNIQUE=name, UID=f"ds-{name}-{node}",
                )  # fmt: skip
        with_claim = json.dumps({**POD, "spec": {**POD["spec"], "volumes": [*VOLUMES, CLAIM]}})
        for workload in self.workloads:
            kind, name = workload.kind, workload.name
            stateful = kind == "StatefulSet"
            owner = ("ReplicaSet", f"{name}-5d9c4b7f6") if kind == "Deployment" else (kind, name)
            for index in range(workload.pods):
                pod = f"{owner[1]}-{index}"
                # Pods of StatefulSets and Jobs have a label of their own.
                unique = name if kind == "Deployment" else pod
                yield _filled(
                    with_claim if stateful else text, KIND=owner[0], OWNER=owner[1], WORKLOAD=name, NAME=pod,
                    NAMESPACE=workload.namespace, NODE=_node_name(self._node_of(number)), UNIQUE=unique,
                    UID=f"uid-{workload.number}-{index}", CLAIM=f"data-{pod}",
                )  # fmt: skip
                number += 1

    def _node_of(self, pod: int) -> int:
        """Pods of a workload are on nodes that follow each other."""
        return pod % self.nodes

    def _budgets(self) -> Iterator[str]:
        for workload in self.workloads:
            if workload.has_budget and workload.kind != "Job":
                allowed = -(-workload.pods // 10)
                numbers = {
                    "observedGeneration": 1,
                    "expectedPods": workload.pods,
                    "currentHealthy": workload.pods,
                    "desiredHealthy": workload.pods - allowed,
                    "disruptionsAllowed": allowed,
                }
                yield json.dumps({**_named(workload), "spec": BUDGET, "status": numbers}).replace(
                    "@WORKLOAD@", workload.name
                )

    def _of_kind(self, kind: str) -> Iterator[str]:
        template = {"spec": POD["spec"]}
        for workload in self.workloads:
            if workload.kind == kind:
                replicas = {} if kind == "Job" else {"replicas": workload.pods}
                status = {"readyReplicas": workload.pods}
                yield json.dumps(
                    {**_named(workload), "spec": {**replicas, "template": template}, "status": status}
                )

    def _replica_sets(self) -> Iterator[str]:
        """One that has the pods, and those of earlier roll-outs."""
        for workload in self.workloads:
            if workload.kind != "Deployment":
                continue
            owners = [
                {"apiVersion": "apps/v1", "kind": "Deployment", "name": workload.name, "controller": True}
            ]
            template = {"spec": POD["spec"]}
            for version in range(OLD_REPLICA_SETS + 1):
                name = f"{workload.name}-5d9c4b7f6" + (f"-{version}" if version else "")
                pods = 0 if version else workload.pods
                metadata = {
                    "name": name,
                    "namespace": workload.namespace,
                    "uid": name,
                    "ownerReferences": owners,
                }
                yield json.dumps(
                    {
                        "metadata": metadata,
                        "spec": {"replicas": pods, "template": template},
                        "status": {"readyReplicas": pods},
                    }
                )

    def _stateful(self) -> Iterator[tuple[Workload, str, str, int]]:
        """Workload, claim, volume and node of each pod of a StatefulSet."""
        number = 0
        for workload in self.workloads:
            for index in range(workload.pods):
                if workload.kind == "StatefulSet":
                    claim = f"data-{workload.name}-{index}"
                    yield workload, claim, f"pvc-{workload.number}-{index}", self._node_of(number)
                number += 1

    def _claims(self) -> Iterator[str]:
        for workload, claim, volume, _ in self._stateful():
            metadata = {"name": claim, "namespace": workload.namespace, "uid": claim}
            spec = {"volumeName": volume, "storageClassName": "gp3"}
            yield json.dumps({"metadata": metadata, "spec": spec, "status": {"phase": "Bound"}})

    def _volumes(self) -> Iterator[str]:
        for workload, claim, volume, node in self._stateful():
            zone = {"key": "topology.kubernetes.io/zone", "operator": "In", "values": [self.zone(node)]}
            spec = {
                "claimRef": {"namespace": workload.namespace, "name": claim},
                "csi": {"driver": "ebs.csi.aws.com", "volumeHandle": f"vol-{volume}"},
                "accessModes": ["ReadWriteOnce"],
                "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [zone]}]}},
            }
            yield json.dumps({"metadata": {"name": volume, "uid": volume}, "spec": spec})

    def _attachments(self) -> Iterator[str]:
        for _, _, volume, node in self._stateful():
            spec = {"nodeName": _node_name(node), "source": {"persistentVolumeName": volume}}
            yield json.dumps({"metadata": {"name": f"csi-{volume}"}, "spec": spec})


def _pages(objects: Iterable[str]) -> Iterator[bytes]:
    """Pages as an API server writes them: the token of the next one first."""
    items, number = iter(objects), 0
    page = list(islice(items, PAGE_SIZE))
    while True:
        following = list(islice(items, PAGE_SIZE))
        token = {"continue": str(number + 1)} if following else {}
        metadata = json.dumps({"resourceVersion": "4711", **token})
        yield f'{{"kind":"List","apiVersion":"v1","metadata":{metadata},"items":[{",".join(page)}]}}'.encode()
        if not following:
            return
        page, number = following, number + 1


def _filled(text: str, **values: str) -> str:
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    return text


def _node_name(node: int) -> str:
    return f"ip-10-{node // 62500}-{node // 250 % 250}-{node % 250}.eu-central-1.compute.internal"


def _named(workload: Workload) -> Object:
    return {
        "metadata": {
            "name": workload.name,
            "namespace": workload.namespace,
            "uid": f"{workload.kind}-{workload.number}",
            "generation": 1,
            "creationTimestamp": CREATED,
            "managedFields": MANAGED,
        }
    }


def daemon_set(name: str, nodes: int = 0) -> Object:
    """A DaemonSet as far as a plan reads it."""
    containers = [{"name": name, "image": f"registry.example/{name}:v1.20.4", "env": [], "args": []}]
    return {
        "metadata": {"name": name, "namespace": "kube-system", "uid": name},
        "spec": {"template": {"spec": {"containers": containers}}},
        "status": {"desiredNumberScheduled": nodes, "numberReady": nodes},
    }


MANAGED = [
    {
        "manager": manager,
        "operation": "Update",
        "apiVersion": "v1",
        "time": CREATED,
        "fieldsType": "FieldsV1",
        "fieldsV1": {f"f:{part}": {f"f:field-{number}": {} for number in range(12)} for part in parts},
    }
    for manager, parts in (("kube-controller-manager", ("metadata", "spec")), ("kubelet", ("status",)))
]
_PROBE = {"httpGet": {"path": "/healthz", "port": "http", "scheme": "HTTP"}, "periodSeconds": 10}
_TOKEN = {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}}
_ROOT = {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}}
VOLUMES: list[Object] = [
    {"name": "kube-api-access", "projected": {"sources": [_TOKEN, _ROOT], "defaultMode": 420}},
    {"name": "settings", "configMap": {"name": "settings", "defaultMode": 420}},
]
CLAIM: Object = {"name": "data", "persistentVolumeClaim": {"claimName": "@CLAIM@"}}
EVERY = [{"operator": "Exists"}]
_BY_NAME = {"key": "metadata.name", "operator": "In", "values": ["@NODE@"]}
PINNED = {
    "nodeAffinity": {
        "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{"matchFields": [_BY_NAME]}]}
    }
}
_CONTAINER = {
    "name": "app",
    "image": "123456789012.dkr.ecr.eu-central-1.amazonaws.com/team/service:2026.4.17",
    "ports": [{"name": "http", "containerPort": 8080, "protocol": "TCP"}],
    "env": [{"name": f"SETTING_{number}", "value": f"value of setting {number}"} for number in range(10)],
    "resources": {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"memory": "512Mi"}},
    "volumeMounts": [{"name": "settings", "mountPath": "/etc/settings", "readOnly": True}],
    "livenessProbe": _PROBE,
    "readinessProbe": _PROBE,
    "terminationMessagePath": "/dev/termination-log",
    "imagePullPolicy": "IfNotPresent",
}
POD: Object = {
    "metadata": {
        "name": "@NAME@",
        "namespace": "@NAMESPACE@",
        "uid": "@UID@",
        "creationTimestamp": CREATED,
        "generateName": "@OWNER@-",
        "labels": {
            "app": "@WORKLOAD@",
            "app.kubernetes.io/managed-by": "Helm",
            "pod-template-hash": "5d9c4b7f6",
            "apps.kubernetes.io/pod-index": "@UNIQUE@",
        },
        "annotations": {"prometheus.io/scrape": "true", "prometheus.io/port": "8080"},
        "ownerReferences": [
            {
                "apiVersion": "apps/v1",
                "kind": "@KIND@",
                "name": "@OWNER@",
                "uid": "0b2b5e4c-7d0a-4f9e-9c85-0d2f8a8c1f6e",
                "controller": True,
                "blockOwnerDeletion": True,
            }
        ],
        "managedFields": MANAGED,
    },
    "spec": {
        "nodeName": "@NODE@",
        "containers": [_CONTAINER],
        "volumes": VOLUMES,
        "restartPolicy": "Always",
        "terminationGracePeriodSeconds": 30,
        "serviceAccountName": "default",
        "schedulerName": "default-scheduler",
        "tolerations": [
            {
                "key": f"node.kubernetes.io/{name}",
                "operator": "Exists",
                "effect": "NoExecute",
                "tolerationSeconds": 300,
            }
            for name in ("not-ready", "unreachable")
        ],
    },
    "status": {
        "phase": "Running",
        "podIP": "10.0.0.1",
        "hostIP": "10.0.0.2",
        "startTime": CREATED,
        "conditions": [
            {"type": kind, "status": "True", "lastProbeTime": None, "lastTransitionTime": READY}
            for kind in (
                "PodReadyToStartContainers",
                "Initialized",
                "Ready",
                "ContainersReady",
                "PodScheduled",
            )
        ],
        "containerStatuses": [
            {
                "name": "app",
                "ready": True,
                "restartCount": 0,
                "image": _CONTAINER["image"],
                "imageID": f"{_CONTAINER['image']}@sha256:{'0' * 64}",
                "containerID": f"containerd://{'0' * 64}",
                "state": {"running": {"startedAt": READY}},
            }
        ],
    },
}
NODE: Object = {
    "metadata": {
        "name": "@NAME@",
        "uid": "uid-of-@NAME@",
        "creationTimestamp": CREATED,
        "labels": {
            "kubernetes.io/hostname": "@NAME@",
            "kubernetes.io/os": "linux",
            "node.kubernetes.io/instance-type": "m7i.2xlarge",
            "topology.kubernetes.io/region": "eu-central-1",
            "topology.kubernetes.io/zone": "@ZONE@",
            "eks.amazonaws.com/nodegroup": "@GROUP@",
        },
        "managedFields": MANAGED,
    },
    "spec": {"providerID": "aws:///@ZONE@/@INSTANCE@"},
    "status": {
        "allocatable": {"cpu": "7910m", "memory": "30Gi", "pods": "58"},
        "conditions": [
            {"type": kind, "status": state, "lastHeartbeatTime": READY, "lastTransitionTime": READY}
            for kind, state in (("MemoryPressure", "False"), ("DiskPressure", "False"), ("Ready", "True"))
        ],
        "nodeInfo": {"osImage": "Amazon Linux 2023.8.20260101", "kubeletVersion": "v1.34.2-eks"},
        "images": [
            {"names": [f"registry.example/team/service-{number}@sha256:{'0' * 64}"], "sizeBytes": 123456789}
            for number in range(50)
        ],
    },
}
