"""Members that die, groups and zones without capacity: no drain waits for what cannot come."""

from typing import Any

import pytest

from eks_cilium.cluster.objects import is_cordoned
from eks_cilium.migration.agents.cni_gate import CniGate
from eks_cilium.migration.capacity import dead, groups, stopped
from eks_cilium.migration.inventory import recording
from eks_cilium.migration.rotation import restore, steps
from eks_cilium.migration.start import read_start
from eks_cilium.runtime.errors import StoppedError, TimedOutError
from eks_cilium.settings.model.migration import Capacity, Target

from .migrations import Before, Stack, options, run, sizes
from .simulation.threads import SharedClock
from .simulation.world import Simulation

pytestmark = pytest.mark.simulation


def shop(**groups: int) -> Simulation:
    simulation = Simulation(**(groups or {"workers": 3}))
    simulation.deploy("web", 4, maxUnavailable=1)
    return simulation


def patient(**chosen: object) -> Any:
    """Options under which a dead node is noticed before the wait for capacity is over."""
    return options(dead_node_seconds=30, **chosen)


def instance_of(simulation: Simulation, name: str) -> str:
    node = simulation.node(name)
    assert node is not None
    return str(node["spec"]["providerID"]).rpartition("/")[2]


def new_nodes(simulation: Simulation) -> list[str]:
    return [
        node["metadata"]["name"]
        for node in simulation.nodes()
        if "cni-plugin" not in node["metadata"]["labels"]
    ]


def as_soon_as_launched(simulation: Simulation, do: Any) -> None:
    """Do something to the next new instance, in the second after it was launched."""
    known, inner = set(simulation.cloud.instances), simulation.clock.tick

    def tick() -> None:
        inner()
        for instance in simulation.cloud.instances.keys() - known:
            simulation.clock.tick = inner
            do(instance)

    simulation.clock.tick = tick


def test_a_new_instance_that_dies_before_it_joins_is_replaced():
    simulation = shop()
    before = Before(simulation)
    as_soon_as_launched(simulation, simulation.cloud.die)

    Stack(simulation, patient()).up()

    before.check_replaced()
    assert [event["event"] for event in simulation.journal].count("dead-replaced") == 1


def test_a_new_instance_that_dies_in_the_middle_is_replaced():
    simulation = shop(workers=4)
    before = Before(simulation)
    stack = Stack(simulation, patient())
    stack.up(until="ip-10-0-0-2")
    simulation.cloud.die(instance_of(simulation, new_nodes(simulation)[0]))
    simulation.clock.sleep(10)
    simulation.violations.clear()  # of the pods that died with it

    stack.up()

    before.check_replaced()


def test_a_new_node_that_stops_reporting_is_replaced_after_a_while():
    simulation = shop()
    before = Before(simulation)
    stack = Stack(simulation, patient())
    stack.up(until="ip-")
    simulation.silence(new_nodes(simulation)[0])

    stack.up()

    before.check_replaced()
    [event] = [event for event in simulation.journal if event["event"] == "dead-replaced"]
    assert event["reason"] == "has not been Ready for 30 s"


def test_a_new_node_that_is_not_ready_for_a_moment_is_kept():
    simulation = shop()
    before = Before(simulation)
    stack = Stack(simulation, patient())
    stack.up(until="ip-")
    name = new_nodes(simulation)[0]
    simulation.silence(name)
    inner, began = simulation.clock.tick, simulation.clock.seconds

    def tick() -> None:
        if simulation.clock.seconds > began + 15:
            simulation.silent_nodes.clear()
        inner()

    simulation.clock.tick = tick
    stack.up()

    before.check_replaced()
    assert not any(event["event"] == "dead-replaced" for event in simulation.journal)


def test_instances_that_never_join_are_replaced_twice_and_then_the_group_is_restored():
    simulation = shop()
    before = Before(simulation)
    simulation.groups_that_never_join.add("workers")

    with pytest.raises(TimedOutError, match="has not joined the cluster"):
        Stack(simulation, patient()).up()

    before.check()
    assert [event["event"] for event in simulation.journal].count("dead-replaced") == 2


def test_nodes_that_fail_a_health_check_are_drained_before_auto_scaling_may_end_them():
    """A load balancer's check: the nodes are Ready and full of pods, and ReplaceUnhealthy is resumed."""
    simulation = shop()
    before = Before(simulation)
    stack = Stack(simulation, patient())
    stack.up(until="ip-10-0-0-2")
    unhealthy = {instance_of(simulation, name) for name in new_nodes(simulation)}
    simulation.cloud.unhealthy |= unhealthy

    stack.up()

    simulation.clock.sleep(5)
    before.check_replaced()
    assert not any(event["event"] == "dead-replaced" for event in simulation.journal)
    assert unhealthy.isdisjoint(simulation.cloud.groups["workers"].members)


def test_an_instance_refresh_ends_no_node_during_the_migration():
    """It began in the first second of the migration, for all instances of before."""
    simulation = shop()
    before = Before(simulation)
    stack = Stack(simulation, options())
    stack.up(until="ip-")
    simulation.cloud.groups["workers"].refreshing = set(before.instances)

    stack.up()

    before.check_replaced()


