"""Restricts aws-node to its nodes by its node affinity, and restores exactly the affinity it had.

A managed add-on is configured, since EKS would undo a change of the DaemonSet; a self-managed DaemonSet is
changed by server-side apply. Called for the resource `AwsNodeAffinity`.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from eks_cilium.cluster import node_affinity
from eks_cilium.cluster.names import CNI_LABEL, NAMESPACE
from eks_cilium.migration.agents import rollout
from eks_cilium.migration.aws_node import add_on
from eks_cilium.migration.aws_node.recorded import AffinityBefore
from eks_cilium.migration.cni import AWS, CILIUM, old_cni
from eks_cilium.migration.facts.groups import VPC_CNI
from eks_cilium.migration.facts.nodes import has_agents
from eks_cilium.migration.inventory import marks, recording
from eks_cilium.migration.inventory.model import Inventory
from eks_cilium.runtime.errors import StoppedError
from eks_cilium.runtime.record import AFFINITY, NODES
from eks_cilium.settings.model.migration import Target
from eks_cilium.texts import named
from eks_cilium.troubleshooting import Topic

if TYPE_CHECKING:
    from eks_cilium.clients.eks import AddOnState
    from eks_cilium.cluster.objects import Object
    from eks_cilium.migration.run import MigrationRun
    from eks_cilium.runtime.context import World


def expression(target: Target) -> Object:
    """What keeps aws-node on labelled nodes, or during a rollback off those labelled for Cilium."""
    if target is Target.CILIUM:
        return {"key": CNI_LABEL, "operator": "In", "values": [AWS.label]}
    return {"key": CNI_LABEL, "operator": "NotIn", "values": [CILIUM.label]}


def restricted(affinity: Object | None, target: Target) -> Object:
    """The affinity with our expression in every term, and everything else as it was."""
    return node_affinity.with_changed_terms(
        affinity, lambda known: [*(each for each in known if each["key"] != CNI_LABEL), expression(target)]
    )


def restrict(run: MigrationRun) -> dict[str, Any]:
    """Restrict aws-node to its nodes, once. Raises StoppedError where the DaemonSet does not exist."""
    run.world.guard()
    record, target = run.world.record, run.options.target
    daemon_set = run.world.api.get(AWS.path)
    if daemon_set is None:
        raise StoppedError(
            Topic.NO_VPC_CNI,
            f"DaemonSet {NAMESPACE}/aws-node does not exist: this cluster has no VPC CNI to replace",
        )
    managed = run.world.eks.add_on(VPC_CNI)
    known = record.load(AFFINITY, AffinityBefore.from_json)
    before = _with_newer_configuration(known or _before(daemon_set, managed), managed)
    if before != known:
        record.put(AFFINITY, before.to_json())
    wanted = restricted(before.affinity, target)
    if node_affinity.of_pods(daemon_set) != wanted:
        run.report(f"restricting aws-node to its nodes ({'add-on' if managed else 'self-managed'})")
        _write(run, wanted, managed, before)
        _verify(run.world, wanted)
    rollout.await_roll_out(run, AWS, only_placed=True)
    if before.checked != target.value:
        _include_late_nodes(run)
        record.put(AFFINITY, replace(before, checked=target.value).to_json())
    terms = node_affinity.terms_of(wanted)
    return {"managed": managed is not None, "version": managed.version if managed else "", "terms": terms}


def release(run: MigrationRun) -> dict[str, Any]:
    """Restore exactly the affinity that aws-node had."""
    run.world.guard()
    record = run.world.record
    before, daemon_set = record.load(AFFINITY, AffinityBefore.from_json), run.world.api.get(AWS.path)
    if before is None or daemon_set is None:
        return {"restored": False}
    if before.managed and run.world.eks.add_on(VPC_CNI):
        add_on.configure(run, before.configuration or add_on.NO_CONFIGURATION)
    elif patch := difference({"affinity": node_affinity.of_pods(daemon_set)}, {"affinity": before.affinity}):
        spec = {"template": {"spec": patch}}
        run.world.api.merge(AWS.path, {"spec": spec}, field_manager=before.manager)
    rollout.await_roll_out(run, AWS, only_placed=True)
    record.drop(AFFINITY)
    run.report("restored the node affinity of aws-node")
    return {"restored": True}


def difference(now: Object, wanted: Object) -> Object:
    """The JSON merge patch (RFC 7396) that turns `now` into `wanted`."""
    patch: Object = dict.fromkeys(now.keys() - {key for key, value in wanted.items() if value is not None})
    for key, value in wanted.items():
        old = now.get(key)
        if isinstance(old, dict) and isinstance(value, dict):
            if inner := difference(old, value):
                patch[key] = inner
        elif old != value and value is not None:
            patch[key] = value
    return {key: value for key, value in patch.items() if value is not None or now.get(key) is not None}


def _write(run: MigrationRun, wanted: Object, managed: AddOnState | None, before: AffinityBefore) -> None:
    configuration = add_on.configured(before.configuration, affinity=wanted)
    if managed is not None and (managed.configuration != configuration or managed.busy):
        add_on.configure(run, configuration)
    else:  # also where the add-on says so already, and only the DaemonSet differs
        run.world.api.apply(AWS.path, _applied(wanted), force=True)


def _with_newer_configuration(before: AffinityBefore, managed: AddOnState | None) -> AffinityBefore:
    """The record with the add-on's present configuration, where another owner wrote that meanwhile."""
    if managed is None or not before.managed or is_ours(managed.configuration):
        return before
    return replace(before, configuration=managed.configuration)


