"""A node whose Node object was deleted registers anew: the same instance, without the label of its CNI."""

import pytest

from eks_cilium.migration.inventory import recording
from eks_cilium.migration.inventory.returned import label_returned
from eks_cilium.migration.rotation import steps
from eks_cilium.migration.start import read_start
from eks_cilium.settings.model.migration import Target

from .migrations import Before, Stack, options, run
from .simulation.api_server import Object
from .simulation.world import PODS, Simulation

pytestmark = pytest.mark.simulation


@pytest.fixture
def simulation() -> Simulation:
    simulation = Simulation(workers=3)
    simulation.deploy("web", 4, maxUnavailable=1)
    return simulation


def old(simulation: Simulation) -> list[str]:
    inventory = recording.read(simulation.world(), Target.CILIUM)
    assert inventory is not None
    return [node.name for node in inventory.nodes]


def agent(simulation: Simulation, cni: str, node: str) -> Object | None:
    return simulation.api.find(PODS, "kube-system", f"{cni}-{node}")


def test_a_node_that_registers_anew_is_labelled_before_the_next_rotation(simulation: Simulation) -> None:
    Stack(simulation, options()).up(until="ip-")
    first, last = old(simulation)[0], old(simulation)[-1]
    simulation.register_anew(last)
    simulation.clock.sleep(3)
    assert agent(simulation, "cilium", last), "a node without the label gets an agent of the new CNI"
    lines: list[str] = []

    steps.rotate_node(run(simulation.world(), report=lines.append), first)

    node = simulation.node(last)
    assert node is not None
    assert node["metadata"]["labels"]["cni-plugin"] == "aws"
    assert [each["effect"] for each in node["spec"]["taints"]] == ["PreferNoSchedule"]
    assert agent(simulation, "cilium", last) is None
    assert agent(simulation, "aws-node", last)
    assert [line for line in lines if last in line and "registered anew" in line]


def test_a_migration_completes_although_every_old_node_registers_anew(simulation: Simulation) -> None:
    before = Before(simulation)
    stack = Stack(simulation, options())
    stack.up(until="ip-")
    for name in old(simulation):
        simulation.register_anew(name)
    simulation.clock.sleep(5)

    stack.up()

    before.check_replaced()


def test_a_node_that_registers_anew_in_the_middle_of_its_own_drain_is_still_replaced(
    simulation: Simulation,
) -> None:
    stack = Stack(simulation, options())
    stack.up(until="ip-")
    name = old(simulation)[0]

    def register(what: str) -> None:
        if what.endswith("/eviction"):
            simulation.api.after_write = lambda _: None
            simulation.register_anew(name)

    simulation.api.after_write = register
    facts = steps.rotate_node(run(simulation.world()), name)

    assert facts["evicted"] > 0
    assert simulation.node(name) is None
    assert simulation.lost == []


def test_nodes_that_registered_anew_are_still_left_to_do(simulation: Simulation) -> None:
    Stack(simulation, options()).up(until="ip-")
    for name in old(simulation):
        simulation.register_anew(name)

    assert read_start(run(simulation.world())).left == 3


def test_labelling_again_says_nothing_and_writes_nothing_where_no_label_is_missing(
    simulation: Simulation,
) -> None:
    Stack(simulation, options()).up(until="ip-")
    simulation.api.writes.clear()

    assert label_returned(run(simulation.world())) == ()
    assert simulation.api.writes == []


def test_a_node_that_registers_anew_under_another_name_is_drained_under_it(simulation: Simulation) -> None:
    """As after a change of its host name: the instance runs, and so do its pods."""
    before = Before(simulation)
    stack = Stack(simulation, options())
    stack.up(until="ip-")
    simulation.register_anew(old(simulation)[0], under="renamed")
    simulation.clock.sleep(5)

    stack.up()

    before.check_replaced()