def test_a_ready_node_is_not_dead_whatever_ec2_says():
    simulation = shop()
    stack = Stack(simulation, patient())
    stack.up(until="ip-")
    for instance in simulation.cloud.instances:
        simulation.cloud.instances[instance] = "stopped"
    world = simulation.world()
    gate = CniGate(world, Target.CILIUM)

    assert (
        dead.replace_new(run(world, patient()), "workers", world.groups.group("workers").members, gate) == 0
    )


def test_an_old_node_that_stops_reporting_does_not_count_as_serving():
    """With it silent, only two nodes of three serve: no other is cordoned until it reports again."""
    simulation = shop()
    stack = Stack(simulation, options())
    stack.up(until="ip-")
    inventory = recording.read(simulation.world(), Target.CILIUM)
    assert inventory is not None
    first, second = inventory.nodes[:2]
    simulation.silence(second.name)

    with pytest.raises(TimedOutError, match=rf"instance {second.instance} to be replaced is not Ready"):
        steps.rotate_node(run(simulation.world(), options(replacement_timeout_seconds=60)), first.name)

    assert not any(is_cordoned(node) for node in simulation.nodes())
    assert simulation.api.evictions == []


def test_an_old_node_that_was_silent_for_long_does_not_hold_the_others_up():
    simulation = shop()
    stack = Stack(simulation, patient())
    stack.up(until="ip-")
    inventory = recording.read(simulation.world(), Target.CILIUM)
    assert inventory is not None
    first, second = inventory.nodes[:2]
    simulation.silence(second.name)
    simulation.clock.sleep(40)

    facts = steps.rotate_node(run(simulation.world(), patient()), first.name)

    assert facts["instance"] == first.instance


def test_an_old_instance_that_dies_is_replaced_where_its_capacity_is_missed():
    simulation = shop()
    before = Before(simulation)
    stack = Stack(simulation, patient())
    stack.up(until="ip-")
    inventory = recording.read(simulation.world(), Target.CILIUM)
    assert inventory is not None
    simulation.cloud.die(inventory.nodes[2].instance)
    simulation.clock.sleep(10)
    simulation.violations.clear()

    stack.up()

    before.check_replaced()


def test_a_group_that_cannot_grow_stops_alone_and_is_restored():
    simulation = shop(gpu=2, workers=3)
    before = Before(simulation)
    simulation.cloud.full_groups.add("gpu")
    old = set(simulation.cloud.groups["gpu"].members)
    stack = Stack(simulation, options())

    with pytest.raises(StoppedError, match=r"2 nodes of the Auto Scaling group gpu not replaced.*sufficient"):
        stack.up()

    before.check()
    assert set(simulation.cloud.groups["gpu"].members) == old
    assert set(simulation.cloud.groups["workers"].members).isdisjoint(before.instances)
    skipped = [event["group"] for event in simulation.journal if event["event"] == "skipped"]
    assert skipped == ["gpu", "gpu"]


def test_the_next_run_tries_a_group_that_could_not_grow_again():
    simulation = shop(gpu=2, workers=3)
    before = Before(simulation)
    simulation.cloud.full_groups.add("gpu")
    stack = Stack(simulation, options())
    with pytest.raises(StoppedError):
        stack.up()
    replaced = set(simulation.cloud.groups["workers"].members)
    simulation.cloud.full_groups.clear()

    stack.up()

    before.check_replaced()
    assert set(simulation.cloud.groups["workers"].members) == replaced


def test_a_group_that_runs_out_of_capacity_in_the_middle_stops_alone():
    simulation = shop(gpu=3, workers=3)
    before = Before(simulation)
    stack = Stack(simulation, options())
    stack.up(until="ip-10-0-0-2")
    group = simulation.cloud.groups["gpu"]
    simulation.cloud.full_groups.add("gpu")

    with pytest.raises(StoppedError, match="group gpu not replaced"):
        stack.up()

    assert simulation.lost == simulation.violations == simulation.cloud.undrained == []
    assert len(group.counted) == 3
    assert not any(is_cordoned(node) for node in simulation.nodes())
    simulation.cloud.full_groups.clear()
    stack.up()
    before.check_replaced()


def test_nodes_that_are_replaced_side_by_side_are_skipped_together():
    clock = SharedClock()
    simulation = Simulation(clock=clock, gpu=4)
    simulation.deploy("web", 4, maxUnavailable=1)
    simulation.watch()
    given = options(surge=2, replacement_timeout_seconds=10)
    Stack(simulation, given).up(until="ip-")
    nodes = recording.required(simulation.world(), Target.CILIUM).nodes
    simulation.cloud.full_groups.add("gpu")

    def lane(names: list[str]) -> None:
        for name in names:
            steps.rotate_node(run(simulation.world(), given), name)

    names = [node.name for node in nodes]
    errors = clock.run(lambda: lane(names[::2]), lambda: lane(names[1::2]))

    assert errors == []
    assert [event["event"] for event in simulation.journal].count("group-stopped") == 1
    assert set(sizes(simulation)["gpu"][3]) <= {"AZRebalance"}  # half replaced, its zones may be uneven
    assert simulation.lost == simulation.violations == simulation.cloud.undrained == []


