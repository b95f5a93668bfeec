"""On which nodes Cilium's agents run, and whether any node still needs them.

Helm installs them off the nodes of the AWS VPC CNI, which is all that the way to Cilium needs. On the way
back they are bound to the nodes that are to go, since new nodes carry no label and have to get aws-node. The
release is uninstalled at the end of that, so its manifest is not changed for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eks_cilium.cluster.names import AWS_CNI, CNI_LABEL
from eks_cilium.migration.agents import rollout
from eks_cilium.migration.cni import CILIUM
from eks_cilium.migration.facts.chain import is_chained
from eks_cilium.runtime.errors import StoppedError
from eks_cilium.settings.model.migration import Target

if TYPE_CHECKING:
    from collections.abc import Callable

    from eks_cilium.cluster.objects import Object
    from eks_cilium.migration.run import MigrationRun
    from eks_cilium.runtime.context import World

_DAEMON_SETS = (CILIUM.path, CILIUM.path + "-envoy")
"""The agents, and Envoy beside them where it has a DaemonSet of its own."""
_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_WAY_BACK = (
    "The way back to the VPC CNI is a migration too: pulumi config set --path "
    "eks-cilium:migration.target aws-vpc-cni, then `pulumi up`. To leave the cluster as it is and only "
    "forget this stack: pulumi stack rm --force."
)


def place(run: MigrationRun) -> None:
    """Bind the agents to the nodes that are theirs in this direction; where they are already, do nothing."""
    run.world.guard()
    moved = [path for path in _DAEMON_SETS if _place(run.world, path, run.options.target)]
    if CILIUM.path in moved:
        run.report(f"binding Cilium's agents to {_nodes(run.options.target)}")
        rollout.await_roll_out(run, CILIUM)


def add(world: World, wanted: Object) -> None:
    """Have agents run only where this expression holds as well."""
    _change(world, lambda known: known if wanted in known else [*known, wanted])


def take_away(world: World, unwanted: Object) -> None:
    """Have agents run also where this expression does not hold."""
    _change(world, lambda known: [one for one in known if one != unwanted])


def _change(world: World, change: Callable[[list[Object]], list[Object]]) -> None:
    for path in _DAEMON_SETS:
        daemon_set = world.api.get(path)
        if daemon_set is None:
            continue
        affinity = daemon_set["spec"]["template"]["spec"].get("affinity") or {}
        wanted = _with_expressions(affinity, change)
        if wanted != affinity:
            world.api.merge(path, {"spec": {"template": {"spec": {"affinity": wanted}}}})


def _place(world: World, path: str, target: Target) -> bool:
    daemon_set = world.api.get(path)
    if daemon_set is None:
        return False
    affinity = daemon_set["spec"]["template"]["spec"].get("affinity") or {}
    wanted = placed(affinity, target)
    if wanted != affinity:
        world.api.merge(path, {"spec": {"template": {"spec": {"affinity": wanted}}}})
    return bool(wanted != affinity)


def placed(affinity: Object, target: Target) -> Object:
    """An affinity whose terms say where agents run in this direction, and else what they said."""
    return _with_expressions(affinity, lambda known: _bound(known, target))


def _with_expressions(affinity: Object, change: Callable[[list[Object]], list[Object]]) -> Object:
    """An affinity with a change in every term: one of them has to hold, and all of its expressions."""
    node_affinity = affinity.get("nodeAffinity") or {}
    terms = (node_affinity.get(_REQUIRED) or {}).get("nodeSelectorTerms") or [{}]
    ours = [{**term, "matchExpressions": change(term.get("matchExpressions") or [])} for term in terms]
    return {**affinity, "nodeAffinity": {**node_affinity, _REQUIRED: {"nodeSelectorTerms": ours}}}


def _bound(expressions: list[Object], target: Target) -> list[Object]:
    """Ours in the place of the one it had; as Helm wrote them they stay what they are."""
    known = [expression(target) if one["key"] == CNI_LABEL else one for one in expressions]
    return known if expression(target) in known else [*known, expression(target)]


def expression(target: Target) -> Object:
    """What keeps Cilium's agents on their nodes; on the way to Cilium the same that its values say."""
    if target is Target.CILIUM:
        return {"key": CNI_LABEL, "operator": "NotIn", "values": [AWS_CNI]}
    return {"key": CNI_LABEL, "operator": "In", "values": [CILIUM.label]}


def refuse_while_needed(world: World) -> None:
    """Raise while Cilium's agents are wanted anywhere: their nodes would lose the network of their pods.

    Chained agents give pods no network: with them the VPC CNI is everywhere still.
    """
    if not is_chained(world.api) and (still := rollout.wanted(world, CILIUM)):
        raise StoppedError(f"Cilium is not taken away from nodes that need it: {still}", _WAY_BACK)


def _nodes(target: Target) -> str:
    return "all nodes but the VPC CNI's" if target is Target.CILIUM else "the nodes that are to go"
