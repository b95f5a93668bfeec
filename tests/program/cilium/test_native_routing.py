"""The network inside which pods keep their addresses, for a VPC with several networks and for a mesh."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eks_cilium.cilium.native_routing import WIDEST, default_network, holding, network_of_pods, outside

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("cidrs", "expected"),
    [
        (["10.0.0.0/16"], "10.0.0.0/16"),
        (["10.0.0.0/16", "10.1.0.0/16"], "10.0.0.0/15"),
        (["10.0.0.0/16", "10.200.0.0/16"], "10.0.0.0/8"),
        (["192.168.0.0/20", "192.168.128.0/20"], "192.168.0.0/16"),
        (["10.0.0.0/16", "100.64.0.0/16"], None),
        (["10.0.0.0/16", "172.16.0.0/16"], None),
        (["8.8.0.0/16"], None),
    ],
)
def test_the_smallest_private_network_that_holds_all(cidrs: list[str], expected: str | None):
    assert holding(cidrs) == expected
    assert default_network(cidrs) == (expected or cidrs[0])


private = st.tuples(st.integers(0, 255), st.integers(0, 255), st.integers(16, 28)).map(
    lambda parts: str(ipaddress.IPv4Network(f"10.{parts[0]}.{parts[1]}.0/{parts[2]}", strict=False))
)


@given(st.lists(private, min_size=1, max_size=5))
def test_the_default_holds_every_private_network_and_is_accepted_as_a_key(cidrs: list[str]):
    found = default_network(cidrs)

    assert outside(found, cidrs) == []
    assert ipaddress.IPv4Network(found).prefixlen >= WIDEST


def test_what_is_outside_is_named():
    assert outside("10.0.0.0/8", ["10.0.0.0/16", "100.64.0.0/16"]) == ["100.64.0.0/16"]


@pytest.mark.parametrize(
    ("cidrs", "pods", "network"),
    [
        (["10.0.0.0/16"], ["100.64.0.0/16"], "100.64.0.0/16"),
        (["10.0.0.0/16"], ["10.1.0.0/16"], "10.0.0.0/15"),
        (["10.0.0.0/16", "100.64.0.0/16"], ["100.64.0.0/18", "100.64.64.0/18"], "100.64.0.0/17"),
    ],
)
def test_pods_keep_their_addresses_among_themselves(cidrs: list[str], pods: list[str], network: str):
    assert network_of_pods(cidrs, pods) == network
