"""NetworkPolicies before Cilium enforces them: networks in them that hold pods, and the time without any.

Cilium knows pods and nodes of its cluster by identity, never by address, so an `ipBlock` does not select them
(cilium/cilium#9209; Documentation/security/policy/layer3.rst, "IP/CIDR based"). The VPC CNI compares
addresses alone.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from eks_cilium.cluster.names import NAMESPACE
from eks_cilium.cluster.objects import Reference
from eks_cilium.migration.options import covers
from eks_cilium.migration.plan.model import Code

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from eks_cilium.migration.facts.model import Facts
    from eks_cilium.migration.facts.network.model import IpBlock
    from eks_cilium.migration.plan.findings import Findings
    from eks_cilium.settings.model.migration import AllowRestarts

_PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "198.18.0.0/15")
"""What a VPC's networks are usually in, where EC2 did not tell which it has."""
_OTHER_ENFORCERS = frozenset({"calico-node", "canal", "kube-router", "antrea-agent", "weave-net"})
"""DaemonSets that enforce NetworkPolicies beside the VPC CNI."""


def check(facts: Facts, allow: AllowRestarts, findings: Findings) -> None:
    """Add findings about policies that will act otherwise, or for the first time, or not for some time."""
    for policy in facts.policies:
        for block in policy.blocks:
            if shared := pods_in(block, facts.network.cidrs or _PRIVATE):
                permitted = covers(allow.ip_blocks, policy.reference)
                code = Code.IP_BLOCK_LOST if permitted else Code.IP_BLOCK
                findings.add(code, policy.reference, detail=f"{block.cidr} (pods in {', '.join(shared)})")
    if not facts.policies:
        return
    enforcer = Reference("DaemonSet", NAMESPACE, "aws-node")
    if facts.aws_node and facts.aws_node.enforces_policies:
        findings.add(Code.UNPROTECTED, enforcer, detail=f"{len(facts.policies)}")
    elif not any(owner.kind == "DaemonSet" and owner.name in _OTHER_ENFORCERS for owner in facts.owners):
        for policy in facts.policies:
            cluster = Reference("Cluster", "", facts.cluster.name)
            findings.add(Code.POLICIES_BEGIN, cluster, detail=f"{policy.reference}")


def pods_in(block: IpBlock, networks: Sequence[str]) -> list[str]:
    """The networks that share addresses with a block which its exceptions do not take out again."""
    whole = ipaddress.ip_network(block.cidr, strict=False)
    if not isinstance(whole, ipaddress.IPv4Network):
        return []
    excepted = [ipaddress.IPv4Network(each, strict=False) for each in block.excepted]
    return [network for network in networks if _remain(ipaddress.IPv4Network(network), whole, excepted)]


def _remain(
    network: ipaddress.IPv4Network, block: ipaddress.IPv4Network, excepted: Iterable[ipaddress.IPv4Network]
) -> bool:
    if not network.overlaps(block):
        return False
    left = [max(network, block, key=lambda each: each.prefixlen)]
    for exception in excepted:
        left = [rest for part in left for rest in _without(part, exception)]
    return bool(left)


def _without(part: ipaddress.IPv4Network, taken: ipaddress.IPv4Network) -> list[ipaddress.IPv4Network]:
    if not part.overlaps(taken):
        return [part]
    return [] if part.subnet_of(taken) else list(part.address_exclude(taken))
