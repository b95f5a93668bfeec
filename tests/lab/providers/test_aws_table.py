"""The table of AWS resource types compared with the SDK."""

import pytest

from lab.providers.aws import sdk
from lab.providers.aws.functions import FUNCTIONS
from lab.providers.aws.services import TYPES

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("token", sorted(TYPES))
def test_the_sdk_has_every_declared_property(token):
    kind = TYPES[token]
    assert set(kind.all_inputs) <= sdk.inputs(token)
    assert set(kind.all_outputs) <= sdk.properties(token)


@pytest.mark.parametrize("token", sorted(FUNCTIONS))
def test_the_sdk_has_every_function(token):
    assert sdk.knows(token)


def test_a_replacing_property_replaces_in_aws_too():
    replacing = {
        token: {
            name
            for name, described in kind.all_inputs.items()
            if described.replaces and name not in {"region"}
        }
        for token, kind in TYPES.items()
    }
    assert replacing["aws:ec2/vpc:Vpc"] == {"cidrBlock", "instanceTenancy"}
    assert replacing["aws:ec2/securityGroup:SecurityGroup"] == {"name", "namePrefix", "description", "vpcId"}
    assert replacing["aws:eks/cluster:Cluster"] == {
        "name",
        "roleArn",
        "bootstrapSelfManagedAddons",
        "kubernetesNetworkConfig",
    }
    key = TYPES["aws:eks/cluster:Cluster"].all_inputs["encryptionConfig"]
    assert key.replaces_if({"provider": {}}, None)
    assert not key.replaces_if(None, {"provider": {}})
    assert {"subnetIds", "instanceTypes", "amiType", "diskSize"} <= replacing["aws:eks/nodeGroup:NodeGroup"]
    assert (
        not {"scalingConfig", "version", "labels", "taints", "launchTemplate"}
        & (replacing["aws:eks/nodeGroup:NodeGroup"])
    )


def test_the_sdk_distinguishes_a_misspelling_from_a_property_the_lab_lacks():
    assert "ipv4IpamPoolId" in sdk.inputs("aws:ec2/vpc:Vpc")
    assert "cidrBloc" not in sdk.inputs("aws:ec2/vpc:Vpc")
    assert sdk.knows("aws:s3/bucket:Bucket")
    assert not sdk.knows("aws:ec2/vpcc:Vpcc")
