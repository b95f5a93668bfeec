"""What a drained node waits for before its instance is terminated: the volumes of the pods that moved."""

from dataclasses import replace

import pytest

from eks_cilium.migration.rotation import steps

from .migrations import QUICK, Before, Stack, options, run
from .simulation.controllers import PODS
from .simulation.volumes import Disks
from .simulation.world import Simulation

pytestmark = pytest.mark.simulation

PATIENT = replace(QUICK, volumes=100)


def prepared(simulation: Simulation) -> str:
    """A cluster before its first drain; returns the name of its first old node."""
    Stack(simulation, options()).up(until="ip-")
    return str(simulation.nodes(**{"cni-plugin": "aws"})[0]["metadata"]["name"])


def rotated(simulation: Simulation, name: str) -> dict[str, float]:
    """Replace a node; returns the seconds of each phase."""
    seconds: dict[str, float] = steps.rotate_node(run(simulation.world(), limits=PATIENT), name)["seconds"]
    return seconds


def test_the_instance_is_terminated_after_the_volumes_of_moved_pods_are_detached():
    simulation = Simulation(workers=2)
    disks = Disks(simulation, detach_seconds=20)
    simulation.deploy("db", 1, pod={"volumes": [disks.create("data")]})
    Stack(simulation, options()).up(until="ip-")
    name = str(simulation.api.of(PODS, "shop")[0]["spec"]["nodeName"])
    seen: list[list[str]] = []
    simulation.cloud.before_write = lambda _: seen.append(disks.attached(name))

    seconds = rotated(simulation, name)

    assert seconds["release"] >= 15
    assert seen == [[]]


def test_the_volume_of_a_daemon_set_is_not_waited_for():
    """It is detached with the instance: waiting for it would cost the whole limit on every node."""
    simulation = Simulation(workers=2)
    disks = Disks(simulation)
    name = prepared(simulation)
    pod = next(pod for pod in simulation.pods_on(name) if pod["metadata"]["name"].startswith("aws-node"))
    pod["spec"]["volumes"] = [disks.create("cache", namespace="kube-system")]
    simulation.clock.sleep(2)
    assert disks.attached(name)

    seconds = rotated(simulation, name)

    assert seconds["release"] < 5


def test_waiting_for_volumes_never_lists_all_attachments_of_the_cluster():
    simulation = Simulation(workers=3)
    disks = Disks(simulation, detach_seconds=10)
    simulation.deploy("db", 1, pod={"volumes": [disks.create("data")]})
    before = Before(simulation)
    stack = Stack(simulation, options())
    stack.up(until="ip-")
    disks.listed = 0

    stack.up()

    before.check_replaced()
    assert disks.listed == 0


def test_a_volume_that_is_not_detached_in_time_is_named_and_left_to_the_instance():
    simulation = Simulation(workers=2)
    disks = Disks(simulation, detach_seconds=500)
    simulation.deploy("db", 1, pod={"volumes": [disks.create("data")]})
    Stack(simulation, options()).up(until="ip-")
    name = str(simulation.api.of(PODS, "shop")[0]["spec"]["nodeName"])

    steps.rotate_node(run(simulation.world()), name)

    [note] = [event for event in simulation.journal if event["event"] == "volumes-not-detached"]
    assert note["missing"] == f"still attached to {name}: pv-data"
