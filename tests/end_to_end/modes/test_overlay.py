"""Two clusters whose pods have overlays are created, joined, separated and destroyed in the lab.

The tests depend on their order: up, checks, what a live cluster refuses, the mesh, destroy.
"""

import ipaddress
from typing import Any

import pytest

from lab import aws_cli
from lab.demo import checks, mesh, mesh_checks

from .conftest import LabOfTest
from .test_new_cluster import aws, left_in_the_cloud

pytestmark = [pytest.mark.lab, pytest.mark.endurance, pytest.mark.timeout(2400)]

POOLS = {"cluster-1": "10.64.0.0/16", "cluster-2": "10.65.0.0/16"}


def up(stack: LabOfTest) -> str:
    updated = stack.pulumi("up", "--yes", "--skip-preview")
    assert updated.code == 0, updated.output
    return updated.output


def with_overlay(lab: LabOfTest, cluster: str) -> LabOfTest:
    def change(config: dict[str, Any]) -> None:
        config["eks-cilium:cilium"] |= {
            "ipam": "cluster-pool",
            "overlay": {"podCidrs": [POOLS[cluster]]},
        }

    stack = lab.of(mesh.CLUSTERS[cluster])
    stack.configure(change)
    return stack


@pytest.fixture(scope="module")
def clusters(lab: LabOfTest) -> dict[str, LabOfTest]:
    """The stacks of both clusters, after `pulumi up` and with pods."""
    stacks = {cluster: with_overlay(lab, cluster) for cluster in POOLS}
    preview = stacks["cluster-1"].pulumi("preview")
    assert preview.code == 0, preview.output
    assert "An overlay takes away" in preview.output
    for stack in stacks.values():
        up(stack)
    aws_cli.write_kubeconfig(lab.places)
    for cluster in POOLS:
        mesh.deploy_workloads(lab.places, cluster)
    return stacks


def listed(lab: LabOfTest, cluster: str, *words: str) -> list[Any]:
    answer = lab.client("kubectl", "--context", cluster, "get", *words, "-o", "json")
    assert answer.code == 0, answer.output
    found: list[Any] = answer.json()["items"]
    return found


def test_all_checks_pass(lab: LabOfTest, clusters: dict[str, LabOfTest]) -> None:
    for cluster in clusters:
        assert [check for check in checks.new_cluster(lab.places, cluster) if not check.passed] == []


def test_every_node_has_a_part_of_the_pool_and_its_pods_have_addresses_of_it(
    lab: LabOfTest, clusters: dict[str, LabOfTest]
) -> None:
    for cluster, pool in POOLS.items():
        nodes = listed(lab, cluster, "ciliumnodes")
        parts = {node["metadata"]["name"]: node["spec"]["ipam"]["podCIDRs"][0] for node in nodes}
        assert len(set(parts.values())) == len(listed(lab, cluster, "nodes"))
        pods = [pod for pod in listed(lab, cluster, "pods", "-A") if not pod["spec"].get("hostNetwork")]
        assert pods
        for pod in pods:
            part = ipaddress.IPv4Network(parts[pod["spec"]["nodeName"]])
            assert ipaddress.IPv4Address(pod["status"]["podIP"]) in part
            assert part.subnet_of(ipaddress.IPv4Network(pool))


def test_nodes_have_one_interface_and_take_more_pods_than_it_has_addresses(
    lab: LabOfTest, clusters: dict[str, LabOfTest]
) -> None:
    interfaces = aws(lab, "ec2", "describe-network-interfaces")["NetworkInterfaces"]
    attached = [
        each["Attachment"]["InstanceId"] for each in interfaces if "InstanceId" in each.get("Attachment", {})
    ]
    assert len(attached) == len(set(attached)) == 4
    for cluster in clusters:
        assert {node["status"]["capacity"]["pods"] for node in listed(lab, cluster, "nodes")} == {"110"}


def test_a_second_preview_is_empty(clusters: dict[str, LabOfTest]) -> None:
    again = clusters["cluster-1"].pulumi("preview", "--expect-no-changes")

    assert again.code == 0, again.output


def test_the_addresses_of_a_live_cluster_cannot_be_changed(clusters: dict[str, LabOfTest]) -> None:
    stack = clusters["cluster-1"]
    original = stack.places.stack_file(stack.stack).read_text()

    def to_the_vpc(config: dict[str, Any]) -> None:
        config["eks-cilium:cilium"]["ipam"] = "eni"
        del config["eks-cilium:cilium"]["overlay"]

    stack.configure(to_the_vpc)
    try:
        preview = stack.pulumi("preview")
    finally:
        stack.places.stack_file(stack.stack).write_text(original)

    assert preview.code != 0
    assert "allowed: cluster-pool: a running cluster keeps it" in preview.output
    assert "Traceback" not in preview.output


@pytest.fixture(scope="module")
def joined(lab: LabOfTest, clusters: dict[str, LabOfTest]) -> LabOfTest:
    stack = lab.of(mesh.STACK)
    stack.configure(lambda config: None)
    up(stack)
    return stack


def test_the_clusters_are_joined_through_tunnels(joined: LabOfTest) -> None:
    results = list(mesh_checks.mesh(joined.places, ("cluster-1", "cluster-2")))

    assert len(results) >= 15
    assert [check for check in results if not check.passed] == []
    opened = [check.observed for check in results if "needed ports" in check.description]
    assert all("udp/8472" in each and "tcp/8080" not in each for each in opened)


def test_a_second_preview_of_the_mesh_is_empty(joined: LabOfTest) -> None:
    again = joined.pulumi("preview", "--expect-no-changes")

    assert again.code == 0, again.output


def test_destroying_all_of_it_leaves_the_cloud_empty(
    lab: LabOfTest, joined: LabOfTest, clusters: dict[str, LabOfTest]
) -> None:
    for stack in (joined, *clusters.values()):
        destroyed = stack.pulumi("destroy", "--yes", "--skip-preview")
        assert destroyed.code == 0, destroyed.output

    assert left_in_the_cloud(lab) == {}
