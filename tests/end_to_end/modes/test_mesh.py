"""Two clusters are created, joined, changed and separated by the program in the lab.

The tests depend on their order: no clusters yet, blockers, up, checks, rotation of the authority, destroy.
"""

import base64
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
import yaml

from eks_cilium.rights.policies import MESH
from lab import aws_cli
from lab.demo import mesh, mesh_checks
from lab.evidence.calls import CallLog
from tests.end_to_end.rights import unlisted

from .conftest import LabOfTest

pytestmark = [pytest.mark.lab, pytest.mark.endurance, pytest.mark.timeout(2400)]

CLUSTERS = ("cluster-1", "cluster-2")
IN_CLUSTER_2 = ("--context", "cluster-2", "--namespace", "kube-system")
Change = Callable[[dict[str, Any]], None]


@pytest.fixture(scope="module")
def joining(lab: LabOfTest) -> LabOfTest:
    """The stack of the mesh, before its clusters exist."""
    return lab.of(mesh.STACK)


@pytest.fixture(scope="module")
def clusters(lab: LabOfTest) -> LabOfTest:
    """The stack of the mesh, after its clusters were created and pods deployed."""
    create_clusters(lab)
    return lab.of(mesh.STACK)


def create_clusters(lab: LabOfTest) -> None:
    for stack in mesh.CLUSTERS.values():
        up(lab.of(stack))
    aws_cli.write_kubeconfig(lab.places)
    for cluster in CLUSTERS:
        mesh.deploy_workloads(lab.places, cluster)


@pytest.fixture(scope="module")
def joined(clusters: LabOfTest) -> LabOfTest:
    """The joined clusters: by runs that were killed at each kind of gate, and one that went on."""
    log = CallLog(clusters.places.directory / "calls.jsonl", time.time())
    for gate in ("MeshEndpoint", "MeshReadiness"):
        with clusters.started("up", "--yes", "--skip-preview") as running:
            running.wait_until(lambda gate=gate: f":{gate} " in running.output_so_far())
            running.kill()
    up(clusters)
    assert unlisted(log, MESH) == set()
    return clusters


def up(stack: LabOfTest) -> str:
    updated = stack.pulumi("up", "--yes", "--skip-preview")
    assert updated.code == 0, updated.output
    return updated.output


def failed_checks(stack: LabOfTest) -> list[Any]:
    checks = list(mesh_checks.mesh(stack.places, CLUSTERS))
    assert len(checks) >= 15
    return [check for check in checks if not check.passed]


@contextmanager
def configured(stack: LabOfTest, change: Change):
    """Change the stack's file for the length of a `with` block."""
    file = stack.places.stack_file(stack.stack)
    original = file.read_text()
    stack.configure(change)
    try:
        yield
    finally:
        file.write_text(original)


def test_a_preview_before_the_clusters_says_so_and_does_not_fail(joining: LabOfTest) -> None:
    preview = joining.pulumi("preview")

    assert preview.code == 0, preview.output
    assert "stack organization/eks-cilium/lab-cluster-1 has created no cluster yet" in preview.output


def test_an_update_before_the_clusters_is_refused(joining: LabOfTest) -> None:
    updated = joining.pulumi("up", "--yes", "--skip-preview")

    assert updated.code != 0
    assert "run `pulumi up` on their stacks first" in updated.output
    assert "Traceback" not in updated.output


def name_unknown_route_table(config: dict[str, Any]) -> None:
    config["eks-cilium:clusters"]["cluster-1"]["routeTableIds"] = ["rtb-0123456789abcdef0"]


def deny_what_the_policies_allow(config: dict[str, Any]) -> None:
    policies = config["eks-cilium:policies"]
    policies["mustDeny"] = policies.pop("mustAllow")


def use_unknown_gateway(config: dict[str, Any]) -> None:
    config["eks-cilium:connection"] = {
        "type": "transit-gateway",
        "transitGatewayId": "tgw-0123456789abcdef0",
    }


def rename_cluster(config: dict[str, Any]) -> None:
    clusters = config["eks-cilium:clusters"]
    clusters["shop"] = clusters.pop("cluster-2")
    policies = json.dumps(config["eks-cilium:policies"]).replace('"cluster-2"', '"shop"')
    config["eks-cilium:policies"] = json.loads(policies)


def use_public_load_balancer(config: dict[str, Any]) -> None:
    config["eks-cilium:clusterMesh"]["scheme"] = "internet-facing"


