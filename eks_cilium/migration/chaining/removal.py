"""Removes chained agents from nodes, which then use the VPC CNI alone.

Done before a chained cluster is migrated to Cilium alone, and before a chained release is uninstalled.
Chained and other agents cannot run in one cluster: they share one configuration, and one operator with one
IPAM mode (cilium/cilium#31596). So the chained agents are removed first, from nodes that are replaced anyway.

An agent that is only deleted leaves its CNI configuration on the node, and no pod starts there any more. So
all agents restart with `cni-uninstall` first: then an agent deletes the configuration when it stops (before
1.13 it always does), and the VPC CNI's own one, which `cni.exclusive: false` has kept, is the first again.
The setting is deleted afterwards: no Helm release knows of it, so none would ever delete it.
Policies are paused before: pods keep the eBPF programs that Cilium attached until they are restarted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eks_cilium.cluster.names import AWS_CNI, CNI_LABEL
from eks_cilium.migration.agents import enforcement, placement, rollout
from eks_cilium.migration.cni import CILIUM
from eks_cilium.migration.facts.network.chain import CONFIGURATION, is_chained
from eks_cilium.settings.model.migration import Target
from eks_cilium.texts import named
from eks_cilium.troubleshooting import Topic

if TYPE_CHECKING:
    from eks_cilium.migration.run import Run
    from eks_cilium.runtime.context import World

_UNINSTALL = "cni-uninstall"
_ANNOTATION = "eks-cilium.io/leaving"
_NOWHERE = {"key": "eks-cilium.io/chained", "operator": "Exists"}
"""No node has this label."""
_CILIUM_NODES = "/apis/cilium.io/v2/ciliumnodes"


def leave(run: Run, *, everywhere: bool = False) -> dict[str, Any]:
    """Remove chained agents from the nodes with the VPC CNI's label, or from all nodes.

    Returns {"chained": whether Cilium is chained, "nodes": [nodes without an agent now]}. It does nothing
    where Cilium is not chained.
    """
    if not is_chained(run.world.api):
        return {"chained": False, "nodes": []}
    run.world.guard()
    if _still_running(run.world, everywhere):
        _prepare(run)
        expression = _NOWHERE if everywhere else placement.expression(Target.CILIUM)
        placement.add(run.world, expression)
        _await_removal(run, everywhere=everywhere)
    _delete_settings(run.world)
    left = _delete_cilium_nodes(run.world, everywhere)
    run.report(f"removed Cilium's chained agents from {len(left)} nodes")
    return {"chained": True, "nodes": left}


def restore(run: Run) -> None:
    """Let chained agents run on all of their nodes again, with the policies they enforced."""
    if not is_chained(run.world.api):
        return
    run.world.guard()
    _delete_settings(run.world)
    for expression in (_NOWHERE, placement.expression(Target.CILIUM)):
        placement.remove(run.world, expression)
    rollout.await_roll_out(run, CILIUM)
    enforcement.resume(run)


def _prepare(run: Run) -> None:
    # Both settings before one restart of the agents: the last one in which they change pods' policies.
    run.world.api.merge(CONFIGURATION, {"data": {_UNINSTALL: "true"}})
    _annotate(run.world, "true")
    enforcement.pause(run)


def _delete_settings(world: World) -> None:
    # The Helm release knows neither setting, so no later upgrade would delete them.
    world.api.merge(CONFIGURATION, {"data": {_UNINSTALL: None}})
    _annotate(world, None)


def _annotate(world: World, value: str | None) -> None:
    if world.api.get(CILIUM.path) is not None:
        template = {"metadata": {"annotations": {_ANNOTATION: value}}}
        world.api.merge(CILIUM.path, {"spec": {"template": template}})


def _await_removal(run: Run, *, everywhere: bool) -> None:
    run.wait(
        lambda: _still_running(run.world, everywhere),
        waited_for="the chained agents to be removed",
        seconds=run.limits.roll_out,
        since_progress=True,
        topic=Topic.AGENTS_ON_WRONG_NODES,
    )


def _still_running(world: World, everywhere: bool) -> str:
    """The nodes that chained agents still run on, in one sentence."""
    left = None if everywhere else _labelled(world)
    nodes = sorted(
        node
        for pod in rollout.pods(world, CILIUM)
        if (node := pod["spec"].get("nodeName")) and (left is None or node in left)
    )
    return f"chained agents are still on {named(nodes)}" if nodes else ""


def _delete_cilium_nodes(world: World, everywhere: bool) -> list[str]:
    """Delete the CiliumNodes of those nodes: the operator of the new installation would use them."""
    labelled = None if everywhere else _labelled(world)
    left = sorted(
        name
        for name in world.api.each(_CILIUM_NODES, lambda obj: str(obj["metadata"]["name"]))
        if labelled is None or name in labelled
    )
    for name in left:
        world.guard()
        world.api.delete(f"{_CILIUM_NODES}/{name}")
    return left


def _labelled(world: World) -> set[str]:
    nodes = world.api.list("/api/v1/nodes", labelSelector=f"{CNI_LABEL}={AWS_CNI}")
    return {node["metadata"]["name"] for node in nodes}
