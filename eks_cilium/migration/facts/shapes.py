"""What a plan reads of each kind of object; a list is decoded into no more than that (`clients.pages`).

A shape has every field that the functions of this folder look at: a test follows what they look at. A part
that is small, or seldom there, is decoded as it is.
"""

from __future__ import annotations

from typing import Any, TypedDict

_Some = list[dict[str, Any]] | None


class Metadata(TypedDict, total=False):
    """What tells an object from others."""

    namespace: str
    name: str
    uid: str


class _PodMetadata(Metadata, total=False):
    labels: dict[str, str] | None
    annotations: dict[str, str] | None
    finalizers: list[str] | None
    ownerReferences: _Some
    creationTimestamp: str | None
    deletionTimestamp: str | None


class _Volume(TypedDict, total=False):
    name: str
    emptyDir: dict[str, Any] | None
    hostPath: dict[str, Any] | None
    persistentVolumeClaim: dict[str, Any] | None
    ephemeral: dict[str, Any] | None


class _Container(TypedDict, total=False):
    restartPolicy: str
    ports: _Some
    resources: dict[str, Any] | None
    volumeMounts: _Some


class _Affinity(TypedDict, total=False):
    nodeAffinity: dict[str, Any] | None
    podAntiAffinity: dict[str, Any] | None


class _PodSpec(TypedDict, total=False):
    nodeName: str | None
    nodeSelector: dict[str, str] | None
    affinity: _Affinity | None
    tolerations: _Some
    terminationGracePeriodSeconds: int
    restartPolicy: str
    hostNetwork: bool
    volumes: list[_Volume] | None
    containers: list[_Container] | None
    initContainers: list[_Container] | None
    ephemeralContainers: list[_Container] | None


class _Condition(TypedDict, total=False):
    type: str
    status: str
    lastTransitionTime: str | None


class _PodStatus(TypedDict, total=False):
    phase: str
    startTime: str | None
    conditions: list[_Condition] | None


class Pod(TypedDict, total=False):
    """A pod without environment, probes, containers' states and field managers."""

    metadata: _PodMetadata
    spec: _PodSpec
    status: _PodStatus


class _NodeMetadata(Metadata, total=False):
    labels: dict[str, str] | None
    annotations: dict[str, str] | None
    creationTimestamp: str | None


class _NodeSpec(TypedDict, total=False):
    providerID: str
    taints: _Some
    unschedulable: bool


class _NodeInfo(TypedDict, total=False):
    osImage: str


class _NodeStatus(TypedDict, total=False):
    conditions: list[_Condition] | None
    allocatable: dict[str, Any] | None
    nodeInfo: _NodeInfo


class Node(TypedDict, total=False):
    """A node without its list of images, which is most of it."""

    metadata: _NodeMetadata
    spec: _NodeSpec
    status: _NodeStatus


class _OwnedMetadata(Metadata, total=False):
    ownerReferences: _Some


class _WorkloadSpec(TypedDict, total=False):
    replicas: int | None
    paused: bool
    strategy: dict[str, Any] | None
    updateStrategy: dict[str, Any] | None
    podFailurePolicy: dict[str, Any] | None
    backoffLimit: int
    backoffLimitPerIndex: int | None


class _WorkloadStatus(TypedDict, total=False):
    readyReplicas: int
    failed: int


class Workload(TypedDict, total=False):
    """A controller of any kind without the template of its pods."""

    metadata: _OwnedMetadata
    spec: _WorkloadSpec
    status: _WorkloadStatus


class _BudgetMetadata(_OwnedMetadata, total=False):
    generation: int


class Budget(TypedDict, total=False):
    """A PodDisruptionBudget without annotations and field managers."""

    metadata: _BudgetMetadata
    spec: dict[str, Any]
    status: dict[str, Any]


class Whole(TypedDict, total=False):
    """An object whose spec and status are small, without what people and controllers annotate."""

    metadata: Metadata
    spec: dict[str, Any]
    status: dict[str, Any]