def join_with_itself(config: dict[str, Any]) -> None:
    config["eks-cilium:clusters"]["cluster-2"] = {"name": "cluster-1"}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (name_unknown_route_table, ["would get no routes", "routeTableIds"]),
        (deny_what_the_policies_allow, ["policies.mustDeny[0]", "is allowed"]),
        (use_unknown_gateway, ["tgw-0123456789abcdef0 does not exist here"]),
        (rename_cluster, ["its Cilium is called 'cluster-2'", "rename the key to cluster-2"]),
        (use_public_load_balancer, ["clusterMesh.scheme", "never belongs on the internet"]),
        (
            join_with_itself,
            ["both have cluster id 1", "are both in vpc-", "its Cilium is called 'cluster-1'"],
        ),
    ],
)
def test_a_blocker_in_the_configuration_fails_the_preview(
    clusters: LabOfTest, change: Change, says: list[str]
) -> None:
    with configured(clusters, change):
        preview = clusters.pulumi("preview")

    assert preview.code != 0, preview.output
    assert [part for part in says if part not in preview.output] == []
    assert "Traceback" not in preview.output


@contextmanager
def agents_configured(stack: LabOfTest, data: dict[str, str | None]) -> Iterator[None]:
    """Change cilium-config of cluster-2, without the program, for the length of a `with` block."""
    before = agent_configuration(stack)
    patch_agent_configuration(stack, data)
    try:
        yield
    finally:
        patch_agent_configuration(stack, {key: before.get(key) for key in data})


def agent_configuration(stack: LabOfTest) -> dict[str, str]:
    found = stack.client("kubectl", *IN_CLUSTER_2, "get", "configmap", "cilium-config", "-o", "json")
    return found.json()["data"]


def patch_agent_configuration(stack: LabOfTest, data: dict[str, str | None]) -> None:
    patch = json.dumps({"data": data})
    done = stack.client(
        "kubectl", *IN_CLUSTER_2, "patch", "configmap", "cilium-config", "--type", "merge", "-p", patch
    )
    assert done.code == 0, done.output


@contextmanager
def overlapping_vpc(stack: LabOfTest) -> Iterator[None]:
    """Give cluster-2's VPC a second CIDR that overlaps cluster-1's VPC, for the length of a `with` block."""
    network = stack.of(mesh.CLUSTERS["cluster-2"]).pulumi("stack", "output", "network", "--json").json()
    vpc = ("ec2", "associate-vpc-cidr-block", "--vpc-id", network["vpcId"], "--cidr-block", "10.1.240.0/20")
    added = stack.client("aws", *vpc, "--output", "json")
    assert added.code == 0, added.output
    association = added.json()["CidrBlockAssociation"]["AssociationId"]
    try:
        yield
    finally:
        stack.client("aws", "ec2", "disassociate-vpc-cidr-block", "--association-id", association)


@pytest.mark.parametrize(
    ("obstacle", "says"),
    [
        (overlapping_vpc, ["10.1.0.0/16 of vpc-", "overlaps 10.1.240.0/20 of vpc-"]),
        (
            lambda stack: agents_configured(stack, {"cluster-id": "128"}),
            ["its cluster id is 128", "an id from 1 to 127"],
        ),
        (
            lambda stack: agents_configured(stack, {"enable-ipv4-masquerade": "true"}),
            ["pods leave masqueraded as their node for 10.1.0.0/16"],
        ),
    ],
    ids=["overlap", "id 128", "masquerading"],
)
def test_a_blocker_in_a_cluster_fails_the_preview(
    clusters: LabOfTest, obstacle: Callable[[LabOfTest], Any], says: list[str]
) -> None:
    with obstacle(clusters):
        preview = clusters.pulumi("preview")

    assert preview.code != 0, preview.output
    assert [part for part in says if part not in preview.output] == []
    assert "Traceback" not in preview.output


def test_all_checks_pass(joined: LabOfTest) -> None:
    assert failed_checks(joined) == []


def test_an_update_that_was_killed_at_a_gate_goes_on(joined: LabOfTest) -> None:
    """What was created before is created once. Only gates are interrupted; Pulumi keeps a note of them."""
    deployment = joined.pulumi("stack", "export").json()["deployment"]

    interrupted = [each["resource"]["urn"] for each in deployment.get("pending_operations") or ()]
    assert [urn for urn in interrupted if "pulumi-python:dynamic" not in urn] == []
    peerings = joined.client("aws", "ec2", "describe-vpc-peering-connections", "--output", "json").json()
    assert len(peerings["VpcPeeringConnections"]) == 1


