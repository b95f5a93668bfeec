"""Options of a migration or a refresh: defined once, for stacks, dynamic resources and the command line.

The step machine reads them as they are. Resource inputs are what `Part.changed` returns, and a provider
validates them back into the same model.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from eks_cilium.settings.model import width
from eks_cilium.settings.model.fields import Part, option
from eks_cilium.settings.model.width import Width  # noqa: TC001 - pydantic reads it while running

_ONE_PATTERN = r"^[A-Za-z0-9*?._-]+/[A-Za-z0-9*?._-]+$"
_OBJECTS = "a list of patterns namespace/name, with * and ?"

JOURNAL = ".journal"
_JOURNAL: dict[str, Any] = {
    "says": "Folder of the journals, one file a cluster: every step as a line of JSON, with its seconds.",
    "allowed": "a path, as seen from the project",
    "example": JOURNAL,
    "min_length": 1,
}
_ROLL_OUT: dict[str, Any] = {
    "says": "How long agents, add-ons and node groups may take to adopt a change, counted from the last "
    "agent that did.",
    "allowed": "60 to 7200",
    "example": 900,
    "ge": 60,
    "le": 7200,
}
_SETTLED: dict[str, Any] = {
    "says": "Good readings in a row that count as healthy.",
    "allowed": "1 to 20",
    "example": 2,
    "ge": 1,
    "le": 20,
}
_ANSWERS: dict[str, Any] = {
    "says": "How long the API server or AWS may fail to answer what is asked outside of waits with limits of "
    "their own, and how long a node that is given up is tried to be uncordoned.",
    "allowed": "0 to 86400",
    "example": 900,
    "ge": 0,
    "le": 86400,
}


class Target(StrEnum):
    """The CNI that pods of all nodes get their addresses from in the end."""

    CILIUM = "cilium"
    AWS_VPC_CNI = "aws-vpc-cni"


class Capacity(StrEnum):
    """Where evicted pods find capacity."""

    SURGE = "surge"
    """Extra nodes while the migration lasts; every old node except the last ones is replaced."""
    DECREMENT = "decrement"
    """Extra nodes first; then every old node leaves, and its group shrinks by one each time."""


class Jobs(StrEnum):
    """What happens to pods of Jobs. They are never restarted, since their work would start over."""

    WAIT = "wait"
    """The gate waits until they have ended."""
    LEAVE = "leave"
    """They stay without Cilium until they end."""


ObjectPattern = Annotated[str, Field(pattern=_ONE_PATTERN)]
GroupPattern = Annotated[str, Field(pattern=r"^[^/\s]+$")]
VolumePattern = Annotated[str, Field(pattern=r"^[a-z0-9*?-]+$")]


class AllowRestarts(Part):
    """What blocks the plan unless it is permitted here. The blockers name the key to set."""

    @classmethod
    def patterns(cls) -> tuple[str, ...]:
        """The fields that hold patterns of objects."""
        return tuple(name for name, field in cls.model_fields.items() if field.annotation is not bool)

    @classmethod
    def switches(cls) -> tuple[str, ...]:
        """The fields that are either true or false."""
        return tuple(name for name, field in cls.model_fields.items() if field.annotation is bool)

    bare_pods: tuple[ObjectPattern, ...] = option(
        (),
        says="Pods that are evicted although no controller recreates them: they are deleted for good.",
        allowed=_OBJECTS,
        example=["debug/*"],
    )
    local_storage: tuple[ObjectPattern, ...] = option(
        (),
        says="Pods or workloads that may lose what is in their emptyDir volumes.",
        allowed=_OBJECTS,
        example=["web/cache-*"],
    )
    scratch_volumes: tuple[VolumePattern, ...] = option(
        (),
        says="emptyDir volumes that hold nothing worth keeping, by the volume's name in whatever pod has it: "
        "those that are injected into many pods are named once.",
        allowed="a list of patterns of volume names, with * and ?",
        example=["vault-secrets"],
    )
    do_not_disrupt: tuple[ObjectPattern, ...] = option(
        (),
        says="Pods or workloads that are evicted although an annotation asks not to disrupt them.",
        allowed=_OBJECTS,
        example=["ci/runner-*"],
    )
    budgets: tuple[ObjectPattern, ...] = option(
        (),
        says="PodDisruptionBudgets that never allow a disruption: their pods are deleted instead of evicted.",
        allowed=_OBJECTS,
        example=["legacy/single"],
    )
    awaited_budgets: tuple[ObjectPattern, ...] = option(
        (),
        says="PodDisruptionBudgets that never allow a disruption, and whose operator moves the pods when "
        "their node is cordoned or their eviction is requested: it is requested until the time limit.",
        allowed=_OBJECTS,
        example=["db/*-primary"],
    )
    ip_blocks: tuple[ObjectPattern, ...] = option(
        (),
        says="NetworkPolicies whose ipBlocks may select no pod of the cluster any more.",
        allowed=_OBJECTS,
        example=["shop/from-vpc"],
    )
    fargate_nodes: bool = option(
        False,
        says="Whether pods on Fargate stay as they are: Cilium never manages them.",
        allowed="true or false",
        example=True,
    )


class Allow(AllowRestarts):
    """What blocks the plan unless it is permitted here. The blockers name the key to set."""

    stranded_pods: tuple[ObjectPattern, ...] = option(
        (),
        says="Pods or workloads that may stay Pending because no new node is certain to suit them.",
        allowed=_OBJECTS,
        example=["batch/gpu-*"],
    )
    lower_minimum: tuple[GroupPattern, ...] = option(
        (),
        says="Auto Scaling groups whose minimum may be lowered while the migration lasts.",
        allowed="a list of patterns of group names, with * and ?",
        example=["eks-workers-*"],
    )
    host_ports: tuple[ObjectPattern, ...] = option(
        (),
        says="Pods or workloads whose host ports may be dead on new nodes.",
        allowed=_OBJECTS,
        example=["monitoring/statsd"],
    )
    cni_plugins: tuple[ObjectPattern, ...] = option(
        (),
        says="DaemonSets of other CNI plugins whose configuration Cilium may disable.",
        allowed=_OBJECTS,
        example=["kube-system/kube-multus-ds"],
    )
    addresses: tuple[GroupPattern, ...] = option(
        (),
        says="Auto Scaling groups or zones where pods may have to wait for an address.",
        allowed="a list of patterns of group names or zones, with * and ?",
        example=["eu-central-1a"],
    )
    security_group_policies: bool = option(
        False,
        says="Whether pods may lose their own security groups (SecurityGroupPolicy).",
        allowed="true or false",
        example=True,
    )
    karpenter_nodes: bool = option(
        False,
        says="Whether Karpenter's nodes are left to Karpenter, which replaces them when a NodePool drifts.",
        allowed="true or false",
        example=True,
    )


class Only(Part):
    """The part of the nodes that is replaced for now: a canary."""

    groups: tuple[GroupPattern, ...] = option(
        (),
        says="Auto Scaling groups, or managed node groups, whose nodes are replaced.",
        allowed="a list of patterns of group names, with * and ?",
        example=["eks-workers-*"],
    )
    nodes: int | None = option(
        None,
        says="How many nodes are replaced: the first ones in the order of work.",
        allowed="1 to 5000",
        example=2,
        ge=1,
        le=5000,
    )

    @model_validator(mode="after")
    def _either(self) -> Self:
        if bool(self.groups) == (self.nodes is not None):
            raise ValueError("either groups or nodes")
        return self


class Abort(Part):
    """After what no further node is begun. Nodes in work are finished, as far as they can be."""

    unready_seconds: int = option(
        600,
        says="How long a pod of a workload that moved may be unready, where the workload has fewer ready "
        "pods than before. Read before each node is begun.",
        allowed="30 to 86400",
        example=600,
        ge=30,
        le=86400,
    )
    drains_given_up: int = option(
        1,
        says="After so many drains that were given up in one run no further node is begun, also by nodes "
        "that wait beside them (`parallel`).",
        allowed="1 to 100",
        example=1,
        ge=1,
        le=100,
    )


class MigrationOptions(Part):
    """How the nodes are replaced."""

    target: Target = option(
        Target.CILIUM,
        says="The CNI all nodes run in the end. `aws-vpc-cni` is the rollback, from any state.",
        allowed="cilium or aws-vpc-cni",
        example="cilium",
    )
    capacity: Capacity = option(
        Capacity.SURGE,
        says="Where evicted pods find capacity. Both add `surge` nodes to each group first. Then every "
        "old node is replaced (`surge`) or goes with its place in the group (`decrement`).",
        allowed="surge or decrement",
        example="surge",
    )
    surge: Width = option(
        1,
        says="Extra nodes of each Auto Scaling group while the migration lasts. A percentage is rounded up.",
        allowed=width.ALLOWED,
        example=1,
    )
    parallel: Width = option(
        1,
        says="Nodes replaced at the same time, in all or, with a percentage, in each group (rounded down, at "
        "least one). PodDisruptionBudgets are always kept, and `surge` has to be as large.",
        allowed=width.ALLOWED,
        example=1,
    )
    drain_timeout_seconds: int = option(
        900,
        says="How long the drain of one node may go on without progress: no pod was evicted or is gone, and "
        "the grace periods of those that stop are over. Then the node is uncordoned and the run stops.",
        allowed="60 to 86400",
        example=900,
        ge=60,
        le=86400,
    )
    grace_limit_seconds: int = option(
        21600,
        says="How long a drain waits at most for pods that are stopping, besides `drainTimeoutSeconds`, if "
        "their grace period is that long.",
        allowed="0 to 604800",
        example=21600,
        ge=0,
        le=604800,
    )
    answer_timeout_seconds: int = option(900, **_ANSWERS)
    replacement_timeout_seconds: int = option(
        900,
        says="How long a new node may take from its request until it runs pods on the new CNI.",
        allowed="60 to 7200",
        example=900,
        ge=60,
        le=7200,
    )
    dead_node_seconds: int = option(
        600,
        says="A new node that has not joined, or is not Ready, for so long is terminated and replaced.",
        allowed="60 to 86400",
        example=600,
        ge=60,
        le=86400,
    )
    health_timeout_seconds: int = option(
        600,
        says="How long workloads may take to be as healthy as before their pods moved.",
        allowed="30 to 7200",
        example=600,
        ge=30,
        le=7200,
    )
    pending_timeout_seconds: int = option(
        300,
        says="How long pods of a drained node may find no other node. Then the run stops: the drained node "
        "is uncordoned, and no further node is cordoned.",
        allowed="30 to 7200",
        example=300,
        ge=30,
        le=7200,
    )
    volume_timeout_seconds: int = option(
        120,
        says="How long volumes may take to be detached from a drained node. Then its instance is terminated, "
        "which detaches them as well.",
        allowed="0 to 7200",
        example=120,
        ge=0,
        le=7200,
    )
    load_balancer_timeout_seconds: int = option(
        600,
        says="How long load balancers may take to stop sending to a drained node before it is terminated.",
        allowed="0 to 7200",
        example=600,
        ge=0,
        le=7200,
    )
    termination_timeout_seconds: int = option(
        900,
        says="How long a terminated instance may take until its node is gone. Lifecycle hooks of its Auto "
        "Scaling group hold it up to 48 hours.",
        allowed="60 to 172800",
        example=900,
        ge=60,
        le=172800,
    )
    roll_out_timeout_seconds: int = option(900, **_ROLL_OUT)
    terminating_limit_seconds: int = option(
        3600,
        says="Pods whose grace period ended so long ago no longer hold up a drain, as with `kubectl drain "
        "--skip-wait-for-delete-timeout`. They end with the instance.",
        allowed="60 to 172800",
        example=3600,
        ge=60,
        le=172800,
    )
    settle_readings: int = option(2, **_SETTLED)
    wait_until_healthy: bool | None = option(
        None,
        says="Whether a node keeps its place in work until the workloads of its pods are as healthy as they "
        "were. Else its place is free when its termination is accepted, and they are judged meanwhile.",
        allowed="true or false; true where it is missing and a single node is replaced at once",
        example=True,
    )
    only: Only | None = option(
        None,
        says="Migrates a part of the nodes, checks it and stops there; the rest goes on when the key is "
        "removed. A rollback replaces all nodes with Cilium, whatever it says.",
        allowed="an object with either groups, a list of patterns of group names, or nodes, a number from 1",
        example={"nodes": 2},
    )
    abort: Abort = option(
        default_factory=Abort,
        says="After what no further node is begun.",
        example={"unreadySeconds": 300},
    )
    journal: str = option(JOURNAL, **_JOURNAL)
    allow: Allow = option(
        default_factory=Allow,
        says="What is permitted although it blocks the plan otherwise.",
        example={"localStorage": ["web/cache-*"]},
    )

    def waits_until_healthy(self, at_once: int) -> bool:
        """Whether a node keeps its place until its workloads are healthy, of so many in work at once."""
        return at_once == 1 if self.wait_until_healthy is None else self.wait_until_healthy

    @property
    def part(self) -> Only | None:
        """The part of the nodes that is replaced for now; None for all of them."""
        return self.only if self.target is Target.CILIUM else None


class AllowRefresh(AllowRestarts):
    """What blocks the plan unless it is permitted here. The blockers name the key to set."""

    security_group_policies: bool = option(
        False,
        says="Whether Cilium is chained beside security groups for pods (SecurityGroupPolicy).",
        allowed="true or false; DISABLE_TCP_EARLY_DEMUX has to be true in the VPC CNI",
        example=True,
    )


class RefreshOptions(Part):
    """How pods that ran before Cilium are restarted, so that it manages them."""

    parallel: int = option(
        1,
        says="Workloads restarted at the same time, after CoreDNS. PodDisruptionBudgets are always kept.",
        allowed="1 to 16",
        example=1,
        ge=1,
        le=16,
    )
    jobs: Jobs = option(
        Jobs.WAIT,
        says="Whether running Jobs are waited for or left as they are. They are never restarted.",
        allowed="wait or leave",
        example="wait",
    )
    job_timeout_seconds: int = option(
        3600,
        says="How long Jobs are waited for after all restarts.",
        allowed="60 to 86400",
        example=3600,
        ge=60,
        le=86400,
    )
    health_timeout_seconds: int = option(
        600,
        says="How long a workload may take to be healthy again after each of its pods. Then the run stops.",
        allowed="30 to 7200",
        example=600,
        ge=30,
        le=7200,
    )
    roll_out_timeout_seconds: int = option(900, **_ROLL_OUT)
    answer_timeout_seconds: int = option(900, **_ANSWERS)
    settle_readings: int = option(2, **_SETTLED)
    evict: tuple[ObjectPattern, ...] = option(
        (),
        says="Deployments whose pods are evicted although a roll-out could create new pods first.",
        allowed=_OBJECTS,
        example=["web/licensed-*"],
    )
    round: int = option(
        1,
        says="Raise it to look for pods without Cilium again, after a refresh that is over.",
        allowed="a whole number from 1",
        example=2,
        ge=1,
    )
    journal: str = option(JOURNAL, **_JOURNAL)
    allow: AllowRefresh = option(
        default_factory=AllowRefresh,
        says="What is permitted although it blocks the plan otherwise.",
        example={"localStorage": ["web/cache-*"]},
    )
