"""Cases about the data path, from objects as the API server sends them to the findings of a plan."""

import pytest

from .loader import codes_of, named

pytestmark = pytest.mark.unit


def test_what_the_vpc_cni_serves_and_cilium_would_not_is_refused_until_permitted():
    case = named("other-data-path")
    allowed = {"hostPorts": ["shop/statsd"], "cniPlugins": ["istio-system/*"], "ipBlocks": ["shop/from-vpc"]}

    refused, permitted = case.plan(), case.plan(allow=allowed)

    assert codes_of(refused)[0] == ["host-ports", "cni-plugin", "ip-block"]
    assert [str(found.object) for found in refused.blockers] == [
        "DaemonSet shop/statsd",
        "DaemonSet istio-system/istio-cni-node",
        "NetworkPolicy shop/from-vpc",
    ]
    assert permitted.blockers == ()
    assert {"host-ports-lost", "cni-plugin-lost", "ip-block-lost"} <= set(codes_of(permitted)[1])


def test_nodes_sized_for_prefixes_and_pods_in_subnets_of_their_own_are_named():
    (planned,) = named("nodes-sized-for-prefixes").plans()
    texts = {str(found.code): found.text for found in planned.warnings}

    assert "up to 40 pods" in texts["addresses-scarce"]
    assert "110 pods" in texts["addresses-scarce"]
    assert "subnet-0123456789abcdef0" in texts["custom-network"]
