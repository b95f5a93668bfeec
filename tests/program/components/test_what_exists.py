"""What is refused, and what is warned about, by what AWS has under the name of the cluster."""

from typing import Any

import pulumi
import pytest

from tests.program.components.recording import ACCOUNT
from tests.program.components.test_new_cluster_resources import SETTINGS, recorded

pytestmark = pytest.mark.simulation

OWN = {"eks-cilium/cluster": "dev"}
PUBLIC = {"publicAccess": True, "publicAccessCidrs": ["203.0.113.0/24"]}
GROUP = "/aws/eks/dev/cluster"


def running(tags: dict[str, str] | None = None) -> dict[str, Any]:
    """The answers of AWS where the cluster exists."""
    return {
        "getClusters": {"names": ["dev"]},
        "getCluster": {
            "name": "dev",
            "tags": OWN if tags is None else tags,
            "vpcConfig": {"vpcId": "vpc-1"},
            "kubernetesNetworkConfigs": [{"serviceIpv4Cidr": "172.20.0.0/16"}],
            "accessConfigs": [{"authenticationMode": "API"}],
            "roleArn": f"arn:aws:iam::{ACCOUNT}:role/dev-eksRole-role-1234567",
        },
        "getVpc": {"id": "vpc-1", "cidrBlock": "10.0.0.0/16"},
    }


def left_log_group(tags: dict[str, str]) -> dict[str, Any]:
    return {
        "getLogGroups": {"arns": [], "logGroupNames": [GROUP, f"{GROUP}-2"]},
        "getLogGroup": {"name": GROUP, "tags": tags},
    }


def cluster(**keys: Any) -> dict[str, Any]:
    return {"cluster": {**SETTINGS["cluster"], "protect": False, **keys}}


def test_a_cluster_that_is_as_configured_is_left_alone() -> None:
    assert recorded(answers=running()).only("Cluster")


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        (cluster(serviceCidr="172.21.0.0/16"), "cluster.serviceCidr is 172.21.0.0/16, the cluster has"),
        (
            cluster(authenticationMode="API_AND_CONFIG_MAP"),
            "cluster.authenticationMode is API_AND_CONFIG_MAP",
        ),
        ({"network": {"cidr": "10.1.0.0/16"}}, "network.cidr is 10.1.0.0/16, the cluster has 10.0.0.0/16"),
    ],
)
def test_a_change_that_would_replace_the_cluster_is_refused(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(pulumi.RunError, match=problem):
        recorded(changes, running())


def test_another_cluster_of_the_same_name_is_left_to_eks() -> None:
    assert recorded(cluster(serviceCidr="172.21.0.0/16"), running(tags={})).only("Cluster")


def test_a_log_group_that_came_back_is_refused_with_the_command_that_deletes_it() -> None:
    with pytest.raises(pulumi.RunError, match=f"aws logs delete-log-group .* --log-group-name {GROUP}"):
        recorded(answers=left_log_group({}))


def test_the_log_group_of_a_run_that_stopped_half_way_is_no_problem() -> None:
    assert recorded(answers=left_log_group(OWN)).only("LogGroup")


@pytest.mark.parametrize(
    ("changes", "answers", "warned"),
    [
        ({}, {}, True),
        (cluster(endpoint=PUBLIC), {}, False),
        ({}, running(), False),
    ],
    ids=["new and private", "new and public", "exists"],
)
def test_a_private_endpoint_in_a_vpc_that_does_not_exist_is_a_warning(
    caplog: pytest.LogCaptureFixture, changes: dict[str, Any], answers: dict[str, Any], warned: bool
) -> None:
    recorded(changes, answers)

    assert ("connect to the VPC and set it to false again" in caplog.text) is warned
