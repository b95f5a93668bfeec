"""Two clusters made, joined, changed and parted by the real program in the lab, watched from outside.

The tests of this module tell one story in order: nothing there yet, refusals, up, look, rotate, destroy.
"""

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import yaml

from lab import report
from lab.demo import mesh, mesh_facts

from .conftest import LabOfTest

pytestmark = [pytest.mark.lab, pytest.mark.endurance, pytest.mark.timeout(2400)]

CLUSTERS = ("cluster-1", "cluster-2")
IN_CLUSTER_2 = ("--context", "cluster-2", "--namespace", "kube-system")
Change = Callable[[dict[str, Any]], None]


@pytest.fixture(scope="module")
def joining(lab: LabOfTest) -> LabOfTest:
    """The stack of the mesh, while there is no cluster yet."""
    return lab.of(mesh.STACK)


@pytest.fixture(scope="module")
def clusters(lab: LabOfTest) -> LabOfTest:
    """The stack of the mesh, with both clusters there and pods in them."""
    make_clusters(lab)
    return lab.of(mesh.STACK)


def make_clusters(lab: LabOfTest) -> None:
    for stack in mesh.CLUSTERS.values():
        up(lab.of(stack))
    report.write_kubeconfig(lab.places)
    for cluster in CLUSTERS:
        mesh.deploy(lab.places, cluster)


@pytest.fixture(scope="module")
def joined(clusters: LabOfTest) -> LabOfTest:
    up(clusters)
    return clusters


def up(stack: LabOfTest) -> str:
    made = stack.pulumi("up", "--yes", "--skip-preview")
    assert made.code == 0, made.output
    return made.output


def facts_that_do_not_hold(stack: LabOfTest) -> list[Any]:
    read = list(mesh_facts.mesh(stack.places, CLUSTERS))
    assert len(read) >= 15
    return [fact for fact in read if not fact.holds]


@contextmanager
def configured(stack: LabOfTest, change: Change):
    """The stack's file with a change in it, for a while."""
    file = stack.places.stack_file(stack.stack)
    written = file.read_text()
    stack.configure(change)
    try:
        yield
    finally:
        file.write_text(written)


def test_a_preview_before_the_clusters_says_so_and_does_not_fail(joining: LabOfTest) -> None:
    preview = joining.pulumi("preview")

    assert preview.code == 0, preview.output
    assert "stack organization/eks-cilium/lab-cluster-1 has created no cluster yet" in preview.output


def test_an_update_before_the_clusters_is_refused(joining: LabOfTest) -> None:
    made = joining.pulumi("up", "--yes", "--skip-preview")

    assert made.code != 0
    assert "run `pulumi up` on their stacks first" in made.output
    assert "Traceback" not in made.output


def open_a_route(config: dict[str, Any]) -> None:
    config["eks-cilium:clusters"]["cluster-1"]["routeTableIds"] = ["rtb-0123456789abcdef0"]


def deny_what_is_allowed(config: dict[str, Any]) -> None:
    policies = config["eks-cilium:policies"]
    policies["mustDeny"] = policies.pop("mustAllow")


def take_another_gateway(config: dict[str, Any]) -> None:
    config["eks-cilium:connection"] = {
        "type": "transit-gateway",
        "transitGatewayId": "tgw-0123456789abcdef0",
    }


def call_it_otherwise(config: dict[str, Any]) -> None:
    found = config["eks-cilium:clusters"]
    found["shop"] = found.pop("cluster-2")
    policies = json.dumps(config["eks-cilium:policies"]).replace('"cluster-2"', '"shop"')
    config["eks-cilium:policies"] = json.loads(policies)


def open_to_the_internet(config: dict[str, Any]) -> None:
    config["eks-cilium:clusterMesh"]["scheme"] = "internet-facing"


def join_with_itself(config: dict[str, Any]) -> None:
    config["eks-cilium:clusters"]["cluster-2"] = {"name": "cluster-1"}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (open_a_route, ["stays without routes", "routeTableIds"]),
        (deny_what_is_allowed, ["policies.mustDeny[0]", "is allowed"]),
        (take_another_gateway, ["tgw-0123456789abcdef0 does not exist here"]),
        (call_it_otherwise, ["its Cilium is called 'cluster-2'", "rename the key to cluster-2"]),
        (open_to_the_internet, ["clusterMesh.scheme", "never belongs on the internet"]),
        (
            join_with_itself,
            ["both have cluster id 1", "are both in vpc-", "its Cilium is called 'cluster-1'"],
        ),
    ],
)
def test_what_is_in_the_way_ends_the_preview(clusters: LabOfTest, change: Change, says: list[str]) -> None:
    with configured(clusters, change):
        preview = clusters.pulumi("preview")

    assert preview.code != 0, preview.output
    assert [part for part in says if part not in preview.output] == []
    assert "Traceback" not in preview.output


@contextmanager
def told_to_agents(stack: LabOfTest, data: dict[str, str | None]) -> Iterator[None]:
    """The configuration of cluster-2's agents with other values, written behind the program's back."""
    before = agents_configuration(stack)
    tell_agents(stack, data)
    try:
        yield
    finally:
        tell_agents(stack, {key: before.get(key) for key in data})


