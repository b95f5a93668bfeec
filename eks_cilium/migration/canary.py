"""The end of a part that `migration.only` names: is it as healthy as before, and what stays as it is.

Called for the resource `CanaryCheck`, which comes after the last node of the part. The workloads of each node
were checked already. Here all of them are checked together once more, later, with the agents of the new
nodes; what broke in between is not found by the user alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eks_cilium.migration.agents.cni_gate import CniGate
from eks_cilium.migration.capacity import ending
from eks_cilium.migration.eviction import blocked
from eks_cilium.migration.inventory import recording
from eks_cilium.migration.part import part_of
from eks_cilium.migration.rotation import before as records
from eks_cilium.migration.rotation.health import as_before, settling
from eks_cilium.texts import counted
from eks_cilium.troubleshooting import Topic

if TYPE_CHECKING:
    from eks_cilium.migration.part import Part
    from eks_cilium.migration.run import MigrationRun


def check(run: MigrationRun) -> dict[str, Any]:
    """Wait until the part's new nodes and the workloads that moved are healthy.

    Returns {"replaced": number, "leftOut": number, "agents": number, "workloads": number}. Raises
    TimedOutError with what is missing, and StoppedError for a node of the part that was skipped.
    """
    part = current(run)
    settling.await_settled(run)
    ending.await_ended(run, part.groups)
    blocked.refuse_left(run, part.nodes)
    serving: list[str] = []

    def missing() -> str:
        gate = CniGate(run.world, run.options.target)
        members = [member for name in part.groups for member in _new(run, name)]
        serving[:] = [member.instance for member in members]
        return next(filter(None, map(gate.not_serving, members)), "")

    seconds, readings = run.options.health_timeout_seconds, run.options.settle_readings
    run.wait(
        missing,
        waited_for="the new nodes of the canary",
        seconds=seconds,
        readings=readings,
        topic=Topic.AGENTS_NOT_READY,
    )
    before = records.moved(run.world)
    run.wait(
        lambda: as_before.missing(run, before),
        waited_for="the workloads that moved to be as healthy as before",
        seconds=seconds,
        readings=readings,
        topic=Topic.WORKLOAD_UNHEALTHY,
    )
    run.report(f"the canary is healthy: {counted(len(part.left_out), 'node')} left for later")
    workloads = len(before.ready) + len(before.custom)
    replaced = len(part.nodes)
    return {
        "replaced": replaced,
        "leftOut": len(part.left_out),
        "agents": len(serving),
        "workloads": workloads,
    }


def current(run: MigrationRun) -> Part:
    """The part that the options name, of the recorded nodes."""
    inventory = recording.required(run.world, run.options.target)
    return part_of(inventory.members, run.options.part)


def _new(run: MigrationRun, group: str) -> list[Any]:
    """Instances of a group that are not in the inventory; of a restored group all are."""
    state = run.world.groups.groups([group]).get(group)
    nodes = recording.required(run.world, run.options.target).of_group(group)
    old = {node.instance for node in nodes}
    members = state.members if state else ()
    return [member for member in members if member.counts and member.instance not in old]
