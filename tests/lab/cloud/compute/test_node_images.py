"""The public parameters that name the images for nodes."""

import pytest

from lab.cloud import node_images

ACCOUNT = "123456789012"


@pytest.fixture
def ssm(cloud):
    node_images.publish(ACCOUNT, "us-east-1")
    return cloud.client("ssm")


@pytest.mark.parametrize(
    "path",
    [
        "/aws/service/eks/optimized-ami/1.36/amazon-linux-2023/x86_64/standard/recommended/image_id",
        "/aws/service/eks/optimized-ami/1.35/amazon-linux-2023/arm64/standard/recommended/image_id",
        "/aws/service/bottlerocket/aws-k8s-1.36/arm64/latest/image_id",
    ],
)
def test_a_parameter_names_an_image_that_ec2_has(client, ssm, path):
    image = ssm.get_parameter(Name=path)["Parameter"]["Value"]
    shown = client.describe_images(ImageIds=[image])["Images"][0]
    assert shown["Architecture"] in path
    assert shown["OwnerId"] == "602401143452"


def test_the_release_is_a_parameter_too(ssm):
    start = "/aws/service/eks/optimized-ami/1.36/amazon-linux-2023/x86_64/standard/recommended"
    assert ssm.get_parameter(Name=f"{start}/release_version")["Parameter"]["Value"].startswith("1.36.")


def test_a_version_that_eks_does_not_offer_has_no_image(ssm):
    with pytest.raises(ssm.exceptions.ParameterNotFound):
        ssm.get_parameter(
            Name="/aws/service/eks/optimized-ami/1.12/amazon-linux-2023/x86_64/standard/recommended/image_id"
        )
