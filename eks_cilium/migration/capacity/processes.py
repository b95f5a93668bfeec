"""The processes of Auto Scaling that a migration suspends, and resumes when it is over.

`surge` suspends them; `stopped` and `rotation.restore` resume those that the migration has suspended.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eks_cilium.migration.capacity.resizing import TERMINATE

if TYPE_CHECKING:
    from eks_cilium.clients.autoscaling import GroupState
    from eks_cilium.migration.inventory.model import GroupBefore
    from eks_cilium.migration.run import MigrationRun

REBALANCE = "AZRebalance"
SUSPENDED = (REBALANCE, "AlarmNotification", "InstanceRefresh", "ReplaceUnhealthy", "ScheduledActions")
"""Processes of Auto Scaling that terminate instances without a drain, or change the sizes by themselves.

An instance refresh that is in progress pauses while its process is suspended, and goes on afterwards
(docs.aws.amazon.com/autoscaling/ec2/userguide/understand-how-suspending-processes-affects-other-processes.html).
"""


def suspend(run: MigrationRun, state: GroupState) -> list[str]:
    """Suspend what may not act during the migration; returns what was not suspended already."""
    wanted = [process for process in SUSPENDED if process not in state.suspended]
    if wanted:
        run.world.groups.suspend(state.name, wanted)
        run.report(f"suspended {', '.join(wanted)} of {state.name}")
    return wanted


def resume(run: MigrationRun, before: GroupBefore, *, rebalance: bool = True) -> None:
    """Resume the processes that ran before the migration, without AZRebalance where `rebalance` is false."""
    state = run.world.groups.group(before.name)
    ours = [process for process in (*SUSPENDED, TERMINATE) if process not in before.suspended]
    wanted = [process for process in ours if process in state.suspended]
    run.world.groups.resume(before.name, [process for process in wanted if rebalance or process != REBALANCE])
