"""The facts of a cluster, as frozen values: nodes, pods, budgets, workloads, volumes, Auto Scaling groups.

`migration.facts.reading` fills them once; `migration.plan` decides from them and nothing else, and so can be
tested without a cluster. Only what a decision needs is kept: 15,000 pods have to fit comfortably.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from eks_cilium.cluster.objects import Reference

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from eks_cilium.cluster.selectors import Requirement, Selector


@dataclass(frozen=True, slots=True)
class Taint:
    """One taint of a node."""

    key: str
    effect: str
    value: str = ""


@dataclass(frozen=True, slots=True)
class Node:
    """A node, as Kubernetes knows it."""

    name: str
    uid: str
    instance: str | None = None
    """Id of the EC2 instance, from the provider id; None for Fargate and hybrid nodes."""
    zone: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    taints: tuple[Taint, ...] = ()
    unschedulable: bool = False
    ready: bool = True
    created: datetime | None = None
    volume_limits: Mapping[str, int] = field(default_factory=dict)
    """How many volumes of each CSI driver the node can hold (CSINode)."""


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod that is bound to a node."""

    namespace: str
    name: str
    uid: str
    node: str
    labels: Mapping[str, str] = field(default_factory=dict)
    owner: Reference | None = None
    """Its controller (ReplicaSet, StatefulSet, DaemonSet, Job ...), None for a bare pod."""
    phase: str = "Running"
    ready: bool = True
    deleted: datetime | None = None
    """When it has to be gone, for a pod that is terminating already."""
    grace_seconds: int = 30
    mirror: bool = False
    """A static pod of the kubelet, which the API can not evict."""
    local_volumes: tuple[str, ...] = ()
    """Names of its emptyDir volumes: their content dies with the pod."""
    claims: tuple[str, ...] = ()
    """Names of its PersistentVolumeClaims, ephemeral ones included."""
    finalizers: tuple[str, ...] = ()
    annotations: Mapping[str, str] = field(default_factory=dict)
    """Only those that ask tools like this one to leave the pod alone."""
    host_network: bool = False
    """It has its node's addresses, and no network plugin ever connected it."""
    host_ports: bool = False
    """It holds ports of its node, so that no second pod like it finds room there."""
    node_requirements: tuple[tuple[Requirement, ...], ...] = ()
    """Where it may run: the terms of its required node affinity and nodeSelector; one term has to hold."""
    tolerates_cordon: bool = False
    """It tolerates the taint of cordoned nodes: evicted, its successor may come right back."""
    seconds_to_ready: float | None = None
    """How long it took from being made to being ready."""

    @property
    def reference(self) -> Reference:
        """Which pod."""
        return Reference("Pod", self.namespace, self.name)

    @property
    def terminal(self) -> bool:
        """Whether it has come to its end: no budget counts it and nothing is lost with it."""
        return self.phase in ("Succeeded", "Failed")


@dataclass(frozen=True, slots=True)
class Budget:
    """A PodDisruptionBudget."""

    namespace: str
    name: str
    selector: Selector | None = None
    """None selects no pod at all; an empty one every pod of the namespace (policy/v1)."""
    min_available: int | str | None = None
    max_unavailable: int | str | None = None
    unhealthy_policy: str = "IfHealthyBudget"
    generation: int = 1
    observed_generation: int = 1
    expected_pods: int = 0
    current_healthy: int = 0
    desired_healthy: int = 0
    disruptions_allowed: int = 0
    sync_failure: str = ""
    """Why the controller could not compute it, when it says so."""

    @property
    def reference(self) -> Reference:
        """Which budget."""
        return Reference("PodDisruptionBudget", self.namespace, self.name)


@dataclass(frozen=True, slots=True)
class RollOut:
    """How a workload replaces its pods itself when their template changes."""

    kind: str
    """RollingUpdate, Recreate or OnDelete."""
    max_unavailable: int | str | None = None
    max_surge: int | str | None = None
    paused: bool = False


