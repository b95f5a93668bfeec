"""Removes the nodes that a migration has added to a group, one by one, drained like every other node.

`restore` and `zones` use it after the last old node.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eks_cilium.cluster.names import CNI_LABEL
from eks_cilium.cluster.objects import is_cordoned
from eks_cilium.migration.agents.cni_gate import CniGate
from eks_cilium.migration.capacity import contribution, dead, groups, resizing
from eks_cilium.migration.cni import old_cni
from eks_cilium.migration.inventory import marks, recording
from eks_cilium.migration.inventory.model import Outgoing
from eks_cilium.migration.lanes import Lanes
from eks_cilium.migration.rotation import steps
from eks_cilium.runtime.errors import StoppedError, TimedOutError
from eks_cilium.runtime.fleet import SOON
from eks_cilium.troubleshooting import Topic

if TYPE_CHECKING:
    from eks_cilium.clients.autoscaling import GroupState, Member
    from eks_cilium.cluster.objects import Object
    from eks_cilium.migration.inventory.model import GroupBefore
    from eks_cilium.migration.run import MigrationRun
    from eks_cilium.settings.model.migration import Target


def await_members(run: MigrationRun, before: GroupBefore) -> None:
    """Wait until the group has its nodes and every one of them is through the CNI gate.

    A node that is cordoned runs pods on the new CNI all the same: who cordoned it is not waited for. Neither
    are instances that others have asked for and Auto Scaling cannot launch. Raises TimedOutError.
    """
    try:
        run.wait(
            lambda: _missing(run, before),
            waited_for=f"the nodes of {before.name}",
            seconds=run.options.replacement_timeout_seconds,
            topic=Topic.NO_SPARE_CAPACITY,
            wakes=True,
        )
    except TimedOutError:
        # The last replacements were not launched: then the extra nodes have their place, and are no surplus.
        if not resizing.cancel(run, before) or _missing(run, before):
            raise


def remove(run: MigrationRun, before: GroupBefore, state: GroupState) -> None:
    """Drain and terminate one new node of the zone with most nodes, and decrement the group."""
    gate = CniGate(run.world, run.options.target)
    remove_member(run, before, _surplus(run, state, gate), gate)


def remove_member(run: MigrationRun, before: GroupBefore, member: Member, gate: CniGate) -> None:
    """Drain and terminate one member, and decrement the group. One without a node has no pods."""
    node = gate.nodes.get(member.instance)
    if node is None:
        _terminate(run, before, member)
        return
    outgoing = _outgoing(before, member, node)
    run.report(f"{before.name} has one node more than before: removing {outgoing.name}")
    _rotate(run, outgoing, shrink=True)


def replace_unhealthy(run: MigrationRun, before: GroupBefore) -> None:
    """Drain and replace Ready nodes that fail a health check: ReplaceUnhealthy would end them undrained.

    An instance that was marked unhealthy does not become healthy again by itself
    (docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-health-checks.html).
    """
    gate = CniGate(run.world, run.options.target)
    for member in run.world.groups.group(before.name).members:
        node = gate.nodes.get(member.instance)
        if member.healthy or not member.counts or node is None or not dead.is_ready(node):
            continue
        outgoing = _outgoing(before, member, node)
        run.report(f"{before.name}: {outgoing.name} fails a health check of its group, so it is replaced")
        _rotate(run, outgoing, shrink=False)
        await_members(run, before)


def _rotate(run: MigrationRun, node: Outgoing, *, shrink: bool) -> None:
    """Replace a node at a place in work: groups are restored beside each other, and drained no wider."""
    nodes = recording.required(run.world, run.options.target).nodes
    lanes = Lanes.of(nodes, run.options.parallel)
    (name, most), places = lanes.place_of(node.group), run.world.locks.places
    run.wait(
        lambda: "" if places.take(name, most, node.name) else f"waiting to remove {node.name}",
        waited_for="a place in work",
        seconds=float("inf"),
        wakes=True,
    )
    try:
        steps.rotate(run, node, shrink=shrink)
    finally:
        places.leave(name, node.name)
        run.world.wake()


def _outgoing(before: GroupBefore, member: Member, node: Object) -> Outgoing:
    return Outgoing(
        name=node["metadata"]["name"],
        uid=node["metadata"]["uid"],
        instance=member.instance,
        zone=member.zone,
        group=before.name,
    )


def _terminate(run: MigrationRun, before: GroupBefore, member: Member) -> None:
    run.report(f"{before.name} has one instance more than before: removing {member.instance}, without a node")
    state = run.world.groups.group(before.name)
    now = contribution.of(run.world, before, state)
    contribution.keep(run.world, before.name, contribution.marked(now, decremented=member.instance))
    run.world.guard()
    run.world.groups.terminate(member.instance, decrement=True)


def _missing(run: MigrationRun, before: GroupBefore) -> str:
    gate = CniGate(run.world, run.options.target)
    max_age = groups.age_for(run, before.name, gate)
    sentence = _missing_by(run, before, run.world.group_seen(before.name, max_age), gate)
    # That nothing is missing has to be true now.
    return sentence or (
        _missing_by(run, before, run.world.group_seen(before.name, SOON), gate) if max_age > SOON else ""
    )


def _missing_by(run: MigrationRun, before: GroupBefore, state: GroupState, gate: CniGate) -> str:
    counted = [member for member in state.members if member.counts]
    of_others = max(state.desired - contribution.of(run.world, before, state).net(state) - before.desired, 0)
    if len(counted) < state.desired - of_others:
        failure = groups.last_failure(run.world, before.name)
        why = f"; {failure}" if failure else ""
        return f"group {before.name} has {len(counted)} of {state.desired} instances{why}"
    skipped = _on_old_cni(gate, run.options.target) | _begun(gate)
    new = [member for member in counted if member.instance not in skipped]
    sentences = (_not_through(member, gate) for member in new)
    sentence = next((sentence for sentence in sentences if sentence), "")
    if sentence:
        dead.replace_new(run, before.name, new, gate)
    return sentence


def _not_through(member: Member, gate: CniGate) -> str:
    node = gate.nodes.get(member.instance)
    if node is not None and is_cordoned(node):
        return gate.missing(member.instance)
    return gate.not_serving(member)


def _on_old_cni(gate: CniGate, target: Target) -> set[str]:
    """Instances whose nodes still run the old CNI: a migration that was given up midway has some."""
    label = old_cni(target).label
    return {
        instance
        for instance, node in gate.nodes.items()
        if instance and (node["metadata"].get("labels") or {}).get(CNI_LABEL) == label
    }


def _surplus(run: MigrationRun, state: GroupState, gate: CniGate) -> Member:
    """The new member to remove: begun by an earlier run, without use, in the fullest zone, the youngest."""
    old = _on_old_cni(gate, run.options.target)
    new = [member for member in state.members if member.counts and member.instance not in old]
    if not new:
        raise StoppedError(
            Topic.NO_SPARE_CAPACITY,
            f"the Auto Scaling group {state.name} has {state.desired} nodes and none to spare",
        )
    begun, population = _begun(gate), state.population
    return max(
        new,
        key=lambda member: (
            member.instance in begun,
            bool(gate.not_serving(member)),
            population[member.zone],
            _age(member, gate),
        ),
    )


def _begun(gate: CniGate) -> set[str]:
    """Instances that an earlier run, which was stopped, had begun to remove."""
    return {instance for instance, node in gate.nodes.items() if instance and marks.is_ours(node)}


def _age(member: Member, gate: CniGate) -> str:
    # The youngest node is removed first: it has the fewest pods.
    node = gate.nodes.get(member.instance)
    return str(node["metadata"].get("creationTimestamp", "")) if node else ""
