"""Which parts of a configuration or of existing policies are limited while Cilium is chained."""

from typing import Any

import pytest

from eks_cilium.cilium.chaining import nodes_in, overlaps
from eks_cilium.cilium.keys import chart_keys
from eks_cilium.cilium.limits import BY_VALUE, L7, limited_policy, limited_values
from eks_cilium.cilium.versions import TRIED

pytestmark = pytest.mark.unit


def policy(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "web", "namespace": "shop"}, "spec": spec}


def test_values_that_enable_a_limited_feature_are_named():
    values = {
        "egressGateway": {"enabled": True},
        "gatewayAPI": {"enabled": False},
        "debug": {"enabled": True},
    }

    assert [limited.what for limited in limited_values(values)] == ["cilium.values.egressGateway.enabled"]


@pytest.mark.parametrize("key", BY_VALUE)
def test_every_key_is_known_to_some_chart(key: str):
    path = tuple(key.split("."))

    assert any(path == known[: len(path)] for version in TRIED for known in chart_keys(version))


@pytest.mark.parametrize(
    "rule",
    [
        {"ingress": [{"toPorts": [{"ports": [{"port": "80"}], "rules": {"http": [{"method": "GET"}]}}]}]},
        {"egress": [{"toFQDNs": [{"matchName": "example.com"}]}]},
        {"egress": [{"toPorts": [{"rules": {"dns": [{"matchPattern": "*"}]}}]}]},
        {"egress": [{"toPorts": [{"serverNames": ["example.com"]}]}]},
    ],
)
def test_a_policy_with_rules_of_layer_7_is_named(rule: dict[str, Any]):
    limited = limited_policy("CiliumNetworkPolicy", policy(**rule))

    assert limited is not None
    assert (limited.what, limited.why) == ("CiliumNetworkPolicy shop/web", L7)


def test_one_of_several_specs_is_enough():
    several = {"metadata": {"name": "all"}, "specs": [{}, {"egress": [{"toFQDNs": [{"matchName": "x"}]}]}]}

    limited = limited_policy("CiliumClusterwideNetworkPolicy", several)

    assert limited is not None
    assert limited.what == "CiliumClusterwideNetworkPolicy all"


def test_a_policy_of_layers_3_and_4_is_not_named():
    plain = policy(
        ingress=[{"fromEndpoints": [{}], "toPorts": [{"ports": [{"port": "80", "protocol": "TCP"}]}]}]
    )

    assert limited_policy("CiliumNetworkPolicy", plain) is None


def test_an_egress_gateway_is_named_by_its_kind():
    assert limited_policy("CiliumEgressGatewayPolicy", policy()) is not None


def test_a_pool_that_shares_addresses_with_a_network_is_found():
    networks = [("VPC", "10.0.0.0/16"), ("Services", "172.20.0.0/16"), ("peer", "10.7.0.0/16")]

    assert list(overlaps("10.0.128.0/20", networks)) == ["VPC 10.0.0.0/16"]
    assert list(overlaps("10.0.0.0/8", networks)) == ["VPC 10.0.0.0/16", "peer 10.7.0.0/16"]
    assert list(overlaps("198.19.0.0/16", networks)) == []


def test_the_number_of_nodes_in_a_pool():
    assert (nodes_in("198.19.0.0/16"), nodes_in("198.19.0.0/27"), nodes_in("198.19.0.0/20")) == (2048, 1, 128)
