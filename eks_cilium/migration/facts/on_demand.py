"""Reads the workloads and volumes behind single pods, at the time of a drain or a restart."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from eks_cilium.cluster.objects import Reference, controller, same
from eks_cilium.migration.facts import nodes, pods, workloads
from eks_cilium.migration.facts.backing import DEEPEST, Backing
from eks_cilium.migration.facts.volumes import storage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eks_cilium.cluster.objects import Object
    from eks_cilium.cluster.reading import ReadingApi
    from eks_cilium.migration.facts.model import Claim, Node, Owner, Pod, Volume


class BackingReader:
    """The workloads and volumes behind the pods seen so far; each of them is read once."""

    def __init__(self, api: ReadingApi) -> None:
        self._api = api
        self._asked: set[Reference] = set()
        self._owners: dict[Reference, Owner] = {}
        self._claims: dict[Reference, Claim] = {}
        self._volumes: dict[str, Volume] = {}
        self._nodes: list[Node] | None = None

    def of(self, objects: Sequence[Object]) -> Backing:
        """The workloads and volumes of these pods, given as the API server sent them, and of earlier ones."""
        for obj in objects:
            self._read_owners(controller(obj))
            if pod := pods.pod(obj):
                self._read_volumes(pod)
        return Backing(self._owners, self._claims, self._volumes)

    def is_owned_by(self, obj: Object, workload: Reference) -> bool:
        """Whether a workload is the controller of a pod or above it, even one that was deleted meanwhile."""
        owner = controller(obj)
        self._read_owners(owner)
        for _ in range(DEEPEST):
            if owner is None or same(workload, owner):
                break
            owner = self._owners[owner].owner if owner in self._owners else None
        return owner is not None and same(workload, owner)

    def _read_owners(self, owner: Reference | None) -> None:
        while owner is not None and owner not in self._asked:
            path = workloads.path_of(owner)
            obj = self._api.get(path) if path else None
            self._asked.add(owner)  # not before: a request without an answer is asked again
            if obj is None:
                return
            self._owners[owner] = workloads.owner(owner.kind, obj)
            owner = controller(obj)

    def _read_volumes(self, pod: Pod) -> None:
        for name in pod.claims:
            reference = Reference("PersistentVolumeClaim", pod.namespace, name)
            if reference in self._claims:
                continue
            obj = self._api.get(f"/api/v1/namespaces/{pod.namespace}/persistentvolumeclaims/{name}")
            if obj is None:
                continue
            claim = self._claims[reference] = storage.claim(obj)
            volume = self._api.get(f"/api/v1/persistentvolumes/{claim.volume}") if claim.volume else None
            if volume is not None and (known := storage.volume(volume, {})):
                local = known.local or bool(storage.on_one_node([known], self._nodes_for(known)))
                self._volumes[known.name] = replace(known, local=local)

    def _nodes_for(self, volume: Volume) -> Sequence[Node]:
        """All nodes, where only their labels tell whether others can have a volume; read once."""
        if storage.needs_no_nodes(volume):
            return ()
        if self._nodes is None:
            self._nodes = self._api.each("/api/v1/nodes", lambda obj: nodes.node(obj, {}))
        return self._nodes
