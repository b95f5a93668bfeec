"""A plan, as frozen values: what is requested, what will happen to every node and pod, and what blocks it.

`eks_cilium.migration.plan.planner.plan` makes one; reports, dynamic resources and the rotation read it.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING

from eks_cilium.troubleshooting import link, more

if TYPE_CHECKING:
    from eks_cilium.cluster.objects import Reference
    from eks_cilium.settings.model.migration import Capacity, Target


class Verdict(StrEnum):
    """What happens to a pod when its node is drained."""

    EVICT = "evict"
    DELETE = "delete"
    """Deleted without asking its budget, because an exception says so."""
    ROLL = "roll"
    """Replaced by its Deployment's own roll-out, which asks no budget and undercuts none."""
    SKIP = "skip"
    """Not evicted, and deleted with the node: a pod of a DaemonSet, a static pod."""
    WAIT = "wait"
    """Ends by itself, or is evicted later: it is terminating, serves mounts, or asked for some time."""
    REFUSE = "refuse"
    """Must not be evicted: data would be lost, or the pod could not run again."""
    BLOCKED = "blocked"
    """Cannot be evicted, because its budget never allows it."""

    @property
    def blocks_drain(self) -> bool:
        """Whether the node cannot be drained because of the pod."""
        return self in (Verdict.REFUSE, Verdict.BLOCKED)

    @property
    def moves(self) -> bool:
        """Whether the pod is recreated, on this node or elsewhere."""
        return self in (Verdict.EVICT, Verdict.DELETE, Verdict.ROLL)


class Code(StrEnum):
    """Kinds of blockers and warnings. Part of the JSON report: never renamed."""

    CLUSTER_NOT_ACTIVE = "cluster-not-active"
    AUTO_MODE = "auto-mode"
    FARGATE_ONLY = "fargate-only"
    SECURITY_GROUP_POLICY = "security-group-policy"
    SECURITY_GROUP_POLICY_CHAINED = "security-group-policy-chained"
    FARGATE_NODE = "fargate-node"
    KARPENTER_NODE = "karpenter-node"
    WINDOWS_NODE = "windows-node"
    NO_INSTANCE = "no-instance"
    NO_GROUP = "no-group"
    GROUP_BEING_DELETED = "group-being-deleted"
    PROCESS_SUSPENDED = "process-suspended"
    BELOW_MINIMUM = "below-minimum"
    BARE_POD = "bare-pod"
    DAEMON_SET_GONE = "daemon-set-gone"
    LOCAL_STORAGE = "local-storage"
    LOCAL_VOLUME = "local-volume"
    DO_NOT_DISRUPT = "do-not-disrupt"
    VOLUME_ZONE = "volume-zone"
    PLACEMENT = "placement"
    BUDGET_NEVER_ALLOWS = "budget-never-allows"
    TWO_BUDGETS = "two-budgets"
    NO_VPC_CNI = "no-vpc-cni"
    VPC_CNI_OLD = "vpc-cni-old"
    VPC_CNI_VERSION = "vpc-cni-version"
    VPC_CNI_ENFORCES = "vpc-cni-enforces"
    EARLY_DEMUX = "early-demux"
    CILIUM_ALONE = "cilium-alone"
    IP_FAMILY = "ip-family"
    HOST_PORTS = "host-ports"
    CNI_PLUGIN = "cni-plugin"
    IP_BLOCK = "ip-block"
    NODE_ADDRESSES = "node-addresses"
    SUBNET_ADDRESSES = "subnet-addresses"
    ADD_ON_SCHEMA = "add-on-schema"

    BUDGET_BUSY = "budget-busy"
    BUDGET_STALE = "budget-stale"
    BUDGET_BYPASSED = "budget-bypassed"
    BUDGET_CLOSED = "budget-closed"
    BUDGET_AWAITED = "budget-awaited"
    DATA_LOST = "data-lost"
    POD_LOST = "pod-lost"
    STRANDED = "stranded"
    SINGLETON = "singleton"
    REPLICAS_TOGETHER = "replicas-together"
    VOLUME_WAITS = "volume-waits"
    WORK_LOST = "work-lost"
    WORK_ENDED = "work-ended"
    JOB_FAILS = "job-fails"
    DATA_STAYS = "data-stays"
    SERVES_MOUNTS = "serves-mounts"
    SERVES_MOUNTS_LEFT = "serves-mounts-left"
    ASKS_TO_STAY = "asks-to-stay"
    LEFT_FOR_NOW = "left-for-now"
    COMES_BACK = "comes-back"
    LONG_GRACE = "long-grace"
    FINALIZERS = "finalizers"
    NODE_NOT_READY = "node-not-ready"
    NODE_CORDONED = "node-cordoned"
    LEFT_ALONE = "left-alone"
    FEWER_NODES = "fewer-nodes"
    MAXIMUM_RAISED = "maximum-raised"
    MINIMUM_LOWERED = "minimum-lowered"
    LIFECYCLE_HOOK = "lifecycle-hook"
    REPLACED_BY_AWS = "replaced-by-aws"
    INSTANCE_STATE = "instance-state"
    AUTOSCALER = "autoscaler"
    CUSTOM_NETWORK = "custom-network"
    VOLUMES_FULL = "volumes-full"
    BARE_POD_LEFT = "bare-pod-left"
    JOB_LEFT = "job-left"
    JOB_AWAITED = "job-awaited"
    NODE_WITHOUT_CILIUM = "node-without-cilium"
    NO_START_UP_TAINT = "no-start-up-taint"
    LIMITED_FEATURE = "limited-feature"
    HOST_PORTS_LOST = "host-ports-lost"
    CNI_PLUGIN_LOST = "cni-plugin-lost"
    IP_BLOCK_LOST = "ip-block-lost"
    UNPROTECTED = "unprotected"
    POLICIES_BEGIN = "policies-begin"
    ADDRESSES_SCARCE = "addresses-scarce"
    ADDRESSES_UNKNOWN = "addresses-unknown"
    ADD_ON_SCHEMA_UNKNOWN = "add-on-schema-unknown"


