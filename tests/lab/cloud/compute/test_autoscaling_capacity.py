"""How a group keeps its size and balances its zones, and what it refuses."""

import pytest

from lab.cloud.autoscaling.errors import (
    AlreadyExistsError,
    ResourceInUseError,
    ScalingActivityInProgressError,
    UnsupportedOperationError,
    ValidationError,
)
from lab.cloud.autoscaling.model import IN_SERVICE, PENDING, TERMINATING

from .region import END, LAUNCH, SUBNETS, Region

pytestmark = pytest.mark.simulation


@pytest.fixture
def region():
    return Region()


@pytest.fixture
def full(region):
    region.create(MinSize=1)
    region.pass_time()
    return region


def test_instances_are_pending_before_they_serve(region):
    region.create()
    assert set(region.states().values()) == {PENDING}
    region.pass_time(LAUNCH - 1)
    assert set(region.states().values()) == {PENDING}
    region.pass_time(1)
    assert list(region.states().values()) == [IN_SERVICE] * 3


def test_instances_spread_over_the_zones(region):
    region.create(DesiredCapacity=7)
    region.pass_time()
    assert "".join(region.zones()) == "aaabbcc"


def test_growing_fills_the_emptiest_zone_first(full):
    removed = next(i for i in full.serving() if full.group.members[i].subnet.zone.endswith("b"))
    full.scaling.detach("nodes", [removed], decrement=True)
    full.pass_time()
    full.scaling.set_desired_capacity("nodes", 3)
    full.pass_time()
    assert full.zones() == ["a", "b", "c"]


def test_shrinking_takes_the_fullest_zone_and_there_the_oldest_template(full):
    full.fleet.latest = 2
    full.scaling.set_desired_capacity("nodes", 4)
    full.pass_time()
    old = next(i for i in full.serving() if full.group.members[i].subnet.zone.endswith("a"))
    full.scaling.set_desired_capacity("nodes", 3)
    full.pass_time()
    assert old not in full.states()
    assert full.zones() == ["a", "b", "c"]


def test_an_instance_records_the_version_it_was_started_from(full):
    full.fleet.latest = 2
    full.scaling.set_desired_capacity("nodes", 4)
    full.pass_time()
    assert sorted(member.template.version for member in full.group.members.values()) == ["1", "1", "1", "2"]
    assert full.group.template.version == "$Latest"


def test_a_terminated_instance_leaves_after_its_time_and_is_replaced(full):
    victim = full.serving()[0]
    full.scaling.terminate_instance(victim, decrement=False)
    assert full.states()[victim] == TERMINATING
    assert list(full.states().values()).count(PENDING) == 1
    full.pass_time(END)
    assert victim not in full.states()
    assert len(full.serving()) == 3


def test_terminating_with_a_decrement_shrinks_the_group(full):
    full.scaling.terminate_instance(full.serving()[0], decrement=True)
    full.pass_time()
    assert (full.group.desired, len(full.serving())) == (2, 2)


def test_terminating_with_a_decrement_stops_at_the_minimum(region):
    region.create(MinSize=3)
    region.pass_time()
    with pytest.raises(ValidationError) as caught:
        region.scaling.terminate_instance(region.serving()[0], decrement=True)
    assert str(caught.value) == (
        "Currently, desiredSize equals minSize (3). Terminating instance without replacement will violate "
        "group's min size constraint. Either set shouldDecrementDesiredCapacity flag to false or lower "
        "group's min size."
    )
    assert len(region.serving()) == 3


def test_terminating_twice_is_one_termination(full):
    victim = full.serving()[0]
    first = full.scaling.terminate_instance(victim, decrement=True)
    again = full.scaling.terminate_instance(victim, decrement=True)
    assert first.id == again.id
    assert full.group.desired == 2


@pytest.mark.parametrize(
    ("desired", "message"),
    [
        (11, "New SetDesiredCapacity value 11 is above max value 10 for the AutoScalingGroup."),
        (0, "New SetDesiredCapacity value 0 is below min value 1 for the AutoScalingGroup."),
    ],
)
def test_the_desired_capacity_stays_within_bounds(full, desired, message):
    with pytest.raises(ValidationError) as caught:
        full.scaling.set_desired_capacity("nodes", desired)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"MinSize": 4, "MaxSize": 2}, "Max bound, 2, must be greater than or equal to min bound, 4"),
        (
            {"DesiredCapacity": 11},
            "Desired capacity:11 must be between the specified min size:0 and max size:10",
        ),
        ({"VPCZoneIdentifier": "subnet-x"}, "The subnet ID 'subnet-x' does not exist"),
        (
            {"LaunchTemplate": {"LaunchTemplateName": "x"}},
            "You must use a valid fully-formed launch template.",
        ),
        ({"TerminationPolicies": ["Random"]}, "Invalid termination policy: Random"),
    ],
)
def test_an_invalid_group_is_refused(region, wrong, message):
    with pytest.raises(ValidationError, match=message):
        region.create(**wrong)
    assert region.scaling.groups == {}


