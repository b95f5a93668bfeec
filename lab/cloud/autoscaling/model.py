"""The data of an Auto Scaling group; the sibling modules change it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

PROCESSES = (
    "Launch",
    "Terminate",
    "AddToLoadBalancer",
    "AlarmNotification",
    "AZRebalance",
    "HealthCheck",
    "InstanceRefresh",
    "ReplaceUnhealthy",
    "ScheduledActions",
)

PENDING, PENDING_WAIT, PENDING_PROCEED = "Pending", "Pending:Wait", "Pending:Proceed"
IN_SERVICE = "InService"
TERMINATING, TERMINATING_WAIT, TERMINATING_PROCEED = "Terminating", "Terminating:Wait", "Terminating:Proceed"
DETACHING, ENTERING_STANDBY, STANDBY = "Detaching", "EnteringStandby", "Standby"

STARTING_STATES = frozenset({PENDING, PENDING_WAIT, PENDING_PROCEED})
ENDING_STATES = frozenset({TERMINATING, TERMINATING_WAIT, TERMINATING_PROCEED})

LAUNCHING = "autoscaling:EC2_INSTANCE_LAUNCHING"
ENDING = "autoscaling:EC2_INSTANCE_TERMINATING"


@dataclass(frozen=True)
class Subnet:
    """A subnet in which a group may launch."""

    id: str
    zone: str


@dataclass(frozen=True)
class Template:
    """A launch template as a group names it: the version may be `$Latest`, `$Default` or a number."""

    id: str
    name: str
    version: str


@dataclass
class Tag:
    """A tag of a group, which new instances may get too."""

    value: str
    propagate: bool


@dataclass
class Hook:
    """A lifecycle hook, with its timeout and default result."""

    name: str
    transition: str
    heartbeat: int = 3600
    default_result: str = "ABANDON"
    more: dict[str, Any] = field(default_factory=dict)


@dataclass
class Wait:
    """A lifecycle action that is not completed yet."""

    hook: Hook
    token: str
    expires: float


@dataclass
class Activity:
    """One change of a group, as DescribeScalingActivities shows it."""

    id: str
    group: str
    description: str
    cause: str
    start: float
    details: str
    status: str = "InProgress"
    progress: int = 0
    end: float | None = None
    message: str | None = None


@dataclass
class Member:
    """An instance of a group."""

    id: str
    subnet: Subnet
    instance_type: str
    template: Template
    since: float
    state: str = PENDING
    healthy: bool = True
    protected: bool = False
    waits: list[Wait] = field(default_factory=list)
    activity: Activity | None = None
    for_balance: bool = False

    @property
    def counts(self) -> bool:
        """Return whether the group's desired capacity includes this instance."""
        return self.state in STARTING_STATES or self.state == IN_SERVICE

    @property
    def ending(self) -> bool:
        """Return whether the instance is leaving the group."""
        return self.state in ENDING_STATES


@dataclass
class Group:
    name: str
    arn: str
    smallest: int
    largest: int
    desired: int
    subnets: tuple[Subnet, ...]
    template: Template
    created: float
    instance_types: tuple[str, ...] = ()
    protect_new: bool = False
    policies: tuple[str, ...] = ("Default",)
    more: dict[str, Any] = field(default_factory=dict)
    tags: dict[str, Tag] = field(default_factory=dict)
    suspended: dict[str, str] = field(default_factory=dict)
    hooks: dict[str, Hook] = field(default_factory=dict)
    members: dict[str, Member] = field(default_factory=dict)
    deleting: bool = False
    failures: int = 0
    launch_again_at: float = 0.0
    last_change: str = ""

    @property
    def active(self) -> list[Member]:
        """Return the instances that count towards the desired capacity."""
        return [member for member in self.members.values() if member.counts]

    @property
    def sizes(self) -> tuple[int, int, int]:
        """Return min, max and desired size, in the order of AWS's messages."""
        return self.smallest, self.largest, self.desired

    def runs(self, process: str) -> bool:
        """Return whether a process is not suspended."""
        return process not in self.suspended
