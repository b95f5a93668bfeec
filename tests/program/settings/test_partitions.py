"""The partition of a region, compared with what AWS's own SDK knows."""

import re

import botocore.session
import pytest

from eks_cilium.settings.arns import in_partition, partition_of
from eks_cilium.settings.model.common import Settings

pytestmark = pytest.mark.simulation


def test_every_region_that_the_sdk_knows_is_of_the_partition_it_says() -> None:
    session = botocore.session.get_session()
    for partition in session.get_available_partitions():
        for region in session.get_available_regions("eks", partition) or session.get_available_regions(
            "ec2", partition
        ):
            assert partition_of(region) == partition


@pytest.mark.parametrize(
    ("region", "partition"),
    [
        ("eu-central-1", "aws"),
        ("us-gov-east-1", "aws-us-gov"),
        ("cn-northwest-1", "aws-cn"),
        ("us-iso-west-1", "aws-iso"),
        ("us-isob-east-1", "aws-iso-b"),
        ("eusc-de-east-1", "aws-eusc"),
    ],
)
def test_a_region_of_any_partition_is_accepted(region: str, partition: str) -> None:
    metadata = Settings.model_fields["region"].metadata
    (pattern,) = [entry.pattern for entry in metadata if hasattr(entry, "pattern")]

    assert re.match(pattern, region)
    assert in_partition(f"arn:{partition}:iam::111122223333:role/x", region)