def is_ours(configuration: str) -> bool:
    """Whether this program wrote a configuration of the add-on."""
    return CNI_LABEL in json.dumps(add_on.values(configuration).get("affinity"))


def _before(daemon_set: Object, managed: AddOnState | None) -> AffinityBefore:
    return AffinityBefore(
        managed=managed is not None,
        affinity=node_affinity.of_pods(daemon_set),
        configuration=managed.configuration if managed else "",
        manager=_manager(daemon_set),
    )


def _manager(daemon_set: Object) -> str:
    """The field manager that set the affinity; it is named again when the affinity is restored."""
    return next(iter(node_affinity.managers(daemon_set)), "kubectl")


def _applied(affinity: Object) -> Object:
    # Only the list of terms, which is atomic: any other field applied here would become ours to manage.
    required = {node_affinity.REQUIRED: affinity["nodeAffinity"][node_affinity.REQUIRED]}
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": AWS.daemon_set, "namespace": NAMESPACE},
        "spec": {"template": {"spec": {"affinity": {"nodeAffinity": required}}}},
    }


def _verify(world: World, wanted: Object) -> None:
    """Check that the DaemonSet has the terms: EKS silently keeps fields that another manager owns."""
    daemon_set = world.api.get(AWS.path)
    found = daemon_set and node_affinity.of_pods(daemon_set)
    if not found or node_affinity.terms_of(found) != node_affinity.terms_of(wanted):
        managers = node_affinity.managers(daemon_set) if daemon_set else []
        raise StoppedError(
            Topic.AFFINITY_REWRITTEN,
            f"DaemonSet {NAMESPACE}/aws-node did not take the node affinity; it has {json.dumps(found)}",
            f"Its field managers are {named(managers) or 'not known'}: take spec.template.spec.affinity out "
            "of what they apply, then run `pulumi up` again.",
        )


def _include_late_nodes(run: MigrationRun) -> None:
    """Add nodes that joined between the inventory and the restriction: their pods use the old CNI.

    They are labelled, so that aws-node stays on them, and the inventory is recorded again, since no node
    was replaced yet. The run ends then: its program registered only the nodes of the first inventory.
    """
    target = run.options.target
    known = run.world.record.load(NODES, Inventory.from_json)
    if target is not Target.CILIUM or known is None:
        return
    late = [node for node in run.world.api.list("/api/v1/nodes") if _is_late(node)]
    for node in late:
        marks.label(run.world.api, node, CNI_LABEL, old_cni(target).label)
    if late:
        names = named(sorted(node["metadata"]["name"] for node in late))
        run.world.record.drop(NODES)
        recording.record_inventory(run)
        raise StoppedError(
            Topic.NODES_CHANGED,
            f"{names} joined after the {len(known.nodes)} nodes of the inventory were listed, and before "
            "aws-node was restricted to its nodes",
            "They are labelled now, aws-node stays on them, and they are in the inventory. "
            "Run `pulumi up` again: it replaces them too.",
        )


def _is_late(node: Object) -> bool:
    return CNI_LABEL not in (node["metadata"].get("labels") or {}) and has_agents(node)
