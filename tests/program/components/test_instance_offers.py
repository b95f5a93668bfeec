"""Instance types that a region does not have are refused in the preview."""

from typing import Any

import pulumi
import pytest

from eks_cilium.errors import AwsAnswer, AwsRefusedError
from stacks import new_cluster
from tests.program.components.recording import Recorder, WithoutKey, record
from tests.program.components.test_new_cluster_resources import settings_of

pytestmark = pytest.mark.simulation


class Ec2(WithoutKey):
    """boto3's client of EC2 in a region with these types; None where it does not say."""

    def __init__(self, *kinds: str, refused: bool = False) -> None:
        super().__init__()
        self._kinds, self._refused = kinds, refused

    def describe_instance_type_offerings(self, *, LocationType: str, Filters: Any) -> Any:  # noqa: N803 - AWS's
        if self._refused:
            answer = AwsAnswer("ec2:DescribeInstanceTypeOfferings", "UnauthorizedOperation", "no")
            raise AwsRefusedError("denied", answer)
        asked = Filters[0]["Values"]
        return {"InstanceTypeOfferings": [{"InstanceType": kind} for kind in asked if kind in self._kinds]}


def recorded(ec2: Ec2) -> Recorder:
    groups = {"system": {}, "batch": {"instanceTypes": ["c5.large", "m7i.large", "x9z.large"]}}
    settings = settings_of({"nodeGroups": groups})
    return record(lambda: new_cluster.run(settings, aws_client=lambda *_: ec2))


def test_every_type_that_the_region_does_not_have_is_named() -> None:
    with pytest.raises(pulumi.RunError) as refused:
        recorded(Ec2("m7i.large"))

    message = str(refused.value)
    assert message.startswith("EC2 would start no instance of these types:")
    assert "eks-cilium:nodeGroups.batch.instanceTypes[0]" in message
    assert "eks-cilium:nodeGroups.batch.instanceTypes[2]" in message
    assert "nodeGroups.system" not in message


@pytest.mark.parametrize(
    "ec2", [Ec2("m7i.large", "c5.large", "x9z.large"), Ec2(refused=True)], ids=["offered", "may not ask"]
)
def test_types_that_it_has_and_types_that_may_not_be_asked_for_are_no_problem(ec2: Ec2) -> None:
    assert recorded(ec2).of("NodeGroup")
