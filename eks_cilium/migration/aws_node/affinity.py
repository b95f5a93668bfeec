"""Restricts aws-node to its nodes by its node affinity, and restores exactly the affinity it had.

A managed add-on is configured, since EKS would undo a change of the DaemonSet; a self-managed DaemonSet is
changed by server-side apply. Called for the resource `AwsNodeAffinity`.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import yaml

from eks_cilium.cluster import node_affinity
from eks_cilium.cluster.names import CNI_LABEL, NAMESPACE
from eks_cilium.errors import TransientError
from eks_cilium.migration.agents import rollout
from eks_cilium.migration.aws_node.recorded import AffinityBefore
from eks_cilium.migration.cni import AWS, CILIUM, old_cni
from eks_cilium.migration.facts.groups import VPC_CNI
from eks_cilium.migration.facts.nodes import has_agents
from eks_cilium.migration.inventory import marks, recording
from eks_cilium.migration.inventory.model import Inventory
from eks_cilium.runtime.errors import StoppedError
from eks_cilium.runtime.record import AFFINITY, NODES, Record
from eks_cilium.settings.model.migration import Target
from eks_cilium.texts import named

if TYPE_CHECKING:
    from eks_cilium.clients.eks import AddOnState
    from eks_cilium.cluster.objects import Object
    from eks_cilium.migration.run import MigrationRun, Run
    from eks_cilium.runtime.context import World

NO_CONFIGURATION = "{}"
"""For an add-on that had no configuration: EKS has no way to remove configurationValues."""


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
    record, target = Record(run.world.api), run.options.target
    daemon_set = run.world.api.get(AWS.path)
    if daemon_set is None:
        raise StoppedError(
            f"DaemonSet {NAMESPACE}/aws-node does not exist: this cluster has no VPC CNI to replace"
        )
    add_on = run.world.eks.add_on(VPC_CNI)
    before = record.load(AFFINITY, AffinityBefore.from_json)
    if before is None:
        before = _before(daemon_set, add_on)
        record.put(AFFINITY, before.to_json())
    wanted = restricted(before.affinity, target)
    if node_affinity.of_pods(daemon_set) != wanted:
        run.report(f"restricting aws-node to its nodes ({'add-on' if add_on else 'self-managed'})")
        if add_on:
            configure(run, configured(before.configuration, wanted))
        else:
            run.world.api.apply(AWS.path, _applied(wanted), force=True)
        _verify(run.world, wanted)
    rollout.await_roll_out(run, AWS)
    if before.checked != target.value:
        _include_late_nodes(run)
        record.put(AFFINITY, replace(before, checked=target.value).to_json())
    terms = node_affinity.terms_of(wanted)
    return {"managed": add_on is not None, "version": add_on.version if add_on else "", "terms": terms}


def release(run: MigrationRun) -> dict[str, Any]:
    """Restore exactly the affinity that aws-node had."""
    run.world.guard()
    record = Record(run.world.api)
    before, daemon_set = record.load(AFFINITY, AffinityBefore.from_json), run.world.api.get(AWS.path)
    if before is None or daemon_set is None:
        return {"restored": False}
    if before.managed and run.world.eks.add_on(VPC_CNI):
        configure(run, before.configuration or NO_CONFIGURATION)
    elif patch := difference({"affinity": node_affinity.of_pods(daemon_set)}, {"affinity": before.affinity}):
        spec = {"template": {"spec": patch}}
        run.world.api.merge(AWS.path, {"spec": spec}, field_manager=before.manager)
    rollout.await_roll_out(run, AWS)
    record.drop(AFFINITY)
    run.report("restored the node affinity of aws-node")
    return {"restored": True}


def configure(run: Run, configuration: str) -> None:
    """Configure the add-on and wait until EKS has applied the configuration."""

    def refused() -> str:
        try:
            run.world.eks.configure(VPC_CNI, configuration)
        except TransientError as error:
            return str(error)
        return ""

    current = run.world.eks.add_on(VPC_CNI)
    if current is not None and not current.busy and current.configuration == configuration:
        return
    for missing, what in (
        (refused, "EKS to accept the configuration"),
        (lambda: busy(run.world), "the add-on vpc-cni"),
    ):
        run.wait(missing, waited_for=what, seconds=run.limits.roll_out)


def busy(world: World) -> str:
    """What EKS still does with the add-on, in one sentence. Raises StoppedError where it failed."""
    add_on = world.eks.add_on(VPC_CNI)
    if add_on is None:
        return "the add-on vpc-cni does not exist"
    if add_on.status.endswith("_FAILED"):
        raise StoppedError(f"the add-on vpc-cni is {add_on.status}: {'; '.join(add_on.issues)}")
    return f"the add-on vpc-cni is {add_on.status}" if add_on.busy else ""


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


def _before(daemon_set: Object, add_on: AddOnState | None) -> AffinityBefore:
    return AffinityBefore(
        managed=add_on is not None,
        affinity=node_affinity.of_pods(daemon_set),
        configuration=add_on.configuration if add_on else "",
        manager=_manager(daemon_set),
    )


def _manager(daemon_set: Object) -> str:
    """The field manager that set the affinity; it is named again when the affinity is restored."""
    for entry in daemon_set["metadata"].get("managedFields") or ():
        if '"f:affinity"' in json.dumps(entry.get("fieldsV1") or {}):
            return str(entry.get("manager") or "kubectl")
    return "kubectl"


def configured(configuration: str, affinity: Object) -> str:
    """The add-on's whole configuration, with this affinity in it."""
    values = yaml.safe_load(configuration) if configuration.strip() else {}
    return json.dumps({**(values or {}), "affinity": affinity}, sort_keys=True)


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
        raise StoppedError(
            f"DaemonSet {NAMESPACE}/aws-node did not take the node affinity; it has {json.dumps(found)}",
            "Another field manager may own spec.template.spec.affinity: see the DaemonSet's managedFields.",
        )


def _include_late_nodes(run: MigrationRun) -> None:
    """Add nodes that joined between the inventory and the restriction: their pods use the old CNI.

    They are labelled, so that aws-node stays on them, and the inventory is recorded again, since no node
    was replaced yet. The run ends then: its program registered only the nodes of the first inventory.
    """
    target = run.options.target
    known = Record(run.world.api).load(NODES, Inventory.from_json)
    if target is not Target.CILIUM or known is None:
        return
    late = [node for node in run.world.api.list("/api/v1/nodes") if _is_late(node)]
    for node in late:
        marks.label(run.world.api, node, CNI_LABEL, old_cni(target).label)
    if late:
        names = named(sorted(node["metadata"]["name"] for node in late))
        Record(run.world.api).drop(NODES)
        recording.record_inventory(run)
        raise StoppedError(
            f"{names} joined after the {len(known.nodes)} nodes of the inventory were listed, and before "
            "aws-node was restricted to its nodes",
            "They are labelled now, aws-node stays on them, and they are in the inventory. "
            "Run `pulumi up` again: it replaces them too.",
        )


def _is_late(node: Object) -> bool:
    return CNI_LABEL not in (node["metadata"].get("labels") or {}) and has_agents(node)
