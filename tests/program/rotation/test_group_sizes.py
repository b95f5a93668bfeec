"""Groups that other programs resize in the middle: no instance is taken from under pods, and growth stays."""

from collections.abc import Callable

import pytest

from eks_cilium.migration.capacity import contribution
from eks_cilium.migration.facts import groups as group_facts
from eks_cilium.migration.start import plan_now
from eks_cilium.runtime.record import Record, of_group
from eks_cilium.settings.model.migration import Capacity, Target

from .migrations import Before, Stack, options, run, sizes
from .simulation.cloud import Group
from .simulation.world import Simulation

pytestmark = pytest.mark.simulation


def shop(*, nodes: int = 3, maximum: int = 40, managed: bool = False) -> Simulation:
    simulation = Simulation(workers=nodes)
    simulation.cloud.groups["workers"].maximum = maximum
    simulation.cloud.node_groups = managed
    simulation.deploy("web", 6, maxUnavailable=1)
    return simulation


def grown(before: Before, by: int) -> Before:
    """What a migration has to leave where another program has added nodes."""
    minimum, maximum, desired, suspended = before.groups["workers"]
    before.groups["workers"] = (minimum, maximum, desired + by, suspended)
    return before


def decremented(simulation: Simulation, before: Before) -> int:
    """How many old nodes went with their place in the group."""
    calls = [call for name, call in simulation.cloud.calls if name == "terminate_instance"]
    return sum(call["decrement"] and call["instance"] in before.instances for call in calls)


def on_write(simulation: Simulation, operation: str, number: int, do: Callable[[], None]) -> None:
    """Do something between the program's reading and its `number`th request of that kind."""
    left = number

    def count(name: str) -> None:
        nonlocal left
        left -= name == operation
        if left == 0:
            left = -1
            do()

    simulation.cloud.before_write = count


@pytest.mark.parametrize("managed", [False, True], ids=["self-managed", "managed"])
@pytest.mark.parametrize("growth", [3, 25])
@pytest.mark.parametrize("until", ["prepare", "ip-10-0-0-2", "restore"])
def test_growth_by_an_autoscaler_stays_and_costs_no_instance(until: str, growth: int, managed: bool):
    simulation = shop(managed=managed)
    before = grown(Before(simulation), growth)
    stack = Stack(simulation, options())
    stack.up(until=until)
    simulation.cloud.resized_by_others("workers", growth)

    stack.up()

    before.check_replaced()
    assert decremented(simulation, before) == 1


@pytest.mark.parametrize("managed", [False, True], ids=["self-managed", "managed"])
def test_growth_between_a_reading_and_the_resize_is_not_undone(managed: bool):
    """The request carries the desired capacity that was read before; the autoscaler's instances start."""
    simulation = shop(managed=managed)
    before = Before(simulation)
    group = simulation.cloud.groups["workers"]

    def grow() -> None:
        simulation.cloud.resized_by_others("workers", 3)
        for _ in range(3):
            simulation.cloud.launch(group)

    on_write(simulation, "update_nodegroup_config" if managed else "update_auto_scaling_group", 1, grow)
    Stack(simulation, options()).up()

    grown(before, 3).check_replaced()


def test_growth_while_eks_carries_out_an_update_is_not_undone():
    simulation = shop(managed=True)
    before = Before(simulation)
    operation = "update_nodegroup_config"

    def grow(name: str) -> None:
        if name == operation:
            simulation.cloud.after_write = lambda _: None
            simulation.cloud.resized_by_others("workers", 2)
            for _ in range(2):
                simulation.cloud.launch(simulation.cloud.groups["workers"])

    simulation.cloud.after_write = grow
    Stack(simulation, options()).up()

    grown(before, 2).check_replaced()


def test_growth_beyond_the_old_maximum_while_it_is_restored_keeps_its_instances():
    simulation = shop(maximum=3)
    before = Before(simulation)
    group = simulation.cloud.groups["workers"]
    stack = Stack(simulation, options())
    stack.up(until="restore")

    def grow() -> None:
        simulation.cloud.resized_by_others("workers", 1)
        simulation.cloud.launch(group)

    on_write(simulation, "update_auto_scaling_group", 2, grow)  # the first evens out zones
    stack.up()
    simulation.clock.sleep(20)  # the new node joins

    minimum, _, desired, suspended = before.groups["workers"]
    before.groups["workers"] = (minimum, 4, desired + 1, suspended)
    before.check_replaced()


def test_a_maximum_that_others_need_stays_and_the_report_says_so():
    simulation = shop(maximum=3)
    before = Before(simulation)
    lines: list[str] = []
    stack = Stack(simulation, options(surge=2), report=lines.append)
    stack.up(until="ip-10-0-0-3")
    simulation.cloud.groups["workers"].desired += 1
    simulation.cloud.groups["workers"].maximum += 1

    stack.up()

    minimum, _, desired, suspended = before.groups["workers"]
    before.groups["workers"] = (minimum, 4, desired + 1, suspended)
    before.check_replaced()
    assert any("its maximum stays at 4 instead of 3" in line for line in lines)


