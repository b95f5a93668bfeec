# ruff: noqa: E501 - rules are written in YAML's flow style, one a line
"""The same policy means what the release of its cluster makes of it."""

from typing import Any

import pytest
import yaml

from eks_cilium.policy.objects import Policy
from eks_cilium.policy.objects.agents import Agents
from eks_cilium.policy.verdict import (
    Address,
    Cluster,
    Endpoint,
    Entity,
    Evaluator,
    Flow,
    Mode,
    Pod,
    Port,
    SelectorScope,
)

pytestmark = pytest.mark.unit

CLUSTER = "io.cilium.k8s.policy.cluster: cluster-1"
OWN = Pod("cluster-1", "server", {"app": "web"}, {"team": "x"}, "default", {})
OTHER = Pod("cluster-1", "client", {"app": "web"}, {"team": "x"}, "default", {})
SERVER = Pod("cluster-1", "server", {"app": "server"}, {"team": "x"}, "default", {})
RELEASES = ("1.12.4", "1.15.19", "1.16.19", "1.17.15", "1.18.11", "1.19.7", "1.20.2")


def ingress(kind: str, spec: str, version: str, source: Pod, port: int = 80) -> str:
    api = "cilium.io/v2" if kind.startswith("Cilium") else "networking.k8s.io/v1"
    metadata = {"name": "rule", "namespace": "server"}
    written: dict[str, Any] = {"apiVersion": api, "kind": kind, "metadata": metadata}
    policy = Policy("cluster-1", {**written, "spec": yaml.safe_load(spec)})
    cluster = Cluster("cluster-1", SelectorScope.ANY_CLUSTER, (policy,), agents=Agents(version))
    return str(Evaluator([cluster]).evaluate(Flow(source, SERVER, Port(port))).ingress.decision)


@pytest.mark.parametrize(
    "label", ["'k8s:io.cilium.k8s.namespace.labels.team'", "io.cilium.k8s.namespace.labels.team"]
)
@pytest.mark.parametrize("version", RELEASES)
def test_labels_of_a_namespace_mean_other_namespaces_from_1_16_on(version: str, label: str) -> None:
    spec = f"{{endpointSelector: {{}}, ingress: [{{fromEndpoints: [{{matchLabels: {{{label}: x, {CLUSTER}}}}}]}}]}}"

    assert ingress("CiliumNetworkPolicy", spec, version, OWN) == "allowed"
    expected = "denied" if version in RELEASES[:2] else "allowed"
    assert ingress("CiliumNetworkPolicy", spec, version, OTHER) == expected


@pytest.mark.parametrize("version", RELEASES)
def test_a_range_of_a_network_policy_is_its_first_port_up_to_1_15(version: str) -> None:
    spec = "{podSelector: {}, ingress: [{ports: [{port: 8000, endPort: 8100}]}]}"

    found = [ingress("NetworkPolicy", spec, version, OWN, port) for port in (8000, 8050, 8101)]

    inside = "denied" if version in RELEASES[:2] else "allowed"
    assert found == ["allowed", inside, "denied"]


@pytest.mark.parametrize("peers", ["fromEndpoints", "fromEntities", "fromCIDR", "fromCIDRSet"])
@pytest.mark.parametrize("version", RELEASES)
def test_an_empty_list_of_peers_beside_ports_means_everybody_up_to_1_15(version: str, peers: str) -> None:
    spec = f"{{endpointSelector: {{}}, ingress: [{{{peers}: [], toPorts: [{{ports: [{{port: '80'}}]}}]}}]}}"

    expected = "allowed" if version in RELEASES[:2] else "denied"
    assert ingress("CiliumNetworkPolicy", spec, version, OTHER) == expected
    assert ingress("CiliumNetworkPolicy", spec, version, OTHER, port=81) == "denied"


@pytest.mark.parametrize("version", RELEASES)
def test_an_empty_list_of_peers_without_ports_means_nobody(version: str) -> None:
    spec = "{endpointSelector: {}, ingress: [{fromEndpoints: []}]}"

    assert ingress("CiliumNetworkPolicy", spec, version, OTHER) == "denied"


PORTS = {"http": Port(8080)}
AGREED = frozenset({("http", Port(8080))})
DIFFERENT = frozenset({("http", Port(8080)), ("http", Port(80))})


