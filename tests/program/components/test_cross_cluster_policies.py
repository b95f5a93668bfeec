"""Policies become objects of their clusters, each by the provider of its cluster."""

from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
import pytest

from components.mesh.cross_cluster_policy import CrossClusterPolicy, PolicyObjects
from eks_cilium.policy.objects import (
    DefaultDeny,
    Destination,
    Intent,
    Pods,
    deny_by_default,
    parse_policies,
    parse_ports,
    policy_pair,
)
from tests.program.components.recording import Recorder, record

pytestmark = pytest.mark.simulation

CLIENT = Pods("cluster-1", "my-client", {"app": "my-client"})
SERVER = Destination("cluster-2", "my-server", {"app": "my-server"}, (parse_ports("8080/TCP"),))
TWO_RULES = """
apiVersion: cilium.io/v2
kind: CiliumClusterwideNetworkPolicy
metadata: {name: two-rules}
specs:
  - {endpointSelector: {}, egress: [{}]}
  - {endpointSelector: {}, ingress: [{}]}
status: {conditions: []}
"""


def providers() -> dict[str, Any]:
    return {name: kubernetes.Provider(name, kubeconfig="{}") for name in ("cluster-1", "cluster-2")}


@pytest.fixture
def of_an_intent() -> Recorder:
    def program() -> None:
        clusters = providers()
        gate = kubernetes.core.v1.ConfigMap(
            "gate", opts=pulumi.ResourceOptions(provider=clusters["cluster-1"])
        )
        CrossClusterPolicy(
            "client-to-server",
            {"policies": policy_pair(Intent("client-to-server", CLIENT, SERVER)), "providers": clusters},
            pulumi.ResourceOptions(depends_on=[gate]),
        )

    return record(program)


def test_an_intent_is_one_object_in_each_cluster(of_an_intent: Recorder) -> None:
    egress, ingress = of_an_intent.of("CiliumNetworkPolicy")

    assert (egress.name, ingress.name) == ("client-to-server-egress", "client-to-server-ingress")
    assert egress.inputs["metadata"]["namespace"] == "my-client"
    assert ingress.inputs["metadata"]["namespace"] == "my-server"
    assert egress.provider.split("::")[-2] == "cluster-1"
    assert ingress.provider.split("::")[-2] == "cluster-2"


def test_its_objects_are_children_of_the_component_and_wait_with_it(of_an_intent: Recorder) -> None:
    component, gate = of_an_intent.only("CrossClusterPolicy"), of_an_intent.only("ConfigMap")

    assert component.type == "eks-cilium:index:CrossClusterPolicy"
    for policy in of_an_intent.of("CiliumNetworkPolicy"):
        assert policy.parent == component.urn
        assert of_an_intent.waits_for(policy, gate)


def test_the_outputs_name_both_policies(of_an_intent: Recorder) -> None:
    component = of_an_intent.only("CrossClusterPolicy")

    assert of_an_intent.outputs[component.urn] == {
        "egress": "cluster-1: CiliumNetworkPolicy my-client/client-to-server-egress",
        "ingress": "cluster-2: CiliumNetworkPolicy my-server/client-to-server-ingress",
    }


def test_other_objects_are_sent_as_they_are_written_without_their_status() -> None:
    by_hand = parse_policies(TWO_RULES, cluster="cluster-2", origin="two.yaml")
    denied = deny_by_default(DefaultDeny(CLIENT))

    recorded = record(
        lambda: PolicyObjects("policies", {"policies": [*by_hand, denied], "providers": providers()})
    )

    clusterwide, namespaced = (
        recorded.only("CiliumClusterwideNetworkPolicy"),
        recorded.only("CiliumNetworkPolicy"),
    )
    assert clusterwide.name == "policies-cluster-2-two-rules"
    assert clusterwide.inputs["specs"] == by_hand[0].object["specs"]
    assert "status" not in clusterwide.inputs
    assert namespaced.inputs["spec"] == denied.object["spec"]
    assert clusterwide.provider.split("::")[-2] == "cluster-2"
