"""Credentials expire in the middle of a migration: CI's last an hour, those of SSO a working day."""

from dataclasses import replace

import httpx
import pytest

from eks_cilium.cluster.objects import is_cordoned
from eks_cilium.errors import TransientError
from eks_cilium.runtime.errors import StoppedError

from .migrations import QUICK, Before, Stack, options
from .simulation.api_server import status
from .simulation.world import Simulation

pytestmark = pytest.mark.simulation

PATIENT = replace(QUICK, termination=900, answer=900)
LONG = 300


@pytest.fixture
def simulation() -> Simulation:
    simulation = Simulation(workers=3)
    simulation.deploy("web", 4, maxUnavailable=1)
    return simulation


class Expiry:
    """Credentials of AWS and of the Kubernetes API, from a moment on and for so many seconds."""

    def __init__(self, simulation: Simulation, seconds: float, *, kubernetes: bool) -> None:
        self._simulation, self._seconds, self._kubernetes = simulation, seconds, kubernetes
        self._until = 0.0
        self._inner = simulation.clock.tick
        simulation.clock.tick = self._tick
        simulation.api.answers.append(self._answer)

    def begin(self) -> None:
        if not self._until:
            self._until = self._simulation.clock.seconds + self._seconds
            self._simulation.cloud.expired = True

    @property
    def lasts(self) -> bool:
        return self._simulation.clock.seconds < self._until

    def _tick(self) -> None:
        self._simulation.cloud.expired = self.lasts
        self._inner()

    def _answer(self, _: httpx.Request) -> httpx.Response | None:
        return status(401, "Unauthorized") if self.lasts and self._kubernetes else None


@pytest.mark.parametrize("kubernetes", [False, True], ids=["only AWS", "both"])
@pytest.mark.parametrize("when", ["cordon", "drain", "terminate", "gone"])
def test_a_run_goes_on_with_fresh_credentials(simulation: Simulation, when: str, kubernetes: bool) -> None:
    before = Before(simulation)
    stack = Stack(simulation, options(drain_timeout_seconds=900), limits=PATIENT)
    stack.up(until="ip-")
    expiry = Expiry(simulation, LONG, kubernetes=kubernetes)

    def expire(what: str) -> None:
        if {
            "cordon": "/api/v1/nodes/" in what,
            "drain": what.endswith("/eviction"),
            "gone": "terminate_instance" in what,
        }.get(when):
            expiry.begin()

    def refuse(operation: str) -> None:
        if when == "terminate" and operation == "terminate_instance":
            expiry.begin()

    simulation.api.after_write = expire
    simulation.cloud.after_write = expire
    simulation.cloud.before_write = refuse
    stack.up()

    before.check_replaced()


def test_a_run_without_fresh_credentials_stops_with_its_node_uncordoned(simulation: Simulation) -> None:
    """The token of the Kubernetes API outlives the keys of AWS for some minutes."""
    before = Before(simulation)
    stack = Stack(simulation, options())
    stack.up(until="ip-")
    expiry = Expiry(simulation, 10**6, kubernetes=False)
    simulation.cloud.before_write = lambda _: expiry.begin()

    with pytest.raises((StoppedError, TransientError), match=r"ExpiredToken.*aws sts get-caller-identity"):
        stack.up()

    assert simulation.api.evictions
    assert not any(is_cordoned(node) for node in simulation.nodes())
    simulation.clock.tick = simulation.tick
    simulation.cloud.expired = False
    simulation.api.answers.clear()
    simulation.cloud.before_write = lambda _: None
    stack.up()
    before.check_replaced()
