"""What begins no further node: `eks-cilium stop`, and drains that were given up."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from eks_cilium.cluster.objects import is_cordoned
from eks_cilium.migration.capacity import surge
from eks_cilium.migration.control import progress, stop
from eks_cilium.migration.control.stop import StopRequest
from eks_cilium.migration.inventory import recording
from eks_cilium.migration.rotation import restore, steps
from eks_cilium.runtime.errors import StoppedError, StopRequestedError, TimedOutError
from eks_cilium.runtime.record import Record
from eks_cilium.settings.model.migration import Abort, Target

from .migrations import Before, Stack, options, run
from .simulation.threads import SharedClock
from .simulation.world import CONFIG_MAPS, PODS, Simulation

pytestmark = pytest.mark.simulation

ASKED = StopRequest("ann@laptop", "2026-01-01T00:01:00+00:00", "error rate of shop")


def shop(*, nodes: int = 3, clock: SharedClock | None = None) -> Simulation:
    simulation = Simulation(clock=clock, workers=nodes)
    simulation.deploy("web", 4, maxUnavailable=1)
    return simulation


def ask_when(simulation: Simulation, begins: Callable[[], bool]) -> None:
    """Press the button in the first second in which a condition holds."""
    inner, asked = simulation.clock.tick, False

    def tick() -> None:
        nonlocal asked
        inner()
        if not asked and begins():
            asked = True
            stop.request(simulation.world().api, ASKED)

    simulation.clock.tick = tick


def cordoned(simulation: Simulation) -> list[str]:
    return [node["metadata"]["name"] for node in simulation.nodes() if is_cordoned(node)]


def old_nodes(simulation: Simulation) -> list[str]:
    return [node["metadata"]["name"] for node in simulation.nodes(**{"cni-plugin": "aws"})]


def recorded(simulation: Simulation) -> dict[str, Any]:
    found = simulation.api.find(CONFIG_MAPS, "kube-system", "eks-cilium-migration")
    assert found is not None
    return {key: json.loads(value) for key, value in found["data"].items()}


def test_a_node_in_work_is_finished_and_no_other_is_begun():
    simulation = shop()
    before = Before(simulation)
    stack = Stack(simulation, options())
    ask_when(simulation, lambda: bool(cordoned(simulation)))

    with pytest.raises(StopRequestedError) as stopped:
        stack.up()

    assert len(old_nodes(simulation)) == 2
    assert cordoned(simulation) == []
    assert "ann@laptop asked at 2026-01-01T00:01:00+00:00" in str(stopped.value)
    assert "(error rate of shop)" in str(stopped.value)
    assert "eks-cilium stop --undo --cluster demo" in str(stopped.value)
    assert stop.withdraw(simulation.world().api) == ASKED
    stack.up()
    before.check_replaced()


def test_a_run_that_starts_again_by_itself_does_not_undo_the_request():
    simulation = shop()
    stack = Stack(simulation, options())
    stack.up(until="ip-")
    stop.request(simulation.world().api, ASKED)

    for _ in range(3):
        with pytest.raises(StopRequestedError):
            stack.up()

    assert len(old_nodes(simulation)) == 3
    assert simulation.api.evictions == []


def test_a_request_before_the_first_run_stops_it_before_it_adds_nodes():
    simulation = shop()
    stop.request(simulation.world().api, ASKED)

    with pytest.raises(StopRequestedError):
        Stack(simulation, options()).up()

    assert simulation.cloud.groups["workers"].desired == 3
    assert not simulation.cloud.groups["workers"].suspended


def test_a_rotation_that_waits_for_spare_capacity_stops_waiting():
    simulation = shop()
    stack = Stack(simulation, options())
    stack.up(until="ip-")
    simulation.agents_work = False
    for node in simulation.nodes():
        if "cni-plugin" not in node["metadata"]["labels"]:
            node["status"]["conditions"] = [{"type": "Ready", "status": "False"}]
    began = simulation.clock.seconds
    ask_when(simulation, lambda: simulation.clock.seconds > began + 10)

    with pytest.raises(StopRequestedError):
        stack.up()

    assert simulation.clock.seconds < began + 20
    assert not [key for key in recorded(simulation) if key.startswith("phase.")]


def test_a_half_drained_node_is_finished_by_the_next_run_and_then_it_stops():
    """Left cordoned, it would have less capacity than any plan says."""
    simulation = shop()
    stack = Stack(simulation, options())
    stack.up(until="ip-")
    first = old_nodes(simulation)[0]

    class Killed(BaseException):
        pass

    def kill(what: str) -> None:
        if what.endswith("/eviction"):
            raise Killed

    simulation.api.after_write = kill
    with pytest.raises(Killed):
        stack.up()
    simulation.api.after_write = lambda _: None
    stop.request(simulation.world().api, ASKED)

    with pytest.raises(StopRequestedError):
        stack.up()

    assert first not in old_nodes(simulation)
    assert len(old_nodes(simulation)) == 2


def test_the_end_of_a_migration_leaves_the_request_in_force():
    simulation = shop()
    Stack(simulation, options()).up(until="remove")
    stop.request(simulation.world().api, ASKED)

    restore.restore(run(simulation.world()))

    assert stop.requested(simulation.world().api) == ASKED
    with pytest.raises(StopRequestedError):
        surge.prepare(run(simulation.world()))


def stuck(simulation: Simulation, node: str) -> dict[str, Any]:
    """A pod that never ends once it is evicted."""
    return simulation.run(
        f"stuck-on-{node}",
        node,
        metadata={
            "finalizers": ["example.com/never"],
            "ownerReferences": [{"kind": "ReplicaSet", "name": "other", "controller": True}],
        },
    )


class Lanes:
    """Rotations beside each other, as Pulumi calls them: those after an error are not called any more."""

    def __init__(self, *, drains_given_up: int, stuck_pods: int = 1) -> None:
        self.clock = SharedClock()
        self.simulation = shop(nodes=10, clock=self.clock)
        self.options = options(
            surge=2,
            parallel=2,
            drain_timeout_seconds=20,
            abort=Abort(drains_given_up=drains_given_up),
        )
        self.stack = Stack(self.simulation, self.options)
        self.stack.up(until="ip-")
        inventory = recording.read(self.simulation.world(), Target.CILIUM)
        assert inventory is not None
        self.names = [node.name for node in inventory.nodes]
        self.stuck = [stuck(self.simulation, name) for name in self.names[:stuck_pods]]
        self.begun: set[str] = set()
        inner = self.clock.tick

        def tick() -> None:
            inner()
            self.begun |= set(cordoned(self.simulation))

        self.clock.tick = tick

    def rotate(self) -> list[BaseException]:
        world = self.simulation.world()

        def lane(number: int) -> None:
            for name in self.names[number::2]:
                steps.rotate_node(run(self.simulation.world(run_id=world.run_id), self.options), name)

        return self.clock.run(*[lambda number=number: lane(number) for number in range(2)])


def test_rotations_beside_a_drain_that_is_given_up_begin_no_further_node():
    lanes = Lanes(drains_given_up=1)

    errors = lanes.rotate()

    given_up, aborted = sorted(errors, key=lambda error: not isinstance(error, TimedOutError))
    assert "stuck-on-" in str(given_up)
    assert "this run gave up 1 drains and migration.abort.drainsGivenUp is 1" in str(aborted)
    assert lanes.names[0] in str(aborted)
    assert lanes.names[0] in old_nodes(lanes.simulation)
    assert len(lanes.begun) < len(lanes.names)
    assert cordoned(lanes.simulation) == []


def test_a_higher_limit_lets_the_nodes_beside_it_go_on():
    lanes = Lanes(drains_given_up=2)

    (error,) = lanes.rotate()

    assert isinstance(error, TimedOutError)
    assert set(lanes.names[1::2]).isdisjoint(old_nodes(lanes.simulation))


def test_the_next_run_counts_anew():
    lanes = Lanes(drains_given_up=1)
    lanes.rotate()
    for pod in lanes.stuck:
        pod["metadata"]["finalizers"] = []

    assert lanes.rotate() == []

    assert old_nodes(lanes.simulation) == []


def test_a_node_that_could_not_be_finished_lets_no_other_begin():
    """Its workloads did not become healthy: whatever the limit for drains, the next would make it worse."""
    simulation = shop()
    given = options(abort=Abort(drains_given_up=5))
    Stack(simulation, given).up(until="ip-")
    world = simulation.world()
    inventory = recording.required(world, Target.CILIUM)
    error = TimedOutError("the workloads of node ip-1", 600, "Deployment shop/web has 3 of 4 pods ready")
    progress.fail(world, inventory.taken, "ip-1", progress.HEALTH, error)

    with pytest.raises(StoppedError, match="ip-1 is not finished: waited 600 s for"):
        steps.rotate_node(run(world, given), inventory.nodes[0].name)

    assert len(old_nodes(simulation)) == 3
    steps.rotate_node(run(simulation.world(), given), inventory.nodes[0].name)


def test_a_surplus_node_that_cannot_be_drained_keeps_what_was_measured():
    simulation = shop()
    world = simulation.world()
    progress.finish(run(world), "2026-01-01", "ip-1", 100.0)

    progress.fail(world, "", "ip-9", progress.DRAIN, TimedOutError("node ip-9", 1, "busy"))

    known = progress.read(Record(world.api))
    assert (known.migration, known.measured, len(known.failures)) == ("2026-01-01", 1, 1)


def test_progress_that_cannot_be_written_holds_up_nothing():
    """A full ConfigMap, or a webhook that dislikes these keys: the migration needs other keys only."""
    simulation = shop()
    before = Before(simulation)

    def refuse(request: httpx.Request) -> httpx.Response | None:
        body = request.content.decode()
        is_progress = request.method == "PATCH" and ('"phase.' in body or '"progress"' in body)
        return httpx.Response(403, json={"message": "no"}) if is_progress else None

    simulation.api.answers.append(refuse)

    Stack(simulation, options()).up()

    before.check_replaced()
    assert "progress-not-recorded" in {line["event"] for line in simulation.journal}


def break_a_pod(simulation: Simulation) -> dict[str, Any]:
    """A pod of web that moved already is not ready any more."""
    old = old_nodes(simulation)
    pod = next(
        pod
        for pod in simulation.api.of(PODS, "shop")
        if pod["metadata"]["labels"].get("app") == "web" and pod["spec"]["nodeName"] not in old
    )
    since = simulation.clock.stamp()
    pod["status"]["conditions"] = [{"type": "Ready", "status": "False", "lastTransitionTime": since}]
    return pod


@pytest.mark.parametrize("unready", [10, 200])
def test_no_node_is_begun_while_a_workload_that_moved_is_unready_for_too_long(unready: int):
    simulation = Simulation(workers=3)
    simulation.deploy("web", 4, maxUnavailable=2)
    given = options(abort=Abort(unready_seconds=100))
    world = simulation.world()
    Stack(simulation, given).up(until="ip-")
    first, second, _ = (node.name for node in recording.required(world, Target.CILIUM).nodes)
    steps.rotate_node(run(world, given), first)
    pod = break_a_pod(simulation)
    simulation.clock.sleep(unready)

    if unready < 100:
        assert steps.rotate_node(run(world, given), second)
        return
    with pytest.raises(StoppedError) as stopped:
        steps.rotate_node(run(world, given), second)

    name = pod["metadata"]["name"]
    assert f"Deployment shop/web: pod {name} not ready for more than 100 s" in str(stopped.value)
    assert second in old_nodes(simulation)
    assert cordoned(simulation) == []
    again = simulation.world()
    pod["status"]["conditions"] = [{"type": "Ready", "status": "True"}]
    simulation.clock.sleep(2)
    assert steps.rotate_node(run(again, given), second)


def test_a_pod_that_was_unready_before_anything_moved_aborts_nothing():
    simulation = Simulation(workers=3)
    simulation.deploy("web", 4, maxUnavailable=2)
    pod = next(pod for pod in simulation.api.of(PODS, "shop"))
    since = simulation.clock.stamp()
    pod["status"]["conditions"] = [{"type": "Ready", "status": "False", "lastTransitionTime": since}]
    simulation.clock.sleep(200)

    Stack(simulation, options(abort=Abort(unready_seconds=30))).up()

    assert old_nodes(simulation) == []
