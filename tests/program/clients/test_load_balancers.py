"""Target health, as the program reads it."""

from typing import Any

import pytest

from eks_cilium.clients.load_balancers import LoadBalancers
from eks_cilium.errors import AwsRefusedError

from .test_aws_clients import Recorded

pytestmark = pytest.mark.unit


def described(*targets: tuple[str, int, str]) -> dict[str, Any]:
    return {
        "TargetHealthDescriptions": [
            {"Target": {"Id": name, "Port": port}, "TargetHealth": {"State": state}}
            for name, port, state in targets
        ]
    }


@pytest.mark.parametrize(
    ("states", "worst"),
    [
        (("draining", "unused"), "draining"),
        (("unused", "healthy", "draining"), "healthy"),
        (("unused",), "unused"),
    ],
)
def test_of_several_ports_of_a_target_the_one_with_most_traffic_counts(
    states: tuple[str, ...], worst: str
) -> None:
    answer = described(*[("i-1", 30000 + number, state) for number, state in enumerate(states)])

    assert LoadBalancers(Recorded(answer), Recorded(), "shop").states("arn") == {"i-1": worst}


def test_a_target_group_that_was_deleted_sends_to_nothing() -> None:
    client = Recorded(error=("TargetGroupNotFound", "not found"))

    assert LoadBalancers(client, Recorded(), "shop").states("arn") == {}


def test_a_load_balancer_that_was_deleted_sends_to_nothing() -> None:
    client = Recorded(error=("LoadBalancerNotFound", "not found"))

    assert not LoadBalancers(Recorded(), client, "shop").classic_sends_to("a")


def test_missing_rights_are_no_answer() -> None:
    client = Recorded(error=("AccessDenied", "is not authorized"))

    with pytest.raises(AwsRefusedError, match="AccessDenied"):
        LoadBalancers(client, Recorded(), "shop").states("arn")


def test_an_instance_that_a_classic_load_balancer_drains_is_in_service() -> None:
    answer = {
        "InstanceStates": [
            {"InstanceId": "i-1", "State": "InService"},
            {"InstanceId": "i-2", "State": "OutOfService"},
        ]
    }
    client = LoadBalancers(Recorded(), Recorded(answer), "shop")

    assert client.classic_sends_to("a") == {"i-1"}
