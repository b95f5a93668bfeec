"""What AWS's answers mean for the replacement of nodes."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from eks_cilium.clients.autoscaling import AutoScaling, Member
from eks_cilium.clients.aws_errors import translation
from eks_cilium.clients.ec2 import ABSENT, ENDED, Ec2
from eks_cilium.clients.eks import AddOnState, Eks
from eks_cilium.errors import AwsRefusedError, RefusedError, TransientError

pytestmark = pytest.mark.unit


class Recorded:
    """A boto3 client that gives every operation the same answer, and records its arguments."""

    def __init__(self, answer: Any = None, *, error: tuple[str, str] | None = None) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self._answer, self._error = answer, error

    def __getattr__(self, operation: str) -> Any:
        def call(**arguments: Any) -> Any:
            self.calls.append((operation, arguments))
            if self._error:
                code, message = self._error
                refused = ClientError({"Error": {"Code": code, "Message": message}}, operation)
                raise translation(refused, operation)
            return self._answer

        return call

    def get_paginator(self, operation: str) -> Any:
        outer = self

        class Pages:
            def paginate(self, **arguments: Any) -> list[Any]:
                outer.calls.append((operation, arguments))
                return [outer._answer]

        return Pages()


GROUP = {
    "AutoScalingGroupName": "workers",
    "MinSize": 1,
    "MaxSize": 4,
    "DesiredCapacity": 2,
    "AvailabilityZones": ["b", "a"],
    "SuspendedProcesses": [{"ProcessName": "Launch"}, {"ProcessName": "AZRebalance"}],
    "Instances": [
        {
            "InstanceId": "i-1",
            "AvailabilityZone": "a",
            "LifecycleState": "InService",
            "HealthStatus": "Unhealthy",
        }
    ],
}


def test_a_group_is_read_with_its_members_and_suspended_processes() -> None:
    group = AutoScaling(Recorded({"AutoScalingGroups": [GROUP]})).group("workers")

    assert (group.minimum, group.maximum, group.desired) == (1, 4, 2)
    assert group.suspended == ("AZRebalance", "Launch")
    assert group.zones == ("a", "b")
    assert group.member("i-1") == Member("i-1", "a", "InService", healthy=False)
    assert group.member("i-2") is None


def test_a_deleted_group_is_named() -> None:
    with pytest.raises(RefusedError, match="group workers does not exist any more"):
        AutoScaling(Recorded({"AutoScalingGroups": []})).group("workers")


@pytest.mark.parametrize(
    ("lifecycle", "counts", "leaving"),
    [
        ("InService", True, False),
        ("Pending", True, False),
        ("Pending:Wait", True, False),
        ("Terminating:Wait", False, True),
        ("Detaching", False, True),
        ("Standby", False, False),
        ("EnteringStandby", False, False),
    ],
)
def test_what_counts_towards_the_desired_capacity(lifecycle: str, counts: bool, leaving: bool) -> None:
    member = Member("i-1", "a", lifecycle)

    assert (member.counts, member.leaving) == (counts, leaving)


def test_an_empty_list_of_processes_is_not_sent() -> None:
    """AWS takes an empty list for all processes."""
    client = Recorded()

    AutoScaling(client).suspend("workers", [])
    AutoScaling(client).resume("workers", [])

    assert client.calls == []


def test_a_termination_is_by_id_with_the_decision_in_it() -> None:
    client = Recorded({})

    AutoScaling(client).terminate("i-1", decrement=True)

    arguments = {"InstanceId": "i-1", "ShouldDecrementDesiredCapacity": True}
    assert client.calls == [("terminate_instance_in_auto_scaling_group", arguments)]


def test_an_instance_the_group_no_longer_has_is_not_an_error() -> None:
    gone = "Instance Id not found - No managed instance found for instance ID: i-1"
    client = Recorded(error=("ValidationError", gone))

    AutoScaling(client).terminate("i-1", decrement=False)

    assert len(client.calls) == 1


@pytest.mark.parametrize(
    ("code", "message", "kind"),
    [
        ("ValidationError", "Currently, desiredSize equals minSize (3).", RefusedError),
        ("ScalingActivityInProgress", "busy", TransientError),
        ("ResourceContention", "busy", TransientError),
        ("AccessDenied", "no", AwsRefusedError),
    ],
)
def test_a_refused_termination(code: str, message: str, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        AutoScaling(Recorded(error=(code, message))).terminate("i-1", decrement=True)


def test_the_last_failed_launches_are_troubles_in_awss_words() -> None:
    activities = [
        {"StatusCode": "InProgress", "Description": "Launching"},
        {"StatusCode": "Failed", "StatusMessage": "no m5.large capacity"},
        {"StatusCode": "Cancelled", "Description": "Launching a new one"},
    ]

    troubles = AutoScaling(Recorded({"Activities": activities})).troubles("workers")

    assert troubles == ["no m5.large capacity", "Launching a new one"]


def test_an_instance_that_ec2_does_not_name_is_absent_not_terminated() -> None:
    instances = {"Reservations": [{"Instances": [{"InstanceId": "i-1", "State": {"Name": "running"}}]}]}
    ec2 = Ec2(Recorded(instances))

    assert ec2.states(["i-1", "i-2"]) == {"i-1": "running", "i-2": ABSENT}
    assert ec2.state("i-2") not in ENDED


def test_an_add_on_that_is_not_managed_is_none() -> None:
    assert Eks(Recorded(error=("ResourceNotFoundException", "")), "demo").add_on("vpc-cni") is None


def test_an_add_on_is_read_with_its_issues() -> None:
    described = {
        "addonVersion": "v1",
        "status": "DEGRADED",
        "configurationValues": "{}",
        "health": {"issues": [{"code": "x", "message": "too few"}]},
    }

    add_on = Eks(Recorded({"addon": described}), "demo").add_on("vpc-cni")

    assert add_on is not None
    assert (add_on.version, add_on.configuration, add_on.issues) == ("v1", "{}", ("too few",))
    assert not add_on.busy


def test_a_configuration_preserves_what_others_own() -> None:
    client = Recorded({})

    Eks(client, "demo").configure("vpc-cni", "{}")

    assert client.calls[0][1]["resolveConflicts"] == "PRESERVE"


def test_an_add_on_is_deleted_with_its_software() -> None:
    client = Recorded({})

    Eks(client, "demo").delete("vpc-cni")

    assert client.calls == [
        ("delete_addon", {"clusterName": "demo", "addonName": "vpc-cni", "preserve": False})
    ]


def test_an_add_on_is_created_as_it_was() -> None:
    client = Recorded({})

    Eks(client, "demo").create(
        AddOnState("vpc-cni", "v1", "", configuration="{}", role="arn", tags={"a": "b"})
    )

    _, arguments = client.calls[0]
    assert (arguments["addonVersion"], arguments["serviceAccountRoleArn"]) == ("v1", "arn")
    assert (arguments["configurationValues"], arguments["tags"]) == ("{}", {"a": "b"})


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("ResourceInUseException", TransientError),
        ("InvalidParameterException", RefusedError),
        ("AccessDeniedException", AwsRefusedError),
    ],
)
def test_a_refused_change_of_an_add_on(code: str, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        Eks(Recorded(error=(code, "no")), "demo").configure("vpc-cni", "{}")