def test_a_parameter_that_is_not_emulated_is_refused_by_name(region):
    with pytest.raises(NotImplementedError, match="PlacementGroup"):
        region.create(PlacementGroup="close")


def test_launch_configurations_are_refused_as_for_a_new_account(region):
    with pytest.raises(UnsupportedOperationError, match="not available in your account"):
        region.create(LaunchConfigurationName="old")


def test_a_second_group_of_the_same_name_is_refused(full):
    with pytest.raises(AlreadyExistsError):
        full.create()


def test_new_bounds_move_the_desired_capacity(full):
    full.scaling.update({"AutoScalingGroupName": "nodes", "MinSize": 5})
    assert full.group.desired == 5
    full.scaling.update({"AutoScalingGroupName": "nodes", "MinSize": 0, "MaxSize": 2})
    assert full.group.desired == 2
    full.pass_time()
    assert len(full.serving()) == 2


def test_a_suspended_launch_launches_nothing_until_it_is_resumed(full):
    full.scaling.suspend("nodes", ["Launch"])
    full.scaling.terminate_instance(full.serving()[0], decrement=False)
    full.pass_time()
    assert (full.group.desired, len(full.states())) == (3, 2)
    full.scaling.resume("nodes", ["Launch"])
    full.pass_time()
    assert len(full.serving()) == 3


def test_a_suspended_terminate_keeps_the_surplus(full):
    full.scaling.suspend("nodes", ["Terminate"])
    full.scaling.set_desired_capacity("nodes", 1)
    full.pass_time()
    assert len(full.serving()) == 3
    full.scaling.resume("nodes", [])
    full.pass_time()
    assert len(full.serving()) == 1


def test_an_unknown_process_is_refused(full):
    with pytest.raises(ValidationError, match="Lunch"):
        full.scaling.suspend("nodes", ["Lunch"])


def test_an_instance_terminated_outside_the_group_is_replaced(full):
    victim = full.serving()[0]
    full.fleet.terminate(victim)
    full.pass_time()
    assert victim not in full.states()
    assert len(full.serving()) == 3


def test_without_health_checks_dead_instances_are_kept(full):
    full.scaling.suspend("nodes", ["HealthCheck"])
    full.fleet.terminate(full.serving()[0])
    full.pass_time()
    assert len(full.serving()) == 3
    assert all(member.healthy for member in full.group.members.values())


def test_an_instance_called_unhealthy_is_replaced_unless_that_is_suspended(full):
    victim = full.serving()[0]
    full.scaling.suspend("nodes", ["ReplaceUnhealthy"])
    full.scaling.set_health(victim, "Unhealthy")
    full.pass_time()
    assert victim in full.serving()
    full.scaling.resume("nodes", ["ReplaceUnhealthy"])
    full.pass_time()
    assert victim not in full.states()


def test_a_protected_instance_is_not_scaled_in_but_can_be_terminated(full):
    kept = full.serving()[0]
    full.scaling.protect("nodes", [kept], protected=True)
    full.scaling.set_desired_capacity("nodes", 1)
    full.pass_time()
    assert full.serving() == [kept]
    full.scaling.terminate_instance(kept, decrement=False)
    full.pass_time()
    assert kept not in full.states()


def test_a_zone_without_capacity_is_skipped_and_tried_again(region):
    region.fleet.without_capacity = {"us-east-1b"}
    region.create()
    region.pass_time()
    assert region.zones() == ["a", "a", "c"] or region.zones() == ["a", "c", "c"]
    region.fleet.without_capacity = set()
    region.pass_time(300)
    assert region.zones() == ["a", "b", "c"]


def test_a_launch_that_fails_everywhere_is_a_failed_activity_and_is_tried_again(region):
    region.fleet.without_capacity = {f"us-east-1{zone}" for zone in "abc"}
    region.create(DesiredCapacity=1)
    region.pass_time(20)
    failed = [activity for activity in region.scaling.life.activities if activity.status == "Failed"]
    assert failed
    assert "sufficient capacity" in failed[0].message
    assert len(failed) < 30
    region.fleet.without_capacity = set()
    region.pass_time(120)
    assert len(region.serving()) == 1


def test_rebalancing_zones_launches_before_it_terminates(region):
    region.create(VPCZoneIdentifier="subnet-a", DesiredCapacity=4)
    region.pass_time()
    region.scaling.update({"AutoScalingGroupName": "nodes", "VPCZoneIdentifier": "subnet-a,subnet-b"})
    fewest = 4
    for _ in range(600):
        region.pass_time(1)
        fewest = min(fewest, len(region.serving()))
    assert region.zones() == ["a", "a", "b", "b"]
    assert fewest == 4


