"""The agents of a CNI: on how many nodes their DaemonSet wants them, and whether they are rolled out.

The gates before and after all rotations: the new CNI wants exactly the unlabelled nodes, the old CNI none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from eks_cilium.cluster.names import CNI_LABEL, NAMESPACE
from eks_cilium.cluster.objects import condition
from eks_cilium.migration.cni import Cni, new_cni, old_cni
from eks_cilium.migration.facts import nodes
from eks_cilium.runtime.errors import StoppedError
from eks_cilium.texts import named
from eks_cilium.troubleshooting import Topic

if TYPE_CHECKING:
    from eks_cilium.cluster.objects import Object
    from eks_cilium.migration.run import MigrationRun, Run
    from eks_cilium.runtime.context import World
    from eks_cilium.settings.model.migration import Target

# Written by the API server and the DaemonSet controller: pkg/apis/apps/v1/conversion.go and
# staging/src/k8s.io/api/extensions/v1beta1/types.go of kubernetes/kubernetes.
_TEMPLATE_GENERATION = "deprecated.daemonset.template.generation"
_POD_GENERATION = "pod-template-generation"
PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"


def await_count(run: MigrationRun, *, readings: int = 2, seconds: float = 300.0) -> dict[str, Any]:
    """Wait until the new CNI wants exactly the nodes without the old CNI's label."""
    cni = new_cni(run.options.target)
    seen: dict[str, Any] = {}

    def missing() -> str:
        without = unlabelled(run.world, run.options.target)
        daemon_set = _required(run.world, cni)
        desired = daemon_set.get("status", {}).get("desiredNumberScheduled", 0)
        seen.update(daemonSet=cni.daemon_set, desired=desired, unlabelled=len(without))
        if not is_current(daemon_set):
            return f"the status of DaemonSet {cni.daemon_set} is not up to date yet"
        if desired == len(without):
            return ""
        where = f": {named(without)}" if without else ""
        return (
            f"DaemonSet {cni.daemon_set} wants {desired} nodes, and {len(without)} are without the label "
            f"{CNI_LABEL}={old_cni(run.options.target).label}{where}"
        )

    run.world.wait(
        missing,
        waited_for=f"{cni.daemon_set} to want the right number of nodes",
        topic=Topic.AGENTS_ON_WRONG_NODES,
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
        topic=Topic.AGENTS_ON_WRONG_NODES,
        seconds=seconds,
        every=_every(seconds),
        report=run.report,
        readings=readings,
    )
    return {"daemonSet": cni.daemon_set, "desired": 0}


def wanted(world: World, cni: Cni) -> str:
    """Where a CNI is still wanted or runs, in one sentence; empty where nowhere.

    An agent whose Node is gone runs nowhere: its instance ended before. Kubernetes deletes such a pod 40 to
    60 seconds later (kubernetes/kubernetes, pkg/controller/podgc/gc_controller.go: quarantineTime and
    gcCheckPeriod).
    """
    daemon_set = world.api.get(cni.path)
    if daemon_set is None:
        return ""
    if not is_current(daemon_set):
        return f"the status of DaemonSet {cni.daemon_set} is not up to date yet"
    desired = daemon_set.get("status", {}).get("desiredNumberScheduled", 0)
    places = [pod["spec"].get("nodeName") for pod in pods(world, cni)]
    present = {node["metadata"]["name"] for node in world.api.list("/api/v1/nodes")} if places else ()
    where = sorted(place or "no node yet" for place in places if not place or place in present)
    if desired or where:
        return f"DaemonSet {cni.daemon_set} still wants {desired} nodes; it runs on {named(where) or 'none'}"
    return ""


def pods(world: World, cni: Cni) -> list[Object]:
    """The agents of a CNI, asked of the API server."""
    return world.api.list(PODS, labelSelector=cni.selector)


def seen_pods(world: World, cni: Cni) -> list[Object]:
    """The same, as the view of this process has them."""
    return world.seen.list(PODS, labelSelector=cni.selector)


def unlabelled(world: World, target: Target) -> list[str]:
    """Names of the nodes for the new CNI: those without the old CNI's label.

    Nodes on which neither CNI runs agents do not count, such as those of Fargate: new ones may join any time.
    """
    label = old_cni(target).label
    return sorted(
        node["metadata"]["name"]
        for node in world.api.list("/api/v1/nodes")
        if (node["metadata"].get("labels") or {}).get(CNI_LABEL) != label and nodes.has_agents(node)
    )


