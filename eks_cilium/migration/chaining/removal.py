"""Takes chained agents off their nodes, which go back to the VPC CNI alone.

Before a chained cluster goes on to Cilium alone, and before a chained release is uninstalled. Agents of the
two kinds cannot run beside each other: they share one configuration, and one operator with one IPAM mode
(cilium/cilium#31596). So the chained ones leave first, from nodes that are to go anyway.

An agent that only vanishes would leave its CNI configuration on the node, and no pod would start there any
more. So first all agents restart with `cni-uninstall`, which has their last act remove it (before 1.13 they
always do); the VPC CNI's own configuration, which `cni.exclusive: false` left alone, is then the first again.
When they are gone the setting goes too: no release knows of it, so none would ever take it back.
Policies are paused before: pods keep the programs Cilium attached until they are restarted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eks_cilium.cluster.names import AWS_CNI, CNI_LABEL
from eks_cilium.migration.agents import enforcement, placement, rollout
from eks_cilium.migration.cni import CILIUM
from eks_cilium.migration.facts.chain import CONFIGURATION, is_chained
from eks_cilium.settings.model.migration import Target
from eks_cilium.texts import named

if TYPE_CHECKING:
    from eks_cilium.migration.run import Run
    from eks_cilium.runtime.context import World

_UNINSTALL = "cni-uninstall"
_ANNOTATION = "eks-cilium.io/leaving"
_NOWHERE = {"key": "eks-cilium.io/chained", "operator": "Exists"}
"""No node has this label."""
_CILIUM_NODES = "/apis/cilium.io/v2/ciliumnodes"


def leave(run: Run, *, everywhere: bool = False) -> dict[str, Any]:
    """Take chained agents off the nodes labelled as the VPC CNI's, or off all of them.

    Returns {"chained": whether there were any, "nodes": [those they left]}. Nothing is done where Cilium is
    not chained.
    """
    if not is_chained(run.world.api):
        return {"chained": False, "nodes": []}
    run.world.guard()
    if _waited_for(run.world, everywhere):
        _prepare(run)
        expression = _NOWHERE if everywhere else placement.expression(Target.CILIUM)
        placement.add(run.world, expression)
        _await_gone(run, everywhere=everywhere)
    _as_before(run.world)
    left = _forget_nodes(run.world, everywhere)
    run.report(f"Cilium's chained agents have left {len(left)} nodes")
    return {"chained": True, "nodes": left}


def come_back(run: Run) -> None:
    """Have chained agents run where they did, and enforce what they did."""
    if not is_chained(run.world.api):
        return
    run.world.guard()
    _as_before(run.world)
    for expression in (_NOWHERE, placement.expression(Target.CILIUM)):
        placement.remove(run.world, expression)
    rollout.await_roll_out(run, CILIUM)
    enforcement.resume(run)


def _prepare(run: Run) -> None:
    """One restart of every agent, with both settings: it is the last one that its policies see."""
    run.world.api.merge(CONFIGURATION, {"data": {_UNINSTALL: "true"}})
    _annotate(run.world, "true")
    enforcement.pause(run)


def _as_before(world: World) -> None:
    """The release does not know of either setting, so no later change of it would take them back."""
    world.api.merge(CONFIGURATION, {"data": {_UNINSTALL: None}})
    _annotate(world, None)


def _annotate(world: World, value: str | None) -> None:
    if world.api.get(CILIUM.path) is not None:
        template = {"metadata": {"annotations": {_ANNOTATION: value}}}
        world.api.merge(CILIUM.path, {"spec": {"template": template}})


def _await_gone(run: Run, *, everywhere: bool) -> None:
    run.wait(
        lambda: _waited_for(run.world, everywhere),
        waited_for="the chained agents to leave",
        seconds=run.limits.roll_out,
        since_progress=True,
    )


def _waited_for(world: World, everywhere: bool) -> str:
    """Where chained agents still are, in one sentence."""
    left = None if everywhere else _labelled(world)
    nodes = sorted(
        node
        for pod in rollout.pods(world, CILIUM)
        if (node := pod["spec"].get("nodeName")) and (left is None or node in left)
    )
    return f"chained agents are still on {named(nodes)}" if nodes else ""


def _forget_nodes(world: World, everywhere: bool) -> list[str]:
    """What agents wrote of nodes that they left: the operator that comes would take it for its own."""
    labelled = None if everywhere else _labelled(world)
    left = sorted(
        name
        for name in world.api.each(_CILIUM_NODES, lambda thing: str(thing["metadata"]["name"]))
        if labelled is None or name in labelled
    )
    for name in left:
        world.guard()
        world.api.delete(f"{_CILIUM_NODES}/{name}")
    return left


def _labelled(world: World) -> set[str]:
    nodes = world.api.list("/api/v1/nodes", labelSelector=f"{CNI_LABEL}={AWS_CNI}")
    return {node["metadata"]["name"] for node in nodes}
