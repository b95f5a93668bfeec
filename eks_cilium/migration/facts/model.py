"""The facts of a cluster, as frozen values: nodes, pods, budgets, workloads, volumes, Auto Scaling groups.

`migration.facts.reading` fills them once; `migration.plan` decides from them alone, and so can be tested
without a cluster. Only what a decision needs is kept, since a large cluster has 150,000 pods.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from eks_cilium.cluster.objects import Reference
from eks_cilium.migration.facts.network.model import Network

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from eks_cilium.cluster.selectors import Requirement, Selector
    from eks_cilium.migration.facts.network.model import AwsNode, NetworkPolicy
    from eks_cilium.migration.options import CiliumChoices


@dataclass(frozen=True, slots=True)
class Taint:
    key: str
    effect: str
    value: str = ""


@dataclass(frozen=True, slots=True)
class Node:
    name: str
    uid: str
    instance: str | None = None
    """Id of its EC2 instance, from the provider id; None for Fargate and hybrid nodes."""
    zone: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    taints: tuple[Taint, ...] = ()
    unschedulable: bool = False
    ready: bool = True
    created: datetime | None = None
    ready_since: datetime | None = None
    """When its condition Ready changed last."""
    volume_limits: Mapping[str, int] = field(default_factory=dict)
    """Most volumes of each CSI driver on the node (CSINode)."""
    extended: Mapping[str, int] = field(default_factory=dict)
    """How much it has of resources besides CPU, memory, storage and pods."""
    most_pods: int | None = None
    """How many pods its kubelet takes, those with the node's own address included."""


@dataclass(frozen=True, slots=True)
class Apart:
    """That nodes with a pod that `selector` selects must not share a label's value with a pod's node."""

    label: str
    selector: Selector


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
    """When its grace period ends, for a pod that is terminating."""
    grace_seconds: int = 30
    mirror: bool = False
    """A static pod of the kubelet, which the API cannot evict."""
    local_volumes: tuple[str, ...] = ()
    """Names of its emptyDir volumes on the disk of the node, whose content is lost with the pod."""
    host_paths: tuple[str, ...] = ()
    """Directories of its node that it may write data to. What is in them stays behind."""
    claims: tuple[str, ...] = ()
    """Names of its PersistentVolumeClaims, ephemeral ones included."""
    finalizers: tuple[str, ...] = ()
    annotations: Mapping[str, str] = field(default_factory=dict)
    """Only those that say whether autoscalers and similar tools may disrupt the pod."""
    to_completion: bool = False
    """It works towards an end: its containers are not started again once they have succeeded."""
    started: datetime | None = None
    """When its kubelet accepted it."""
    host_network: bool = False
    """It has its node's address, so that no CNI ever connected it."""
    host_ports: bool = False
    """It holds ports of its node, so that no second pod like it can run there."""
    node_requirements: tuple[tuple[Requirement, ...], ...] = ()
    """Terms of its required node affinity, with its nodeSelector; at least one term has to hold."""
    tolerates_cordon: bool = False
    """It tolerates the taint of cordoned nodes, so its successor may be scheduled to the same node."""
    tolerates_all: bool = False
    """It tolerates every taint."""
    apart: tuple[Apart, ...] = ()
    """Its required anti-affinity to pods like itself."""
    extended: tuple[tuple[str, int], ...] = ()
    """How much it takes of resources besides CPU, memory and storage, such as ("nvidia.com/gpu", 1)."""
    seconds_to_ready: float | None = None
    """From its creation until it became Ready."""

    @property
    def reference(self) -> Reference:
        return Reference("Pod", self.namespace, self.name)

    @property
    def terminal(self) -> bool:
        """Whether it has ended (Succeeded or Failed): no budget counts it and nothing is lost with it."""
        return self.phase in ("Succeeded", "Failed")


