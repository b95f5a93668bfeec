"""Exactly what mode chaining registers where it makes the cluster."""

import json
from collections import Counter
from typing import Any

import pytest

from eks_cilium.settings import read
from eks_cilium.settings.model import NewChainedClusterSettings
from stacks import new_chained_cluster
from tests.program.components.recording import ISSUER, Recorder, WithoutKey, record
from tests.program.settings.bad_configurations import GOOD_NEW_CHAINING, as_pulumi, changed

pytestmark = pytest.mark.simulation


def recorded(change: dict[str, Any] | None = None, *, preview: bool = False, aws: Any = None) -> Recorder:
    settings = read(as_pulumi(changed(GOOD_NEW_CHAINING, change or {})))
    assert isinstance(settings, NewChainedClusterSettings)
    return record(
        lambda: new_chained_cluster.run(settings, aws_client=lambda *_: aws or WithoutKey()), preview=preview
    )


@pytest.fixture(scope="module")
def stack() -> Recorder:
    return recorded()


def test_the_cni_is_the_vpc_cni_and_cilium_makes_no_interface(stack: Recorder) -> None:
    kinds = Counter(entry.type for entry in stack.registrations)

    assert kinds["eks-cilium:index:VpcCni"] == 1
    assert kinds["eks-cilium:index:Cilium"] == 1
    assert kinds["eks-cilium:index:OperatorRole"] == 0
    assert kinds["aws:eks/addon:Addon"] == 3
    assert stack.only("Cluster").inputs["bootstrapSelfManagedAddons"] is False
    assert stack.only("Cluster").inputs["kubeProxyAddonOptions"]["enabled"] is False
    assert stack.only("Addon", "dev-kube-proxy").inputs["preserve"] is False


@pytest.mark.parametrize(
    ("later", "earlier"),
    [
        (("Addon", "dev-vpc-cni"), ("InterfaceSweep", "dev")),
        (("Addon", "dev-vpc-cni"), ("RolePolicyAttachment", "dev-vpc-cni")),
        (("Release", "dev-cilium"), ("Addon", "dev-vpc-cni")),
        (("NodeGroup", "dev-system"), ("Release", "dev-cilium")),
        (("NodeGroup", "dev-system"), ("Addon", "dev-vpc-cni")),
        (("ReadinessGate", "dev"), ("NodeGroup", "dev-system")),
        (("Addon", "dev-coredns"), ("ReadinessGate", "dev")),
    ],
    ids="/".join,
)
def test_the_order_of_creation(stack: Recorder, later: tuple[str, str], earlier: tuple[str, str]) -> None:
    first, second = (
        next(
            entry
            for entry in stack.of(kind)
            if entry.name == name and not entry.type.endswith(":index:NodeGroup")
        )
        for kind, name in (later, earlier)
    )

    assert stack.waits_for(first, second)


def test_the_add_on_is_pinned_tags_its_interfaces_and_spares_peers(stack: Recorder) -> None:
    inputs = stack.only("Addon", "dev-vpc-cni").inputs
    configuration = json.loads(inputs["configurationValues"])

    assert inputs["addonVersion"] == "v1.20.5-eksbuild.1"
    assert configuration["env"]["AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS"] == "10.2.0.0/16"
    assert json.loads(configuration["env"]["ADDITIONAL_ENI_TAGS"]) == {"eks-cilium/cluster": "dev"}
    assert configuration["enableNetworkPolicy"] == "false"


def test_without_peers_nothing_is_excluded() -> None:
    inputs = recorded({"peerCidrs": []}).only("Addon", "dev-vpc-cni").inputs

    assert "EXCLUDE_SNAT" not in inputs["configurationValues"]


def test_the_add_on_has_a_role_of_its_own_and_nodes_have_none_of_it(stack: Recorder) -> None:
    role = stack.only("Role", "dev-vpc-cni")

    condition = json.loads(role.inputs["assumeRolePolicy"])["Statement"][0]["Condition"]["StringEquals"]
    assert condition[f"{ISSUER}:sub"] == "system:serviceaccount:kube-system:aws-node"
    of_nodes = [
        entry.inputs["policyArn"] for entry in stack.of("RolePolicyAttachment") if "node" in entry.name
    ]
    assert not [arn for arn in of_nodes if arn.endswith("AmazonEKS_CNI_Policy")]


def test_values_are_those_of_a_chain(stack: Recorder) -> None:
    values = stack.only("Release").inputs["values"]

    assert values["cni"] == {"chainingMode": "aws-cni", "exclusive": False}
    assert values["enableIPv4Masquerade"] is False
    assert values["cluster"] == {"name": "dev", "id": 0}
    assert "eni" not in values


def test_nodes_wait_tainted_and_their_image_sets_up_its_interfaces_itself(stack: Recorder) -> None:
    group = next(entry for entry in stack.of("NodeGroup") if entry.custom)

    assert group.inputs["taints"][0]["key"] == "node.cilium.io/agent-not-ready"
    assert "userData" not in stack.only("LaunchTemplate").inputs


def test_limits_of_the_mode_are_named_in_the_preview(caplog: pytest.LogCaptureFixture) -> None:
    recorded({"cilium": {"values": {"egressGateway": {"enabled": True}}}}, preview=True)

    assert "is limited in this mode" in caplog.text
