"""The sizes of Auto Scaling groups during a migration, and the zones new instances start in."""

import pytest

from eks_cilium.migration.facts.model import Hook, Instance
from eks_cilium.migration.options import Before, Recorded
from eks_cilium.migration.plan.capacity import decrements, desired, forecast
from eks_cilium.migration.plan.model import Code
from eks_cilium.migration.plan.planner import plan
from eks_cilium.settings.model.migration import Allow, Capacity, MigrationOptions
from tests.program.plan.builders import ZONES, World, group, node, zone_of

pytestmark = pytest.mark.unit

SURGE, DECREMENT = Capacity.SURGE, Capacity.DECREMENT


def zones(count: int) -> list[str]:
    return [zone_of(number) for number in range(count)]


def forecasted(count: int, capacity: Capacity = SURGE, surge: int = 1, **changes):
    return forecast(
        group([node(number) for number in range(count)], **changes),
        zones(count),
        capacity=capacity,
        surge=surge,
    )


def test_a_surge_ends_where_it_began_and_never_goes_below():
    sizes = forecasted(6, surge=2).sizes

    assert (sizes.desired, sizes.peak, sizes.lowest, sizes.at_end) == (6, 8, 6, 6)


def test_only_the_last_nodes_shrink_the_group_in_a_surge():
    assert forecasted(5, surge=2).decrements == (False, False, False, True, True)


def test_a_surge_wider_than_the_group_is_as_wide_as_the_group():
    sizes = forecasted(2, surge=5).sizes

    assert (sizes.peak, sizes.at_end) == (4, 2)


def test_every_node_shrinks_the_group_when_extra_nodes_came_first():
    course = forecasted(6, DECREMENT, surge=6)

    assert course.decrements == (True,) * 6
    assert (course.sizes.peak, course.sizes.lowest, course.sizes.at_end) == (12, 6, 6)


@pytest.mark.parametrize("capacity", list(Capacity))
def test_sizes_follow_from_the_nodes_left_so_a_new_run_continues_where_the_last_stopped(capacity):
    before = Before(desired=6, outgoing=6)
    size = desired(capacity, 2, before, 6)
    for left in range(6, 0, -1):
        assert size == desired(capacity, 2, before, left)
        size -= decrements(capacity, 2, left)
    assert size == desired(capacity, 2, before, 0)


def test_a_resumed_plan_counts_from_the_sizes_before_the_first_change():
    world = World(2)
    world.groups = [group(world.nodes, desired=3, maximum=4)]

    result = plan(
        world.facts(),
        MigrationOptions(surge=1),
        recorded=Recorded(groups={"workers": Before(desired=4, outgoing=4)}),
    )

    (sizes,) = result.groups
    assert (sizes.desired, sizes.peak, sizes.at_end) == (4, 5, 4)


def test_shrinking_below_the_minimum_blocks_with_the_arithmetic():
    world = World(3)
    world.groups = [group(world.nodes, minimum=3)]

    (blocker,) = plan(world.facts(), MigrationOptions(capacity=DECREMENT, surge=1)).blockers

    assert blocker.code is Code.BELOW_MINIMUM
    assert "3 + 1 extra - 3 removed = 1, and its minimum is 3" in blocker.problem


def test_the_minimum_may_be_lowered_where_that_is_allowed():
    world = World(3)
    world.groups = [group(world.nodes, minimum=3)]
    allow = Allow(lower_minimum=("workers",))

    result = plan(world.facts(), MigrationOptions(capacity=DECREMENT, surge=1, allow=allow))

    assert result.clean
    assert result.groups[0].minimum == 1
    assert {str(warning.code) for warning in result.warnings} == {"minimum-lowered", "fewer-nodes"}


def test_a_maximum_that_is_too_low_for_the_surge_is_raised_with_a_warning():
    world = World(3)
    world.groups = [group(world.nodes, maximum=3)]

    result = plan(world.facts(), MigrationOptions(surge=2))

    assert result.groups[0].maximum == 5
    assert "3 -> 5" in result.warnings[0].text