def test_zones_are_not_rebalanced_while_the_emptiest_has_no_capacity(region):
    region.create(VPCZoneIdentifier="subnet-a,subnet-b", DesiredCapacity=4)
    region.pass_time()
    before = region.serving()
    region.fleet.without_capacity = {"us-east-1c"}
    region.scaling.update({"AutoScalingGroupName": "nodes", "VPCZoneIdentifier": ",".join(SUBNETS)})
    region.pass_time(600)
    assert region.serving() == before
    region.fleet.without_capacity = set()
    region.pass_time(600)
    assert region.zones() == ["a", "a", "b", "c"] or region.zones() == ["a", "b", "b", "c"]


def test_growth_by_one_caller_is_terminated_by_the_request_of_another(region):
    """The request carries a desired capacity that was read before: it is lower than what runs by now."""
    region.create(DesiredCapacity=3)
    region.pass_time()
    region.scaling.set_desired_capacity("nodes", 6)
    region.pass_time()
    region.scaling.update({"AutoScalingGroupName": "nodes", "MaxSize": 10, "DesiredCapacity": 4})
    region.pass_time()
    assert len(region.serving()) == 4


def test_while_terminate_is_suspended_a_lower_desired_capacity_costs_no_instance(region):
    region.create(DesiredCapacity=6)
    region.pass_time()
    before = region.serving()
    region.scaling.suspend("nodes", ["Terminate"])
    region.scaling.update({"AutoScalingGroupName": "nodes", "DesiredCapacity": 4})
    region.pass_time()
    region.scaling.update({"AutoScalingGroupName": "nodes", "DesiredCapacity": 6})
    region.scaling.resume("nodes", ["Terminate"])
    region.pass_time()
    assert region.serving() == before


def test_a_maximum_below_the_desired_capacity_lowers_it(region):
    region.create(DesiredCapacity=6)
    region.pass_time()
    region.scaling.update({"AutoScalingGroupName": "nodes", "MaxSize": 4})
    region.pass_time()
    assert len(region.serving()) == region.group.desired == 4


def test_zones_are_not_rebalanced_while_that_is_suspended(region):
    region.create(VPCZoneIdentifier="subnet-a", DesiredCapacity=4)
    region.pass_time()
    region.scaling.suspend("nodes", ["AZRebalance"])
    region.scaling.update({"AutoScalingGroupName": "nodes", "VPCZoneIdentifier": "subnet-a,subnet-b"})
    region.pass_time(600)
    assert region.zones() == ["a"] * 4


def test_protected_instances_in_a_full_zone_do_not_cause_endless_rebalancing(region):
    region.create(VPCZoneIdentifier="subnet-a", DesiredCapacity=4, NewInstancesProtectedFromScaleIn=True)
    region.pass_time()
    region.scaling.update({"AutoScalingGroupName": "nodes", "VPCZoneIdentifier": "subnet-a,subnet-b"})
    before = len(region.scaling.life.activities)
    region.pass_time(600)
    assert len(region.scaling.life.activities) == before


def test_a_group_with_instances_is_deleted_by_force_only(full):
    with pytest.raises(ResourceInUseError):
        full.scaling.delete("nodes", force=False)
    full.scaling.update({"AutoScalingGroupName": "nodes", "MinSize": 0, "DesiredCapacity": 0})
    with pytest.raises(ScalingActivityInProgressError):
        full.scaling.delete("nodes", force=False)
    full.pass_time()
    full.scaling.delete("nodes", force=False)
    assert full.scaling.groups == {}


def test_a_forced_delete_takes_as_long_as_its_instances(full):
    full.scaling.delete("nodes", force=True)
    assert full.group.deleting
    full.pass_time()
    assert full.scaling.groups == {}
    assert {facts.state for facts in full.fleet.instances.values()} == {"terminated"}


def test_only_tags_marked_so_go_to_new_instances(region):
    region.create(
        Tags=[
            {"Key": "team", "Value": "net", "PropagateAtLaunch": True},
            {"Key": "cost", "Value": "42", "PropagateAtLaunch": False},
        ]
    )
    assert set(region.fleet.tags["i-0000"]) == {"team", "aws:autoscaling:groupName"}


def test_overrides_of_a_mixed_policy_give_the_instance_type(region):
    policy = {
        "LaunchTemplate": {
            "LaunchTemplateSpecification": {"LaunchTemplateName": "nodes", "Version": "1"},
            "Overrides": [{"InstanceType": "m6i.large"}, {"InstanceType": "m5.large"}],
        }
    }
    wanted = {"AutoScalingGroupName": "nodes", "MinSize": 1, "MaxSize": 1, "VPCZoneIdentifier": "subnet-a"}
    region.scaling.create({**wanted, "MixedInstancesPolicy": policy})
    region.pass_time()
    assert [member.instance_type for member in region.group.members.values()] == ["m6i.large"]


def test_a_large_group_starts_in_rounds(region):
    region.create(MaxSize=100, DesiredCapacity=60)
    assert len(region.states()) == 25
    region.pass_time(LAUNCH + 5)
    assert len(region.serving()) == 60