def await_roll_out(run: Run, cni: Cni, *, only_placed: bool = False) -> int:
    """Wait until every agent runs its DaemonSet's present template; returns the number of agents.

    Agents on nodes that are not Ready do not count: without its kubelet an agent that was deleted stays there
    for ever, and the DaemonSet's status never becomes complete. Such an agent may also use up all that may be
    unavailable at once, so that no other agent is replaced. Where a change is `only_placed` (it is about
    which nodes have agents), agents of the older template that are ready are then as good.
    """
    reported: set[str] = set()

    def missing() -> str:
        daemon_set = run.world.api.get(cni.path)
        if daemon_set is None:
            return f"DaemonSet {cni.daemon_set} does not exist"
        if not (sentence := behind(daemon_set)) or not is_current(daemon_set):
            return sentence
        agents = _Agents.read(run.world, cni)
        dead = f"not Ready: {named(sorted(agents.dead))}" if agents.dead else ""
        if not (dead or _is_on_delete(daemon_set)) or not agents.suffice(
            daemon_set, any_template=only_placed
        ):
            return f"{sentence}; {dead}" if dead else sentence
        if agents.dead - reported:
            run.report(f"{dead}; agents there do not count")
            reported.update(agents.dead)
        return ""

    run.wait(
        missing,
        waited_for=f"DaemonSet {cni.daemon_set} to be rolled out",
        topic=Topic.AGENTS_NOT_READY,
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


@dataclass(frozen=True, slots=True)
class _Agents:
    """The agents of a DaemonSet, with the nodes they are on."""

    pods: tuple[Object, ...]
    """Those on nodes that are Ready."""
    dead: frozenset[str]
    """Names of the other nodes that have an agent, those included that are gone."""
    silent: int
    """How many of these still exist: the status of the DaemonSet counts them."""
    nodes: int
    """How many nodes are Ready and may have agents."""

    @classmethod
    def read(cls, world: World, cni: Cni) -> Self:
        known = {node["metadata"]["name"]: node for node in world.api.list("/api/v1/nodes")}
        ready = {name for name, node in known.items() if nodes.is_ready(node)}
        found = [pod for pod in pods(world, cni) if pod["spec"].get("nodeName")]
        dead = frozenset(pod["spec"]["nodeName"] for pod in found) - ready
        return cls(
            pods=tuple(pod for pod in found if pod["spec"]["nodeName"] in ready),
            dead=dead,
            silent=len(dead & known.keys()),
            nodes=sum(nodes.has_agents(known[name]) for name in ready),
        )

    def suffice(self, daemon_set: Object, *, any_template: bool) -> bool:
        """Whether every node that is Ready has its agent, ready, and of the present template or of any."""
        # The status counts nodes that are gone until their agents are collected, or it does not any more.
        wanted = min(daemon_set["status"].get("desiredNumberScheduled", 0) - self.silent, self.nodes)
        done = {
            pod["spec"]["nodeName"]
            for pod in self.pods
            if _is_ready(pod) and (any_template or _is_new(pod, daemon_set))
        }
        return bool(done) and len(done) >= wanted


def _is_ready(agent: Object) -> bool:
    return "deletionTimestamp" not in agent["metadata"] and condition(agent, "Ready").get("status") == "True"


def _is_new(agent: Object, daemon_set: Object) -> bool:
    """Whether an agent is of the present template.

    Source: kubernetes/kubernetes, pkg/controller/daemon/util/daemonset_util.go, IsPodUpdated.
    """
    generation = (daemon_set["metadata"].get("annotations") or {}).get(_TEMPLATE_GENERATION)
    return bool((agent["metadata"].get("labels") or {}).get(_POD_GENERATION) == generation)


def _is_on_delete(daemon_set: Object) -> bool:
    """Whether agents keep their template until something else deletes them."""
    return (daemon_set["spec"].get("updateStrategy") or {}).get("type") == "OnDelete"


def is_current(daemon_set: Object) -> bool:
    """Whether the status of a DaemonSet describes its present generation."""
    generation = daemon_set["metadata"].get("generation", 0)
    return bool(daemon_set.get("status", {}).get("observedGeneration", 0) >= generation)


def _required(world: World, cni: Cni) -> Object:
    daemon_set = world.api.get(cni.path)
    if daemon_set is None:
        raise StoppedError(Topic.CNI_MISSING, f"DaemonSet {NAMESPACE}/{cni.daemon_set} does not exist")
    return daemon_set


def _every(seconds: float) -> float:
    return min(max(seconds / 60, 1.0), 5.0)
