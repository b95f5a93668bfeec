"""How nodes are replaced or pods restarted: what is asked for, and how long each thing may take."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from eks_cilium.cluster.objects import Reference


class Target(StrEnum):
    """Whose addresses the pods are to have in the end."""

    CILIUM = "cilium"
    AWS_VPC_CNI = "aws-vpc-cni"
    CHAINED = "chained"
    """Those of the AWS VPC CNI, with Cilium on top of it: nothing is replaced."""


class Capacity(StrEnum):
    """Where the room for evicted pods comes from."""

    SURGE = "surge"
    """A few nodes more for the time of the migration; every old node but the last ones is replaced."""
    DECREMENT = "decrement"
    """Extra nodes first; then every old node goes and takes its place in the group with it."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """Objects people except from a blocker: patterns `namespace/name`, with * and ?."""

    patterns: tuple[str, ...] = ()

    def covers(self, *objects: Reference) -> bool:
        """Whether one of the objects (a pod, its workload) is excepted."""
        return any(
            fnmatchcase(f"{thing.namespace}/{thing.name}" if thing.namespace else thing.name, pattern)
            for thing in objects
            for pattern in self.patterns
        )


@dataclass(frozen=True, slots=True)
class Exceptions:
    """What is refused unless somebody says so: `migration.allow` in the configuration."""

    bare_pods: Allowed = Allowed()
    """Evicted although nothing makes them anew."""
    local_storage: Allowed = Allowed()
    """Evicted although the content of their emptyDir volumes is lost."""
    budgets: Allowed = Allowed()
    """Budgets not asked: their pods are deleted instead of evicted, when they could never be evicted."""
    stranded_pods: Allowed = Allowed()
    """Evicted although no new node is sure to be where they have to run."""
    lower_minimum: Allowed = Allowed()
    """Auto Scaling groups whose minimum may be lowered for the time of the migration."""
    security_group_policies: bool = False
    """Go on although pods lose the security groups of their own."""
    karpenter_nodes: bool = False
    """Leave Karpenter's nodes to Karpenter, which replaces them when their NodePool drifts."""
    fargate_nodes: bool = False
    """Leave pods on Fargate as they are: Cilium never reaches them."""


@dataclass(frozen=True, slots=True)
class Timings:
    """Seconds that things take, for the estimate alone."""

    launch: float = 120
    """From asking for an instance to a node with its CNI."""
    shortest_drain: float = 5
    longest_stop: float = 30
    """How much of a pod's grace is used; most pods stop long before it is over."""
    volume_release: float = 20
    load_balancer_release: float = 60
    pod_ready: float = 20
    """Where no pod of a budget tells how long it takes to become ready."""
    longest_pod_ready: float = 300
    """A pod that became ready later than this after it was made was disturbed in between."""
    between_readings: float = 10


@dataclass(frozen=True, slots=True)
class Before:
    """An Auto Scaling group before the first change."""

    desired: int
    outgoing: int
    """How many of its nodes were to be replaced."""


@dataclass(frozen=True, slots=True)
class Options:
    """What is asked for."""

    target: Target = Target.CILIUM
    capacity: Capacity = Capacity.SURGE
    surge: int = 1
    """Extra nodes of each Auto Scaling group."""
    parallel: int = 1
    """Nodes in work at once."""
    settle_readings: int = 2
    """Readings in a row in which every workload has to be as healthy as before."""
    drain_timeout: float = 900
    terminating_limit: float | None = None
    """Pods that should have been gone so many seconds ago no longer keep a drain waiting."""
    allow: Exceptions = Exceptions()
    timings: Timings = Timings()
    outgoing: frozenset[str] | None = None
    """Names of the nodes to replace, where an inventory has them; otherwise read off the nodes."""
    before: Mapping[str, Before] = field(default_factory=dict)
    """Auto Scaling groups before the first change, where an inventory has them."""


class Jobs(StrEnum):
    """What becomes of the pods of Jobs. They are never restarted: their work would begin anew."""

    WAIT = "wait"
    """The gate waits until they have ended."""
    LEAVE = "leave"
    """They stay without Cilium until they end."""


@dataclass(frozen=True, slots=True)
class Refreshing:
    """What is asked for, besides what a migration asks for as well."""

    jobs: Jobs = Jobs.WAIT
    job_timeout: float = 3600.0
    evict: Allowed = field(default_factory=Allowed)
    """Deployments whose pods are evicted although their roll-out could make new ones first."""
    round: int = 1
    vpc_cni_version: str = ""
    """Version the add-on has to have; empty for any."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long to wait, in seconds, before a wait ends in an error that says what was missing."""

    replacement: float = 900.0
    """From asking for an instance to a node that runs pods on its new CNI."""
    volumes: float = 120.0
    """For volumes to be detached after a drain. Then the node goes all the same, which detaches them."""
    load_balancer: float = 60.0
    """A cordoned node stays that long where Services of type LoadBalancer exist; always waited out."""
    termination: float = 900.0
    """From asking for its end until a node's object is gone."""
    health: float = 600.0
    """For workloads to be as healthy as before their pods moved."""
    roll_out: float = 900.0
    """For agents to restart with a new configuration, counted from the last one that did."""
    between_looks: float = 3.0


@dataclass(frozen=True, slots=True)
class Rules:
    """What is asked for, and for how long to wait."""

    options: Options = field(default_factory=Options)
    limits: Limits = field(default_factory=Limits)
    refresh: Refreshing = field(default_factory=Refreshing)
