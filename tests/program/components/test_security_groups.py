"""Security groups that the user adds: those of nodes and of the control plane, in an existing VPC."""

from typing import Any

import pulumi
import pytest

from tests.program.components.recording import Recorder
from tests.program.components.test_cluster_access import transformed
from tests.program.components.test_existing_network import NETWORK, VPC, answers
from tests.program.components.test_new_cluster_resources import SETTINGS, recorded

pytestmark = pytest.mark.simulation

NODES, CONTROL = "sg-00000000000000001", "sg-00000000000000002"


def stack(groups: dict[str, str]) -> Recorder:
    found = {"ids": list(groups), "vpcIds": list(groups.values()), "arns": []}
    wanted: dict[str, Any] = {
        **NETWORK,
        "cluster": SETTINGS["cluster"] | {"securityGroupIds": [CONTROL]},
        "nodeGroups": {"system": {"securityGroupIds": [NODES]}, "batch": {}},
    }
    return recorded(wanted, {**answers("nat-1"), "getSecurityGroups": found})


def test_nodes_have_them_beside_the_one_of_eks() -> None:
    found = stack({NODES: VPC, CONTROL: VPC})

    templates = {entry.name: entry.inputs.get("vpcSecurityGroupIds") for entry in found.of("LaunchTemplate")}
    assert templates == {"dev-system": ["sg-1", NODES], "dev-batch": None}


def test_the_control_plane_has_its_own() -> None:
    made = {"accessConfig": {}, "vpcConfig": {"subnetIds": ["subnet-1"], "endpointPrivateAccess": True}}

    props, _ = transformed(stack({NODES: VPC, CONTROL: VPC}), "aws:eks/cluster:Cluster", made)

    assert props["vpcConfig"] == {**made["vpcConfig"], "securityGroupIds": [CONTROL]}


def test_groups_that_the_cluster_cannot_have_are_refused_together() -> None:
    with pytest.raises(pulumi.RunError) as refusal:
        stack({NODES: "vpc-0fedcba9876543210"})

    assert f"eks-cilium:nodeGroups.system.securityGroupIds: {NODES} belongs to vpc-0fed" in str(refusal.value)
    assert f"eks-cilium:cluster.securityGroupIds: {CONTROL} does not exist" in str(refusal.value)
