"""Registers the resources of mode `mesh`, in the order in which they depend on each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi
import pulumi_kubernetes as kubernetes

from components.cluster.kubeconfig import kubeconfig
from components.mesh.authority import MeshAuthority
from components.mesh.cluster_mesh import ClusterMesh
from components.mesh.cross_cluster_policy import CrossClusterPolicy, PolicyObjects
from components.mesh.firewall import MeshFirewall, Peer
from components.mesh.peering import PeeringSide, VpcPeering
from components.mesh.transit_gateway import TransitGateway
from components.mesh.zone import MeshZone
from eks_cilium.cilium.mesh import load_balancer_annotations
from eks_cilium.cilium.versions import release_of
from eks_cilium.cluster.names import STACK_TAG
from eks_cilium.dynamic.mesh_gates import MeshReadiness
from eks_cilium.mesh.checks.members import PEERING
from eks_cilium.mesh.openings import openings
from eks_cilium.mesh.routes import pairs
from eks_cilium.policy.objects import parse_ports
from eks_cilium.settings.model.mesh import ALL_PORTS
from stacks.accounts import aws_provider
from stacks.mesh_clusters import agents_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from components.mesh.connected_vpcs import ConnectedVpc
    from components.mesh.transit_gateway import AttachedVpc
    from components.mesh.zone import ZoneVpc
    from eks_cilium.mesh.model import Member, Wanted
    from eks_cilium.policy.compile import CompiledPolicies
    from eks_cilium.policy.objects import Ports
    from eks_cilium.settings.model import MeshSettings

NAME = "mesh"


@dataclass(frozen=True)
class Registered:
    """What the exports of the stack need of its resources."""

    connection_ids: Sequence[pulumi.Output[str]]
    parts: Mapping[str, ClusterMesh]
    """By the cluster's name in Cilium, as the gates."""
    gates: Mapping[str, MeshReadiness]


