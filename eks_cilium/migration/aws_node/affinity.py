"""Which nodes aws-node runs on, by its node affinity, and exactly what it was before.

`nodeSelectorTerms` is one list to the API server: whoever sets it sets it whole, so the terms that were there
are repeated with ours added to each. A managed add-on is configured, since EKS would undo a change of the
DaemonSet; a self-managed one is changed by server-side apply.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import yaml

from eks_cilium.cluster.names import CNI_LABEL, NAMESPACE
from eks_cilium.errors import TransientError
from eks_cilium.migration.agents import rollout
from eks_cilium.migration.cni import AWS, CILIUM, outgoing
from eks_cilium.migration.facts.groups import VPC_CNI
from eks_cilium.migration.inventory import marks, recording
from eks_cilium.runtime.errors import StoppedError
from eks_cilium.runtime.record import AFFINITY, NODES, Record
from eks_cilium.settings.model.migration import Target
from eks_cilium.texts import named

if TYPE_CHECKING:
    from eks_cilium.clients.eks import AddOnState
    from eks_cilium.cluster.objects import Object
    from eks_cilium.migration.run import MigrationRun, Run
    from eks_cilium.runtime.context import World

_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_NO_CONFIGURATION = "{}"
"""What an add-on is given that had none before: EKS has no way to take configurationValues back."""


def expression(target: Target) -> Object:
    """What keeps aws-node on its nodes: on the labelled ones, or during a rollback off Cilium's."""
    if target is Target.CILIUM:
        return {"key": CNI_LABEL, "operator": "In", "values": [AWS.label]}
    return {"key": CNI_LABEL, "operator": "NotIn", "values": [CILIUM.label]}


def restricted(affinity: Object | None, target: Target) -> Object:
    """An affinity with our expression in every term, and everything else as it was."""
    affinity = affinity or {}
    node_affinity = affinity.get("nodeAffinity") or {}
    terms = (node_affinity.get(_REQUIRED) or {}).get("nodeSelectorTerms") or [{}]
    ours = [
        {
            **term,
            "matchExpressions": [
                *(one for one in term.get("matchExpressions") or () if one["key"] != CNI_LABEL),
                expression(target),
            ],
        }
        for term in terms
    ]
    return {**affinity, "nodeAffinity": {**node_affinity, _REQUIRED: {"nodeSelectorTerms": ours}}}


def restrict(run: MigrationRun) -> dict[str, Any]:
    """Bind aws-node to its nodes; nothing is done twice. The DaemonSet has to exist."""
    run.world.guard()
    record, target = Record(run.world.api), run.options.target
    daemon_set = run.world.api.get(AWS.path)
    if daemon_set is None:
        raise StoppedError(f"DaemonSet {NAMESPACE}/aws-node does not exist: no VPC CNI is here to replace")
    add_on = run.world.eks.add_on(VPC_CNI)
    kept = record.get(AFFINITY)
    if kept is None:
        kept = _noted(daemon_set, add_on)
        record.put(AFFINITY, kept)
    wanted = restricted(kept["affinity"], target)
    if _affinity(daemon_set) != wanted:
        run.report(f"binding aws-node to its nodes ({'add-on' if add_on else 'self-managed'})")
        if add_on:
            configure(run, configured(kept["configuration"], wanted))
        else:
            run.world.api.apply(AWS.path, _applied(wanted), force=True)
        _verify(run.world, wanted)
    rollout.await_roll_out(run, AWS)
    if kept.get("checked") != target.value:
        _settle_late_nodes(run)
        record.put(AFFINITY, {**kept, "checked": target.value})
    terms = wanted["nodeAffinity"][_REQUIRED]["nodeSelectorTerms"]
    return {"managed": add_on is not None, "version": add_on.version if add_on else "", "terms": terms}


def release(run: MigrationRun) -> dict[str, Any]:
    """Give aws-node exactly the affinity back that it had."""
    run.world.guard()
    record = Record(run.world.api)
    kept, daemon_set = record.get(AFFINITY), run.world.api.get(AWS.path)
    if kept is None or daemon_set is None:
        return {"restored": False}
    if kept["managed"] and run.world.eks.add_on(VPC_CNI):
        configure(run, kept["configuration"] or _NO_CONFIGURATION)
    elif patch := difference({"affinity": _affinity(daemon_set)}, {"affinity": kept["affinity"]}):
        spec = {"template": {"spec": patch}}
        run.world.api.merge(AWS.path, {"spec": spec}, field_manager=kept["manager"])
    rollout.await_roll_out(run, AWS)
    record.drop(AFFINITY)
    run.report("aws-node has the affinity it had before")
    return {"restored": True}


