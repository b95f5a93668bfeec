"""A new cluster on the VPC CNI with Cilium chained to it, made by the real program in the lab."""

from typing import Any

import pytest

from lab.demo import facts

from .conftest import LabOfTest
from .test_new_cluster import left_in_the_cloud

pytestmark = [pytest.mark.lab, pytest.mark.timeout(900)]

STACK, CLUSTER = "lab-chained", "chained"


@pytest.fixture(scope="module")
def made(lab: LabOfTest) -> LabOfTest:
    """The lab, once `pulumi up` has made the cluster."""
    of_stack = lab.of(STACK)
    of_stack.configure(lambda config: None)
    done = of_stack.pulumi("up", "--yes", "--skip-preview")
    assert done.code == 0, done.output
    kubeconfig = lab.client("aws", "eks", "update-kubeconfig", "--name", CLUSTER, "--alias", CLUSTER)
    assert kubeconfig.code == 0, kubeconfig.output
    return of_stack


def in_system(made: LabOfTest, kind: str) -> dict[str, Any]:
    items = facts.kubectl(made.places, CLUSTER, "get", kind, "-n", "kube-system")["items"]
    return {item["metadata"]["name"]: item for item in items}


def test_both_cnis_are_on_every_node_and_nothing_waits(made: LabOfTest) -> None:
    nodes = facts.kubectl(made.places, CLUSTER, "get", "nodes")["items"]
    daemon_sets, deployments = in_system(made, "daemonsets"), in_system(made, "deployments")

    told = [
        facts.everywhere("aws-node", daemon_sets.get("aws-node"), nodes),
        facts.everywhere("kube-proxy", daemon_sets.get("kube-proxy"), nodes),
        facts.everywhere("Cilium", daemon_sets.get("cilium"), nodes),
        facts.untainted(nodes),
        facts.ready(nodes),
        facts.available("CoreDNS", deployments.get("coredns")),
    ]
    assert [fact for fact in told if not fact.holds] == []


def test_every_pod_has_an_address_of_the_vpc_and_is_managed_from_its_start(made: LabOfTest) -> None:
    pods = [pod for pod in in_system(made, "pods").values() if not pod["spec"].get("hostNetwork")]
    endpoints = in_system(made, "ciliumendpoints.cilium.io")

    assert len(pods) >= 2
    assert {pod["metadata"]["name"] for pod in pods} <= endpoints.keys()
    assert [pod for pod in pods if not pod["status"]["podIP"].startswith("10.3.")] == []
    assert {pod["status"]["containerStatuses"][0]["restartCount"] for pod in pods} == {0}


def test_the_add_on_has_the_version_and_the_role_it_was_given(made: LabOfTest) -> None:
    answer = made.client(
        *("aws", "eks", "describe-addon", "--cluster-name", CLUSTER, "--addon-name", "vpc-cni"),
        *("--output", "json"),
    ).json()["addon"]

    assert (answer["status"], answer["addonVersion"]) == ("ACTIVE", "v1.21.1-eksbuild.1")
    assert "vpc-cni" in answer["serviceAccountRoleArn"]


def test_a_second_preview_is_empty(made: LabOfTest) -> None:
    again = made.pulumi("preview", "--expect-no-changes")

    assert again.code == 0, again.output


def test_destroy_leaves_the_cloud_empty(made: LabOfTest) -> None:
    destroyed = made.pulumi("destroy", "--yes")

    assert destroyed.code == 0, destroyed.output
    assert left_in_the_cloud(made) == {}