def egress(
    version: str,
    destination: Endpoint,
    port: int = 8080,
    named: frozenset[tuple[str, Port]] | None = AGREED,
    other: str = "1.20.2",
) -> str:
    """Egress of cluster-1 to port `http`, where pods have these names of ports; cluster-2 has release `other`."""
    spec = "{endpointSelector: {}, egress: [{toEntities: [all], toPorts: [{ports: [{port: http}]}]}]}"
    metadata = {"name": "rule", "namespace": "server"}
    written = {"apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy", "metadata": metadata}
    policy = Policy("cluster-1", {**written, "spec": yaml.safe_load(spec)})
    scope, own, remote = SelectorScope.ANY_CLUSTER, Agents(version), Agents(other)
    clusters = [
        Cluster("cluster-1", scope, (policy,), agents=own, named_ports=named),
        Cluster("cluster-2", scope, agents=remote, named_ports=frozenset({("http", Port(8080))})),
    ]
    return str(Evaluator(clusters).evaluate(Flow(SERVER, destination, Port(port))).egress.decision)


def named_pod(cluster: str, **ports: Port) -> Pod:
    return Pod(cluster, "server", {"app": "web"}, {}, "default", ports)


@pytest.mark.parametrize("version", RELEASES)
def test_a_name_of_a_port_on_egress_is_one_number_for_all_peers_up_to_1_19(version: str) -> None:
    older = version != "1.20.2"

    assert egress(version, named_pod("cluster-1", http=Port(8080))) == "allowed"
    assert egress(version, named_pod("cluster-1")) == ("allowed" if older else "denied")
    assert egress(version, Address("203.0.113.5")) == ("allowed" if older else "denied")
    assert egress(version, named_pod("cluster-1", http=Port(80)), 80) == ("denied" if older else "allowed")


@pytest.mark.parametrize("version", RELEASES)
def test_pods_that_give_a_name_to_different_ports_leave_it_without_meaning_up_to_1_19(version: str) -> None:
    expected = "allowed" if version == "1.20.2" else "denied"

    assert egress(version, named_pod("cluster-1", http=Port(8080)), named=DIFFERENT) == expected


@pytest.mark.parametrize("version", ["1.19.7", "1.20.2"])
@pytest.mark.parametrize(("other", "expected"), [("1.19.7", "denied"), ("1.20.2", "allowed")])
def test_names_of_another_cluster_are_known_where_its_release_passes_them_on(
    version: str, other: str, expected: str
) -> None:
    found = egress(version, named_pod("cluster-2", http=Port(8080)), named=frozenset(), other=other)

    assert found == expected


def test_names_that_are_not_known_leave_older_releases_undecided() -> None:
    assert egress("1.19.7", named_pod("cluster-1", http=Port(8080)), named=None) == "undecided"
    assert egress("1.20.2", named_pod("cluster-1", http=Port(8080)), named=None) == "allowed"


NODE = Entity("host")


@pytest.mark.parametrize("version", RELEASES)
def test_a_node_reaches_its_own_pods_where_policies_are_always_enforced_up_to_1_19(version: str) -> None:
    cluster = Cluster("cluster-1", SelectorScope.ANY_CLUSTER, mode=Mode.ALWAYS, agents=Agents(version))
    verdict = Evaluator([cluster]).evaluate(Flow(NODE, SERVER, Port(80)))

    assert str(verdict.ingress.decision) == ("denied" if version == "1.20.2" else "allowed")


@pytest.mark.parametrize("version", RELEASES)
@pytest.mark.parametrize("scope", SelectorScope)
def test_1_18_takes_no_network_on_ingress_of_a_network_policy_where_selectors_mean_the_own_cluster(
    version: str, scope: SelectorScope
) -> None:
    written = {"kind": "NetworkPolicy", "metadata": {"name": "rule", "namespace": "server"}}
    spec = yaml.safe_load("{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 203.0.113.0/24}}]}]}")
    policy = Policy("cluster-1", {**written, "spec": spec})
    evaluator = Evaluator([Cluster("cluster-1", scope, (policy,), agents=Agents(version))])

    refused = version == "1.18.11" and scope is SelectorScope.OWN_CLUSTER
    assert bool(evaluator.not_evaluated) == refused
    verdict = evaluator.evaluate(Flow(OTHER, SERVER, Port(80)))
    assert str(verdict.ingress.decision) == ("allowed" if refused else "denied")


