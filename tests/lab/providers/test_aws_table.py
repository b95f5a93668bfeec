"""The table of AWS resource types against the SDK it stands in for."""

import pytest

from lab.providers.aws import sdk
from lab.providers.aws.functions import FUNCTIONS
from lab.providers.aws.services import TYPES

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("token", sorted(TYPES))
def test_every_declared_property_is_one_of_the_sdk_s(token):
    kind = TYPES[token]
    assert set(kind.all_inputs) <= sdk.inputs(token)
    assert set(kind.all_outputs) <= sdk.properties(token)


@pytest.mark.parametrize("token", sorted(FUNCTIONS))
def test_every_function_is_one_of_the_sdk_s(token):
    assert sdk.knows(token)


def test_what_takes_a_new_resource_takes_one_in_aws_too():
    replacing = {
        token: {name for name, one in kind.all_inputs.items() if one.replaces and name not in {"region"}}
        for token, kind in TYPES.items()
    }
    assert replacing["aws:ec2/vpc:Vpc"] == {"cidrBlock", "instanceTenancy"}
    assert replacing["aws:ec2/securityGroup:SecurityGroup"] == {"name", "namePrefix", "description", "vpcId"}
    assert replacing["aws:eks/cluster:Cluster"] == {
        "name",
        "roleArn",
        "bootstrapSelfManagedAddons",
        "encryptionConfig",
        "kubernetesNetworkConfig",
    }
    assert {"subnetIds", "instanceTypes", "amiType", "diskSize"} <= replacing["aws:eks/nodeGroup:NodeGroup"]
    assert (
        not {"scalingConfig", "version", "labels", "taints", "launchTemplate"}
        & (replacing["aws:eks/nodeGroup:NodeGroup"])
    )


def test_the_sdk_tells_a_misspelling_from_a_property_the_lab_lacks():
    assert "ipv4IpamPoolId" in sdk.inputs("aws:ec2/vpc:Vpc")
    assert "cidrBloc" not in sdk.inputs("aws:ec2/vpc:Vpc")
    assert sdk.knows("aws:s3/bucket:Bucket")
    assert not sdk.knows("aws:ec2/vpcc:Vpcc")
