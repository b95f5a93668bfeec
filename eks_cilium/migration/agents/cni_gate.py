"""The CNI gate: whether a new node runs pods on the new CNI, and what is missing if not.

The condition Ready alone is not enough: a kubelet may be ready with the old CNI's configuration. For Cilium
its start-up taint has to be removed as well, NetworkUnavailable has to be False, the CiliumNode has to have
free addresses, and the first ordinary pod has to have a CiliumEndpoint. Pods can only move to the node when
other start-up taints are gone as well. Asked before a drain (`capacity`) and after the last one
(`rotation.restore`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Self

from eks_cilium.cilium.values import AGENT_NOT_READY_TAINT
from eks_cilium.clients.autoscaling import IN_SERVICE
from eks_cilium.cluster.names import CNI_LABEL
from eks_cilium.cluster.objects import condition, is_cordoned, moment
from eks_cilium.migration.agents import cilium_nodes, rollout, start_up_taints
from eks_cilium.migration.agents.cilium_nodes import Addresses
from eks_cilium.migration.cni import AWS, CILIUM, new_cni, old_cni
from eks_cilium.migration.facts.nodes import node as known_node

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from eks_cilium.clients.autoscaling import Member
    from eks_cilium.cluster.objects import Object
    from eks_cilium.runtime.context import World
    from eks_cilium.settings.model.migration import Target

_ENDPOINTS = "/apis/cilium.io/v2/namespaces/{}/ciliumendpoints/{}"
_YOUNG = timedelta(minutes=15)
"""Older nodes have shown that pods run there; their pods are not read again in every poll."""
_JOINED = timedelta(seconds=10)
"""A node that became ready less than that ago is not asked for its pods, as if it had none yet."""
_WITHOUT_PODS, _WITHOUT_ENDPOINT = 15.0, 3.0
"""Seconds after which the pods of a node are read again that has none yet, or one without an endpoint."""
_NODES = "/api/v1/nodes"


@dataclass(frozen=True)
class _Seen:
    """All nodes and agents, as they were read."""

    nodes: Mapping[str, Object]
    """By EC2 instance."""
    agents: Mapping[str, Object]
    """Those of the new CNI, by node."""
    beside: frozenset[str]
    """Names of nodes with an agent of the old CNI."""
    outgoing: Sequence[Object]
    addresses: Mapping[str, Addresses]
    """Cilium's, by node."""

    @classmethod
    def read(cls, world: World, target: Target) -> Self:
        old, new = old_cni(target), new_cni(target)
        nodes = {
            instance: node for node in world.seen.list(_NODES) if (instance := known_node(node, {}).instance)
        }
        return cls(
            nodes=nodes,
            agents={pod["spec"].get("nodeName"): pod for pod in rollout.seen_pods(world, new)},
            beside=frozenset(str(pod["spec"].get("nodeName")) for pod in rollout.seen_pods(world, old)),
            outgoing=[
                node
                for node in nodes.values()
                if (node["metadata"].get("labels") or {}).get(CNI_LABEL) == old.label
            ],
            addresses=dict(world.seen.each(cilium_nodes.PATH, _addresses)) if new is CILIUM else {},
        )


def _seen(world: World, target: Target) -> _Seen:
    """A reading for all gates of a process, until one of these objects changes."""
    if world.view is None:
        return _Seen.read(world, target)
    sources: list[tuple[str, Mapping[str, str]]] = [(_NODES, {})]
    sources += [(rollout.PODS, {"labelSelector": cni.selector}) for cni in (AWS, CILIUM)]
    if new_cni(target) is CILIUM:
        sources.append((cilium_nodes.PATH, {}))
    return world.view.derived(f"gate {target}", lambda: _Seen.read(world, target), *sources)


