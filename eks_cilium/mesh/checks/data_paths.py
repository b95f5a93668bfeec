"""Whether packets between pods of different clusters have one way: routes of the VPCs, or tunnels.

`eks_cilium.mesh.checks` collects the checks. "All clusters must be configured with the same datapath mode"
(Cilium's page "Setting up Cluster Mesh", prerequisites). With an overlay nodes of different clusters exchange
tunnels, and no VPC has a route to a pod.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from eks_cilium.cluster.pod_addresses import CLUSTER_POOL
from eks_cilium.mesh.checks.members import network_of, with_agents
from eks_cilium.mesh.model import Blocker, Member, Wanted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def data_paths_are_the_same(members: Sequence[Member], _wanted: Wanted) -> Iterator[Blocker]:
    known = with_agents(members)
    overlays = [member.name for member, agents in known if agents.tunnel is not None]
    routed = [member.name for member, agents in known if agents.tunnel is None]
    if overlays and routed:
        yield Blocker(
            f"clusters {', '.join([*overlays, *routed])}",
            f"pods of {', '.join(overlays)} are connected by an overlay, and the VPC routes those of "
            f"{', '.join(routed)}",
            "one data path in all clusters of a mesh: an overlay in each, or addresses of the VPC in each",
            "create clusters again with another cilium.ipam: a running one cannot change it",
        )


def addresses_have_a_way(members: Sequence[Member], _wanted: Wanted) -> Iterator[Blocker]:
    """The VPC routes only addresses of its own; only the networks of a cluster pool can be compared."""
    for member, agents in with_agents(members):
        if agents.tunnel is not None and agents.chained:
            yield Blocker(
                f"cluster {member.name}",
                f"its Cilium is chained to the AWS VPC CNI and has tunnels by {agents.tunnel}",
                "routingMode native where the VPC CNI gives pods their addresses",
                "install it by mode chaining, or set routingMode of its Helm release to native",
            )
        elif agents.tunnel is not None and agents.ipam != CLUSTER_POOL:
            yield Blocker(
                f"cluster {member.name}",
                f"pods have an overlay by IPAM mode {agents.ipam!r}, whose networks are not known",
                f"ipam mode {CLUSTER_POOL} where pods have an overlay",
                "create the cluster again with cilium.ipam cluster-pool",
            )
        elif agents.tunnel is None and agents.ipam != "eni" and not agents.chained:
            yield Blocker(
                f"cluster {member.name}",
                f"pods get addresses by IPAM mode {agents.ipam!r}, which the VPC does not route",
                "ipam mode eni, chaining to the AWS VPC CNI, or an overlay",
                "install its Cilium in ENI mode or chained to the AWS VPC CNI, or create it with an overlay",
            )


def tunnels_are_the_same(members: Sequence[Member], _wanted: Wanted) -> Iterator[Blocker]:
    known = [(member, agents.tunnel) for member, agents in with_agents(members) if agents.tunnel is not None]
    for (member, here), (other, there) in combinations(known, 2):
        if here != there:
            yield Blocker(
                f"clusters {member.name} and {other.name}",
                f"their nodes have tunnels by {here}, and by {there}",
                "the same protocol and port in every cluster of a mesh",
                f"create {other.name} again with cilium.overlay.protocol {here.protocol}",
            )


def overlays_stay_inside(members: Sequence[Member], _wanted: Wanted) -> Iterator[Blocker]:
    """What pods send to a load balancer of another cluster has to leave with their node's address.

    KVStoreMesh does. No VPC has a route back to an address of an overlay.
    """
    for member, agents in with_agents(members):
        if agents.tunnel is None:
            continue
        native = network_of(agents.native_cidr)
        kept = [
            str(cidr) for each in members for cidr in each.network.ranges if native and native.overlaps(cidr)
        ]
        if not agents.masquerades or agents.masquerade_agent or kept:
            why = "ip-masq-agent's list decides" if agents.masquerades else "nothing is masqueraded"
            which = f"for {', '.join(kept)}" if kept else why
            yield Blocker(
                f"cluster {member.name}",
                f"packets leave it with addresses of its overlay: {which}",
                "masquerading of everything that leaves the overlay, without a native routing CIDR",
                "set cilium.masquerade to auto in its own stack (enableIPv4Masquerade of its Helm release), "
                "and remove ipv4NativeRoutingCIDR and ipMasqAgent",
            )


def no_ports_of_pods_are_opened(members: Sequence[Member], wanted: Wanted) -> Iterator[Blocker]:
    """Security groups see the tunnels, not what is in them: such a rule would change nothing."""
    if wanted.pod_ports and any(agents.tunnel is not None for _, agents in with_agents(members)):
        path = "eks-cilium:connection.podPorts"
        yield Blocker(
            path,
            f"is {', '.join(wanted.pod_ports)}, and pods reach each other through tunnels",
            "nothing where pods have an overlay: policies alone decide which pods reach which",
            f"pulumi config rm --path '{path}'",
        )


def pods_have_ipv4_addresses(members: Sequence[Member], _wanted: Wanted) -> Iterator[Blocker]:
    """Routes and rules of the mesh are for IPv4 networks, and an IPv6 cluster of EKS has no others.

    docs.aws.amazon.com/eks/latest/userguide/cni-ipv6.html: pods and Services have IPv6 addresses only.
    """
    for member, agents in with_agents(members):
        if not agents.ipv4:
            yield Blocker(
                f"cluster {member.name}",
                "its pods have no IPv4 addresses (enable-ipv4 is false in cilium-config)",
                "clusters whose pods have IPv4 addresses",
                "join a cluster with ipFamily ipv4: EKS never changes it",
            )


CHECKS = (
    pods_have_ipv4_addresses,
    data_paths_are_the_same,
    addresses_have_a_way,
    tunnels_are_the_same,
    overlays_stay_inside,
    no_ports_of_pods_are_opened,
)
