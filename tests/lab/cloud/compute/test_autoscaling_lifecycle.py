"""Hooks, refreshes, and instances that are attached, detached or set to Standby."""

import pytest

from lab.cloud.autoscaling.errors import (
    ActiveInstanceRefreshNotFoundError,
    InstanceRefreshInProgressError,
    ValidationError,
)
from lab.cloud.autoscaling.fleet import InstanceState
from lab.cloud.autoscaling.model import ENDING, LAUNCHING, STANDBY

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


def hook(transition, **more):
    return {
        "AutoScalingGroupName": "nodes",
        "LifecycleHookName": "hook",
        "LifecycleTransition": transition,
        **more,
    }


def complete(region, instance, result):
    region.scaling.complete_action(
        {
            "AutoScalingGroupName": "nodes",
            "LifecycleHookName": "hook",
            "InstanceId": instance,
            "LifecycleActionResult": result,
        }
    )


def test_a_launch_hook_holds_an_instance_until_it_is_completed(region):
    region.create(DesiredCapacity=1, LifecycleHookSpecificationList=[hook(LAUNCHING)])
    region.pass_time()
    assert list(region.states().values()) == ["Pending:Wait"]
    complete(region, "i-0000", "CONTINUE")
    region.pass_time(1)
    assert region.serving() == ["i-0000"]


def test_an_abandoned_launch_is_terminated_and_tried_again(region):
    region.create(DesiredCapacity=1, LifecycleHookSpecificationList=[hook(LAUNCHING)])
    region.pass_time()
    complete(region, "i-0000", "ABANDON")
    region.pass_time()
    assert list(region.states()) == ["i-0001"]
    assert region.fleet.instances["i-0000"].state == "terminated"


def test_a_launch_hook_that_times_out_ends_with_its_default_result(region):
    region.create(
        DesiredCapacity=1,
        LifecycleHookSpecificationList=[hook(LAUNCHING, HeartbeatTimeout=100, DefaultResult="CONTINUE")],
    )
    region.pass_time(LAUNCH + 99)
    assert list(region.states().values()) == ["Pending:Wait"]
    region.pass_time(2)
    assert region.serving() == ["i-0000"]


def test_a_heartbeat_extends_the_timeout(region):
    region.create(DesiredCapacity=1, LifecycleHookSpecificationList=[hook(LAUNCHING, HeartbeatTimeout=100)])
    region.pass_time(LAUNCH + 90)
    beat = {"AutoScalingGroupName": "nodes", "LifecycleHookName": "hook", "InstanceId": "i-0000"}
    region.scaling.heartbeat(beat)
    region.pass_time(90)
    assert region.states()["i-0000"] == "Pending:Wait"


def test_a_terminating_hook_keeps_the_instance_running(full):
    full.scaling.put_hook(hook(ENDING))
    victim = full.serving()[0]
    full.scaling.terminate_instance(victim, decrement=True)
    full.pass_time()
    assert full.states()[victim] == "Terminating:Wait"
    assert full.fleet.instances[victim].state == "running"
    complete(full, victim, "CONTINUE")
    assert full.states()[victim] == "Terminating:Proceed"
    full.pass_time(END + 1)
    assert victim not in full.states()


def test_completing_an_action_that_does_not_wait_is_refused(full):
    with pytest.raises(ValidationError, match="No active Lifecycle Action found with instance ID"):
        complete(full, full.serving()[0], "CONTINUE")


def test_a_refresh_replaces_every_instance_and_keeps_its_share_serving(full):
    full.scaling.set_desired_capacity("nodes", 5)
    full.pass_time()
    old = set(full.serving())
    refresh = full.scaling.start_refresh(
        {"AutoScalingGroupName": "nodes", "Preferences": {"MinHealthyPercentage": 60}}
    )
    fewest = 5
    for _ in range(1000):
        full.pass_time(1)
        fewest = min(fewest, len(full.serving()))
    assert (refresh.status, refresh.percentage) == ("Successful", 100)
    assert not old & set(full.states())
    assert (len(full.serving()), fewest) == (5, 3)


def test_a_refresh_may_skip_what_matches_already(full):
    full.fleet.latest = 2
    full.scaling.set_desired_capacity("nodes", 4)
    full.pass_time()
    new = [m.id for m in full.group.members.values() if m.template.version == "2"]
    full.scaling.start_refresh({"AutoScalingGroupName": "nodes", "Preferences": {"SkipMatching": True}})
    full.pass_time(1000)
    assert set(new) <= set(full.serving())
    assert {member.template.version for member in full.group.members.values()} == {"2"}