@dataclass(frozen=True, slots=True)
class Blocker:
    """Why a plan must not be carried out, and how to fix it."""

    code: Code
    object: Reference
    problem: str
    """What is wrong, with its numbers."""
    allowed: str
    fix: str
    setting: str = ""
    """The line of configuration that permits it; empty where nothing does."""
    nodes: tuple[str, ...] = ()
    """The nodes that cannot be replaced because of it; empty where it concerns the whole cluster."""
    pods: tuple[Reference, ...] = ()

    @property
    def link(self) -> str:
        """Where the page for users explains it."""
        return link(self.code)

    @property
    def more(self) -> str:
        """What finds the explanation, as it is printed."""
        return more(self.code)

    def __str__(self) -> str:
        permitted = f" Or permit it: {self.setting}." if self.setting else ""
        return (
            f"{self.object}: {self.problem}. Allowed: {self.allowed}. To fix it: {self.fix}.{permitted} "
            f"More: {self.more}"
        )


@dataclass(frozen=True, slots=True)
class PlanWarning:
    """What to know before a plan is carried out; it does not block it."""

    code: Code
    object: Reference
    text: str
    nodes: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.object}: {self.text}"


@dataclass(frozen=True, slots=True)
class PodPlan:
    """What happens to one pod, and why."""

    pod: Reference
    uid: str
    verdict: Verdict
    reason: str
    workload: Reference | None = None
    """The workload behind it: the Deployment, not the ReplicaSet."""
    budget: Reference | None = None
    allowed_before: int | None = None
    """What its budget allows just before its eviction, if everything happens as planned."""
    waits: bool = False
    """Its budget allows nothing by then, so the drain waits until a successor is ready."""


@dataclass(frozen=True, slots=True)
class BudgetUse:
    """How many disruptions of one budget a node's drain uses up."""

    budget: Reference
    pods: int
    allowed: int
    """Disruptions it allows when the drain begins, if everything happens as planned."""
    waits: int
    """How often the drain has to wait for a successor."""


class Bound(StrEnum):
    """What the time of a migration is spent on. Part of the JSON report: never renamed."""

    LAUNCHES = "launches"
    """Waits for new nodes of an Auto Scaling group."""
    BUDGET = "budget"
    """Waits for a PodDisruptionBudget."""
    WORK = "work"
    """Drains, ends of instances and checks: more nodes at once shorten it."""


@dataclass(frozen=True, slots=True)
class Share:
    """How much of a migration's time is spent on what."""

    bound: Bound
    object: Reference | None
    """The group or the budget."""
    seconds: float
    nodes: int
    """How many nodes of those that follow each other spend it."""


