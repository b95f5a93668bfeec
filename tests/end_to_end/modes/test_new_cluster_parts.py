"""A new cluster with all that it can have besides nodes and Cilium, created by the program in the lab."""

import json
from typing import Any

import pytest

from .conftest import LabOfTest

pytestmark = [pytest.mark.lab, pytest.mark.endurance, pytest.mark.timeout(900)]

CLUSTER = "lab"


def with_everything(config: dict[str, Any]) -> None:
    cluster, network = config["eks-cilium:cluster"], config["eks-cilium:network"]
    cluster["secretsKey"] = {}
    cluster["addons"] = {
        "metrics-server": {"version": "latest", "configurationValues": {"replicas": 3}},
        "aws-ebs-csi-driver": {
            "configurationValues": {"defaultStorageClass": {"enabled": True}},
            "role": {
                "serviceAccount": "kube-system/ebs-csi-controller-sa",
                "policyArns": ["arn:aws:iam::aws:policy/service-role/AmazonEBSCSIDriverPolicy"],
            },
        },
    }
    network |= {"podCidr": "100.64.0.0/16", "flowLogs": {"traffic": "REJECT"}}
    for group in config["eks-cilium:nodeGroups"].values():
        group |= {"maxUnavailable": "50%", "nodeRepair": {"maxUnhealthy": "20%"}}


@pytest.fixture(scope="module")
def cluster(lab: LabOfTest) -> LabOfTest:
    lab.configure(with_everything)
    updated = lab.pulumi("up", "--yes", "--skip-preview")
    assert updated.code == 0, updated.output
    kubeconfig = lab.client("aws", "eks", "update-kubeconfig", "--name", CLUSTER, "--alias", CLUSTER)
    assert kubeconfig.code == 0, kubeconfig.output
    return lab


def aws(lab: LabOfTest, *words: str) -> Any:
    answer = lab.client("aws", *words, "--output", "json")
    assert answer.code == 0, answer.output
    return answer.json()


def test_a_second_preview_is_empty(cluster: LabOfTest) -> None:
    preview = cluster.pulumi("preview", "--expect-no-changes")

    assert preview.code == 0, preview.output


def test_add_ons_are_active(cluster: LabOfTest) -> None:
    names = aws(cluster, "eks", "list-addons", "--cluster-name", CLUSTER)["addons"]
    assert names == ["aws-ebs-csi-driver", "coredns", "metrics-server"]
    for name in names:
        addon = aws(cluster, "eks", "describe-addon", "--cluster-name", CLUSTER, "--addon-name", name)[
            "addon"
        ]
        assert addon["status"] == "ACTIVE", addon


def test_secrets_are_encrypted_with_a_key_that_rotates(cluster: LabOfTest) -> None:
    described = aws(cluster, "eks", "describe-cluster", "--name", CLUSTER)["cluster"]
    key = described["encryptionConfig"][0]["provider"]["keyArn"]
    assert aws(cluster, "kms", "get-key-rotation-status", "--key-id", key)["KeyRotationEnabled"]


def test_pods_have_addresses_of_their_network_and_nodes_have_not(cluster: LabOfTest) -> None:
    pods = cluster.client("kubectl", "get", "pods", "-A", "-o", "json").json()["items"]
    nodes = cluster.client("kubectl", "get", "nodes", "-o", "json").json()["items"]
    addresses = {pod["status"]["podIP"] for pod in pods if not pod["spec"].get("hostNetwork")}
    assert addresses
    assert {address[:7] for address in addresses} == {"100.64."}
    assert {
        address["address"][:5]
        for node in nodes
        for address in node["status"]["addresses"]
        if address["type"] == "InternalIP"
    } == {"10.0."}


def test_what_may_never_change_is_refused(cluster: LabOfTest) -> None:
    def without_key(config: dict[str, Any]) -> None:
        del config["eks-cilium:cluster"]["secretsKey"]

    def without_pod_network(config: dict[str, Any]) -> None:
        config["eks-cilium:cluster"]["secretsKey"] = {}
        del config["eks-cilium:network"]["podCidr"]

    cluster.configure(without_key)
    refused = cluster.pulumi("preview")
    assert (refused.code == 0, "the key that this stack made" in refused.output) == (False, True), (
        refused.output
    )
    cluster.configure(without_pod_network)
    refused = cluster.pulumi("preview")
    assert (refused.code == 0, "as when the cluster was created" in refused.output) == (False, True)
    cluster.configure(with_everything)


def test_destroy_leaves_nothing_but_the_key_that_is_to_be_deleted(cluster: LabOfTest) -> None:
    destroyed = cluster.pulumi("destroy", "--yes", "--skip-preview")
    assert destroyed.code == 0, destroyed.output
    assert aws(cluster, "eks", "list-clusters")["clusters"] == []
    vpcs = aws(cluster, "ec2", "describe-vpcs", "--filters", "Name=is-default,Values=false")["Vpcs"]
    assert vpcs == [], json.dumps(vpcs)
