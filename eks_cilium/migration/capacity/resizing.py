"""Sets the sizes of an Auto Scaling group so that Auto Scaling never terminates an instance for it.

Auto Scaling ends instances by its own policy, undrained, wherever more run than are desired
(API_UpdateAutoScalingGroup; of EKS, NodegroupScalingConfig: "the necessary number of worker nodes are
terminated to match the given value"). Neither has a request that depends on what was read, and an autoscaler
may raise the group between a reading and the request. So the process Terminate is suspended from before the
reading until the group is seen to have no more instances than it desires.

Sizes of a managed node group are set through EKS, which may undo a change that it did not make itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eks_cilium.errors import TransientError
from eks_cilium.migration.capacity import contribution
from eks_cilium.runtime.errors import StoppedError
from eks_cilium.troubleshooting import Topic

if TYPE_CHECKING:
    from eks_cilium.clients.autoscaling import GroupState
    from eks_cilium.migration.inventory.model import GroupBefore
    from eks_cilium.migration.run import Run

TERMINATE = "Terminate"
_MOST_ATTEMPTS = 10
_READINGS = 2
"""In a row, that have to agree: an instance that was just requested is not a member at once."""


def grow(run: Run, group: GroupBefore, by: int) -> None:
    """Raise the desired capacity by so many, and the maximum where it has to be."""
    before = _hold(run, group)
    now = contribution.of(run.world, group, before)
    base = max(before.desired, before.count)
    contribution.keep(run.world, group.name, _raising(now, base, base + by))
    _write(run, group, maximum=max(before.maximum, base + by), desired=base + by)
    state = _release(run, group, extra=by)
    contribution.keep(run.world, group.name, contribution.of(run.world, group, state))
    run.world.note("resized", group=group.name, desired=state.desired, maximum=state.maximum)


def cancel(run: Run, group: GroupBefore) -> int:
    """Take back what was added and never launched: instances that run are neither terminated nor replaced.

    Returns by how much the desired capacity was lowered.
    """
    before = _hold(run, group)
    now = contribution.of(run.world, group, before)
    wanted = max(before.count, before.desired - max(now.net(before), 0), before.minimum)
    if wanted < before.desired:
        contribution.keep(run.world, group.name, _raising(now, before.desired, wanted))
        _write(run, group, desired=wanted)
    state = _release(run, group)
    contribution.keep(run.world, group.name, contribution.of(run.world, group, state))
    run.world.note("resized", group=group.name, desired=state.desired, maximum=state.maximum)
    return max(before.desired - state.desired, 0)


def bound(run: Run, group: GroupBefore, *, minimum: int, maximum: int) -> GroupState:
    """Set minimum and maximum; the maximum is never below what runs or is desired by then."""
    state = run.world.groups.group(group.name)
    if (state.minimum, state.maximum) == (minimum, max(maximum, state.desired, state.count)):
        return state
    before = _hold(run, group)
    _write(run, group, minimum=minimum, maximum=max(maximum, before.desired, before.count))
    state = _release(run, group)
    run.world.note("resized", group=group.name, minimum=state.minimum, maximum=state.maximum)
    return state


def release_if_held(run: Run, group: GroupBefore) -> None:
    """Resume Terminate where a run that was killed left it suspended."""
    state = run.world.groups.group(group.name)
    if TERMINATE in state.suspended and TERMINATE not in group.suspended:
        _release(run, group)


def _raising(now: contribution.Contribution, before: int, after: int) -> contribution.Contribution:
    return contribution.Contribution(now.added, (before, after), now.decremented, now.stopped)


def _hold(run: Run, group: GroupBefore) -> GroupState:
    run.world.guard()
    if TERMINATE not in run.world.groups.group(group.name).suspended:
        run.world.groups.suspend(group.name, [TERMINATE])
    return run.world.groups.group(group.name)


def _release(run: Run, group: GroupBefore, *, extra: int = 0) -> GroupState:
    """Resume Terminate once the group has no more instances than it desires.

    Where it has more, another program's growth was overwritten: it is asked for again, with `extra` nodes.
    """
    good = 0
    for _ in range(_MOST_ATTEMPTS):
        state = run.world.groups.group(group.name)
        if state.count <= state.desired:
            good += 1
            if good >= _READINGS:
                break
            run.world.pause(seconds=run.limits.poll_interval, every=run.limits.poll_interval)
            continue
        good, wanted = 0, state.count + extra
        run.report(f"{group.name}: another program resized it meanwhile; desired capacity -> {wanted}")
        _write(run, group, maximum=max(state.maximum, wanted), desired=wanted)
    else:
        raise StoppedError(
            Topic.GROUP_RESIZED,
            f"the Auto Scaling group {group.name} is resized by another program all the time, so its process "
            f"{TERMINATE} stays suspended",
        )
    if TERMINATE not in group.suspended:
        run.world.groups.resume(group.name, [TERMINATE])
    return state


def _write(
    run: Run,
    group: GroupBefore,
    *,
    minimum: int | None = None,
    maximum: int | None = None,
    desired: int | None = None,
) -> None:
    """Send the sizes that are given, and wait until the group has them."""
    run.world.guard()
    if group.node_group:
        _scale_node_group(run, group, minimum, maximum, desired)
        run.world.outdate()
    else:
        run.world.groups.resize(group.name, minimum=minimum, maximum=maximum, desired=desired)


def _scale_node_group(
    run: Run, group: GroupBefore, minimum: int | None, maximum: int | None, desired: int | None
) -> None:
    """Ask EKS as soon as the node group is not being updated, and wait until it has carried it out."""
    asked = False

    def missing() -> str:
        nonlocal asked
        status = run.world.eks.node_group_status(group.node_group)
        if status.endswith("ING"):
            return f"node group {group.node_group} is {status}"
        if asked:
            return ""
        try:
            run.world.eks.scale(group.node_group, minimum=minimum, maximum=maximum, desired=desired)
        except TransientError as error:
            return str(error)
        asked = True
        run.world.outdate()
        return f"node group {group.node_group} does not have its new size yet"

    run.wait(
        missing,
        waited_for=f"the size of node group {group.node_group}",
        seconds=run.limits.roll_out,
        topic=Topic.GROUP_RESIZED,
    )