def test_new_instances_start_in_the_zone_with_the_fewest():
    course = forecast(
        group([node(0), node(1), node(3), node(4)]),
        [ZONES[0], ZONES[1], ZONES[0], ZONES[1]],
        capacity=SURGE,
        surge=1,
    )

    assert course.launches[0] == (ZONES[2],)
    assert course.replacement_zones(0) == (ZONES[2],)


def test_with_fewer_nodes_than_zones_the_surge_may_take_the_place_of_one():
    """The extra node can only be in the third zone; the last node's zone is then left empty."""
    assert forecasted(2).sure == {ZONES[0], ZONES[2]}


def test_with_one_node_a_zone_and_a_surge_of_one_only_the_first_zones_are_certain():
    """AWS chooses the zone of the extra node, which remains in place of the last old node."""
    assert ZONES[2] not in forecasted(3).sure


@pytest.mark.parametrize("count", [3, 6, 9, 12])
def test_a_surge_of_one_node_a_zone_makes_every_zone_certain(count):
    course = forecasted(count, surge=3)

    assert course.sure == set(ZONES)
    assert all(len(choice) == 1 for choice in course.launches[3:])


def test_with_two_nodes_a_zone_every_zone_is_certain():
    assert forecasted(6).sure == set(ZONES)


def test_the_only_zone_of_a_group_is_certain():
    small = group([node(0, zone=ZONES[0])], zones=(ZONES[0],))

    assert forecast(small, [ZONES[0]], capacity=SURGE, surge=1).sure == {ZONES[0]}


def test_a_zone_that_has_a_new_node_already_is_certain():
    members = group([node(0), node(1)])
    with_new = group(
        [node(0), node(1)], instances=(*members.instances, Instance("i-new", ZONES[2])), desired=3
    )

    assert ZONES[2] in forecast(with_new, zones(2), capacity=SURGE, surge=1).sure


def test_no_zone_is_certain_in_an_unbalanced_group():
    lopsided = group([node(number, zone=ZONES[0]) for number in range(3)])

    assert ZONES[0] not in forecast(lopsided, [ZONES[0]] * 3, capacity=SURGE, surge=1).sure


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"status": "Delete in progress"}, Code.GROUP_BEING_DELETED),
        ({"suspended": ("Launch",)}, Code.PROCESS_SUSPENDED),
    ],
)
def test_groups_that_cannot_launch_a_replacement_block(changes, code):
    world = World(3)
    world.groups = [group(world.nodes, **changes)]

    assert [blocker.code for blocker in plan(world.facts()).blockers] == [code]


def test_hooks_and_unusual_instances_are_warnings():
    world = World(3)
    odd = (
        Instance("i-0", ZONES[0], lifecycle="Standby"),
        Instance("i-1", ZONES[1], protected=True),
        Instance("i-2", ZONES[2]),
    )
    hooks = (
        Hook("drain", "EC2_INSTANCE_TERMINATING", 900, "CONTINUE"),
        Hook("boot", "EC2_INSTANCE_LAUNCHING", 60, "ABANDON"),
    )
    world.groups = [group(world.nodes, instances=odd, hooks=hooks)]

    texts = {str(warning.code): warning.text for warning in plan(world.facts()).warnings}

    assert "drain, up to 900 s, then CONTINUE" in texts["lifecycle-hook"]
    assert "boot" not in texts["lifecycle-hook"]
    assert "i-0 is Standby, i-1 is protected from scale-in" in texts["instance-state"]


def test_a_group_too_small_for_its_volumes_at_the_end_is_a_warning():
    world = World(3)
    world.nodes = [node(number, volume_limits={"ebs.csi.aws.com": 2}) for number in range(3)]
    for number in range(3):
        owner = world.owner("StatefulSet", "db", 3)
        pod = world.pod(f"db-{number}", number, owner, claims=(f"data-{number}",))
        world.volume(pod, None)

    result = plan(world.facts(), MigrationOptions(capacity=DECREMENT, surge=1))

    assert "3 volumes of ebs.csi.aws.com, and 1 nodes hold 2 each" in next(
        warning.text for warning in result.warnings if warning.code is Code.VOLUMES_FULL
    )
