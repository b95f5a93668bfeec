"""Calls that several tests of EC2 and Auto Scaling make."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError


def code_of(call: Any, **arguments: Any) -> str:
    """Return the error code with which the cloud refuses a call."""
    return refusal_of(call, **arguments)["Code"]


def refusal_of(call: Any, **arguments: Any) -> Any:
    """Return the complete error with which the cloud refuses a call."""
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return caught.value.response["Error"]


def run(client: Any, place: Any, **more: Any) -> str:
    """Launch one instance in the first subnet."""
    answer = client.run_instances(
        ImageId="ami-12345678",
        InstanceType="m5.large",
        MinCount=1,
        MaxCount=1,
        SubnetId=place.subnets[0],
        SecurityGroupIds=[place.group],
        **more,
    )
    return answer["Instances"][0]["InstanceId"]
