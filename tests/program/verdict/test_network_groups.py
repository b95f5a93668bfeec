"""CiliumCIDRGroups of a cluster decide what the rules that name them mean."""

import pytest
import yaml

from eks_cilium.policy.objects import Policy
from eks_cilium.policy.verdict import Address, Cluster, Evaluator, Flow, Pod, Port, SelectorScope
from eks_cilium.policy.verdict.model import NetworkGroup

pytestmark = pytest.mark.unit

CLIENT = Pod("cluster-1", "red", {"app": "client"}, {}, "default", {})
GROUPS = (
    NetworkGroup("office", ("203.0.113.0/24", "198.51.100.0/24"), {"place": "berlin"}),
    NetworkGroup("partner", ("192.0.2.0/24",), {"place": "paris"}),
    NetworkGroup("empty", (), {"place": "nowhere"}),
)


def decision(peer: str, address: str, groups: tuple[NetworkGroup, ...] | None = GROUPS) -> str:
    spec = {"endpointSelector": {}, "egress": [{"toCIDRSet": [yaml.safe_load(peer)]}]}
    metadata = {"name": "rule", "namespace": "red"}
    policy = Policy("cluster-1", {"kind": "CiliumNetworkPolicy", "metadata": metadata, "spec": spec})
    cluster = Cluster("cluster-1", SelectorScope.OWN_CLUSTER, (policy,), groups=groups)
    return str(Evaluator([cluster]).evaluate(Flow(CLIENT, Address(address), Port(443))).decision)


@pytest.mark.parametrize(
    ("peer", "address", "expected"),
    [
        ("{cidrGroupRef: office}", "203.0.113.9", "allowed"),
        ("{cidrGroupRef: office}", "198.51.100.9", "allowed"),
        ("{cidrGroupRef: office}", "192.0.2.9", "denied"),
        ("{cidrGroupRef: office, except: [203.0.113.8/29]}", "203.0.113.9", "denied"),
        ("{cidrGroupRef: gone}", "203.0.113.9", "denied"),
        ("{cidrGroupRef: empty}", "203.0.113.9", "denied"),
        ("{cidrGroupSelector: {matchLabels: {place: paris}}}", "192.0.2.9", "allowed"),
        ("{cidrGroupSelector: {matchLabels: {place: paris}}}", "203.0.113.9", "denied"),
        (
            "{cidrGroupSelector: {matchExpressions: [{key: place, operator: NotIn, values: [paris]}]}}",
            "203.0.113.9",
            "allowed",
        ),
    ],
)
def test_a_group_means_its_networks(peer: str, address: str, expected: str) -> None:
    assert decision(peer, address) == expected


def test_groups_that_are_not_known_leave_the_flow_undecided() -> None:
    assert decision("{cidrGroupRef: office}", "203.0.113.9", None) == "undecided"
