"""Auto Scaling through boto3: what moto accepts and AWS refuses, and the shapes of the responses."""

import pytest
from botocore.parsers import ResponseParserError

from lab.cloud import ec2

from .calls import code_of, refusal_of


@pytest.fixture
def scaling(cloud):
    return cloud.client("autoscaling")


@pytest.fixture
def template(client, place):
    data = {"ImageId": "ami-1", "InstanceType": "m5.large", "SecurityGroupIds": [place.group]}
    created = client.create_launch_template(LaunchTemplateName="nodes", LaunchTemplateData=data)
    return created["LaunchTemplate"]["LaunchTemplateId"]


@pytest.fixture
def wanted(place, template):
    return {
        "AutoScalingGroupName": "nodes",
        "MinSize": 1,
        "MaxSize": 5,
        "DesiredCapacity": 3,
        "VPCZoneIdentifier": ",".join(place.subnets),
        "LaunchTemplate": {"LaunchTemplateId": template, "Version": "$Latest"},
        "Tags": [{"Key": "eks:cluster-name", "Value": "one", "PropagateAtLaunch": True}],
    }


@pytest.fixture
def group(cloud, scaling, wanted):
    scaling.create_auto_scaling_group(**wanted)
    cloud.pass_time(40)
    return "nodes"


def described(scaling, name="nodes"):
    return scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"][0]


def states(scaling):
    return {item["InstanceId"]: item["LifecycleState"] for item in described(scaling)["Instances"]}


def test_a_group_starts_real_instances_one_in_each_zone(cloud, client, scaling, wanted):
    scaling.create_auto_scaling_group(**wanted)
    assert set(states(scaling).values()) == {"Pending"}
    cloud.pass_time(40)
    shown = described(scaling)
    assert [item["LifecycleState"] for item in shown["Instances"]] == ["InService"] * 3
    assert {item["AvailabilityZone"] for item in shown["Instances"]} == {f"us-east-1{zone}" for zone in "abc"}
    assert {item["LaunchTemplate"]["Version"] for item in shown["Instances"]} == {"1"}
    assert shown["LaunchTemplate"]["Version"] == "$Latest"
    instance = client.describe_instances(InstanceIds=[shown["Instances"][0]["InstanceId"]])
    instance = instance["Reservations"][0]["Instances"][0]
    tags = {tag["Key"]: tag["Value"] for tag in instance["Tags"]}
    assert tags["aws:autoscaling:groupName"] == "nodes"
    assert tags["eks:cluster-name"] == "one"
    assert tags["aws:ec2launchtemplate:version"] == "1"
    assert instance["State"]["Name"] == "running"


def test_latest_is_followed_for_new_instances(cloud, client, scaling, group, template):
    client.create_launch_template_version(
        LaunchTemplateId=template, SourceVersion="1", LaunchTemplateData={"InstanceType": "m5.xlarge"}
    )
    scaling.set_desired_capacity(AutoScalingGroupName=group, DesiredCapacity=4)
    cloud.pass_time(40)
    kinds = sorted(
        (i["InstanceType"], i["LaunchTemplate"]["Version"]) for i in described(scaling)["Instances"]
    )
    assert kinds == [("m5.large", "1")] * 3 + [("m5.xlarge", "2")]


def test_what_moto_accepts_and_aws_refuses_is_refused(scaling, group, wanted):
    assert code_of(scaling.create_auto_scaling_group, **wanted) == "AlreadyExists"
    resize = scaling.set_desired_capacity
    assert code_of(resize, AutoScalingGroupName=group, DesiredCapacity=9) == "ValidationError"
    assert code_of(resize, AutoScalingGroupName=group, DesiredCapacity=0) == "ValidationError"
    assert code_of(scaling.delete_auto_scaling_group, AutoScalingGroupName=group) == "ResourceInUse"
    processes = {"AutoScalingGroupName": group, "ScalingProcesses": ["Lunch"]}
    assert code_of(scaling.suspend_processes, **processes) == "ValidationError"
    unknown = {"InstanceId": "i-0123456789abcdef0", "ShouldDecrementDesiredCapacity": True}
    refused = refusal_of(scaling.terminate_instance_in_auto_scaling_group, **unknown)
    assert refused["Message"] == (
        "Instance Id not found - No managed instance found for instance ID: i-0123456789abcdef0"
    )


def test_decrementing_at_the_minimum_is_refused_with_the_message_of_aws(cloud, scaling, group):
    scaling.update_auto_scaling_group(AutoScalingGroupName=group, MinSize=3)
    victim = next(iter(states(scaling)))
    refused = refusal_of(
        scaling.terminate_instance_in_auto_scaling_group,
        InstanceId=victim,
        ShouldDecrementDesiredCapacity=True,
    )
    assert refused["Code"] == "ValidationError"
    assert refused["Message"].startswith(
        "Currently, desiredSize equals minSize (3). Terminating instance without"
    )


