"""The CNI gate: whether a new node is up with the new plugin, in one sentence what is missing if not.

Ready alone does not do: a kubelet may be ready on the old plugin's configuration. For Cilium also its taint
has to be off, its condition set, its CiliumNode there, and the first ordinary pod has to have an endpoint.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from eks_cilium.cilium.values import AGENT_NOT_READY_TAINT
from eks_cilium.cluster.objects import condition, moment
from eks_cilium.migration.agents import rollout
from eks_cilium.migration.cni import CILIUM, incoming
from eks_cilium.migration.facts.nodes import node as known_node

if TYPE_CHECKING:
    from eks_cilium.cluster.objects import Object
    from eks_cilium.runtime.context import World
    from eks_cilium.settings.model.migration import Target

_CILIUM_NODES = "/apis/cilium.io/v2/ciliumnodes"
_ENDPOINTS = "/apis/cilium.io/v2/namespaces/{}/ciliumendpoints/{}"
_YOUNG = timedelta(minutes=15)
"""Older nodes that are up have shown that pods run there; their pods are not looked at every time."""


class Joining:
    """One reading of all nodes, by instance."""

    def __init__(self, world: World, target: Target) -> None:
        self._world, self._plugin = world, incoming(target)
        self.nodes: dict[str, Object] = {
            instance: thing
            for thing in world.api.list("/api/v1/nodes")
            if (instance := known_node(thing, {}).instance)
        }
        self._agents = {pod["spec"].get("nodeName"): pod for pod in rollout.pods(world, self._plugin)}
        self._cilium_nodes = (
            {str(name) for name in world.api.each(_CILIUM_NODES, lambda thing: thing["metadata"]["name"])}
            if self._plugin is CILIUM
            else set()
        )

    def missing(self, instance: str) -> str:
        """What keeps the node of an instance from taking over; nothing when nothing does."""
        node = self.nodes.get(instance)
        if node is None:
            return f"instance {instance} has not joined the cluster"
        return self._basics(node) or (self._ciliums_own(node) if self._plugin is CILIUM else "")

    def _basics(self, node: Object) -> str:
        name, agent = node["metadata"]["name"], self._agents.get(node["metadata"]["name"])
        if agent is None:
            return f"no agent of {self._plugin.daemon_set} is on {name}"
        if agent["metadata"].get("deletionTimestamp") or not _is(agent, "Ready", "True"):
            return f"agent {agent['metadata']['name']} on {name} is not ready"
        if not _is(node, "Ready", "True"):
            return f"node {name} is not Ready: {condition(node, 'Ready').get('message', 'no condition yet')}"
        if any(taint["key"] == AGENT_NOT_READY_TAINT for taint in node["spec"].get("taints") or ()):
            return f"taint {AGENT_NOT_READY_TAINT} is still on {name}"
        return ""

    def _ciliums_own(self, node: Object) -> str:
        name = node["metadata"]["name"]
        if name not in self._cilium_nodes:
            return f"{name} has no CiliumNode"
        if not _is(node, "NetworkUnavailable", "False"):
            return f"Cilium has not said that the network of {name} is available"
        created = moment(node["metadata"].get("creationTimestamp"))
        is_young = created is None or self._world.time.now() - created < _YOUNG
        return self._first_pod(name) if is_young else ""

    def _first_pod(self, name: str) -> str:
        """The first pod that Cilium gave a network to has an endpoint, when there is one yet."""
        pods = self._world.api.list("/api/v1/pods", fieldSelector=f"spec.nodeName={name}")
        ordinary = [pod for pod in pods if _is_ordinary(pod)]
        if not ordinary:
            return ""
        first = min(ordinary, key=lambda pod: str(pod["metadata"].get("creationTimestamp", "")))
        namespace, pod_name = first["metadata"]["namespace"], first["metadata"]["name"]
        if self._world.api.get(_ENDPOINTS.format(namespace, pod_name)) is None:
            return f"pod {namespace}/{pod_name} on {name} has no CiliumEndpoint"
        return ""


def _is_ordinary(pod: Object) -> bool:
    return (
        not pod["spec"].get("hostNetwork")
        and pod.get("status", {}).get("phase") == "Running"
        and not pod["metadata"].get("deletionTimestamp")
    )


def _is(thing: Object, kind: str, status: str) -> bool:
    return condition(thing, kind).get("status") == status
