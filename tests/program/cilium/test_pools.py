"""How many nodes and pods a pool suffices for, and which networks are proposed."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eks_cilium.cilium.overlay.pools import (
    DEFAULT_MASK_SIZE,
    PodNetwork,
    is_private,
    mask_size_for,
    pods_in,
    proposal,
    shared,
)
from eks_cilium.cilium.pod_limit import without_interfaces

pytestmark = pytest.mark.unit

networks = st.builds(
    lambda address, prefix: str(ipaddress.IPv4Network((address & (0xFFFFFFFF << (32 - prefix)), prefix))),
    st.integers(0, 0xFFFFFFFF),
    st.integers(8, 28),
)


def test_each_network_is_divided_into_parts():
    pool = PodNetwork(("10.64.0.0/14", "100.64.0.0/23"), 24)

    assert (pool.nodes, pool.pods_of_a_node) == (1024 + 2, 251)


def test_a_network_that_is_smaller_than_a_part_holds_no_node():
    assert PodNetwork(("10.64.0.0/25",), 24).nodes == 0


def test_the_default_part_has_addresses_for_the_most_pods_of_a_node():
    assert pods_in(DEFAULT_MASK_SIZE) >= without_interfaces(["m7i.8xlarge"]) == 250
    assert mask_size_for(without_interfaces(["m7i.large"])) == 25


@given(st.integers(1, 4000))
def test_the_part_for_so_many_pods_is_the_smallest_with_addresses_for_them(pods: int):
    size = mask_size_for(pods)

    assert pods_in(size) >= pods > pods_in(size + 1)


@pytest.mark.parametrize(
    "cidr", ["8.8.0.0/16", "169.254.0.0/16", "127.0.0.0/8", "224.0.0.0/8", "240.0.0.0/8", "172.0.0.0/8"]
)
def test_networks_that_belong_to_others_hold_no_pool(cidr: str):
    assert not is_private(cidr)


@given(st.integers(1, 450), st.integers(20, 28), st.lists(networks, max_size=4))
def test_what_is_proposed_is_private_and_free_and_has_room(nodes: int, mask_size: int, taken: list[str]):
    found = proposal(nodes, mask_size, taken)

    assert is_private(found)
    if found == "198.18.0.0/15":
        return  # nothing else was left
    assert list(shared(found, [("x", cidr) for cidr in taken])) == []
    assert PodNetwork((found,), mask_size).nodes >= nodes


def test_a_vpc_and_services_are_avoided():
    assert proposal(13, 24, ["10.0.0.0/16", "172.20.0.0/16"]) == "10.1.0.0/19"
