"""One node at a time: it is done when its workloads have been as healthy as before for some seconds."""

import pytest

from eks_cilium.migration.eviction.reading import pods_seen_on
from eks_cilium.migration.inventory import recording
from eks_cilium.migration.inventory.model import Outgoing
from eks_cilium.migration.rotation import steps
from eks_cilium.migration.rotation.health import as_before
from eks_cilium.migration.rotation.health.recovery import Recovery
from eks_cilium.settings.model.migration import Target

from .migrations import QUICK, Stack, options, run
from .simulation.api_server import Object
from .simulation.world import PODS, Simulation

pytestmark = pytest.mark.simulation

STOPS = 30
STARTS = 5
READINGS = 11
LASTS = (READINGS - 1) * QUICK.poll_interval
"""Seconds for which workloads have to be healthy."""
STOPPING = {"terminationGracePeriodSeconds": STOPS}


class Shop:
    """Three nodes with a pod each, before the first drain; a pod stops longer than its successor starts."""

    def __init__(self, *, stateful: bool = False) -> None:
        self.simulation = Simulation(workers=3)
        if stateful:
            self.simulation.deploy_stateful("db", 3)
            for pod in self.pods():
                pod["spec"] |= STOPPING
        else:
            self.simulation.deploy("web", 3, pod=STOPPING, maxUnavailable=1)
        self.simulation.start_seconds = STARTS
        self.options = options(surge=2, parallel=1, settle_readings=READINGS)
        Stack(self.simulation, self.options).up(until="ip-")
        self.run = run(self.simulation.world(), self.options)

    @property
    def clock(self) -> float:
        return self.simulation.clock.seconds

    def pods(self) -> list[Object]:
        return self.simulation.api.of(PODS, "shop")

    def node(self) -> Outgoing:
        inventory = recording.required(self.simulation.world(), Target.CILIUM)
        return inventory.nodes[0]

    def waited(self) -> float:
        """Replace the first node; for how many seconds its workloads were waited for at the end."""
        done = steps.rotate_node(self.run, self.node().name, to_the_end=False)
        return float(done["seconds"]["health"])


def test_workloads_that_were_healthy_while_the_last_pods_stopped_are_not_waited_for() -> None:
    assert Shop().waited() < 1


def test_a_pod_that_crashes_while_the_last_pods_stop_is_waited_for() -> None:
    shop = Shop()
    crashes, works = shop.clock + STOPS - 8, shop.clock + STOPS + 20

    def act() -> None:
        status = "False" if crashes <= shop.clock < works else "True"
        for pod in shop.pods():
            if pod["status"]["phase"] == "Running":
                pod["status"]["conditions"] = [{"type": "Ready", "status": status}]

    shop.simulation.controllers.append(act)

    shop.waited()

    assert shop.clock >= works + LASTS


def test_a_stateful_set_counts_pods_that_stop_so_its_readings_begin_when_they_have_ended() -> None:
    assert Shop(stateful=True).waited() >= STARTS + LASTS


def stopping(kind: str) -> Object:
    return {"metadata": {"deletionTimestamp": "2026-01-01T00:00:30Z", **pod_of(kind)["metadata"]}}


def pod_of(kind: str) -> Object:
    return {"metadata": {"ownerReferences": [{"kind": kind, "name": "web-1", "controller": True}]}}


def waited_after(*looks: list[Object], rest: float = QUICK.poll_interval) -> float:
    """Seconds of the wait after these looks at healthy workloads, `rest` apart, and LASTS more seconds."""
    shop = Shop()
    world, node = shop.run.world, shop.node()
    as_before.record(shop.run, node, pods_seen_on(world, node.name))
    recovery = Recovery(shop.run, node)
    for left in looks:
        recovery.look(left)
        shop.simulation.clock.sleep(rest)
    shop.simulation.clock.sleep(LASTS)
    began = shop.clock
    recovery.wait()
    return shop.clock - began


@pytest.mark.parametrize(("kind", "waits"), [("ReplicaSet", 0.0), ("StatefulSet", LASTS), ("Job", LASTS)])
def test_readings_count_where_the_status_of_a_workload_leaves_out_pods_that_stop(
    kind: str, waits: float
) -> None:
    assert waited_after([stopping(kind)], [stopping(kind)]) == waits


@pytest.mark.parametrize(("rest", "waits"), [(QUICK.poll_interval / 2, LASTS), (QUICK.poll_interval, 0.0)])
def test_the_first_reading_counts_one_interval_after_the_last_eviction(rest: float, waits: float) -> None:
    """A controller may notice an eviction late, and its workload looks healthy until then."""
    assert waited_after([stopping("ReplicaSet")], [stopping("ReplicaSet")], rest=rest) == waits


def test_a_pod_that_is_not_evicted_yet_begins_the_readings_anew() -> None:
    assert waited_after([], [], [pod_of("ReplicaSet")]) == LASTS
