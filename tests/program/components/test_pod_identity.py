"""Cilium's operator gets its role by EKS Pod Identity where that is configured."""

import json
from typing import Any

import pytest

from tests.program.components.recording import ACCOUNT, ISSUER, Recorder
from tests.program.components.test_new_cluster_resources import SETTINGS, recorded

pytestmark = pytest.mark.simulation

WANTED = {
    "cilium": {**SETTINGS["cilium"], "operatorIdentity": "pod-identity"},
    "podIdentityAgent": {"version": "v1.3.10-eksbuild.1"},
}


@pytest.fixture(scope="module")
def stack() -> Recorder:
    return recorded(WANTED)


def trust(stack: Recorder) -> list[dict[str, Any]]:
    role = stack.only("Role", "dev-cilium-operator")
    return list(json.loads(role.inputs["assumeRolePolicy"])["Statement"])


def test_the_operators_service_account_is_associated_with_its_role(stack: Recorder) -> None:
    association = stack.only("PodIdentityAssociation")

    assert (association.inputs["namespace"], association.inputs["serviceAccount"]) == (
        "kube-system",
        "cilium-operator",
    )
    assert association.inputs["roleArn"].endswith(":dev-cilium-operator")
    assert stack.waits_for(association, stack.only("RolePolicy"))


def test_only_the_operator_of_this_cluster_may_use_the_role(stack: Recorder) -> None:
    by_provider, by_pods = trust(stack)

    assert by_pods["Principal"] == {"Service": "pods.eks.amazonaws.com"}
    assert by_pods["Action"] == ["sts:AssumeRole", "sts:TagSession"]
    assert by_pods["Condition"]["StringEquals"] == {
        "aws:RequestTag/eks-cluster-arn": f"arn:aws:eks:eu-central-1:{ACCOUNT}:cluster/dev",
        "aws:RequestTag/kubernetes-namespace": "kube-system",
        "aws:RequestTag/kubernetes-service-account": "cilium-operator",
    }
    # Pods that started before the change keep their credentials until they are replaced.
    assert f"{ISSUER}:sub" in by_provider["Condition"]["StringEquals"]


def test_the_service_account_names_no_role_which_the_sdk_would_prefer(stack: Recorder) -> None:
    assert "iamRole" not in stack.only("Release").inputs["values"]["eni"]
    assert "iamRole" in recorded().only("Release").inputs["values"]["eni"]


def test_association_and_agent_come_before_cilium_and_the_nodes(stack: Recorder) -> None:
    """EKS gives a pod its credentials when it is created, so the operator's pods must not come first."""
    association, agent = (
        stack.only("PodIdentityAssociation"),
        stack.only("Addon", "dev-eks-pod-identity-agent"),
    )

    assert agent.inputs["addonVersion"] == "v1.3.10-eksbuild.1"
    assert stack.waits_for(agent, association)
    assert stack.waits_for(stack.only("Release"), agent)
    assert stack.waits_for(stack.only("Release"), association)
    for group in (entry for entry in stack.of("NodeGroup") if entry.custom):
        assert stack.waits_for(group, agent)


def test_without_it_nothing_of_it_is_made() -> None:
    stack = recorded()

    assert not stack.of("PodIdentityAssociation")
    assert len(trust(stack)) == 1
    assert [addon.name for addon in stack.of("Addon")] == ["dev-coredns"]


def test_an_agent_of_the_add_ons_is_the_same_resource() -> None:
    """A cluster whose agent came from `cluster.addons` keeps it when the operator begins to use it."""
    stack = recorded(WANTED)
    agent = stack.only("Addon", "dev-eks-pod-identity-agent")

    assert agent.parent == stack.only("AddOn", "dev-eks-pod-identity-agent").urn
