"""Encrypted packets between clusters that are too big for a Transit Gateway or a peering between regions."""

import pytest

from eks_cilium.mesh.packet_sizes import warnings
from tests.program.mesh.members import member_of, overlay_of, wanted

pytestmark = pytest.mark.unit

ENCRYPTED = {"wireguard": True}
TRANSIT = wanted(type="transit-gateway")
FAR = member_of(2, region="eu-west-1")


def test_encrypted_packets_over_a_transit_gateway_and_between_regions_are_warned_of():
    for other, how in ((member_of(2), TRANSIT), (FAR, wanted())):
        (warning,) = warnings([member_of(1, agents=ENCRYPTED), other], how)
        assert "cluster cluster-1: encrypted packets of more than 8500 bytes to cluster-2" in warning
        assert "cilium.values.MTU to 8500" in warning


def test_what_fits_or_is_told_by_icmp_is_not_warned_of():
    smaller = member_of(1, agents={**ENCRYPTED, "mtu": 8500})

    assert warnings([member_of(1, agents=ENCRYPTED), member_of(2)], wanted()) == []
    assert warnings([smaller, FAR], wanted()) == []
    assert warnings([member_of(1), member_of(2)], TRANSIT) == []


def test_the_tunnels_of_an_overlay_are_too_big_as_well():
    overlay = member_of(1, agents=overlay_of(1))
    (warning,) = warnings([overlay, member_of(2, agents=overlay_of(2, mtu=8500))], TRANSIT)

    assert "cluster cluster-1: tunnelled packets of more than 8500 bytes to cluster-2" in warning
    assert warnings([overlay, member_of(2)], wanted()) == []
