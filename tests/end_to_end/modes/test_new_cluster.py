"""A new cluster with Cilium as its only CNI, created by the program in the lab.

The tests depend on their order: preview, up, checks, a change, destroy.
"""

import json
import subprocess
import time
from typing import Any

import pytest

from eks_cilium.rights.policies import NEW_CLUSTER
from lab.demo import checks
from lab.environment import client_environment
from lab.evidence.calls import CallLog
from tests.end_to_end.rights import unlisted

from .conftest import LabOfTest

pytestmark = [pytest.mark.lab, pytest.mark.timeout(900)]

CLUSTER = "lab"


@pytest.fixture(scope="module")
def cluster(lab: LabOfTest) -> str:
    """The cluster's name, after `pulumi up` has created it."""
    updated = lab.pulumi("up", "--yes", "--skip-preview")
    assert updated.code == 0, updated.output
    kubeconfig = lab.client("aws", "eks", "update-kubeconfig", "--name", CLUSTER, "--alias", CLUSTER)
    assert kubeconfig.code == 0, kubeconfig.output
    return CLUSTER


def aws(lab: LabOfTest, *words: str) -> Any:
    answer = lab.client("aws", *words, "--output", "json")
    assert answer.code == 0, answer.output
    return answer.json()


def test_preview_creates_nothing(lab: LabOfTest) -> None:
    preview = lab.pulumi("preview")

    assert preview.code == 0, preview.output
    assert aws(lab, "eks", "list-clusters")["clusters"] == []


def test_creating_needs_only_the_listed_rights(lab: LabOfTest, cluster: str) -> None:
    assert unlisted(CallLog(lab.places.directory / "calls.jsonl"), NEW_CLUSTER) == set()


def test_all_checks_pass(lab: LabOfTest, cluster: str) -> None:
    results = list(checks.new_cluster(lab.places, cluster))

    assert len(results) >= 6
    assert [check for check in results if not check.passed] == []


def test_the_aws_cli_kubectl_and_helm_show_the_cluster(lab: LabOfTest, cluster: str) -> None:
    described = aws(lab, "eks", "describe-cluster", "--name", cluster)["cluster"]
    nodes = lab.client("kubectl", "get", "nodes", "-o", "json").json()["items"]
    releases = lab.client("helm", "list", "-n", "kube-system", "-o", "json").json()
    groups = aws(lab, "eks", "list-nodegroups", "--cluster-name", cluster)["nodegroups"]
    wanted = sum(
        aws(lab, "eks", "describe-nodegroup", "--cluster-name", cluster, "--nodegroup-name", group)[
            "nodegroup"
        ]["scalingConfig"]["desiredSize"]
        for group in groups
    )

    assert described["status"] == "ACTIVE"
    assert len(nodes) == wanted
    assert [(release["name"], release["status"]) for release in releases] == [("cilium", "deployed")]


def test_the_api_server_accepts_a_token_of_the_aws_cli(lab: LabOfTest, cluster: str) -> None:
    token = aws(lab, "eks", "get-token", "--cluster-name", cluster)["status"]["token"]

    assert status_with(lab, cluster, token) == 200


def test_a_token_for_another_cluster_is_refused(lab: LabOfTest, cluster: str) -> None:
    token = aws(lab, "eks", "get-token", "--cluster-name", "another")["status"]["token"]

    assert status_with(lab, cluster, token) == 401


def test_a_second_preview_is_empty(lab: LabOfTest, cluster: str) -> None:
    again = lab.pulumi("preview", "--expect-no-changes")

    assert again.code == 0, again.output


def test_another_cilium_version_updates_only_the_release(lab: LabOfTest, cluster: str) -> None:
    def newer(config: dict[str, Any]) -> None:
        config["eks-cilium:cilium"]["version"] = "1.20.2"

    def back(config: dict[str, Any]) -> None:
        config["eks-cilium:cilium"]["version"] = "1.19.7"

    lab.configure(newer)
    try:
        preview = lab.pulumi("preview", "--json")
    finally:
        lab.configure(back)

    assert preview.code == 0, preview.output
    changes = [
        (step["op"], step["urn"].split("::")[-2].rpartition("$")[2])
        for step in preview.json()["steps"]
        if step["op"] != "same" and "pulumi:providers:" not in step["urn"]
    ]
    assert changes == [("update", "kubernetes:helm.sh/v3:Release")]


