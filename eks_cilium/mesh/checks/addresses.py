"""Whether pods keep their addresses between clusters; Cilium knows the identity of a pod by its address.

`eks_cilium.mesh.checks` collects the checks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eks_cilium.cilium.mesh import NAMESPACE
from eks_cilium.mesh.checks.members import network_of, with_agents
from eks_cilium.mesh.model import Blocker, Member, Wanted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def addresses_survive_cilium(members: Sequence[Member], _wanted: Wanted) -> Iterator[Blocker]:
    """A masqueraded pod has its node's address in the other cluster, so no policy for the pod applies."""
    # By itself Cilium excludes only its own VPC's networks from masquerading (cilium/cilium#39343).
    for member, agents in with_agents(members):
        if not agents.masquerades or agents.masquerade_agent:
            continue
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
                "set cilium.masquerade to off in its own stack (nodes behind NAT gateways), or "
                "ipv4NativeRoutingCIDR of its Helm release to a network that holds all",
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


CHECKS = (addresses_survive_cilium, addresses_survive_the_vpc_cni)
