"""One node to drain, and the pods on it."""

from dataclasses import replace
from typing import Any

from eks_cilium.migration.eviction.drain import Drained, drain
from eks_cilium.migration.inventory import marks
from eks_cilium.migration.inventory.model import Outgoing
from eks_cilium.runtime.context import World
from eks_cilium.settings.model.migration import Allow

from .migrations import QUICK, Report, options, quiet, run
from .simulation.api_server import Object
from .simulation.world import PODS, Simulation

EVERYTHING = ("*/*",)
EMPTY_DIR = {"volumes": [{"name": "scratch", "emptyDir": {}}]}


class Bench:
    """A cluster of two nodes without workloads; `node` is cordoned and to be drained."""

    def __init__(self) -> None:
        self.simulation = Simulation(workers=2)
        self.world = self.simulation.world()
        node = self.simulation.nodes()[0]
        self.name = node["metadata"]["name"]
        self.node = Outgoing(
            name=self.name,
            uid=node["metadata"]["uid"],
            instance=node["spec"]["providerID"].rsplit("/", 1)[-1],
            zone="a",
            group="workers",
        )
        marks.cordon(self.world.api, node)
        self.simulation.api.writes.clear()

    def pod(self, name: str, kind: str = "ReplicaSet", **more: Any) -> Object:
        """A pod on the node, of a workload of some kind; "" for one with nothing behind it."""
        metadata = dict(more.pop("metadata", {}))
        if kind:
            metadata["ownerReferences"] = [{"kind": kind, "name": f"{name}-owner", "controller": True}]
        return self.simulation.run(name, self.name, metadata=metadata, **more)

    def drain(
        self,
        world: World | None = None,
        *,
        terminating: float | None = None,
        grace: float = QUICK.grace,
        report: Report = quiet,
        **chosen: Any,
    ) -> Drained:
        allow = {key: chosen.pop(key) for key in Allow.model_fields if key in chosen}
        given = options(allow=Allow(**allow), **chosen)
        limits = replace(QUICK, terminating=terminating, grace=grace)
        return drain(run(world or self.world, given, report, limits), self.node)

    def exists(self, name: str, namespace: str = "shop") -> bool:
        return self.simulation.api.find(PODS, namespace, name) is not None

    @property
    def asked(self) -> list[str]:
        """The pods whose eviction was asked for, in order."""
        return [name.split("/")[1] for name, _, _ in self.simulation.api.evictions]

    @property
    def deletions(self) -> list[str]:
        return [path for method, path, _ in self.simulation.api.writes if method == "DELETE"]