class MeshResources:
    """The resources of one mesh. `register` registers all of them; the constructor only creates providers."""

    def __init__(self, settings: MeshSettings, members: Sequence[Member], wanted: Wanted) -> None:
        self._settings, self._members, self._wanted = settings, members, wanted
        self._tags = {**settings.tags, STACK_TAG: wanted.stack}
        self._aws = {
            member.name: aws_provider(
                f"aws-{member.name}", settings, region=member.region, profile=member.profile
            )
            for member in members
        }
        self._kubernetes = {member.name: _kubernetes_provider(member) for member in members}

    def register(self, policies: CompiledPolicies) -> Registered:
        network = self._connect()
        firewalls = [self._firewall(member) for member in self._members]
        zone = self._zone()
        wanted = self._settings.cluster_mesh.authorities
        authority = MeshAuthority(NAME, {"issuing": wanted.issuing, "trusted": wanted.trusted})
        parts = {
            member.name: self._part(member, zone, authority, [*network, *firewalls])
            for member in self._members
        }
        gates = {member.name: self._gate(member, list(parts.values())) for member in self._members}
        self._register_policies(policies, list(gates.values()))
        return Registered([connection.id for connection in network], parts, gates)

    def _others(self, member: Member) -> list[Member]:
        return [other for other in self._members if other is not member]

    def _connect(self) -> list[VpcPeering] | list[TransitGateway]:
        if self._wanted.type == PEERING:
            return [self._peering(member, other) for member, other in pairs(self._members)]
        vpcs: list[AttachedVpc] = [
            {**self._vpc(member), "subnets": member.network.subnets} for member in self._members
        ]
        return [
            TransitGateway(NAME, {"gateway_id": self._wanted.gateway_id, "vpcs": vpcs, "tags": self._tags})
        ]

    def _peering(self, requester: Member, accepter: Member) -> VpcPeering:
        return VpcPeering(
            f"{requester.name}-{accepter.name}",
            {"requester": self._side(requester), "accepter": self._side(accepter), "tags": self._tags},
        )

    def _side(self, member: Member) -> PeeringSide:
        return {**self._vpc(member), "region": member.region, "account": member.account}

    def _vpc(self, member: Member) -> ConnectedVpc:
        return {
            "cluster": member.name,
            "vpc_id": member.network.vpc_id,
            "cidrs": member.network.cidrs,
            "route_table_ids": [table.id for table in member.network.tables_in_use],
            "provider": self._aws[member.name],
        }

    def _firewall(self, member: Member) -> MeshFirewall:
        return MeshFirewall(
            member.name,
            {
                "security_group_ids": member.network.security_groups,
                "peers": {other.name: self._peer(member, other) for other in self._others(member)},
                "tags": self._tags,
            },
            pulumi.ResourceOptions(providers=[self._aws[member.name]]),
        )

    def _peer(self, member: Member, other: Member) -> Peer:
        agents = agents_of(member)
        opened = openings(
            node_ports=not self._has_controller(member) or agents.tunnel is not None,
            wireguard=agents.wireguard,
            pods=self._pod_ports(member, other),
            tunnel=agents.tunnel,
        )
        return {"cidrs": other.network.cidrs, "openings": opened}

    def _pod_ports(self, member: Member, other: Member) -> list[Ports] | None:
        """Ports of pods that a cluster opens for another one; None where it opens every port."""
        intents = [each.intent for each in self._settings.policies.intents]
        by_intent = [
            intent.destination.ports
            for intent in intents
            if (intent.source.cluster, intent.destination.cluster) == (other.name, member.name)
        ]
        given = self._settings.connection.pod_ports
        if ALL_PORTS in given or not all(by_intent):
            return None
        return [*map(parse_ports, given), *(port for ports in by_intent for port in ports)]

    def _has_controller(self, member: Member) -> bool:
        # A running Service keeps its controller, whatever was installed or removed since.
        running = member.mesh_service
        found = running.by_controller if running is not None and running.kind else member.controller
        configured = {"auto": found, "present": True, "absent": False}
        return configured[self._settings.cluster_mesh.load_balancer_controller]

    def _zone(self) -> MeshZone:
        owner_first = sorted(self._members, key=lambda member: member is not self._zone_owner())
        return MeshZone(
            NAME, {"vpcs": [self._zone_vpc(member) for member in owner_first], "tags": self._tags}
        )

    def _zone_vpc(self, member: Member) -> ZoneVpc:
        return {
            "cluster": member.name,
            "vpc_id": member.network.vpc_id,
            "region": member.region,
            "account": member.account,
            "provider": self._aws[member.name],
        }

    def _zone_owner(self) -> Member:
        """The cluster whose account holds the zone."""
        owner = self._settings.cluster_mesh.zone_owner or self._members[0].name
        return next(member for member in self._members if member.name == owner)

    def _part(
        self,
        member: Member,
        zone: MeshZone,
        authority: MeshAuthority,
        after: Sequence[pulumi.Resource],
    ) -> ClusterMesh:
        wanted, agents = self._settings.cluster_mesh, agents_of(member)
        return ClusterMesh(
            member.name,
            {
                "cluster": member.name,
                "cluster_id": agents.cluster_id,
                "release": release_of(agents.version),
                "remotes": [other.name for other in self._others(member)],
                "authority": authority,
                "annotations": self._annotations(member),
                "chart_repository": wanted.chart_repository,
                "replicas": wanted.replicas,
                "max_clusters": agents.max_clusters,
                "eks_name": member.eks_name,
                "region": member.region,
                "profile": member.profile,
                "subnets": sorted(member.network.subnets),
                "zone_id": zone.zone_id,
                "zone_provider": self._aws[self._zone_owner().name],
                "seconds": wanted.timeout_seconds,
            },
            pulumi.ResourceOptions(providers=[self._kubernetes[member.name]], depends_on=list(after)),
        )

    def _annotations(self, member: Member) -> dict[str, str]:
        # The user's come first: those that keep the load balancer internal cannot be overwritten.
        sources = [cidr for other in self._others(member) for cidr in other.network.cidrs]
        decided = load_balancer_annotations(
            controller=self._has_controller(member),
            sources=sources,
            subnets=member.network.balancer_subnets(member.mesh_subnets),
            pods_have_vpc_addresses=agents_of(member).tunnel is None,
        )
        return {**self._settings.cluster_mesh.service_annotations, **decided}

    def _gate(self, member: Member, parts: Sequence[ClusterMesh]) -> MeshReadiness:
        """A gate behind every cluster's part: two clusters see each other once both parts run."""
        return MeshReadiness(
            member.name,
            {
                "member": member.name,
                "cluster_name": member.eks_name,
                "region": member.region,
                "profile": member.profile,
                "remotes": [other.name for other in self._others(member)],
                "hosts": [part.host for part in parts],
                "certificates": [part.fingerprint for part in parts],
                "command": release_of(agents_of(member).version).debug_command,
                "seconds": self._settings.cluster_mesh.timeout_seconds,
            },
            pulumi.ResourceOptions(depends_on=list(parts)),
        )

    def _register_policies(self, policies: CompiledPolicies, gates: Sequence[MeshReadiness]) -> None:
        # Behind the gates: a policy denies the pods it names while its cluster does not know them.
        wanted, providers = self._settings.policies, self._kubernetes
        last = pulumi.ResourceOptions(depends_on=list(gates))
        for intent, pair in zip(wanted.intents, policies.intents, strict=True):
            CrossClusterPolicy(intent.name, {"policies": pair, "providers": providers}, last)
        if policies.default_deny:
            PolicyObjects("default-deny", {"policies": policies.default_deny, "providers": providers}, last)
        for file, by_hand in zip(wanted.files, policies.files, strict=True):
            PolicyObjects(f"file-{file.path}", {"policies": by_hand, "providers": providers}, last)


def _kubernetes_provider(member: Member) -> kubernetes.Provider:
    return kubernetes.Provider(
        member.name,
        kubeconfig=kubeconfig(
            name=member.eks_name,
            region=member.region,
            endpoint=member.endpoint,
            certificate_authority=member.certificate_authority,
            profile=member.profile,
        ),
        cluster_identifier=member.arn,
    )
