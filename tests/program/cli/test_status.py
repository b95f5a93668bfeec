"""`eks-cilium status` and `eks-cilium stop`, over a simulated cluster that a run works on."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import pytest

from eks_cilium.cli.sources import ClusterAccess
from eks_cilium.clients.kubernetes import KubernetesApi
from eks_cilium.errors import RefusedError
from eks_cilium.migration.inventory import recording
from eks_cilium.runtime.clock import Time
from eks_cilium.runtime.errors import StopRequestedError, TimedOutError
from eks_cilium.runtime.lease import Holder, Lease
from eks_cilium.runtime.record import REFRESH, Record, of_workload
from eks_cilium.settings.model.migration import Target
from tests.program.cli.command import Ended, eks_cilium
from tests.program.rotation.migrations import Stack, options
from tests.program.rotation.simulation.world import Simulation

pytestmark = pytest.mark.simulation


@pytest.fixture
def simulation() -> Simulation:
    simulation = Simulation(workers=4)
    simulation.deploy("web", 4, maxUnavailable=1)
    return simulation


def call(simulation: Simulation, name: str, *arguments: str) -> Ended:
    @contextmanager
    def api(_: ClusterAccess) -> Iterator[KubernetesApi]:
        yield simulation.world().api

    return eks_cilium(name, "--cluster", "demo", *arguments, api=api, time=Time(now=simulation.clock.now))


def status(simulation: Simulation, *arguments: str) -> Ended:
    return call(simulation, "status", *arguments)


def old_nodes(simulation: Simulation) -> list[str]:
    return [node["metadata"]["name"] for node in simulation.nodes(**{"cni-plugin": "aws"})]


def stopped_after(simulation: Simulation, nodes: int) -> Stack:
    """A migration that a run has done so far."""
    stack = Stack(simulation, options())
    stack.up(until="ip-")
    inventory = recording.read(simulation.world(), Target.CILIUM)
    assert inventory is not None
    stack.up(until=inventory.nodes[nodes].name)
    return stack


def test_before_a_migration_there_is_nothing_to_say(simulation: Simulation) -> None:
    ended = status(simulation)

    assert ended.status == 0
    assert ended.out == "Cluster demo: no migration is recorded\n\nRun:\n  none is at work\n"


def test_in_the_middle_it_counts_nodes_and_estimates_by_those_that_are_done(simulation: Simulation) -> None:
    stopped_after(simulation, 2)

    document = json.loads(status(simulation, "--output", "json").out)["migration"]

    assert {key: document[key] for key in ("nodes", "done", "left", "inWork", "givenUp")} == {
        "nodes": 4,
        "done": 2,
        "left": 2,
        "inWork": [],
        "givenUp": [],
    }
    measured = [line["total"] for line in simulation.journal if line["event"] == "replaced"]
    assert document["estimatedSecondsLeft"] == pytest.approx(sum(measured), abs=3)
    assert "2 of 4 nodes done, 0 in work, 2 left; about" in status(simulation).out


def test_a_node_in_work_is_shown_with_its_phase(simulation: Simulation) -> None:
    stack = stopped_after(simulation, 1)
    inventory = recording.read(simulation.world(), Target.CILIUM)
    assert inventory is not None
    begun = inventory.nodes[1].name
    seen: set[str] = set()
    inner = simulation.clock.tick

    def tick() -> None:
        inner()
        for node in json.loads(status(simulation, "--format", "json").out)["migration"]["inWork"]:
            if node["node"] == begun:
                datetime.fromisoformat(node["since"])
                seen.add(node["phase"])

    simulation.clock.tick = tick
    stack.up()

    assert seen >= {"drain", "gone", "health"}
    assert "4 of 4 nodes done, 0 in work, 0 left\n" in status(simulation).out


def test_it_reads_and_never_writes(simulation: Simulation) -> None:
    stopped_after(simulation, 1)
    written = len(simulation.api.writes)

    status(simulation)

    assert len(simulation.api.writes) == written


def test_it_says_who_is_at_work_and_since_when(simulation: Simulation) -> None:
    world = simulation.world()
    Lease(world.api, Holder("ann@laptop, process 7", "boot/7/1"), world.time).acquire()
    since = simulation.clock.now()

    running = json.loads(status(simulation, "--format", "json").out)["run"]
    simulation.clock.sleep(100)
    later = json.loads(status(simulation, "--format", "json").out)["run"]

    assert (running["holder"], running["expired"]) == ("ann@laptop, process 7", False)
    assert datetime.fromisoformat(running["since"]) == since
    assert later["expired"]
    assert "it has ended" in status(simulation).out


def test_a_drain_that_was_given_up_is_shown_until_its_node_is_replaced(simulation: Simulation) -> None:
    stack = Stack(simulation, options(drain_timeout_seconds=20))
    stack.up(until="ip-")
    owner = {"kind": "ReplicaSet", "name": "other", "controller": True}
    stuck = simulation.run(
        "stuck",
        old_nodes(simulation)[0],
        metadata={"finalizers": ["example.com/never"], "ownerReferences": [owner]},
    )
    with pytest.raises(TimedOutError):
        stack.up()

    given_up = status(simulation)
    stuck["metadata"]["finalizers"] = []
    stack.up()

    assert given_up.status == 2
    assert "in phase drain at 20" in given_up.out
    assert "shop/stuck: terminating" in given_up.out
    assert status(simulation).status == 0


def test_a_rollback_is_counted_by_itself(simulation: Simulation) -> None:
    stopped_after(simulation, 2)

    Stack(simulation, options(target=Target.AWS_VPC_CNI)).up(until="ip-")

    assert "to aws-vpc-cni: 0 of 2 nodes done, 0 in work, 2 left; time left" in status(simulation).out


def test_stop_asks_and_undo_withdraws(simulation: Simulation) -> None:
    stack = stopped_after(simulation, 1)

    asked = call(simulation, "stop", "--reason", "error rate")
    shown = status(simulation)
    with pytest.raises(StopRequestedError, match="error rate"):
        stack.up()
    withdrawn = call(simulation, "stop", "--undo")

    assert (asked.status, shown.status, withdrawn.status) == (0, 2, 0)
    assert "No run is at work; the next begins nothing." in asked.out
    assert "eks-cilium stop --undo --cluster demo" in shown.out
    assert withdrawn.out.startswith("Withdrawn: ")
    stack.up()
    assert old_nodes(simulation) == []


def test_stop_names_the_run_that_it_stops(simulation: Simulation) -> None:
    world = simulation.world()
    Lease(world.api, Holder("ann@laptop, process 7", "boot/7/1"), world.time).acquire()

    assert "ann@laptop, process 7, at work since" in call(simulation, "stop").out


def test_undo_without_a_request_ends_with_2(simulation: Simulation) -> None:
    ended = call(simulation, "stop", "--undo", "--format", "json")

    assert ended.status == 2
    assert json.loads(ended.out)["request"] is None


@pytest.mark.parametrize(("name", "says"), [("status", "no status"), ("stop", "not stopped")])
def test_without_rights_it_ends_with_1_and_a_hint(name: str, says: str) -> None:
    @contextmanager
    def api(_: ClusterAccess) -> Iterator[KubernetesApi]:
        raise RefusedError("GET /api was refused with HTTP 403", status=403)
        yield

    ended = eks_cilium(name, "--cluster", "demo", api=api)

    assert ended.status == 1
    assert ended.err.startswith(f"{says}: ")
    assert "list-access-entries" in ended.err


@pytest.mark.parametrize("name", ["status", "stop"])
def test_it_prints_markdown(simulation: Simulation, name: str) -> None:
    stopped_after(simulation, 1)

    assert "- " in call(simulation, name, "--format", "markdown").out


def test_during_a_refresh_it_says_which_workloads_are_restarted(simulation: Simulation) -> None:
    record = Record(simulation.world().api)
    listed = [
        {"kind": "Deployment", "namespace": "shop", "name": name, "uid": name} for name in ("web", "api")
    ]
    record.put(REFRESH, {"taken": "2026-01-01T00:00:00+00:00", "round": 1, "workloads": listed})
    record.put(of_workload("Deployment shop/web"), {"workload": "Deployment shop/web", "how": "evict"})

    ended, document = status(simulation), json.loads(status(simulation, "--output", "json").out)

    assert ended.out == (
        "Cluster demo: the pods of 2 workloads are to run on Cilium, by a list of 2026-01-01T00:00:00+00:00; "
        "1 in work\n"
        "\nRestarting when the last run ended:\n  Deployment shop/web\n\nRun:\n  none is at work\n"
    )
    assert document["refresh"] == {
        "recorded": "2026-01-01T00:00:00+00:00",
        "workloads": 2,
        "inWork": ["Deployment shop/web"],
    }