class CniGate:
    """One reading of all nodes and agents, by EC2 instance."""

    def __init__(self, world: World, target: Target) -> None:
        self._world, self._old, self._cni = world, old_cni(target), new_cni(target)
        self._read = _seen(world, target)
        self.nodes: Mapping[str, Object] = self._read.nodes

    def missing(self, instance: str) -> str:
        """What is missing on the node of an instance, in one sentence; empty when it runs pods."""
        node = self.nodes.get(instance)
        if node is None:
            return f"instance {instance} has not joined the cluster"
        return self._agent_and_node(node) or (self._cilium(node) if self._cni is CILIUM else "")

    def is_young(self, instance: str) -> bool:
        """Whether the node of an instance joined a short while ago."""
        node = self.nodes.get(instance)
        created = moment(node["metadata"].get("creationTimestamp")) if node else None
        return created is None or self._world.time.now() - created < _YOUNG

    def not_serving(self, member: Member) -> str:
        """Why a member of an Auto Scaling group cannot take over pods; empty when it can."""
        if member.lifecycle != IN_SERVICE:
            return f"instance {member.instance} is {member.lifecycle}"
        if sentence := self.missing(member.instance):
            return sentence
        node = self.nodes[member.instance]
        name = node["metadata"]["name"]
        if is_cordoned(node):
            return f"{name} is cordoned"
        taint = start_up_taints.keeping_pods_away(node, self._read.outgoing)
        return f"taint {taint} keeps pods off {name}" if taint else ""

    def _agent_and_node(self, node: Object) -> str:
        name, agent = node["metadata"]["name"], self._read.agents.get(node["metadata"]["name"])
        if agent is None:
            return f"no agent of {self._cni.daemon_set} is on {name}"
        if name in self._read.beside:
            return f"{self._old.daemon_set} runs beside {self._cni.daemon_set} on {name}"
        if agent["metadata"].get("deletionTimestamp") or not _is(agent, "Ready", "True"):
            return f"agent {agent['metadata']['name']} on {name} is not ready"
        if not _is(node, "Ready", "True"):
            return f"node {name} is not Ready: {condition(node, 'Ready').get('message', 'no condition yet')}"
        if any(taint["key"] == AGENT_NOT_READY_TAINT for taint in node["spec"].get("taints") or ()):
            return f"taint {AGENT_NOT_READY_TAINT} is still on {name}"
        return ""

    def _cilium(self, node: Object) -> str:
        name = node["metadata"]["name"]
        addresses = self._read.addresses.get(name)
        if addresses is None:
            return f"{name} has no CiliumNode"
        if not _is(node, "NetworkUnavailable", "False"):
            return f"Cilium has not set NetworkUnavailable to False on {name} yet"
        is_young = self.is_young(known_node(node, {}).instance or "")
        if without := addresses.missing(is_new=is_young):
            return f"Cilium {without} (node {name})"
        if not is_young or self._has_just_joined(node):
            return ""
        uid = node["metadata"]["uid"]
        return self._world.remembered(f"first pod of {uid}", lambda: self._first_pod(name))

    def _has_just_joined(self, node: Object) -> bool:
        since = moment(condition(node, "Ready").get("lastTransitionTime"))
        return since is not None and self._world.time.now() - since < _JOINED

    def _first_pod(self, name: str) -> tuple[str, float]:
        """What is missing of the first ordinary pod, and for how many seconds that may be remembered."""
        pods = self._world.api.list("/api/v1/pods", fieldSelector=f"spec.nodeName={name}")
        ordinary = [pod for pod in pods if _is_ordinary(pod)]
        if not ordinary:
            return "", _WITHOUT_PODS
        first = min(ordinary, key=lambda pod: str(pod["metadata"].get("creationTimestamp", "")))
        namespace, pod_name = first["metadata"]["namespace"], first["metadata"]["name"]
        if self._world.api.get(_ENDPOINTS.format(namespace, pod_name)) is None:
            return f"pod {namespace}/{pod_name} on {name} has no CiliumEndpoint", _WITHOUT_ENDPOINT
        return "", _YOUNG.total_seconds()


def _addresses(node: Object) -> tuple[str, Addresses]:
    return str(node["metadata"]["name"]), Addresses.of(node)


def _is_ordinary(pod: Object) -> bool:
    return (
        not pod["spec"].get("hostNetwork")
        and pod.get("status", {}).get("phase") == "Running"
        and not pod["metadata"].get("deletionTimestamp")
    )


def _is(obj: Object, kind: str, status: str) -> bool:
    return condition(obj, kind).get("status") == status