def test_a_second_preview_is_empty(joined: LabOfTest) -> None:
    again = joined.pulumi("preview", "--expect-no-changes")

    assert again.code == 0, again.output
    assert "cluster-1/other app=other" in again.output, "the verdict table"


def test_no_key_is_in_the_state_or_the_outputs(joined: LabOfTest) -> None:
    encoded = base64.b64encode(b"-----BEGIN EC PRIVATE KEY-----").decode()[:36]
    exported = joined.pulumi("stack", "export").output
    outputs = joined.pulumi("stack", "output", "--json").output

    for text in (exported, outputs):
        assert "PRIVATE KEY" not in text
        assert encoded not in text
    assert json.loads(exported)["deployment"]["resources"]


def test_the_authority_is_rotated_while_the_clusters_stay_connected(joined: LabOfTest) -> None:
    for wanted in ({"issuing": 1, "trusted": [1, 2]}, {"issuing": 2, "trusted": [1, 2]}):

        def rotate(config: dict[str, Any], wanted: Any = wanted) -> None:
            config["eks-cilium:clusterMesh"]["authorities"] = wanted

        joined.configure(rotate)
        up(joined)
        assert failed_checks(joined) == []


def test_destroying_leaves_the_clusters_and_nothing_of_the_mesh(joined: LabOfTest) -> None:
    log = CallLog(joined.places.directory / "calls.jsonl", time.time())
    destroyed = joined.pulumi("destroy", "--yes", "--skip-preview")

    assert destroyed.code == 0, destroyed.output
    assert unlisted(log, MESH) == set()
    removed = mesh_checks.removed(joined.places, remaining="cluster-1")
    checks = {check.description: check for check in removed}
    for description in ("no peering", "no load balancer", "no private zone", "no certificate of the mesh"):
        assert checks[description].passed, checks[description]
    for cluster in CLUSTERS:
        objects = joined.client(
            "kubectl", "--context", cluster, "get", "ciliumnetworkpolicies", "-A", "-o", "yaml"
        )
        assert yaml.safe_load(objects.output)["items"] == []


def test_the_same_clusters_are_joined_by_a_transit_gateway(clusters: LabOfTest) -> None:
    transit = clusters.of(mesh.TRANSIT_STACK)
    log = CallLog(clusters.places.directory / "calls.jsonl", time.time())
    up(transit)
    assert unlisted(log, MESH) == set()

    assert failed_checks(transit) == []
    again = transit.pulumi("preview", "--expect-no-changes")
    assert again.code == 0, again.output
    destroyed = transit.pulumi("destroy", "--yes", "--skip-preview")
    assert destroyed.code == 0, destroyed.output


def test_the_mesh_is_destroyed_after_a_cluster_is_gone(clusters: LabOfTest) -> None:
    up(clusters)
    delete_cluster_2(clusters)

    refused = clusters.pulumi("destroy", "--yes", "--skip-preview")
    assert refused.code != 0
    assert "PULUMI_K8S_DELETE_UNREACHABLE" in refused.output
    assert "Traceback" not in refused.output

    forgetting = replace(clusters, variables={"PULUMI_K8S_DELETE_UNREACHABLE": "true"})
    for command in ("refresh", "destroy"):
        done = forgetting.pulumi(command, "--yes", "--skip-preview")
        assert done.code == 0, done.output
    removed = mesh_checks.removed(clusters.places, remaining="cluster-1")
    checks = {check.description: check for check in removed}
    for description in ("no peering", "no private zone", "no certificate of the mesh"):
        assert checks[description].passed, checks[description]


def delete_cluster_2(stack: LabOfTest) -> None:
    """Delete the cluster and its nodes without the program, and leave its network."""
    cluster = ("--cluster-name", "cluster-2")
    groups = stack.client("aws", "eks", "list-nodegroups", *cluster, "--output", "json").json()["nodegroups"]
    for group in groups:
        for verb in (("delete-nodegroup",), ("wait", "nodegroup-deleted")):
            done = stack.client("aws", "eks", *verb, *cluster, "--nodegroup-name", group)
            assert done.code == 0, done.output
    for verb in (("delete-cluster",), ("wait", "cluster-deleted")):
        done = stack.client("aws", "eks", *verb, "--name", "cluster-2")
        assert done.code == 0, done.output
