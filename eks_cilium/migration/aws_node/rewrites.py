"""Notices that another owner rewrote an affinity of this migration in the middle, and names that owner.

Terraform, a GitOps controller or a person may apply the add-on vpc-cni, its DaemonSet or Cilium's release as
they know it, without our expression. Then agents of both CNIs run on new nodes. It is looked for before every
cordon and every drain. The run that notices stops and says who it was; the next run restricts them again.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from eks_cilium.clients.kubernetes import FIELD_MANAGER
from eks_cilium.cluster import node_affinity
from eks_cilium.migration.agents import placement
from eks_cilium.migration.aws_node import affinity
from eks_cilium.migration.aws_node.recorded import AffinityBefore
from eks_cilium.migration.cni import AWS, CILIUM
from eks_cilium.migration.facts.groups import VPC_CNI
from eks_cilium.migration.facts.network.chain import is_chained
from eks_cilium.runtime.errors import StoppedError
from eks_cilium.runtime.record import AFFINITY
from eks_cilium.troubleshooting import Topic

if TYPE_CHECKING:
    from eks_cilium.cluster.objects import Object
    from eks_cilium.migration.run import MigrationRun

_FIX = (
    "Keep them from it until the migration is over; in Terraform by lifecycle.ignore_changes, as for "
    "configuration_values of aws_eks_addon. Then run `pulumi up` again: it restricts them again and goes on."
)


def hold(run: MigrationRun) -> None:
    """Restrict the agents again where an earlier run stopped because they were not; else see `refuse`."""
    if not (found := _rewritten(run)):
        return
    record = run.world.record
    before = record.load(AFFINITY, AffinityBefore.from_json)
    if before is None or not before.rewritten:
        refuse(run)
        return
    run.report(f"{found}: restricting the agents again")
    affinity.restrict(run)
    placement.place(run)
    if now := record.load(AFFINITY, AffinityBefore.from_json):
        record.put(AFFINITY, replace(now, rewritten="").to_json())


def refuse(run: MigrationRun) -> None:
    """Raise StoppedError, which names the other owner, where agents are not restricted any more."""
    if not (found := _rewritten(run)):
        return
    record = run.world.record
    if before := record.load(AFFINITY, AffinityBefore.from_json):
        record.put(AFFINITY, replace(before, rewritten=found).to_json())
    run.world.note("affinity-rewritten", found=found)
    raise StoppedError(Topic.AFFINITY_REWRITTEN, found, _FIX)


def _rewritten(run: MigrationRun) -> str:
    """Which DaemonSet is not restricted any more and by whom, in one sentence; empty where all are."""
    if run.world.record.get(AFFINITY) is None:
        return ""
    target = run.options.target
    aws_node, cilium = run.world.seen.get(AWS.path), run.world.seen.get(CILIUM.path)
    if aws_node is not None and _differs(aws_node, affinity.restricted(_affinity(aws_node), target)):
        return f"{_named(aws_node)} is no longer restricted to its nodes: {_who(run, aws_node)}"
    if cilium is None or is_chained(run.world.seen):
        return ""
    if _differs(cilium, placement.placed(_affinity(cilium), target)):
        return f"{_named(cilium)} is no longer restricted to its nodes: {_managers(cilium)}"
    return ""


def _who(run: MigrationRun, daemon_set: Object) -> str:
    managed = run.world.eks.add_on(VPC_CNI)
    if managed is None or affinity.is_ours(managed.configuration):
        return _managers(daemon_set)
    return (
        "the configuration of the add-on vpc-cni was replaced by another owner of it "
        f"(it is now {managed.configuration or 'empty'})"
    )


def _managers(daemon_set: Object) -> str:
    names = [name for name in node_affinity.managers(daemon_set) if name != FIELD_MANAGER]
    return (
        f"its affinity was changed by the field manager {names[0]}" if names else "its affinity was changed"
    )


def _named(daemon_set: Object) -> str:
    return f"DaemonSet {daemon_set['metadata'].get('namespace', '')}/{daemon_set['metadata']['name']}"


def _affinity(daemon_set: Object) -> Object:
    return node_affinity.of_pods(daemon_set) or {}


def _differs(daemon_set: Object, wanted: Object) -> bool:
    """Whether a restriction is missing, whatever the order of expressions is."""
    return _expressions(_affinity(daemon_set)) != _expressions(wanted)


def _expressions(wanted: Object) -> list[list[str]]:
    terms = node_affinity.terms_of(wanted) or ()
    return [sorted(map(str, term.get("matchExpressions") or ())) for term in terms]
