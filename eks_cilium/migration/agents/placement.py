"""On which nodes Cilium's agents run, and whether any node still needs them.

The Helm release keeps them off the nodes of the AWS VPC CNI, which is all that a migration to Cilium needs. A
rollback restricts them to the nodes that are replaced, since new nodes carry no label and have to get
aws-node. The release is uninstalled at the end of a rollback, so its values are not changed for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eks_cilium.cluster import node_affinity
from eks_cilium.cluster.names import AWS_CNI, CNI_LABEL
from eks_cilium.migration.agents import rollout
from eks_cilium.migration.cni import CILIUM
from eks_cilium.migration.facts.network.chain import is_chained
from eks_cilium.runtime.errors import StoppedError
from eks_cilium.settings.model.migration import Target
from eks_cilium.troubleshooting import Topic

if TYPE_CHECKING:
    from collections.abc import Callable

    from eks_cilium.cluster.objects import Object
    from eks_cilium.migration.run import MigrationRun
    from eks_cilium.runtime.context import World

_DAEMON_SETS = (CILIUM.path, CILIUM.path + "-envoy")
"""The agents, and Envoy beside them where it has a DaemonSet of its own."""
_ROLL_BACK = (
    "To return to the VPC CNI, roll back: pulumi config set --path "
    "eks-cilium:migration.target aws-vpc-cni, then `pulumi up`. To leave the cluster as it is and only "
    "delete the state of this stack: pulumi stack rm --force."
)


def place(run: MigrationRun) -> None:
    """Restrict the agents to their nodes in this direction, where they are not restricted yet."""
    run.world.guard()
    moved = [path for path in _DAEMON_SETS if _place(run.world, path, run.options.target)]
    if CILIUM.path in moved:
        run.report(f"restricting Cilium's agents to {_nodes(run.options.target)}")
        rollout.await_roll_out(run, CILIUM, only_placed=True)


def add(world: World, wanted: Object) -> None:
    """Restrict agents to nodes where this expression holds as well."""
    _change(world, lambda known: known if wanted in known else [*known, wanted])


def remove(world: World, unwanted: Object) -> None:
    """Let agents run also where this expression does not hold."""
    _change(world, lambda known: [each for each in known if each != unwanted])


def _change(world: World, change: Callable[[list[Object]], list[Object]]) -> None:
    for path in _DAEMON_SETS:
        daemon_set = world.api.get(path)
        if daemon_set is None:
            continue
        affinity = node_affinity.of_pods(daemon_set) or {}
        wanted = node_affinity.with_changed_terms(affinity, change)
        if wanted != affinity:
            world.api.merge(path, {"spec": {"template": {"spec": {"affinity": wanted}}}})


def _place(world: World, path: str, target: Target) -> bool:
    daemon_set = world.api.get(path)
    if daemon_set is None:
        return False
    affinity = node_affinity.of_pods(daemon_set) or {}
    wanted = placed(affinity, target)
    if wanted != affinity:
        world.api.merge(path, {"spec": {"template": {"spec": {"affinity": wanted}}}})
    return bool(wanted != affinity)


def placed(affinity: Object, target: Target) -> Object:
    """The affinity with this direction's expression in every term, and everything else as it was."""
    return node_affinity.with_changed_terms(affinity, lambda known: _restricted(known, target))


def _restricted(expressions: list[Object], target: Target) -> list[Object]:
    # In the place of the expression that was there: the order Helm wrote stays, so no rollout is triggered.
    known = [expression(target) if each["key"] == CNI_LABEL else each for each in expressions]
    return known if expression(target) in known else [*known, expression(target)]


def expression(target: Target) -> Object:
    """What keeps Cilium's agents on their nodes; in a migration to Cilium the same as in its Helm values."""
    if target is Target.CILIUM:
        return {"key": CNI_LABEL, "operator": "NotIn", "values": [AWS_CNI]}
    return {"key": CNI_LABEL, "operator": "In", "values": [CILIUM.label]}


def refuse_while_needed(world: World) -> None:
    """Raise StoppedError while Cilium's agents are wanted anywhere: their nodes' pods would lose the network.

    Chained agents are no reason: the VPC CNI still connects the pods of every node.
    """
    if not is_chained(world.api) and (still := rollout.wanted(world, CILIUM)):
        raise StoppedError(
            Topic.CILIUM_NEEDED, f"Cilium is not removed from nodes that need it: {still}", _ROLL_BACK
        )


def _nodes(target: Target) -> str:
    return "all nodes but the VPC CNI's" if target is Target.CILIUM else "the nodes that are replaced"