@dataclass(frozen=True, slots=True)
class Budget:
    namespace: str
    name: str
    selector: Selector | None = None
    """None selects no pod; an empty selector selects every pod of the namespace (policy/v1)."""
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
    """The message of the disruption controller where it could not compute the budget."""
    operator: str = ""
    """Its owner, where that is a custom resource: an operator wrote the budget and may change it."""

    @property
    def reference(self) -> Reference:
        return Reference("PodDisruptionBudget", self.namespace, self.name)

    def covers(self, pod: Pod) -> bool:
        """Whether it selects a pod, by namespace and labels."""
        is_near = self.namespace == pod.namespace and self.selector is not None
        return is_near and self.selector is not None and self.selector.matches(pod.labels)


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
    """A controller that recreates its pods. ReplicaSets of a Deployment and Jobs of a CronJob have owners."""

    reference: Reference
    uid: str = ""
    desired: int | None = None
    """Replicas it wants; None for kinds whose spec has no such number (DaemonSet, Job, CronJob)."""
    ready: int = 0
    owner: Reference | None = None
    roll_out: RollOut | None = None
    last_attempt: str = ""
    """Why a Job fails for good when a pod of it is evicted; empty where it tries again."""


@dataclass(frozen=True, slots=True)
class Volume:
    """A PersistentVolume that a claim of a pod is bound to."""

    name: str
    claim: Reference
    driver: str = ""
    """Its CSI driver, or the name of its in-tree source."""
    terms: tuple[tuple[Requirement, ...], ...] = ()
    """Terms of its node affinity; at least one has to hold. Empty means every node."""
    local: bool = False
    """It is on the disk of one node and is lost with it (local, hostPath)."""
    shared: bool = False
    """Several nodes may mount it at the same time."""
    handle: str = ""
    """What its CSI driver calls it, as in vol-0123456789abcdef0; empty for other sources."""
    attached_to: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Claim:
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
    """Protected from scale-in, which does not prevent a termination by id."""

    @property
    def leaving(self) -> bool:
        """Whether it is terminating, so that the desired capacity no longer counts it."""
        return self.lifecycle.startswith("Terminat")


@dataclass(frozen=True, slots=True)
class Hook:
    """A lifecycle hook, which holds a launch or a termination until it is completed or times out."""

    name: str
    transition: str
    seconds: int
    result: str


@dataclass(frozen=True, slots=True)
class Group:
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
    """The EKS managed node group it belongs to, if any."""
    status: str = ""
    """Set while AWS deletes the group."""
    subnets: tuple[str, ...] = ()
    """Ids of the subnets its instances start in."""
    longest_life: int = 0
    """Seconds after which Auto Scaling replaces an instance (MaxInstanceLifetime); 0 for never."""
    rebalances_spot: bool = False
    """Whether Auto Scaling replaces spot instances that may be interrupted (CapacityRebalance)."""


@dataclass(frozen=True, slots=True)
class AddOn:
    """The add-on vpc-cni, where EKS manages it."""

    version: str
    status: str
    configuration: str = ""
    """Its configurationValues as written, JSON or YAML."""
    takes_affinity: bool | None = None
    """Whether the configuration of this version may have a node affinity; None where AWS did not say."""


@dataclass(frozen=True, slots=True)
class Cluster:
    name: str
    version: str
    status: str = "ACTIVE"
    auto_mode: bool = False
    ip_family: str = "ipv4"
    """`ipv4` or `ipv6`, of the addresses of pods and Services."""
    vpc: str = ""
    """Id of its VPC."""


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that a plan depends on, read at one time."""

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
    """The Deployment of the Cluster Autoscaler, where there is one."""
    load_balancers: tuple[Reference, ...] = ()
    """Services and Ingresses with a load balancer, which has to deregister a node before it terminates."""
    chained: bool = False
    """Cilium runs on top of the AWS VPC CNI: an agent on a node then does not mean that Cilium is its CNI."""
    network: Network = field(default_factory=Network)
    policies: tuple[NetworkPolicy, ...] = ()
    cni_plugins: tuple[Reference, ...] = ()
    """DaemonSets of other CNI plugins, which write a configuration of their own on every node."""
    cilium: CiliumChoices | None = None
    """The Cilium that is installed, where it is the only CNI of its nodes."""
    read_at: datetime | None = None
    join_seconds: tuple[float, ...] = ()
    """How long some of the youngest nodes took from the launch of their instance until they were Ready."""
    own_pod: Reference | None = None
    """The pod this program runs in, where it runs in the cluster it migrates."""