def test_one_refresh_at_a_time_and_it_can_be_cancelled(full):
    with pytest.raises(ActiveInstanceRefreshNotFoundError):
        full.scaling.refreshes.cancel(full.group)
    refresh = full.scaling.start_refresh({"AutoScalingGroupName": "nodes"})
    with pytest.raises(InstanceRefreshInProgressError):
        full.scaling.start_refresh({"AutoScalingGroupName": "nodes"})
    full.pass_time(5)
    full.scaling.refreshes.cancel(full.group)
    full.pass_time(300)
    assert refresh.status == "Cancelled"
    assert len(full.serving()) == 3
    assert {"i-0001", "i-0002"} <= set(full.serving())


def test_a_refresh_preference_that_is_not_emulated_is_refused_by_name(full):
    wanted = {"AutoScalingGroupName": "nodes", "Preferences": {"AutoRollback": True}}
    with pytest.raises(NotImplementedError, match="AutoRollback"):
        full.scaling.start_refresh(wanted)


def test_a_detached_instance_keeps_running_and_is_replaced(full):
    left = full.serving()[0]
    full.scaling.detach("nodes", [left], decrement=False)
    assert full.states()[left] == "Detaching"
    full.pass_time()
    assert left not in full.states()
    assert full.fleet.instances[left].state == "running"
    assert "aws:autoscaling:groupName" not in full.fleet.tags[left]
    assert len(full.serving()) == 3


def test_detaching_below_the_minimum_is_refused(region):
    region.create(MinSize=3)
    region.pass_time()
    with pytest.raises(ValidationError) as caught:
        region.scaling.detach("nodes", [region.serving()[0]], decrement=True)
    assert str(caught.value) == (
        "AutoScalingGroup nodes has min-size=3, max-size=10, and desired-size=3. "
        "To detach 1 instance, please update the AutoScalingGroup sizes appropriately."
    )


def test_a_running_instance_can_be_attached_within_the_maximum(full):
    full.fleet.instances["i-mine"] = InstanceState(SUBNETS["subnet-a"], "m5.large", "running")
    full.scaling.attach("nodes", ["i-mine"])
    full.pass_time()
    assert full.group.desired == 4
    assert "i-mine" in full.serving()
    with pytest.raises(ValidationError, match="already part of AutoScalingGroup:nodes"):
        full.scaling.attach("nodes", ["i-mine"])
    full.scaling.update({"AutoScalingGroupName": "nodes", "MaxSize": 4})
    with pytest.raises(ValidationError, match="To attach 1 more instance, please update"):
        full.scaling.attach("nodes", ["i-mine"])


def test_an_instance_that_does_not_run_or_exist_is_not_attached(full):
    full.fleet.instances["i-done"] = InstanceState(SUBNETS["subnet-a"], "m5.large", "terminated")
    for instance in ("i-done", "i-none"):
        with pytest.raises(ValidationError):
            full.scaling.attach("nodes", [instance])


def test_an_instance_enters_and_leaves_standby(full):
    aside = full.serving()[0]
    full.scaling.enter_standby("nodes", [aside], decrement=True)
    full.pass_time()
    assert (full.states()[aside], full.group.desired) == (STANDBY, 2)
    full.scaling.exit_standby("nodes", [aside])
    full.pass_time()
    assert (len(full.serving()), full.group.desired) == (3, 3)


def test_every_change_is_an_activity_that_says_why(full):
    full.scaling.terminate_instance("i-0000", decrement=False)
    full.pass_time()
    described = [(activity.description, activity.status) for activity in full.scaling.life.activities]
    assert ("Launching a new EC2 instance: i-0000", "Successful") in described
    assert ("Terminating EC2 instance: i-0000", "Successful") in described
    first = full.scaling.life.activities[0]
    assert "increasing the capacity from 0 to 3" in first.cause
    assert first.end - first.start == LAUNCH


def test_calls_about_unknown_resources_are_refused(full):
    with pytest.raises(ValidationError, match="Instance Id not found - No managed instance found"):
        full.scaling.terminate_instance("i-none", decrement=False)
    with pytest.raises(ValidationError, match="AutoScalingGroup name not found"):
        full.scaling.set_desired_capacity("none", 1)
    with pytest.raises(ValidationError, match="is not part of Auto Scaling group nodes"):
        full.scaling.protect("nodes", ["i-none"], protected=True)
