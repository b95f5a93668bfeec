"""The providers of a migration over the simulated world, called as Pulumi calls them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from eks_cilium.dynamic.shell.cluster import NoClusterError
from eks_cilium.dynamic.shell.operation import OperationProvider
from eks_cilium.runtime.context import World
from tests.program.rotation.simulation.world import Simulation

INPUTS: dict[str, Any] = {
    "cluster_name": "demo",
    "region": "eu-central-1",
    "profile": None,
    "target": "cilium",
    "options": {},
    "migration": "2026-01-01T00:00:00",
    "engine_version": "1",
}


def inputs(**changes: Any) -> dict[str, Any]:
    """What a program gives a resource."""
    return {**INPUTS, **changes}


def over(
    simulation: Simulation | None, kind: type[OperationProvider[Any]], **world: Any
) -> OperationProvider[Any]:
    """A provider whose clusters are this one; without one there is no cluster at all."""

    @contextmanager
    def connect(props: Any) -> Iterator[World]:
        if simulation is None:
            raise NoClusterError(props["cluster_name"])
        yield simulation.world(**world)

    # Its own subclass, since a provider has no state: Pulumi keeps the name of its class and nothing else.
    provider: OperationProvider[Any] = type(kind.__name__, (kind,), {"connect": staticmethod(connect)})()
    return provider


def nodes_of(simulation: Simulation) -> list[str]:
    return [node["metadata"]["name"] for node in simulation.nodes()]
