"""EC2 and Auto Scaling are eventually consistent: one answer that misses an instance decides nothing."""

import httpx
import pytest

from eks_cilium.migration.inventory import recording
from eks_cilium.migration.inventory.model import Outgoing
from eks_cilium.migration.rotation import steps
from eks_cilium.runtime.errors import StoppedError, TimedOutError
from eks_cilium.settings.model.migration import Capacity, Target

from .migrations import Before, Stack, options, run
from .simulation.world import NODES, PODS, Simulation

pytestmark = pytest.mark.simulation


@pytest.fixture
def simulation() -> Simulation:
    simulation = Simulation(workers=3)
    simulation.deploy("web", 4, maxUnavailable=1)
    return simulation


def nodes_of(simulation: Simulation) -> tuple[Outgoing, ...]:
    inventory = recording.read(simulation.world(), Target.CILIUM)
    assert inventory is not None
    return inventory.nodes


@pytest.mark.parametrize("answers", [1, 2, 5])
def test_a_ready_node_that_ec2_does_not_name_for_a_while_is_drained_as_any_other(
    simulation: Simulation, answers: int
) -> None:
    before = Before(simulation)
    stack = Stack(simulation, options())
    stack.up(until="ip-")
    for node in nodes_of(simulation):
        simulation.cloud.unseen[node.instance] = answers

    stack.up()

    before.check_replaced()


def test_ec2_forgets_an_instance_in_the_middle_of_its_drain(simulation: Simulation) -> None:
    before = Before(simulation)
    stack = Stack(simulation, options())
    stack.up(until="ip-")

    def forget(what: str) -> None:
        if what.endswith("/eviction"):
            simulation.cloud.unseen.update(dict.fromkeys(simulation.cloud.instances, 2))

    simulation.api.after_write = forget
    stack.up()

    before.check_replaced()


def test_a_ready_node_that_ec2_never_names_is_left_alone(simulation: Simulation) -> None:
    stack = Stack(simulation, options())
    stack.up(until="ip-")
    simulation.cloud.unseen = dict.fromkeys(simulation.cloud.instances, 10**6)

    with pytest.raises(
        TimedOutError, match="the instance is absent, InService in its group, the node is Ready"
    ):
        stack.up()

    assert simulation.api.evictions == []
    assert "terminate_instance" not in {name for name, _ in simulation.cloud.calls}


def test_a_ready_node_that_ec2_calls_terminated_is_not_terminated_undrained(simulation: Simulation) -> None:
    stack = Stack(simulation, options())
    stack.up(until="ip-")
    node = nodes_of(simulation)[0]
    simulation.cloud.said[node.instance] = "terminated"

    with pytest.raises(
        TimedOutError, match="the instance is terminated, InService in its group, the node is"
    ):
        steps.rotate_node(run(simulation.world()), node.name)

    assert "terminate_instance" not in {name for name, _ in simulation.cloud.calls}


def test_an_instance_that_ec2_has_forgotten_has_ended_when_kubernetes_and_its_group_agree(
    simulation: Simulation,
) -> None:
    stack = Stack(simulation, options())
    stack.up(until="ip-")
    node = nodes_of(simulation)[0]
    group = simulation.cloud.groups["workers"]
    simulation.cloud.end(group, group.members[node.instance])
    simulation.clock.sleep(20)
    simulation.cloud.unseen[node.instance] = 10**6

    facts = steps.rotate_node(run(simulation.world()), node.name)

    assert facts["evicted"] == 0
    assert "terminate_instance" not in {name for name, _ in simulation.cloud.calls}


def test_a_member_that_one_answer_of_auto_scaling_misses_is_still_terminated_in_its_group(
    simulation: Simulation,
) -> None:
    before = Before(simulation)
    stack = Stack(simulation, options())
    stack.up(until="ip-")
    node = nodes_of(simulation)[0]
    simulation.cloud.unlisted[node.instance] = 2

    stack.up()

    before.check_replaced()


def test_a_node_deleted_for_a_moment_is_not_terminated(simulation: Simulation) -> None:
    """A kubelet registers its node again within seconds: its pods still run."""
    stack = Stack(simulation, options())
    stack.up(until="ip-")
    node = nodes_of(simulation)[0]
    missed = 2

    def miss(request: httpx.Request) -> httpx.Response | None:
        nonlocal missed
        if missed and request.url.path == f"/api/v1/nodes/{node.name}":
            missed -= 1
            return httpx.Response(404, json={"message": "not found"})
        return None

    simulation.api.answers.append(miss)
    facts = steps.rotate_node(run(simulation.world()), node.name)

    assert facts["evicted"] > 0
    assert simulation.lost == []


def test_an_instance_that_runs_outside_its_group_stops_the_run(simulation: Simulation) -> None:
    stack = Stack(simulation, options())
    stack.up(until="ip-")
    node = nodes_of(simulation)[0]
    group = simulation.cloud.groups["workers"]
    for pod in simulation.pods_on(node.name):
        simulation.api.remove(PODS, pod)
    simulation.api.remove(NODES, simulation.node(node.name) or {})
    del group.members[node.instance]
    group.desired -= 1

    with pytest.raises(StoppedError, match="is no longer in the Auto Scaling group"):
        steps.rotate_node(run(simulation.world()), node.name)


@pytest.mark.parametrize("answers", [1, 3, 8])
def test_a_member_that_is_called_in_service_after_its_termination_is_not_terminated_twice(
    simulation: Simulation, answers: int
) -> None:
    """A second request would decrement the desired capacity a second time."""
    before = Before(simulation)
    stack = Stack(simulation, options(capacity=Capacity.DECREMENT))
    stack.up(until="ip-")

    def age(operation: str) -> None:
        if operation == "terminate_instance":
            simulation.cloud.outdated.setdefault(simulation.cloud.calls[-1][1]["instance"], answers)

    simulation.cloud.after_write = age
    stack.up()

    before.check_replaced()


@pytest.mark.parametrize("until", ["prepare", "ip-", "restore"])
def test_a_group_that_some_answers_do_not_have_is_not_taken_for_deleted(
    simulation: Simulation, until: str
) -> None:
    """Otherwise its sizes and processes would never be restored."""
    before = Before(simulation)
    stack = Stack(simulation, options())
    stack.up(until=until)
    simulation.cloud.unknown["workers"] = 2

    stack.up()

    before.check_replaced()