@dataclass(frozen=True, slots=True)
class Seconds:
    """How long one node takes, by phase; the names are those of the journal."""

    capacity: float = 0
    """Until a replacement runs pods on the new CNI, counted from the end of the node before."""
    drain: float = 0
    release: float = 0
    """Until load balancers deregister the node and its volumes are detached."""
    gone: float = 0
    """From the request to terminate the instance until its node is deleted; the next node need not wait."""
    settle: float = 0
    """From the same moment until the pods that moved are as healthy as before, in several readings."""
    queue: float = 0
    """How much of the drain waits for a budget."""
    queue_of: Reference | None = None
    """The budget that its pods wait for longest."""
    settles_beside: bool = False
    """Whether the next node is begun before its pods are healthy: `waitUntilHealthy` is not set."""

    @property
    def in_work(self) -> float:
        """How long the node has its place in work: the next one takes it then."""
        place = self.capacity + self.drain + self.release
        return place if self.settles_beside else place + self.settle

    @property
    def total(self) -> float:
        """Until nothing is left of the node."""
        return self.capacity + self.drain + self.release + max(self.gone, self.settle)


@dataclass(frozen=True, slots=True)
class NodePlan:
    """What happens to one node."""

    position: int
    """In the order of work of all nodes, from 1."""
    node: str
    uid: str
    instance: str
    group: str
    zone: str
    in_progress: bool
    decrement: bool
    """Whether the group shrinks when the node is terminated."""
    replacement_zones: tuple[str, ...]
    """Zones its replacement may start in; several where AWS chooses."""
    pods: tuple[PodPlan, ...]
    budgets: tuple[BudgetUse, ...]
    volumes: tuple[str, ...]
    """Attached volumes that have to be detached."""
    seconds: Seconds
    ends: float = 0
    """Seconds from the beginning of the migration until the node is replaced."""
    cordoned: bool = False
    """Whether it is cordoned already."""

    def count(self, verdict: Verdict) -> int:
        """How many of its pods have a verdict."""
        return sum(pod.verdict is verdict for pod in self.pods)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A node that is replaced later: nothing happens to it now."""

    position: int
    """In the order of work of all nodes, from 1."""
    node: str
    uid: str
    instance: str
    zone: str
    group: str
    node_group: str
    cordoned: bool


@dataclass(frozen=True, slots=True)
class GroupPlan:
    """What happens to the sizes of one Auto Scaling group."""

    name: str
    node_group: str | None
    outgoing: int
    minimum: int
    maximum: int
    desired: int
    """Before the first change."""
    peak: int
    lowest: int
    """The smallest desired capacity during the migration."""
    at_end: int
    """After the last drain, before the size is restored."""


@dataclass(frozen=True)
class Plan:
    """Everything a migration will do."""

    cluster: str
    target: Target
    capacity: Capacity
    surge: int | str
    parallel: int | str
    """As in the configuration: a number of nodes, or a percentage of each group."""
    nodes: tuple[NodePlan, ...]
    groups: tuple[GroupPlan, ...]
    blockers: tuple[Blocker, ...]
    warnings: tuple[PlanWarning, ...]
    leaving: tuple[Reference, ...]
    """Nodes whose instance is terminating or terminated: nothing is left to decide about them."""
    left_alone: tuple[Reference, ...]
    """Nodes that are not replaced, as the configuration permits: those of Fargate and Karpenter."""
    impossible: tuple[Reference, ...]
    """Nodes this program cannot replace; a blocker says why."""
    seconds: float
    left_out: tuple[LeftOut, ...] = ()
    """Nodes that stay as they are for now, since `migration.only` does not name them."""
    shares: tuple[Share, ...] = ()
    """What `seconds` are spent on, most of it first: what has to change for a shorter migration."""

    @property
    def clean(self) -> bool:
        return not self.blockers

    @property
    def outgoing(self) -> frozenset[str]:
        """Names of all nodes with the old CNI, also of those that are not replaced."""
        others = (*self.leaving, *self.left_alone, *self.impossible)
        planned = (*(node.node for node in self.nodes), *(node.node for node in self.left_out))
        return frozenset((*planned, *(node.name for node in others)))

    def of_node(self, name: str) -> NodePlan | None:
        """The plan of one node; None for a node that is not replaced."""
        return self._by_name.get(name)

    def blockers_of(self, name: str) -> tuple[Blocker, ...]:
        """Why one node cannot be replaced, without the blockers of the whole cluster."""
        return tuple(self._blockers_by_node.get(name, ()))

    @cached_property
    def _by_name(self) -> dict[str, NodePlan]:
        return {node.node: node for node in self.nodes}

    @cached_property
    def _blockers_by_node(self) -> dict[str, list[Blocker]]:
        found: dict[str, list[Blocker]] = defaultdict(list)
        for blocker in self.blockers:
            for node in blocker.nodes:
                found[node].append(blocker)
        return found
