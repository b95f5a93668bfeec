"""The agents of a CNI: on how many nodes their DaemonSet wants them, and whether they are rolled out.

The gates before and after all rotations: the new CNI wants exactly the unlabelled nodes, the old CNI none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eks_cilium.cluster.names import CNI_LABEL, NAMESPACE
from eks_cilium.migration.cni import Cni, new_cni, old_cni
from eks_cilium.runtime.errors import StoppedError
from eks_cilium.texts import named

if TYPE_CHECKING:
    from eks_cilium.cluster.objects import Object
    from eks_cilium.migration.run import MigrationRun, Run
    from eks_cilium.runtime.context import World
    from eks_cilium.settings.model.migration import Target


def await_count(run: MigrationRun, *, readings: int = 2, seconds: float = 300.0) -> dict[str, Any]:
    """Wait until the new CNI wants exactly the nodes without the old CNI's label."""
    cni = new_cni(run.options.target)
    seen: dict[str, Any] = {}

    def missing() -> str:
        nodes = unlabelled(run.world, run.options.target)
        daemon_set = _required(run.world, cni)
        desired = daemon_set.get("status", {}).get("desiredNumberScheduled", 0)
        seen.update(daemonSet=cni.daemon_set, desired=desired, unlabelled=len(nodes))
        if not is_current(daemon_set):
            return f"the status of DaemonSet {cni.daemon_set} is not up to date yet"
        if desired == len(nodes):
            return ""
        where = f": {named(nodes)}" if nodes else ""
        return (
            f"DaemonSet {cni.daemon_set} wants {desired} nodes, and {len(nodes)} are without the label "
            f"{CNI_LABEL}={old_cni(run.options.target).label}{where}"
        )

    run.world.wait(
        missing,
        waited_for=f"{cni.daemon_set} to want the right number of nodes",
        seconds=seconds,
        every=_every(seconds),
        report=run.report,
        readings=readings,
    )
    run.report(f"{cni.daemon_set} wants exactly the {seen['desired']} unlabelled nodes")
    return seen


def await_none(run: MigrationRun, *, readings: int = 2, seconds: float = 300.0) -> dict[str, Any]:
    """Wait until the old CNI wants no node and none of its agents is left."""
    cni = old_cni(run.options.target)
    run.world.wait(
        lambda: wanted(run.world, cni),
        waited_for=f"{cni.daemon_set} to be wanted on no node",
        seconds=seconds,
        every=_every(seconds),
        report=run.report,
        readings=readings,
    )
    return {"daemonSet": cni.daemon_set, "desired": 0}


def wanted(world: World, cni: Cni) -> str:
    """Where a CNI is still wanted or runs, in one sentence; empty where nowhere."""
    daemon_set = world.api.get(cni.path)
    if daemon_set is None:
        return ""
    if not is_current(daemon_set):
        return f"the status of DaemonSet {cni.daemon_set} is not up to date yet"
    desired = daemon_set.get("status", {}).get("desiredNumberScheduled", 0)
    nodes = sorted(pod["spec"].get("nodeName") or "no node yet" for pod in pods(world, cni))
    if desired or nodes:
        return f"DaemonSet {cni.daemon_set} still wants {desired} nodes; it runs on {named(nodes) or 'none'}"
    return ""


def pods(world: World, cni: Cni) -> list[Object]:
    return world.api.list(f"/api/v1/namespaces/{NAMESPACE}/pods", labelSelector=cni.selector)


def unlabelled(world: World, target: Target) -> list[str]:
    """Names of the nodes for the new CNI: those without the old CNI's label."""
    label = old_cni(target).label
    return sorted(
        node["metadata"]["name"]
        for node in world.api.list("/api/v1/nodes")
        if (node["metadata"].get("labels") or {}).get(CNI_LABEL) != label
    )


def await_roll_out(run: Run, cni: Cni) -> int:
    """Wait until every agent runs its DaemonSet's present template; returns the number of agents."""

    def missing() -> str:
        daemon_set = run.world.api.get(cni.path)
        return f"DaemonSet {cni.daemon_set} does not exist" if daemon_set is None else behind(daemon_set)

    run.wait(
        missing,
        waited_for=f"DaemonSet {cni.daemon_set} to be rolled out",
        seconds=run.limits.roll_out,
        since_progress=True,
    )
    status = (run.world.api.get(cni.path) or {}).get("status", {})
    return int(status.get("desiredNumberScheduled", 0))


def behind(daemon_set: Object) -> str:
    """How far a DaemonSet's rollout is, in one sentence; empty when it is complete."""
    name, status = daemon_set["metadata"]["name"], daemon_set.get("status", {})
    desired = status.get("desiredNumberScheduled", 0)
    new, ready = status.get("updatedNumberScheduled", 0), status.get("numberReady", 0)
    if not is_current(daemon_set):
        return f"the status of DaemonSet {name} is not up to date yet"
    if new >= desired and ready >= desired:
        return ""
    return f"DaemonSet {name}: {new} of {desired} agents are new, {ready} are ready"


def is_current(daemon_set: Object) -> bool:
    """Whether the status of a DaemonSet describes its present generation."""
    generation = daemon_set["metadata"].get("generation", 0)
    return bool(daemon_set.get("status", {}).get("observedGeneration", 0) >= generation)


def _required(world: World, cni: Cni) -> Object:
    daemon_set = world.api.get(cni.path)
    if daemon_set is None:
        raise StoppedError(f"DaemonSet {NAMESPACE}/{cni.daemon_set} does not exist")
    return daemon_set


def _every(seconds: float) -> float:
    return min(max(seconds / 60, 1.0), 5.0)
