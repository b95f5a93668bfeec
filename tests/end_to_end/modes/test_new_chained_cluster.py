"""A new cluster on the VPC CNI with Cilium chained to it, created by the program in the lab."""

from typing import Any

import pytest

from lab.demo import checks

from .conftest import LabOfTest
from .test_new_cluster import left_in_the_cloud

pytestmark = [pytest.mark.lab, pytest.mark.endurance, pytest.mark.timeout(900)]

STACK, CLUSTER = "lab-chained", "chained"


@pytest.fixture(scope="module")
def chained(lab: LabOfTest) -> LabOfTest:
    """The lab after `pulumi up` has created the cluster."""
    of_stack = lab.of(STACK)
    of_stack.configure(lambda config: None)
    done = of_stack.pulumi("up", "--yes", "--skip-preview")
    assert done.code == 0, done.output
    kubeconfig = lab.client("aws", "eks", "update-kubeconfig", "--name", CLUSTER, "--alias", CLUSTER)
    assert kubeconfig.code == 0, kubeconfig.output
    return of_stack


def in_system(chained: LabOfTest, kind: str) -> dict[str, Any]:
    items = checks.kubectl(chained.places, CLUSTER, "get", kind, "-n", "kube-system")["items"]
    return {item["metadata"]["name"]: item for item in items}


def test_both_cnis_run_on_every_node(chained: LabOfTest) -> None:
    nodes = checks.kubectl(chained.places, CLUSTER, "get", "nodes")["items"]
    daemon_sets, deployments = in_system(chained, "daemonsets"), in_system(chained, "deployments")

    results = [
        checks.on_every_node("aws-node", daemon_sets.get("aws-node"), nodes),
        checks.on_every_node("kube-proxy", daemon_sets.get("kube-proxy"), nodes),
        checks.on_every_node("Cilium", daemon_sets.get("cilium"), nodes),
        checks.untainted(nodes),
        checks.ready(nodes),
        checks.available("CoreDNS", deployments.get("coredns")),
    ]
    assert [check for check in results if not check.passed] == []


def test_every_pod_has_a_vpc_address_and_was_managed_from_its_start(chained: LabOfTest) -> None:
    pods = [pod for pod in in_system(chained, "pods").values() if not pod["spec"].get("hostNetwork")]
    endpoints = in_system(chained, "ciliumendpoints.cilium.io")

    assert len(pods) >= 2
    assert {pod["metadata"]["name"] for pod in pods} <= endpoints.keys()
    assert [pod for pod in pods if not pod["status"]["podIP"].startswith("10.3.")] == []
    assert {pod["status"]["containerStatuses"][0]["restartCount"] for pod in pods} == {0}


def test_the_add_on_has_the_configured_version_and_role(chained: LabOfTest) -> None:
    answer = chained.client(
        *("aws", "eks", "describe-addon", "--cluster-name", CLUSTER, "--addon-name", "vpc-cni"),
        *("--output", "json"),
    ).json()["addon"]

    assert (answer["status"], answer["addonVersion"]) == ("ACTIVE", "v1.21.1-eksbuild.1")
    assert "vpc-cni" in answer["serviceAccountRoleArn"]


def test_a_second_preview_is_empty(chained: LabOfTest) -> None:
    again = chained.pulumi("preview", "--expect-no-changes")

    assert again.code == 0, again.output


def test_destroy_leaves_the_cloud_empty(chained: LabOfTest) -> None:
    destroyed = chained.pulumi("destroy", "--yes")

    assert destroyed.code == 0, destroyed.output
    assert left_in_the_cloud(chained) == {}
