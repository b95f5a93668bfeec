"""The policies that intents and default denies become, in every version of Cilium."""

import pytest
import yaml

from eks_cilium.cilium.versions import TRIED
from eks_cilium.policy.objects import (
    DefaultDeny,
    Destination,
    EnableDefaultDeny,
    Intent,
    Pods,
    Ports,
    UnreadablePolicyError,
    check,
    deny_by_default,
    parse_policies,
    parse_ports,
    policy_pair,
)
from eks_cilium.policy.verdict import (
    Cluster,
    Decision,
    Evaluator,
    Flow,
    Pod,
    Port,
    selector_scope_of,
)

pytestmark = pytest.mark.unit

CLIENT = Pods("cluster-1", "my-client", {"app": "my-client"})
SERVER = Destination("cluster-2", "my-server", {"app": "my-server"}, (parse_ports("8080/TCP"),))
MEANT = Intent("client-to-server", CLIENT, SERVER)
SELECTORS = {
    "toEndpoints": {
        "k8s:app": "my-server",
        "k8s:io.cilium.k8s.policy.cluster": "cluster-2",
        "k8s:io.kubernetes.pod.namespace": "my-server",
    },
    "fromEndpoints": {
        "k8s:app": "my-client",
        "k8s:io.cilium.k8s.policy.cluster": "cluster-1",
        "k8s:io.kubernetes.pod.namespace": "my-client",
    },
}


def test_each_policy_of_an_intent_is_in_the_cluster_and_namespace_that_enforces_it() -> None:
    egress, ingress = policy_pair(MEANT)

    assert (egress.cluster, str(egress)) == (
        "cluster-1",
        "CiliumNetworkPolicy my-client/client-to-server-egress",
    )
    assert (ingress.cluster, str(ingress)) == (
        "cluster-2",
        "CiliumNetworkPolicy my-server/client-to-server-ingress",
    )


def test_cluster_and_namespace_of_the_peer_are_always_written() -> None:
    egress, ingress = (policy.object["spec"] for policy in policy_pair(MEANT))

    assert egress["egress"][0]["toEndpoints"] == [{"matchLabels": SELECTORS["toEndpoints"]}]
    assert ingress["ingress"][0]["fromEndpoints"] == [{"matchLabels": SELECTORS["fromEndpoints"]}]
    assert egress["egress"][0]["toPorts"] == [{"ports": [{"port": "8080", "protocol": "TCP"}]}]


@pytest.mark.parametrize("version", TRIED)
def test_an_intent_leaves_the_dns_of_its_source(version: str) -> None:
    (policy, _) = policy_pair(MEANT)
    cluster = Cluster("cluster-1", selector_scope_of(version), (policy,))
    client = Pod("cluster-1", "my-client", {"app": "my-client"})

    decisions = [
        Evaluator([cluster]).evaluate(Flow(client, to, port)).egress.decision
        for port in (Port(53, "UDP"), Port(53, "TCP"), Port(80))
        for to in (
            Pod("cluster-1", "kube-system", {"k8s-app": "kube-dns"}),
            Pod("cluster-1", "kube-system", {"k8s-app": "node-local-dns"}),
            Pod("cluster-1", "my-client", {"k8s-app": "kube-dns"}),
        )
    ]

    allowed, denied = Decision.ALLOWED, Decision.DENIED
    assert decisions == [allowed, allowed, denied] * 2 + [denied] * 3


def test_an_intent_that_only_allows_says_so_where_it_is_enforced() -> None:
    only = Intent("only", CLIENT, SERVER, EnableDefaultDeny(egress=False, ingress=False))
    egress, ingress = (policy.object["spec"] for policy in policy_pair(only))

    assert egress["enableDefaultDeny"] == {"egress": False}
    assert ingress["enableDefaultDeny"] == {"ingress": False}
    assert all("enableDefaultDeny" not in policy.object["spec"] for policy in policy_pair(MEANT))
    known = [version for version in TRIED if not any(check(policy, version) for policy in policy_pair(only))]
    assert known == [version for version in TRIED if version.rpartition(".")[0] not in ("1.12", "1.15")]


def test_an_intent_without_ports_allows_every_port() -> None:
    egress, _ = policy_pair(Intent("all", CLIENT, Destination("cluster-2", "my-server")))

    assert "toPorts" not in egress.object["spec"]["egress"][0]


@pytest.mark.parametrize("version", TRIED)
def test_every_version_accepts_generated_policies(version: str) -> None:
    denied = [deny_by_default(DefaultDeny(CLIENT, (way,))) for way in ("egress", "ingress")]

    assert [check(policy, version) for policy in (*policy_pair(MEANT), *denied)] == [[]] * 4


def test_a_range_of_ports_needs_a_definition_with_end_port() -> None:
    ranged = Intent("range", CLIENT, Destination("cluster-2", "s", {}, (parse_ports("8000-8100/TCP"),)))

    assert [bool(check(policy_pair(ranged)[0], version)) for version in ("1.15.19", "1.16.19")] == [
        True,
        False,
    ]


def test_default_deny_allows_dns_and_nothing_else() -> None:
    rule = deny_by_default(DefaultDeny(Pods("cluster-1", "my-client"))).object["spec"]

    assert rule["endpointSelector"] == {}
    assert rule["ingress"] == [{}]
    (dns,) = rule["egress"]
    assert dns["toEndpoints"][0]["matchLabels"]["k8s:k8s-app"] == "kube-dns"
    assert {port["port"] for port in dns["toPorts"][0]["ports"]} == {"53"}


@pytest.mark.parametrize("text", ["80/TCP", "53/UDP", "8000-8100/SCTP"])
def test_ports_are_rendered_as_they_are_parsed(text: str) -> None:
    assert str(parse_ports(text)) == text


@pytest.mark.parametrize("text", ["80", "http/TCP", "0/TCP", "70000/TCP", "90-80/TCP", "80/ICMP"])
def test_text_that_is_no_port_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=text):
        parse_ports(text)


def test_a_range_becomes_port_and_end_port() -> None:
    assert Ports(8000, 8100, "TCP").as_rule() == {"port": "8000", "endPort": 8100, "protocol": "TCP"}


WRITTEN = """
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: one, namespace: a}
spec: {endpointSelector: {}, egress: [{}]}
---
---
apiVersion: v1
kind: List
items:
  - apiVersion: cilium.io/v2
    kind: CiliumClusterwideNetworkPolicy
    metadata: {name: two}
    spec: {endpointSelector: {}, egress: [{}]}
"""


def test_a_file_may_hold_several_policies_and_lists_of_policies() -> None:
    found = parse_policies(WRITTEN, cluster="cluster-1", origin="file.yaml")

    assert [str(policy) for policy in found] == [
        "CiliumNetworkPolicy a/one",
        "CiliumClusterwideNetworkPolicy two",
    ]
    assert found[0].object == next(yaml.safe_load_all(WRITTEN))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: [", "is no YAML: line"),
        ("a: 1\na: 2", "key 'a' twice"),
        ("", "holds no policy"),
        ("text", "holds 'text', which is no object"),
        ("{apiVersion: v1, kind: Pod}", "an object of kind Pod in v1; allowed are CiliumNetworkPolicy and"),
        ("{apiVersion: cilium.io/v1, kind: CiliumNetworkPolicy}", "in cilium.io/v1"),
    ],
)
def test_a_file_without_policies_is_refused_with_its_name(text: str, says: str) -> None:
    with pytest.raises(UnreadablePolicyError, match=says) as refused:
        parse_policies(text, cluster="cluster-1", origin="file.yaml")

    assert str(refused.value).startswith("file.yaml")
