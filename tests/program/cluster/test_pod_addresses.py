"""Where pods of a running cluster get their addresses, read from Cilium's configuration."""

import pytest

from eks_cilium.cluster.pod_addresses import PodAddresses, configured

pytestmark = pytest.mark.unit

POOL = {
    "ipam": "cluster-pool",
    "cluster-pool-ipv4-cidr": "10.64.0.0/14 100.64.0.0/16",
    "cluster-pool-ipv4-mask-size": "24",
}
CIDRS = ("10.64.0.0/14", "100.64.0.0/16")


@pytest.mark.parametrize(
    ("config", "wanted"),
    [
        ({"ipam": "eni", "routing-mode": "native"}, PodAddresses("eni")),
        ({"ipam": "eni", "tunnel": "disabled"}, PodAddresses("eni")),
        ({**POOL, "tunnel": "geneve"}, PodAddresses("cluster-pool", CIDRS, 24, "geneve", 6081)),
        (
            {**POOL, "routing-mode": "tunnel", "tunnel-protocol": "vxlan"},
            PodAddresses("cluster-pool", CIDRS, 24, "vxlan", 8472),
        ),
        (
            {**POOL, "routing-mode": "tunnel", "tunnel-port": "8473"},
            PodAddresses("cluster-pool", CIDRS, 24, "vxlan", 8473),
        ),
        # Chained: the pool is that of the agents, and nothing is tunnelled.
        ({**POOL, "routing-mode": "native"}, PodAddresses("cluster-pool", CIDRS, 24)),
        ({}, PodAddresses("", protocol="vxlan", port=8472)),
    ],
)
def test_every_release_is_understood(config: dict[str, str], wanted: PodAddresses):
    assert configured(config) == wanted