def test_an_older_minor_of_cilium_is_refused_by_what_runs(lab: LabOfTest, cluster: str) -> None:
    def older(config: dict[str, Any]) -> None:
        config["eks-cilium:cilium"]["version"] = "1.18.11"

    def back(config: dict[str, Any]) -> None:
        config["eks-cilium:cilium"]["version"] = "1.19.7"

    lab.configure(older)
    try:
        preview = lab.pulumi("preview")
    finally:
        lab.configure(back)

    assert preview.code != 0
    assert "1.19.x or the next minor: Cilium 1.19.7 runs" in preview.output
    assert "helm rollback cilium" in preview.output


def test_outputs_and_state_hold_no_secret(lab: LabOfTest, cluster: str) -> None:
    outputs = lab.pulumi("stack", "output", "--json").json()
    environment = client_environment(lab.places)

    assert environment["AWS_SECRET_ACCESS_KEY"] not in json.dumps(outputs)
    assert environment["AWS_SECRET_ACCESS_KEY"] not in lab.pulumi("stack", "export").output
    assert "aws" in json.dumps(outputs["kubeconfig"])


def test_destroy_leaves_the_cloud_empty(lab: LabOfTest, cluster: str) -> None:
    log = CallLog(lab.places.directory / "calls.jsonl", time.time())
    destroyed = lab.pulumi("destroy", "--yes")

    assert destroyed.code == 0, destroyed.output
    assert unlisted(log, NEW_CLUSTER) == set()
    assert left_in_the_cloud(lab) == {}
    running = subprocess.run(
        ["pgrep", "-f", str(lab.places.directory / "clusters")], capture_output=True, check=False
    )
    assert running.stdout == b""


def left_in_the_cloud(lab: LabOfTest) -> dict[str, Any]:
    """Return all resources of a cluster's kinds that exist, except in the region's default VPC."""
    default = aws(lab, "ec2", "describe-vpcs", "--filters", "Name=is-default,Values=true")["Vpcs"]
    default_ids = [vpc["VpcId"] for vpc in default]

    def outside_default(kind: str, words: list[str]) -> list[Any]:
        return [each for each in aws(lab, "ec2", *words)[kind] if each.get("VpcId") not in default_ids]

    everything = {
        "clusters": aws(lab, "eks", "list-clusters")["clusters"],
        "groups": aws(lab, "autoscaling", "describe-auto-scaling-groups")["AutoScalingGroups"],
        "vpcs": outside_default("Vpcs", ["describe-vpcs"]),
        "subnets": outside_default("Subnets", ["describe-subnets"]),
        "security groups": outside_default("SecurityGroups", ["describe-security-groups"]),
        "interfaces": outside_default("NetworkInterfaces", ["describe-network-interfaces"]),
        "addresses": aws(lab, "ec2", "describe-addresses")["Addresses"],
        "peerings": [
            peering["VpcPeeringConnectionId"]
            for peering in aws(lab, "ec2", "describe-vpc-peering-connections")["VpcPeeringConnections"]
            if peering["Status"]["Code"] != "deleted"
        ],
        "transit gateways": aws(lab, "ec2", "describe-transit-gateways")["TransitGateways"],
        "load balancers": aws(lab, "elbv2", "describe-load-balancers")["LoadBalancers"],
        "target groups": aws(lab, "elbv2", "describe-target-groups")["TargetGroups"],
        "zones": aws(lab, "route53", "list-hosted-zones")["HostedZones"],
        "roles": [
            role["RoleName"]
            for role in aws(lab, "iam", "list-roles")["Roles"]
            if not role["Path"].startswith("/aws-service-role")
        ],
        "instances": [
            instance["InstanceId"]
            for reservation in aws(lab, "ec2", "describe-instances")["Reservations"]
            for instance in reservation["Instances"]
            if instance["State"]["Name"] != "terminated"
        ],
    }
    return {kind: found for kind, found in everything.items() if found}


def status_with(lab: LabOfTest, cluster: str, token: str) -> int:
    """Return the HTTP status of a request to the API server with this token only."""
    described = aws(lab, "eks", "describe-cluster", "--name", cluster)["cluster"]
    url = described["endpoint"] + "/api/v1/nodes?limit=1"
    words = [
        "curl",
        "-sk",
        "-o",
        "/dev/null",
        "-w",
        "%{http_code}",
        "-H",
        f"Authorization: Bearer {token}",
        url,
    ]
    return int(lab.client(*words).output)