def test_a_termination_is_an_activity_and_the_instance_ends_in_ec2(cloud, client, scaling, group):
    victim = next(iter(states(scaling)))
    activity = scaling.terminate_instance_in_auto_scaling_group(
        InstanceId=victim, ShouldDecrementDesiredCapacity=True
    )["Activity"]
    assert (activity["StatusCode"], activity["Description"]) == (
        "InProgress",
        f"Terminating EC2 instance: {victim}",
    )
    assert states(scaling)[victim] == "Terminating"
    cloud.pass_time(40)
    assert victim not in states(scaling)
    found = scaling.describe_scaling_activities(AutoScalingGroupName=group)["Activities"]
    assert found[0]["ActivityId"] == activity["ActivityId"]
    assert found[0]["StatusCode"] == "Successful"
    assert len(found) == 4
    instance = client.describe_instances(InstanceIds=[victim])["Reservations"][0]["Instances"][0]
    assert instance["State"]["Name"] == "terminated"


def test_an_instance_terminated_in_ec2_is_replaced_by_its_group(cloud, client, scaling, group):
    victim = next(iter(states(scaling)))
    client.terminate_instances(InstanceIds=[victim])
    cloud.pass_time(60)
    now = states(scaling)
    assert victim not in now
    assert list(now.values()) == ["InService"] * 3


def test_a_deleted_security_group_fails_launches(cloud, client, scaling, wanted, place):
    client.delete_security_group(GroupId=place.group)
    scaling.create_auto_scaling_group(**wanted)
    cloud.pass_time(5)
    failed = scaling.describe_scaling_activities(AutoScalingGroupName="nodes")["Activities"]
    assert {activity["StatusCode"] for activity in failed} == {"Failed"}
    assert failed[0]["StatusMessage"].endswith("Launching EC2 instance failed.")
    assert described(scaling)["Instances"] == []


def test_hooks_and_refreshes_over_the_wire(cloud, scaling, group):
    scaling.put_lifecycle_hook(
        AutoScalingGroupName=group,
        LifecycleHookName="drain",
        LifecycleTransition="autoscaling:EC2_INSTANCE_TERMINATING",
        HeartbeatTimeout=600,
        DefaultResult="CONTINUE",
    )
    assert (
        scaling.describe_lifecycle_hooks(AutoScalingGroupName=group)["LifecycleHooks"][0]["HeartbeatTimeout"]
        == 600
    )
    refresh = scaling.start_instance_refresh(
        AutoScalingGroupName=group, Preferences={"MinHealthyPercentage": 50}
    )["InstanceRefreshId"]
    assert code_of(scaling.start_instance_refresh, AutoScalingGroupName=group) == "InstanceRefreshInProgress"
    cloud.pass_time(30)
    waiting = [instance for instance, state in states(scaling).items() if state == "Terminating:Wait"]
    assert waiting
    for instance in waiting:
        scaling.complete_lifecycle_action(
            AutoScalingGroupName=group,
            LifecycleHookName="drain",
            InstanceId=instance,
            LifecycleActionResult="CONTINUE",
        )
    scaling.cancel_instance_refresh(AutoScalingGroupName=group)
    cloud.pass_time(100)
    shown = scaling.describe_instance_refreshes(AutoScalingGroupName=group)["InstanceRefreshes"][0]
    assert (shown["InstanceRefreshId"], shown["Status"]) == (refresh, "Cancelled")


def test_detaching_standing_by_and_protecting_over_the_wire(cloud, client, scaling, group):
    first, second, third = states(scaling)
    scaling.detach_instances(
        AutoScalingGroupName=group, InstanceIds=[first], ShouldDecrementDesiredCapacity=True
    )
    scaling.enter_standby(
        AutoScalingGroupName=group, InstanceIds=[second], ShouldDecrementDesiredCapacity=True
    )
    protect = {"AutoScalingGroupName": group, "InstanceIds": [third], "ProtectedFromScaleIn": True}
    scaling.set_instance_protection(**protect)
    cloud.pass_time(40)
    assert states(scaling) == {second: "Standby", third: "InService"}
    tags = client.describe_tags(Filters=[{"Name": "resource-id", "Values": [first]}])["Tags"]
    assert "aws:autoscaling:groupName" not in {tag["Key"] for tag in tags}
    scaling.attach_instances(AutoScalingGroupName=group, InstanceIds=[first])
    scaling.exit_standby(AutoScalingGroupName=group, InstanceIds=[second])
    cloud.pass_time(40)
    assert sorted(states(scaling).values()) == ["InService"] * 3
    shown = scaling.describe_auto_scaling_instances(InstanceIds=[third])["AutoScalingInstances"][0]
    assert (shown["ProtectedFromScaleIn"], shown["HealthStatus"]) == (True, "HEALTHY")


