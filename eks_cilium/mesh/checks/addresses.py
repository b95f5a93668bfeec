"""Whether pods keep their addresses between clusters; Cilium knows the identity of a pod by its address.

`eks_cilium.mesh.checks` collects the checks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eks_cilium.cilium.chaining import overlaps
from eks_cilium.cilium.mesh import NAMESPACE
from eks_cilium.cilium.native_routing import holding
from eks_cilium.mesh.checks.members import network_of, with_agents
from eks_cilium.mesh.model import Blocker, Member, Wanted
from eks_cilium.mesh.routes import pairs

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_OTHER_POOL = "198.18.0.0/16"


def addresses_survive_cilium(members: Sequence[Member], _wanted: Wanted) -> Iterator[Blocker]:
    """A masqueraded pod has its node's address in the other cluster, so no policy for the pod applies."""
    # By itself Cilium excludes only its own VPC's networks from masquerading (cilium/cilium#39343).
    for member, agents in with_agents(members):
        if agents.tunnel is not None or not agents.masquerades or agents.masquerade_agent:
            continue  # what pods send through a tunnel is never masqueraded
        native = network_of(agents.native_cidr)
        outside = [
            cidr
            for other in members
            for cidr in other.network.ranges
            if native is None or not cidr.subnet_of(native)
        ]
        if native is None:
            outside = [cidr for cidr in outside if cidr not in member.network.ranges]
        if outside:
            yield Blocker(
                f"cluster {member.name}",
                f"pods leave masqueraded as their node for {', '.join(map(str, outside))}"
                f" (ipv4-native-routing-cidr is {agents.native_cidr or 'not set'})",
                "no masquerading, or a native routing CIDR that holds every network of the mesh",
                _without_masquerading(members),
            )


def _without_masquerading(members: Sequence[Member]) -> str:
    off = "set cilium.masquerade to off in its own stack (nodes behind NAT gateways)"
    all_networks = holding(cidr for member in members for cidr in member.network.cidrs)
    if all_networks is None:
        return f"{off}; no single private network holds all of the mesh"
    return (
        f"set cilium.nativeRoutingCidr in its own stack to {all_networks} or wider "
        f"(ipv4NativeRoutingCIDR of its Helm release), or {off}"
    )


def addresses_survive_the_vpc_cni(members: Sequence[Member], _wanted: Wanted) -> Iterator[Blocker]:
    """The AWS VPC CNI translates packets that leave its VPC, except to excluded networks."""
    for member, agents in with_agents(members):
        if not agents.chained or member.snat is None or member.snat.external:
            continue
        excluded = [found for text in member.snat.excluded if (found := network_of(text)) is not None]
        others = [cidr for other in members if other is not member for cidr in other.network.ranges]
        left = [cidr for cidr in others if not any(cidr.subnet_of(network) for network in excluded)]
        if left:
            everything = ",".join(map(str, [*excluded, *left]))
            yield Blocker(
                f"cluster {member.name}",
                f"aws-node translates what pods send to {', '.join(map(str, left))}",
                "AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS with every network of the other clusters, or "
                "AWS_VPC_K8S_CNI_EXTERNALSNAT=true behind NAT gateways",
                "set it in the vpc-cni add-on's configuration "
                f'({{"env": {{"AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS": "{everything}"}}}}), or '
                f"kubectl -n {NAMESPACE} set env daemonset/aws-node "
                f"AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS={everything} where it is self-managed",
            )


def pools_do_not_overlap(members: Sequence[Member], _wanted: Wanted) -> Iterator[Blocker]:
    """Every agent stores the pod networks and the agents' own addresses of every cluster in one map.

    Cilium's page "Setting up Cluster Mesh", prerequisites: "PodCIDR ranges in all clusters and all nodes must
    be non-conflicting and unique IP addresses". Addresses of Services mean nothing in other clusters, but an
    agent takes those of its own cluster for Services before it asks which pod has them.
    """
    for member in members:
        for pool in _pools(member):
            yield from (_shared(member, pool, found) for found in overlaps(pool, _fixed(member)))
    for here, there in pairs(members):
        theirs = [(f"the pool of {there.name},", pool) for pool in _pools(there)]
        for pool in _pools(here):
            yield from (_shared(here, pool, found) for found in overlaps(pool, [*theirs, *_fixed(there)]))
        for pool in _pools(there):
            yield from (_shared(there, pool, found) for found in overlaps(pool, _fixed(here)))


def _fixed(member: Member) -> list[tuple[str, str]]:
    """The networks of a cluster that are not its pool, each with a name."""
    services = [(f"the Services of {member.name},", member.service_cidr)] if member.service_cidr else []
    return [*((member.network.vpc_id, cidr) for cidr in member.network.cidrs), *services]


def _pools(member: Member) -> tuple[str, ...]:
    return member.agents.pools if member.agents is not None else ()


def _shared(member: Member, pool: str, found: str) -> Blocker:
    overlay = member.agents is not None and member.agents.tunnel is not None
    whose = "pods" if overlay else "agents"
    again = (
        f"create {member.eks_name} again with other cilium.overlay.podCidrs"
        if overlay
        else f"install Cilium in {member.eks_name} again with another cilium.pool, for example {_OTHER_POOL}"
    )
    return Blocker(
        f"cluster {member.name}",
        f"its {whose} have addresses of {pool} (cluster-pool-ipv4-cidr), which overlaps {found}",
        "a pool of its own in every cluster, outside the VPCs and the Services of all",
        f"{again} (ipam.operator.clusterPoolIPv4PodCIDRList of its Helm release): nodes keep addresses of "
        "the old one",
    )


CHECKS = (pools_do_not_overlap, addresses_survive_cilium, addresses_survive_the_vpc_cni)