def test_a_program_that_starts_again_knows_the_groups_to_try_again():
    simulation = shop(gpu=2, workers=3)
    simulation.cloud.full_groups.add("gpu")
    assert read_start(run(simulation.world())).given_up == ()
    with pytest.raises(StoppedError):
        Stack(simulation, options()).up()

    assert read_start(run(simulation.world())).given_up == ("gpu",)


def test_a_rollback_does_not_stop_at_a_group_that_could_not_grow_before_it():
    simulation = shop(gpu=2, workers=3)
    before = Before(simulation)
    simulation.cloud.full_groups.add("gpu")
    with pytest.raises(StoppedError):
        Stack(simulation, options()).up()
    gpu = set(simulation.cloud.groups["gpu"].members)

    Stack(simulation, options(target=Target.AWS_VPC_CNI)).up()

    before.check()
    assert set(simulation.cloud.groups["gpu"].members) == gpu


def test_a_group_that_was_not_given_up_to_the_end_is_restored_with_the_others():
    """AWS did not answer after the mark was written, so that sizes and processes were not restored."""
    simulation = shop(gpu=2, workers=3)
    before = Before(simulation)
    Stack(simulation, options()).up(until="ip-")
    migration = run(simulation.world(), options(replacement_timeout_seconds=10))
    stopped.mark(migration, groups.progress(migration, "gpu"), "no capacity")

    with pytest.raises(StoppedError, match="gpu not replaced, since it cannot grow: no capacity"):
        restore.restore(migration)

    assert sizes(simulation)["gpu"][3] == before.groups["gpu"][3]


def test_a_group_that_got_a_part_of_its_surge_begins_with_that():
    simulation = shop(workers=3)
    before = Before(simulation)
    stack = Stack(simulation, options(surge=2))
    inner, group = simulation.cloud.launch, simulation.cloud.groups["workers"]
    simulation.cloud.launch = lambda each: len(group.counted) < 4 and inner(each)  # type: ignore[method-assign]

    stack.up()

    before.check_replaced()


@pytest.mark.parametrize("balanced_only", [False, True], ids=["best effort", "balanced only"])
def test_zones_that_cannot_be_even_cost_at_most_one_node(balanced_only: bool):
    simulation = shop(workers=6)
    before = Before(simulation)
    stack = Stack(simulation, options())
    stack.up(until="restore")
    group = simulation.cloud.groups["workers"]
    lines: list[str] = []
    make_uneven(simulation)
    group.balanced_only = balanced_only
    simulation.cloud.full_zones = {"c"}
    launched = len(simulation.cloud.instances)
    stack = Stack(simulation, options(), report=lines.append, forgetful=True)

    stack.up()

    before.check_replaced()
    assert len(simulation.cloud.instances) - launched <= 1
    assert any("the zones of workers stay uneven (a 4, b 2, c 0)" in line for line in lines)


def test_zones_that_can_be_even_are_evened_out_by_draining():
    simulation = shop(workers=6)
    before = Before(simulation)
    stack = Stack(simulation, options())
    stack.up(until="restore")
    make_uneven(simulation)

    stack.up()

    before.check_replaced()
    assert sorted(simulation.cloud.groups["workers"].population.values()) == [2, 2, 2]


def make_uneven(simulation: Simulation) -> None:
    """As after a migration during which zone c had no capacity."""
    free = iter("abab")
    for member in simulation.cloud.groups["workers"].members.values():
        if member.counts and member.zone == "c":
            member.zone = next(free)


def test_a_new_node_that_a_person_has_cordoned_does_not_hold_the_end_up():
    simulation = shop()
    before = Before(simulation)
    stack = Stack(simulation, options())
    stack.up(until="restore")
    node = simulation.node(new_nodes(simulation)[-1])
    assert node is not None
    node["spec"]["unschedulable"] = True

    stack.up()

    for left in simulation.nodes():
        left["spec"].pop("unschedulable", None)
    before.check_replaced()


def test_a_cordoned_new_node_is_the_first_surplus_to_go():
    simulation = shop()
    before = Before(simulation)
    stack = Stack(simulation, options(capacity=Capacity.DECREMENT, surge=4))
    stack.up(until="restore")
    name = new_nodes(simulation)[0]
    node = simulation.node(name)
    assert node is not None
    node["spec"]["unschedulable"] = True

    stack.up()

    assert simulation.node(name) is None
    before.check_replaced()


def test_nothing_is_left_suspended_when_a_group_was_given_up():
    simulation = shop(gpu=2, workers=3)
    simulation.cloud.full_groups.add("gpu")

    with pytest.raises(StoppedError):
        Stack(simulation, options()).up()

    assert sizes(simulation)["gpu"] == (1, 2, 2, ())