def agents_configuration(stack: LabOfTest) -> dict[str, str]:
    told = stack.client("kubectl", *IN_CLUSTER_2, "get", "configmap", "cilium-config", "-o", "json")
    return told.json()["data"]


def tell_agents(stack: LabOfTest, data: dict[str, str | None]) -> None:
    patch = json.dumps({"data": data})
    done = stack.client(
        "kubectl", *IN_CLUSTER_2, "patch", "configmap", "cilium-config", "--type", "merge", "-p", patch
    )
    assert done.code == 0, done.output


@contextmanager
def with_a_network_of_the_others(stack: LabOfTest) -> Iterator[None]:
    """A second network in cluster-2's VPC, which cluster-1's VPC has addresses of."""
    network = stack.of(mesh.CLUSTERS["cluster-2"]).pulumi("stack", "output", "network", "--json").json()
    vpc = ("ec2", "associate-vpc-cidr-block", "--vpc-id", network["vpcId"], "--cidr-block", "10.1.240.0/20")
    made = stack.client("aws", *vpc, "--output", "json")
    assert made.code == 0, made.output
    association = made.json()["CidrBlockAssociation"]["AssociationId"]
    try:
        yield
    finally:
        stack.client("aws", "ec2", "disassociate-vpc-cidr-block", "--association-id", association)


@pytest.mark.parametrize(
    ("behind_its_back", "says"),
    [
        (with_a_network_of_the_others, ["10.1.0.0/16 of vpc-", "overlaps 10.1.240.0/20 of vpc-"]),
        (
            lambda stack: told_to_agents(stack, {"cluster-id": "128"}),
            ["its cluster id is 128", "an id from 1 to 127"],
        ),
        (
            lambda stack: told_to_agents(stack, {"enable-ipv4-masquerade": "true"}),
            ["pods leave masqueraded as their node for 10.1.0.0/16"],
        ),
    ],
    ids=["overlap", "id 128", "masquerading"],
)
def test_what_is_in_the_way_in_a_cluster_ends_the_preview(
    clusters: LabOfTest, behind_its_back: Callable[[LabOfTest], Any], says: list[str]
) -> None:
    with behind_its_back(clusters):
        preview = clusters.pulumi("preview")

    assert preview.code != 0, preview.output
    assert [part for part in says if part not in preview.output] == []
    assert "Traceback" not in preview.output


def test_every_promise_holds_of_what_api_servers_agents_and_cloud_say(joined: LabOfTest) -> None:
    assert facts_that_do_not_hold(joined) == []


def test_a_second_preview_is_empty(joined: LabOfTest) -> None:
    again = joined.pulumi("preview", "--expect-no-changes")

    assert again.code == 0, again.output
    assert "cluster-1/other app=other" in again.output, "the table of verdicts"


def test_no_key_is_in_the_state_or_the_outputs(joined: LabOfTest) -> None:
    begins = base64.b64encode(b"-----BEGIN EC PRIVATE KEY-----").decode()[:36]
    exported = joined.pulumi("stack", "export").output
    told = joined.pulumi("stack", "output", "--json").output

    for text in (exported, told):
        assert "PRIVATE KEY" not in text
        assert begins not in text
    assert json.loads(exported)["deployment"]["resources"]


def test_an_authority_is_rotated_without_a_cluster_that_is_not_seen(joined: LabOfTest) -> None:
    for wanted in ({"issuing": 1, "trusted": [1, 2]}, {"issuing": 2, "trusted": [1, 2]}):

        def rotate(config: dict[str, Any], wanted: Any = wanted) -> None:
            config["eks-cilium:clusterMesh"]["authorities"] = wanted

        joined.configure(rotate)
        up(joined)
        assert facts_that_do_not_hold(joined) == []


def test_destroying_leaves_the_clusters_and_nothing_of_the_mesh(joined: LabOfTest) -> None:
    destroyed = joined.pulumi("destroy", "--yes", "--skip-preview")

    assert destroyed.code == 0, destroyed.output
    cluster_facts = {fact.sentence: fact for fact in mesh_facts.gone(joined.places, "cluster-1")}
    for sentence in ("no peering", "no load balancer", "no zone", "no certificate of the mesh"):
        assert cluster_facts[sentence].holds, cluster_facts[sentence]
    for cluster in CLUSTERS:
        objects = joined.client(
            "kubectl", "--context", cluster, "get", "ciliumnetworkpolicies", "-A", "-o", "yaml"
        )
        assert yaml.safe_load(objects.output)["items"] == []


def test_the_same_clusters_are_joined_by_a_transit_gateway(clusters: LabOfTest) -> None:
    transit = clusters.of(mesh.TRANSIT_STACK)
    up(transit)

    assert facts_that_do_not_hold(transit) == []
    again = transit.pulumi("preview", "--expect-no-changes")
    assert again.code == 0, again.output
    destroyed = transit.pulumi("destroy", "--yes", "--skip-preview")
    assert destroyed.code == 0, destroyed.output
