"""What a migration is given besides its configuration: what its record says, and how long steps may take.

The configuration itself (`MigrationOptions`, `RefreshOptions`) is defined in `settings.model.migration`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Self

from eks_cilium.settings.model.migration import MigrationOptions

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from eks_cilium.cluster.objects import Reference
    from eks_cilium.settings.model.migration import RefreshOptions


def covers(patterns: Iterable[str], *objects: Reference) -> bool:
    """Whether a pattern `namespace/name` matches one of the objects, such as a pod or its workload."""
    names = [f"{obj.namespace}/{obj.name}" if obj.namespace else obj.name for obj in objects]
    return any(fnmatchcase(name, pattern) for name in names for pattern in patterns)


@dataclass(frozen=True, slots=True)
class Before:
    """An Auto Scaling group before the first change."""

    desired: int
    outgoing: int
    """How many of its nodes were to be replaced."""


@dataclass(frozen=True, slots=True)
class CiliumChoices:
    """What the configuration of Cilium means for a plan; the defaults are the configuration's."""

    prefix_delegation: bool = False
    """Interfaces get /28 prefixes, so that a node has addresses for many more pods."""
    exclusive: bool = True
    """Agents disable the configurations of other CNI plugins on their node."""
    port_map: bool = False
    """The plugin portmap follows Cilium and serves host ports."""
    subnets: tuple[str, ...] = ()
    """Where the operator may create interfaces; in the nodes' subnets where empty."""

    @classmethod
    def of(cls, changed: Mapping[str, Any]) -> Self:
        """From what `changed` returned; what is missing has its default."""
        return cls(**{**changed, "subnets": tuple(changed.get("subnets") or ())})

    def changed(self) -> dict[str, Any]:
        """What differs from the defaults, as plain values."""
        return {key: value for key, value in asdict(self).items() if value != getattr(CiliumChoices(), key)}


@dataclass(frozen=True, slots=True)
class Recorded:
    """What is known of a migration that was started before. Empty where none was."""

    outgoing: frozenset[str] | None = None
    """Names of the nodes to replace; None where no inventory was recorded."""
    order: tuple[str, ...] = ()
    """The same names in the order of work, in which the stack has its resources."""
    part: frozenset[str] | None = None
    """Those that `migration.only` names, by the recorded order; None where no inventory was recorded."""
    groups: Mapping[str, Before] = field(default_factory=dict)
    """Auto Scaling groups by name."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long to wait, in seconds, before a wait ends in an error that says what was missing.

    `of` makes them from the configuration; the defaults here are those of the configuration.
    """

    volumes: float = 120.0
    """For volumes to be detached after a drain. Then the node is terminated, which detaches them as well."""
    load_balancer_timeout: float = 600.0
    """For load balancers to stop sending to a drained node."""
    termination: float = 900.0
    """From the request to terminate an instance until its node's object is deleted."""
    roll_out: float = 900.0
    """For agents to restart with a new configuration, counted from the last agent that did."""
    terminating: float | None = 3600.0
    """Pods that should have ended so long ago no longer keep a drain waiting; None waits for all."""
    grace: float = 21600.0
    """For pods that are stopping, on top of the drain timeout, where their grace period is that long."""
    answer: float = 900.0
    """For the API server and AWS to answer again, outside of waits with limits of their own."""
    poll_interval: float = 3.0

    @classmethod
    def of(cls, options: MigrationOptions | RefreshOptions, *, poll_interval: float = 3.0) -> Self:
        """The limits of a migration or a refresh; `poll_interval` in seconds."""
        roll_out, answer = float(options.roll_out_timeout_seconds), float(options.answer_timeout_seconds)
        if not isinstance(options, MigrationOptions):
            # A refresh terminates no node, so nothing ends a pod that never stops by itself.
            return cls(roll_out=roll_out, terminating=None, answer=answer, poll_interval=poll_interval)
        return cls(
            volumes=options.volume_timeout_seconds,
            load_balancer_timeout=options.load_balancer_timeout_seconds,
            termination=options.termination_timeout_seconds,
            roll_out=roll_out,
            terminating=options.terminating_limit_seconds,
            grace=options.grace_limit_seconds,
            answer=answer,
            poll_interval=poll_interval,
        )


@dataclass(frozen=True, slots=True)
class Timings:
    """Seconds that steps take, for the estimate alone."""

    launch: float = 120
    """From the request of an instance to a node with its CNI."""
    shortest_drain: float = 5
    longest_stop: float = 30
    """How much of a pod's grace period is used; most pods stop long before it is over."""
    volume_release: float = 20
    load_balancer_release: float = 300
    """From the cordon until its connections are drained: AWS's default of a target group."""
    termination: float = 120
    """From the request to terminate an instance until its node's object is deleted."""
    pod_ready: float = 20
    """Where no pod shows how long it takes to become ready."""
    longest_pod_ready: float = 300
    """A pod that became ready later than this after its creation was disturbed in between."""
    between_readings: float = 10
