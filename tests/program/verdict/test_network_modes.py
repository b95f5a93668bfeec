"""What networks of policies select besides addresses outside, by `policy-cidr-match-mode` and by release."""

from dataclasses import replace
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
    Pod,
    Port,
    SelectorScope,
)
from eks_cilium.policy.verdict.options import cluster_of
from lab.toolchain import Toolchain
from tests.program.verdict.oracle import Case, ours, theirs

CLIENT = Pod("cluster-1", "red", {"app": "client"}, {}, "default", {})
INSIDE = Pod("cluster-1", "red", {"app": "server"}, {}, "default", {}, addresses=("10.1.2.3",))
REMOTE = replace(INSIDE, cluster="cluster-2")
OUTSIDE = Address("203.0.113.5")
RULES = (
    "toCIDR: [10.0.0.0/8]",
    "toCIDR: [10.2.0.0/16]",
    "toCIDR: [0.0.0.0/0]",
    "toCIDR: ['::/0']",
    "toCIDRSet: [{cidr: 10.0.0.0/8, except: [10.1.0.0/16]}]",
    "toCIDRSet: [{cidr: 10.0.0.0/8, except: [10.2.0.0/16]}]",
    "toCIDRSet: [{cidr: 0.0.0.0/0, except: [10.1.2.3/32]}]",
    "toCIDRSet: [{cidr: 0.0.0.0/0, except: [10.2.0.0/16]}]",
)


def case(rule: str, to: Endpoint, **options: Any) -> Case:
    spec = {"endpointSelector": {}, "egress": [yaml.safe_load(f"{{{rule}}}")]}
    metadata = {"name": "rule", "namespace": "red"}
    written = {
        "apiVersion": "cilium.io/v2",
        "kind": "CiliumNetworkPolicy",
        "metadata": metadata,
        "spec": spec,
    }
    clusters = Cluster("cluster-1", SelectorScope.ANY_CLUSTER, (Policy("cluster-1", written),), **options)
    return Case(
        (clusters, Cluster("cluster-2", SelectorScope.ANY_CLUSTER)), (Flow(CLIENT, to, Port(80)),), rule
    )


def egress(rule: str, to: Endpoint, **options: Any) -> str:
    return ours(case(rule, to, **options))[0][0]


@pytest.mark.unit
@pytest.mark.parametrize(
    ("release", "expected"),
    [("1.12.4", set()), ("1.15.19", {"nodes"}), ("1.19.7", {"nodes"}), ("1.20.2", {"nodes", "pods"})],
)
def test_a_release_knows_some_of_the_modes(release: str, expected: set[str]) -> None:
    config = {"policy-cidr-match-mode": "nodes pods namespaces"}

    assert cluster_of("cluster-1", config, release).cidr_selects == expected


@pytest.mark.unit
@pytest.mark.parametrize(
    ("rule", "expected"),
    list(
        zip(
            RULES,
            ("allowed", "denied", "allowed", "denied", "denied", "allowed", "denied", "allowed"),
            strict=True,
        )
    ),
)
def test_networks_may_select_pods_by_their_address(rule: str, expected: str) -> None:
    assert egress(rule, INSIDE, cidr_selects=frozenset({"pods"})) == expected
    assert egress(rule, INSIDE) == "denied"


@pytest.mark.unit
def test_a_pod_whose_address_is_not_known_may_be_in_a_network() -> None:
    modes = frozenset({"pods"})
    several = replace(INSIDE, addresses=("10.1.2.3", "10.2.0.1"))

    assert egress(RULES[0], replace(INSIDE, addresses=()), cidr_selects=modes) == "undecided"
    assert egress(RULES[2], replace(INSIDE, addresses=()), cidr_selects=modes) == "allowed"
    assert egress(RULES[0], several, cidr_selects=modes) == "allowed"
    assert egress(RULES[1], several, cidr_selects=modes) == "undecided"


@pytest.mark.unit
def test_networks_of_a_pod_of_another_cluster_are_up_to_its_own_agents() -> None:
    verdict = Evaluator(case(RULES[0], REMOTE, cidr_selects=frozenset({"pods"})).clusters).evaluate(
        Flow(CLIENT, REMOTE, Port(80))
    )

    assert str(verdict.egress.decision) == "undecided"
    assert "the networks that agents of cluster-2 put into the identity of" in verdict.egress.reason


@pytest.mark.control_plane
def test_cilium_selects_the_same_pods_by_their_networks(toolchain: Toolchain) -> None:
    modes = (frozenset[str](), frozenset({"pods"}), frozenset({"nodes"}), frozenset({"nodes", "pods"}))
    cases = [
        case(rule, to, cidr_selects=mode)
        for rule in RULES
        for to in (INSIDE, OUTSIDE, Entity("remote-node"))
        for mode in modes
        if not (isinstance(to, Entity) and "nodes" in mode)  # depends on its address
    ]

    assert [ours(each) for each in cases] == theirs(toolchain.oracle(), cases)


@pytest.mark.unit
@pytest.mark.parametrize(
    ("rule", "releases"),
    [
        ("toCIDR: ['::/0']", {"1.12.4"}),
        ("toCIDRSet: [{cidr: '::/0'}]", {"1.12.4", "1.17.15", "1.18.11"}),
        ("toCIDRSet: [{cidr: '::/0', except: ['fd00::/8']}]", {"1.17.15", "1.18.11"}),
        ("toCIDRSet: [{cidr: '2000::/3'}]", set()),
    ],
)
def test_the_network_of_all_ipv6_addresses_means_all_others_too_in_some_releases(
    rule: str, releases: set[str]
) -> None:
    for release in ("1.12.4", "1.15.19", "1.16.19", "1.17.15", "1.18.11", "1.19.7", "1.20.2"):
        found = egress(rule, OUTSIDE, agents=Agents(release))

        assert (release, found) == (release, "allowed" if release in releases else "denied")