@pytest.mark.parametrize("version", RELEASES)
def test_an_exception_that_is_wider_than_its_network_is_accepted_up_to_1_19(version: str) -> None:
    spec = "{endpointSelector: {}, ingress: [{fromCIDRSet: [{cidr: 10.0.0.0/16, except: [10.0.0.0/8]}]}]}"

    expected = "allowed" if version == "1.20.2" else "denied"
    assert ingress("CiliumNetworkPolicy", spec, version, OTHER) == expected


@pytest.mark.parametrize("key", [":app", "app=x", "k8s:app=x"])
@pytest.mark.parametrize("version", RELEASES)
def test_up_to_1_19_a_key_may_have_an_empty_source_and_a_value_that_is_dropped(
    version: str, key: str
) -> None:
    spec = "{{endpointSelector: {{}}, ingress: [{{fromEndpoints: [{{matchLabels: {{'{}': {}}}}}]}}]}}"

    found = [ingress("CiliumNetworkPolicy", spec.format(key, app), version, OWN) for app in ("web", "other")]
    assert found == ["allowed", "allowed" if version == "1.20.2" else "denied"]


@pytest.mark.parametrize(
    "spec",
    [
        "{podSelector: {matchLabels: {'app:x': a}}, ingress: []}",
        "{podSelector: {}, ingress: [{from: [{podSelector: {matchExpressions: [{key: a, operator: In}]}}]}]}",
        "{podSelector: {}, ingress: [{from: [{namespaceSelector: {matchLabels: {team: 'a b'}}}]}]}",
        "{podSelector: {}, ingress: [{ports: [{port: ht/tp}]}]}",
    ],
)
def test_a_network_policy_that_no_api_server_takes_decides_nothing(spec: str) -> None:
    assert ingress("NetworkPolicy", spec, "1.20.2", OTHER) == "allowed"


@pytest.mark.parametrize("version", RELEASES)
def test_a_range_that_begins_at_0_ends_at_its_end_from_1_16_to_1_19(version: str) -> None:
    spec = "{endpointSelector: {}, ingress: [{toPorts: [{ports: [{port: '0', endPort: 100}]}]}]}"

    beyond = "denied" if version in RELEASES[2:-1] else "allowed"
    found = [ingress("CiliumNetworkPolicy", spec, version, OTHER, port) for port in (80, 8050)]
    assert found == ["allowed", beyond]


@pytest.mark.parametrize(
    ("port", "expected"), [("0120", "allowed"), ("0b1010000", "denied"), ("0x50", "denied")]
)
def test_a_port_is_read_as_go_reads_it_unless_it_may_be_a_name(port: str, expected: str) -> None:
    spec = f"{{endpointSelector: {{}}, ingress: [{{toPorts: [{{ports: [{{port: '{port}'}}]}}]}}]}}"

    assert ingress("CiliumNetworkPolicy", spec, "1.20.2", OTHER) == expected


@pytest.mark.parametrize(
    ("peer", "releases"),
    [
        ("toCIDR: ['fe80::1%eth0']", {"1.19.7", "1.20.2"}),
        ("toRequires: [{matchLabels: {a b: c}}]", {"1.16.19", "1.17.15", "1.18.11"}),
        ("toServices: [{k8sServiceSelector: {selector: {matchLabels: {a b: c}}}}]", {"1.19.7"}),
    ],
)
@pytest.mark.parametrize("version", RELEASES[2:])
def test_what_some_releases_refuse(peer: str, releases: set[str], version: str) -> None:
    spec = yaml.safe_load(f"{{endpointSelector: {{}}, egress: [{{{peer}}}]}}")
    written = {
        "kind": "CiliumNetworkPolicy",
        "metadata": {"name": "rule", "namespace": "server"},
        "spec": spec,
    }
    cluster = Cluster(
        "cluster-1", SelectorScope.ANY_CLUSTER, (Policy("cluster-1", written),), agents=Agents(version)
    )

    refused = [each.why for each in Evaluator([cluster]).not_evaluated if "agents refuse it" in each.why]
    assert bool(refused) == (version in releases)