def configure(run: Run, configuration: str) -> None:
    """Give the add-on a configuration and wait until EKS has carried it out."""

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
        (refused, "EKS to take the configuration"),
        (lambda: busy(run.world), "the add-on vpc-cni"),
    ):
        run.wait(missing, waited_for=what, seconds=run.limits.roll_out)


def busy(world: World) -> str:
    """Whether EKS is still at work on the add-on. Raises when it could not do it."""
    add_on = world.eks.add_on(VPC_CNI)
    if add_on is None:
        return "the add-on vpc-cni does not exist"
    if add_on.status.endswith("_FAILED"):
        raise StoppedError(f"the add-on vpc-cni is {add_on.status}: {'; '.join(add_on.issues)}")
    return f"the add-on vpc-cni is {add_on.status}" if add_on.busy else ""


def difference(now: Object, wanted: Object) -> Object:
    """The JSON merge patch that makes one object the other."""
    patch: Object = dict.fromkeys(now.keys() - {key for key, value in wanted.items() if value is not None})
    for key, value in wanted.items():
        old = now.get(key)
        if isinstance(old, dict) and isinstance(value, dict):
            if inner := difference(old, value):
                patch[key] = inner
        elif old != value and value is not None:
            patch[key] = value
    return {key: value for key, value in patch.items() if value is not None or now.get(key) is not None}


def _noted(daemon_set: Object, add_on: AddOnState | None) -> Object:
    """What to restore: the affinity, who set it, and the add-on's configuration to the letter."""
    return {
        "managed": add_on is not None,
        "affinity": _affinity(daemon_set),
        "configuration": add_on.configuration if add_on else "",
        "manager": _manager(daemon_set),
    }


def _affinity(daemon_set: Object) -> Object | None:
    found: Object | None = daemon_set["spec"]["template"]["spec"].get("affinity")
    return found


def _manager(daemon_set: Object) -> str:
    """Who set the affinity, to be named again as its owner."""
    for entry in daemon_set["metadata"].get("managedFields") or ():
        if '"f:affinity"' in json.dumps(entry.get("fieldsV1") or {}):
            return str(entry.get("manager") or "kubectl")
    return "kubectl"


def configured(configuration: str, affinity: Object) -> str:
    """The add-on's whole configuration with another affinity in it."""
    values = yaml.safe_load(configuration) if configuration.strip() else {}
    return json.dumps({**(values or {}), "affinity": affinity}, sort_keys=True)


def _applied(affinity: Object) -> Object:
    """Only what is ours to say: the list of terms, which is whole or nothing."""
    required = {_REQUIRED: affinity["nodeAffinity"][_REQUIRED]}
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": AWS.daemon_set, "namespace": NAMESPACE},
        "spec": {"template": {"spec": {"affinity": {"nodeAffinity": required}}}},
    }


def _verify(world: World, wanted: Object) -> None:
    """Whether the change reached the DaemonSet: EKS keeps what somebody else owns, and then says nothing."""
    daemon_set = world.api.get(AWS.path)
    found = daemon_set and _affinity(daemon_set)
    if not found or _terms(found) != _terms(wanted):
        raise StoppedError(
            f"DaemonSet {NAMESPACE}/aws-node did not take the node affinity; it has {json.dumps(found)}",
            "Somebody else may own the field spec.template.spec.affinity: see its managedFields.",
        )


def _terms(affinity: Object) -> Any:
    return ((affinity.get("nodeAffinity") or {}).get(_REQUIRED) or {}).get("nodeSelectorTerms")


def _settle_late_nodes(run: MigrationRun) -> None:
    """Nodes that joined after the inventory and before aws-node was bound have pods of the old plugin.

    They get the label, which brings aws-node back to them, and the inventory is taken anew: nothing was
    replaced yet. The run ends, since its program counts on the nodes it knew.
    """
    target = run.options.target
    kept = Record(run.world.api).get(NODES)
    if target is not Target.CILIUM or kept is None:
        return
    late = [node for node in run.world.api.list("/api/v1/nodes") if _is_late(node)]
    for node in late:
        marks.label(run.world.api, node, CNI_LABEL, outgoing(target).label)
    if late:
        names = named(sorted(node["metadata"]["name"] for node in late))
        Record(run.world.api).drop(NODES)
        recording.take(run)
        raise StoppedError(
            f"{names} joined after the {len(kept['nodes'])} nodes of the inventory were listed, and before "
            "aws-node was bound to its nodes",
            "They are labelled now, aws-node stays on them, and the inventory has them. "
            "Run `pulumi up` again: it replaces them too.",
        )


def _is_late(node: Object) -> bool:
    return CNI_LABEL not in (node["metadata"].get("labels") or {})
