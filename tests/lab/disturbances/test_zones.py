"""A zone without capacity, in the real cloud process."""

import pytest
from botocore.exceptions import ClientError

from lab.disturbances.zones import give_capacity_back, take_capacity_away
from lab.environment import Cloud

ZONE = "eu-central-1b"


def test_launches_in_a_zone_without_capacity_are_refused_until_it_has_some_again(cloud):
    place = Cloud.read(cloud.directory / "cloud.json")
    ec2 = cloud.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.77.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.77.1.0/24", AvailabilityZone=ZONE)["Subnet"][
        "SubnetId"
    ]
    image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]

    def launch():
        return ec2.run_instances(
            ImageId=image, MinCount=1, MaxCount=1, InstanceType="m5.large", SubnetId=subnet
        )

    take_capacity_away(place, ZONE, 600)
    with pytest.raises(ClientError) as caught:
        launch()
    assert caught.value.response["Error"]["Code"] == "InsufficientInstanceCapacity"
    assert f"m5.large capacity in the Availability Zone you requested ({ZONE})" in str(caught.value)

    give_capacity_back(place, ZONE)
    assert launch()["Instances"]