@pytest.mark.parametrize("growth", [1, 5])
def test_growth_in_decrement_mode_stays_as_well(growth: int):
    simulation = shop()
    before = grown(Before(simulation), growth)
    stack = Stack(simulation, options(capacity=Capacity.DECREMENT, surge=2))
    stack.up(until="ip-10-0-0-2")
    simulation.cloud.resized_by_others("workers", growth)

    stack.up()

    before.check_replaced()


def test_growth_that_cannot_be_launched_does_not_hold_the_end_up():
    simulation = shop()
    before = grown(Before(simulation), 4)
    stack = Stack(simulation, options())
    stack.up(until="restore")
    simulation.cloud.full_groups.add("workers")
    simulation.cloud.resized_by_others("workers", 4)

    stack.up()

    before.check_replaced()
    assert len(simulation.cloud.groups["workers"].counted) == 3


def test_nodes_that_an_autoscaler_takes_away_are_not_added_again():
    """It drains an old node and terminates it with a decrement, as the Cluster Autoscaler does."""
    simulation = shop(nodes=4)
    before = grown(Before(simulation), -1)
    stack = Stack(simulation, options())
    stack.up(until="ip-10-0-0-1")
    world, name = simulation.world(), "ip-10-0-0-4"
    instance = simulation.nodes(**{"cni-plugin": "aws"})[3]["spec"]["providerID"].rpartition("/")[2]
    for pod in simulation.pods_on(name):
        if pod["metadata"]["ownerReferences"][0]["kind"] != "DaemonSet":
            simulation.api.remove("/api/v1/pods", pod)
    simulation.violations.clear()
    world.groups.terminate(instance, decrement=True)
    simulation.clock.sleep(10)
    simulation.violations.clear()

    stack.up()

    before.check_replaced()


def test_extra_nodes_that_an_autoscaler_takes_away_at_once_are_not_waited_for():
    """Before they have pods they look idle; an old node that looks idle goes with them."""
    simulation = shop(nodes=4)
    before = grown(Before(simulation), -2)
    stack = Stack(simulation, options(surge=2))
    tick = simulation.clock.tick

    def take_away() -> None:
        tick()
        members = list(simulation.cloud.groups["workers"].members.values())
        if len(simulation.nodes()) == 6:
            simulation.clock.tick = tick
            _take(simulation, members[3].id)
            _take(simulation, members[5].id)

    simulation.clock.tick = take_away
    stack.up(until="ip-10-0-0-1")
    simulation.violations.clear()
    simulation.lost.clear()
    stack.up()

    before.check_replaced()


def _take(simulation: Simulation, instance: str) -> None:
    """End an instance as the Cluster Autoscaler does, after its pods were moved."""
    for node in simulation.nodes():
        if node["spec"]["providerID"].endswith(instance):
            for pod in simulation.pods_on(node["metadata"]["name"]):
                if pod["metadata"]["ownerReferences"][0]["kind"] != "DaemonSet":
                    simulation.api.remove("/api/v1/pods", pod)
    simulation.world().groups.terminate(instance, decrement=True)


def test_a_surge_that_an_earlier_version_has_added_is_taken_back():
    """Its record has the sizes before, and not what was added to them."""
    simulation = shop()
    before = Before(simulation)
    stack = Stack(simulation, options())
    stack.up(until="ip-")
    Record(simulation.world().api).drop(of_group("workers"))

    stack.up()

    before.check_replaced()


def test_a_termination_that_was_recorded_and_not_sent_is_not_counted():
    simulation = shop()
    stack = Stack(simulation, options())
    stack.up(until="ip-")
    world = simulation.world()
    state = world.groups.group("workers")
    instance = state.members[0].instance

    now = contribution.Contribution(added=1, decremented=(instance, "i-gone"))

    assert now.net(state) == 0


def test_a_plan_in_the_middle_starts_from_what_others_have_made_of_the_group():
    simulation = shop()
    stack = Stack(simulation, options())
    stack.up(until="ip-")
    simulation.cloud.resized_by_others("workers", 5)

    [group] = plan_now(run(simulation.world())).groups

    assert (group.desired, group.peak, group.at_end) == (8, 9, 8)


def test_more_groups_than_one_request_takes_are_read_in_batches():
    simulation = shop()
    for number in range(120):
        simulation.cloud.groups[f"group-{number}"] = Group(f"group-{number}", 0, 1, 0)
    client = simulation.world().groups

    assert len(client.groups(simulation.cloud.groups)) == 121


def test_the_facts_of_more_groups_than_one_request_takes_are_read_in_batches():
    simulation = Simulation(**{f"group{number}": 1 for number in range(60)})
    world = simulation.world()

    found = group_facts.groups(world.aws("autoscaling"), world.aws("eks"), "demo", simulation.cloud.instances)

    assert len(found) == 60


def test_the_bounds_of_a_group_never_change_its_desired_capacity():
    """UpdateAutoScalingGroup is sent without DesiredCapacity where only bounds change."""
    simulation = shop(maximum=3)
    Stack(simulation, options(target=Target.CILIUM)).up()

    sent = [call["desired"] for name, call in simulation.cloud.calls if name == "update_auto_scaling_group"]
    assert sent[-1] is None
    assert set(sent[:-1]) == {4}
    assert sizes(simulation)["workers"][:3] == (1, 3, 3)
