"""The delays of the lab's cloud, in place of the minutes that AWS takes.

Every delay of the cloud process is a field here, so that a demo is quick, a rehearsal can be as slow as AWS,
and a test of a slow path needs no patching. Read once when the cloud starts, from `DIR/timing.json`.
"""

import json
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from pathlib import Path


class UnknownTimingError(ValueError):
    """The timing file names an unknown delay, or a value that is not a number of seconds."""


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Delays of the cloud, in seconds (counts where a comment says so)."""

    # EKS
    control_plane_create: float = 2.0  # at least: the real control plane starts in this time
    control_plane_delete: float = 0.5
    cluster_update: float = 1.0
    last_logs: float = 0.0  # after a deletion the last lines create the log group again; 0: there are none
    node_group_poll: float = 0.5  # interval at which a node group is reconciled
    node_group_update: float = 1.0
    node_group_create_timeout: float = 600.0  # nodes not Ready after this: CREATE_FAILED, NodeCreationFailure
    node_group_drain_timeout: float = 60.0  # pods still there after this: forced on delete, refused on update
    addon: float = 1.0
    addon_ready_timeout: float = 60.0  # replicas missing for this long: DEGRADED
    addon_delete: float = 0.5
    # "access entry creation and updates are eventually consistent, and may take several seconds to be
    # effective" (EKS user guide, creating-access-entries); so long for an entry, and again for a policy
    access_entry: float = 2.0

    # Identity
    token_life: float = 900.0  # EKS: 15 minutes, counted from the token's own date

    # EC2
    instance_pending: float = 1.0
    instance_shutting_down: float = 1.0
    nat_gateway_pending: float = 1.0
    nat_gateway_deleting: float = 1.0
    transit_gateway_change: float = 1.0  # gateways and attachments: pending -> available, deleting -> deleted

    # Elastic Load Balancing
    load_balancer_provisioning: float = 1.0
    target_draining: float = 3.0  # what AWS's default of a target group takes here, 300 s

    # Auto Scaling
    asg_launch: float = 1.0  # Pending -> InService
    asg_terminating: float = 1.0  # Terminating -> removed from the group
    asg_poll: float = 0.5  # interval at which a group's size is reconciled

    # Nodes
    node_boot: float = 2.0  # from running instance to registered node
    node_delete_after_termination: float = 3.0
    node_poll: float = 0.5

    # Not a delay: how many interfaces of a terminated instance remain detached. The VPC CNI and Cilium's
    # operator leave such orphans when an instance ends while they work on it.
    leaked_interfaces: int = 0

    @classmethod
    def load(cls, path: "Path") -> Self:
        """Read the delays from the JSON file `path`; the defaults where it does not exist."""
        if not path.exists():
            return cls()
        values = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(values, dict):
            message = f"{path}: expected an object of seconds by name"
            raise UnknownTimingError(message)
        known = {field.name for field in fields(cls)}
        for name, value in values.items():
            if name not in known:
                message = f"{path}: unknown timing {name!r}; known are {', '.join(sorted(known))}"
                raise UnknownTimingError(message)
            if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
                message = f"{path}: {name} must be a number of seconds, zero or more, not {value!r}"
                raise UnknownTimingError(message)
        return cls(**values)