@dataclass(frozen=True, slots=True)
class Owner:
    """A workload: what makes pods anew. Has its own owner where a Deployment or CronJob stands behind."""

    reference: Reference
    uid: str = ""
    desired: int | None = None
    """Replicas wanted; None where that is no number of the workload's own (DaemonSet, Job)."""
    ready: int = 0
    owner: Reference | None = None
    roll_out: RollOut | None = None


@dataclass(frozen=True, slots=True)
class Volume:
    """A PersistentVolume that a claim of a pod is bound to."""

    name: str
    claim: Reference
    driver: str = ""
    """CSI driver, or the name of the in-tree source."""
    terms: tuple[tuple[Requirement, ...], ...] = ()
    """Its node affinity: one term has to hold. Empty means every node."""
    local: bool = False
    """It lives on one node and dies with it (local, hostPath)."""
    shared: bool = False
    """More than one node may mount it at once."""
    attached_to: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Claim:
    """A PersistentVolumeClaim."""

    reference: Reference
    phase: str
    volume: str | None = None


@dataclass(frozen=True, slots=True)
class Instance:
    """A member of an Auto Scaling group."""

    id: str
    zone: str
    lifecycle: str = "InService"
    protected: bool = False
    """From scale-in, which does not stop a termination by id."""

    @property
    def leaving(self) -> bool:
        """Whether it terminates: the desired capacity no longer counts it."""
        return self.lifecycle.startswith("Terminat")


@dataclass(frozen=True, slots=True)
class Hook:
    """A lifecycle hook: how long a launch or a termination may wait for somebody."""

    name: str
    transition: str
    seconds: int
    result: str


@dataclass(frozen=True, slots=True)
class Group:
    """An Auto Scaling group."""

    name: str
    minimum: int
    maximum: int
    desired: int
    zones: tuple[str, ...]
    instances: tuple[Instance, ...] = ()
    suspended: tuple[str, ...] = ()
    hooks: tuple[Hook, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    node_group: str | None = None
    """EKS managed node group behind it."""
    status: str = ""
    """Set while AWS deletes the group."""


@dataclass(frozen=True, slots=True)
class AddOn:
    """The managed vpc-cni add-on."""

    version: str
    status: str
    configuration: str = ""
    """Its configurationValues as written, JSON or YAML."""


@dataclass(frozen=True, slots=True)
class AwsNode:
    """The DaemonSet aws-node."""

    desired: int
    ready: int
    custom_network: bool = False
    """AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG: pods in other subnets than their nodes."""
    version: str = ""
    """Of its image, without the v."""
    external_snat: bool = False
    """AWS_VPC_K8S_CNI_EXTERNALSNAT: pods leave the VPC with their own addresses."""
    snat_exclusions: tuple[str, ...] = ()
    """AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS: networks that see pods' own addresses."""
    early_demux: bool = True
    """TCP early demultiplexing, which breaks probes of pods with interfaces of their own."""
    enforces_policies: bool = False
    """Its second container enforces NetworkPolicies."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """The EKS cluster."""

    name: str
    version: str
    status: str = "ACTIVE"
    auto_mode: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """One reading of everything a plan is made of."""

    cluster: Cluster
    nodes: tuple[Node, ...] = ()
    pods: tuple[Pod, ...] = ()
    budgets: tuple[Budget, ...] = ()
    owners: Mapping[Reference, Owner] = field(default_factory=dict)
    claims: Mapping[Reference, Claim] = field(default_factory=dict)
    volumes: Mapping[str, Volume] = field(default_factory=dict)
    groups: tuple[Group, ...] = ()
    add_on: AddOn | None = None
    aws_node: AwsNode | None = None
    security_group_policies: tuple[Reference, ...] = ()
    autoscaler: Reference | None = None
    """The Cluster Autoscaler, when one runs."""
    load_balancers: tuple[Reference, ...] = ()
    """Services that have a load balancer, which has to let go of a node before the node goes."""
    chained: bool = False
    """Cilium runs on top of the AWS VPC CNI, so that its agents say nothing about whose a node is."""
    read_at: datetime | None = None
    own_pod: Reference | None = None
    """The pod this program runs in, when it runs in the cluster it migrates."""