def test_groups_are_found_by_their_tags_and_in_pages(scaling, group, wanted):
    for number in range(3):
        more = {"AutoScalingGroupName": f"empty-{number}", "MinSize": 0, "DesiredCapacity": 0, "Tags": []}
        scaling.create_auto_scaling_group(**{**wanted, **more})
    found = scaling.describe_auto_scaling_groups(
        Filters=[{"Name": "tag:eks:cluster-name", "Values": ["one"]}]
    )
    assert [item["AutoScalingGroupName"] for item in found["AutoScalingGroups"]] == [group]
    pages = scaling.get_paginator("describe_auto_scaling_groups").paginate(PaginationConfig={"PageSize": 2})
    assert [len(page["AutoScalingGroups"]) for page in pages] == [2, 2]
    assert code_of(scaling.describe_auto_scaling_groups, Filters=[{"Name": "no-such", "Values": []}]) == (
        "ValidationError"
    )
    scaling.create_or_update_tags(
        Tags=[
            {
                "ResourceId": group,
                "ResourceType": "auto-scaling-group",
                "Key": "run",
                "Value": "7",
                "PropagateAtLaunch": False,
            }
        ]
    )
    tags = scaling.describe_tags(Filters=[{"Name": "key", "Values": ["run"]}])["Tags"]
    assert [(tag["ResourceId"], tag["Value"]) for tag in tags] == [(group, "7")]


def test_more_than_50_names_need_max_records(scaling, group):
    names = [group, *(f"other-{number}" for number in range(50))]
    assert code_of(scaling.describe_auto_scaling_groups, AutoScalingGroupNames=names) == "ValidationError"
    found = scaling.describe_auto_scaling_groups(AutoScalingGroupNames=names, MaxRecords=100)
    assert len(found["AutoScalingGroups"]) == 1


def test_suspended_processes_are_shown_and_resumed(scaling, group):
    scaling.suspend_processes(AutoScalingGroupName=group, ScalingProcesses=["Launch", "AZRebalance"])
    shown = {item["ProcessName"] for item in described(scaling)["SuspendedProcesses"]}
    assert shown == {"Launch", "AZRebalance"}
    scaling.resume_processes(AutoScalingGroupName=group, ScalingProcesses=["Launch", "AZRebalance"])
    assert described(scaling)["SuspendedProcesses"] == []


def test_a_forced_delete_leaves_nothing(cloud, client, scaling, group):
    scaling.delete_auto_scaling_group(AutoScalingGroupName=group, ForceDelete=True)
    assert described(scaling)["Status"] == "Delete in progress"
    cloud.pass_time(60)
    assert scaling.describe_auto_scaling_groups()["AutoScalingGroups"] == []
    assert client.describe_network_interfaces()["NetworkInterfaces"] == []


def test_a_call_that_is_not_emulated_is_a_fault(cloud, scaling, group):
    statuses = []
    scaling.meta.events.register(
        "before-parse", lambda response_dict, **_: statuses.append(response_dict["status_code"])
    )
    with pytest.raises(ResponseParserError):
        scaling.describe_warm_pool(AutoScalingGroupName=group)
    assert statuses == [500]


def test_a_zone_without_capacity_is_avoided_until_it_has_some_again(cloud, scaling, group):
    ec2.LabEC2Backend.zone_capacity.take_away("us-east-1b", 120)
    scaling.set_desired_capacity(AutoScalingGroupName=group, DesiredCapacity=5)
    cloud.pass_time(60)
    zones = [item["AvailabilityZone"][-1] for item in described(scaling)["Instances"]]
    assert sorted(zones) == ["a", "a", "b", "c", "c"]

    scaling.update_auto_scaling_group(AutoScalingGroupName=group, MaxSize=6, DesiredCapacity=6)
    cloud.pass_time(200)
    zones = [item["AvailabilityZone"][-1] for item in described(scaling)["Instances"]]
    assert sorted(zones) == ["a", "a", "b", "b", "c", "c"]


def test_a_group_in_a_zone_without_capacity_says_so_in_its_activities(cloud, scaling, place, wanted):
    for zone in "abc":
        ec2.LabEC2Backend.zone_capacity.take_away(f"us-east-1{zone}", 1000)
    scaling.create_auto_scaling_group(**wanted)
    cloud.pass_time(10)
    activities = scaling.describe_scaling_activities(AutoScalingGroupName="nodes")["Activities"]
    assert {item["StatusCode"] for item in activities} == {"Failed"}
    assert "We currently do not have sufficient m5.large capacity" in activities[0]["StatusMessage"]
    assert activities[0]["StatusMessage"].endswith("Launching EC2 instance failed.")
    assert described(scaling)["Instances"] == []
