"""Replaces members that died: Auto Scaling does not, since ReplaceUnhealthy is suspended for the migration.

ReplaceUnhealthy would end a Ready node undrained as soon as a health check of EC2 or of a load balancer
fails (docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-health-checks.html). So it stays
suspended, and only members without a running node are ended here. Called wherever new nodes are waited for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eks_cilium.clients.ec2 import ABSENT, ENDED
from eks_cilium.cluster.objects import condition, moment
from eks_cilium.errors import TransientError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from eks_cilium.clients.autoscaling import Member
    from eks_cilium.cluster.objects import Object
    from eks_cilium.migration.agents.cni_gate import CniGate
    from eks_cilium.migration.run import MigrationRun

_IN_SERVICE = "InService"
_STOPPED = ENDED | {"stopping", "stopped"}


def replace_new(run: MigrationRun, group: str, members: Iterable[Member], gate: CniGate) -> int:
    """Terminate dead members that are not in the inventory; their group launches others. Returns how many."""
    return _replace(run, group, {member: _why_dead(run, member, gate) for member in members})


def replace_old(run: MigrationRun, group: str, members: Iterable[Member], gate: CniGate) -> int:
    """The same for members of the inventory, but only where the instance is gone: nodes may have pods."""
    return _replace(run, group, {member: _why_gone(run, member, gate) for member in members})


def is_ready(node: Object | None) -> bool:
    """Whether a node is there and Ready."""
    return node is not None and condition(node, "Ready").get("status") == "True"


def is_long_silent(run: MigrationRun, node: Object | None) -> bool:
    """Whether a node is gone, or has not been Ready for so long that its pods were replaced elsewhere."""
    if node is None:
        return True
    since = moment(condition(node, "Ready").get("lastTransitionTime"))
    return not is_ready(node) and since is not None and _is_long_ago(run, since)


def _replace(run: MigrationRun, group: str, members: dict[Member, str]) -> int:
    ended = 0
    for member, why in members.items():
        if not why:
            continue
        run.world.guard()
        try:
            run.world.groups.terminate(member.instance, decrement=False)
        except TransientError:
            continue  # the next reading asks again
        ended += 1
        run.report(f"{group}: instance {member.instance} {why}, so another is launched in its place")
        run.world.note("dead-replaced", group=group, instance=member.instance, reason=why)
    return ended


def _why_dead(run: MigrationRun, member: Member, gate: CniGate) -> str:
    node = gate.nodes.get(member.instance)
    if gone := _why_gone(run, member, gate):
        return gone
    if is_ready(node):
        return ""
    seconds = run.options.dead_node_seconds
    if node is not None:
        return f"has not been Ready for {seconds} s" if is_long_silent(run, node) else ""
    launched = run.world.instances.launched([member.instance]).get(member.instance)
    late = launched is not None and _is_long_ago(run, launched)
    return f"has not joined the cluster within {seconds} s" if late else ""


def _why_gone(run: MigrationRun, member: Member, gate: CniGate) -> str:
    # A Ready node has a running instance, whatever EC2 says. An instance that EC2 does not name may be one
    # that it does not know yet, unless its group has found it unhealthy.
    if member.lifecycle != _IN_SERVICE or is_ready(gate.nodes.get(member.instance)):
        return ""
    state = run.world.instances.state(member.instance)
    gone = state in _STOPPED or (state == ABSENT and not member.healthy)
    return f"is {state}" if gone else ""


def _is_long_ago(run: MigrationRun, since: datetime) -> bool:
    return (run.world.time.now() - since).total_seconds() >= run.options.dead_node_seconds
