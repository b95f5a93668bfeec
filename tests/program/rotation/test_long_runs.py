"""A migration outlives every EKS token: they are good for 15 minutes."""

from dataclasses import replace

import httpx
import pytest

from eks_cilium.clients.kubernetes import KubernetesApi
from eks_cilium.clients.tokens import BearerToken
from eks_cilium.migration.inventory import recording
from eks_cilium.migration.options import Limits
from eks_cilium.migration.rotation import restore, steps
from eks_cilium.settings.model.migration import Target

from .migrations import Before, Stack, options, run
from .simulation.api_server import status
from .simulation.world import Simulation

pytestmark = pytest.mark.simulation

LIFE = 900


@pytest.mark.parametrize("renewed_early", [True, False], ids=["renewed in time", "only when refused"])
def test_tokens_are_renewed_while_nodes_are_replaced(renewed_early: bool):
    simulation = Simulation(workers=3)
    simulation.deploy("web", 3, maxUnavailable=1)
    before = Before(simulation)
    Stack(simulation, options()).up(until="ip-")
    clock, made = simulation.clock, []

    def mint() -> str:
        made.append(clock.seconds)
        return str(clock.seconds)

    def serve(request: httpx.Request) -> httpx.Response:
        minted = float(request.headers["authorization"].removeprefix("Bearer "))
        if clock.seconds - minted >= LIFE:
            return status(401, "Unauthorized")
        return simulation.api(request)

    token = BearerToken(mint, life=600 if renewed_early else 1e9, clock=clock.monotonic)
    api = KubernetesApi("https://cluster.example", token, transport=httpx.MockTransport(serve))
    world = replace(simulation.world(), api=api)
    limits = Limits(poll_interval=180)
    slow = run(world, options(drain_timeout_seconds=9999), limits=limits)
    began = clock.seconds

    inventory = recording.read(world, Target.CILIUM)
    assert inventory is not None
    for node in inventory.nodes:
        steps.rotate_node(slow, node.name)
    restore.restore(slow)

    before.check_replaced()
    assert clock.seconds - began > 2 * LIFE
    assert len(made) > 2
