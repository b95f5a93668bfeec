"""Replaces members that died: Auto Scaling does not, since ReplaceUnhealthy is suspended for the migration.

ReplaceUnhealthy would end a Ready node undrained as soon as a health check of EC2 or of a load balancer
fails (docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-health-checks.html). So it stays
suspended, and only members without a running node are ended here. Called wherever new nodes are waited for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eks_cilium.clients.autoscaling import IN_SERVICE
from eks_cilium.clients.ec2 import ABSENT, ENDED
from eks_cilium.cluster.objects import condition, moment
from eks_cilium.errors import TransientError
from eks_cilium.migration.inventory import marks
from eks_cilium.runtime.fleet import AT_LEISURE, NOW, SOON

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from eks_cilium.clients.autoscaling import Member
    from eks_cilium.cluster.objects import Object
    from eks_cilium.migration.agents.cni_gate import CniGate
    from eks_cilium.migration.run import MigrationRun

_FOR_GOOD = 1e9
_STOPPED = ENDED | {"stopping", "stopped"}


def replace_new(run: MigrationRun, group: str, members: Iterable[Member], gate: CniGate) -> int:
    """Terminate dead members that are not in the inventory; their group launches others. Returns how many."""
    return _replace(run, group, {member: _why_dead(run, member, gate) for member in members}, gate)


def replace_old(run: MigrationRun, group: str, members: Iterable[Member], gate: CniGate) -> int:
    """The same for members of the inventory, but only where the instance is gone: nodes may have pods."""
    return _replace(run, group, {member: _why_gone(run, member, gate) for member in members}, gate)


def is_ready(node: Object | None) -> bool:
    """Whether a node is there and Ready."""
    return node is not None and condition(node, "Ready").get("status") == "True"


def is_long_silent(run: MigrationRun, node: Object | None) -> bool:
    """Whether a node is gone, or has not been Ready for so long that its pods were replaced elsewhere."""
    if node is None:
        return True
    since = moment(condition(node, "Ready").get("lastTransitionTime"))
    return not is_ready(node) and since is not None and _is_long_ago(run, since)


def _is_confirmed(run: MigrationRun, member: Member, gate: CniGate) -> bool:
    """Whether the API server says now that no node is Ready there, as a node with pods is."""
    node = gate.nodes.get(member.instance)
    return not is_ready(run.world.api.get(marks.path(node["metadata"]["name"])) if node else None)


def _replace(run: MigrationRun, group: str, members: dict[Member, str], gate: CniGate) -> int:
    ended = 0
    for member, why in members.items():
        if not why or not _is_confirmed(run, member, gate):
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
    launched = _launched(run, member.instance)
    late = launched is not None and _is_long_ago(run, launched)
    return f"has not joined the cluster within {seconds} s" if late else ""


def _why_gone(run: MigrationRun, member: Member, gate: CniGate) -> str:
    # A Ready node has a running instance, whatever EC2 says. An instance that EC2 does not name may be one
    # that it does not know yet, unless its group has found it unhealthy.
    if member.lifecycle != IN_SERVICE or is_ready(gate.nodes.get(member.instance)):
        return ""
    if not _has_ended(run.world.state_seen(member.instance, AT_LEISURE), member):
        return ""
    state = run.world.state_seen(member.instance, NOW)
    gone = _has_ended(state, member)
    return f"is {state}" if gone else ""


def _has_ended(state: str, member: Member) -> bool:
    return state in _STOPPED or (state == ABSENT and not member.healthy)


def _launched(run: MigrationRun, instance: str) -> datetime | None:
    """When an instance was launched, which never changes; None while EC2 does not know it."""

    def ask() -> tuple[str, float]:
        found = run.world.instances.launched([instance]).get(instance)
        return (found.isoformat(), _FOR_GOOD) if found else ("", SOON)

    return moment(run.world.remembered(f"launch of {instance}", ask))


def _is_long_ago(run: MigrationRun, since: datetime) -> bool:
    return (run.world.time.now() - since).total_seconds() >= run.options.dead_node_seconds
