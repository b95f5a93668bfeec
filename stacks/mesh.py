"""Mode `mesh`: clusters that run Cilium, joined, so that a pod here may talk to a pod there and be known.

Facts of all clusters are read first and checked against each other; nothing is registered while anything is
in the way. Then come the network (peering or a Transit Gateway, routes, security groups), a private zone with
a name for every cluster, one certificate authority, and in each cluster a ClusterMesh release beside its own
Cilium; in the end two gates for each cluster. The clusters' own stacks stay as they are.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pulumi
import pulumi_aws as aws
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
from eks_cilium.cilium.versions import RELEASES
from eks_cilium.cluster.names import STACK_TAG
from eks_cilium.dynamic.mesh_gates import MeshReadiness
from eks_cilium.mesh.checks import refusals
from eks_cilium.mesh.checks.members import PEERING
from eks_cilium.mesh.model import Member, Wanted
from eks_cilium.mesh.openings import openings
from eks_cilium.mesh.routes import pairs
from eks_cilium.policy import report
from eks_cilium.policy.objects import deny_by_default, parse_ports
from eks_cilium.settings.model.mesh import ALL_PORTS
from eks_cilium.settings.policy_objects import in_file
from eks_cilium.settings.problems import ConfigurationError
from eks_cilium.settings.rules.policies import Setting, broken_policy_rules, verdicts
from stacks.mesh_clusters import Found, look
from stacks.running_cluster import readable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from components.mesh.connected_vpcs import ConnectedVpc
    from eks_cilium.policy.objects import Ports
    from eks_cilium.settings.model import MeshSettings

NAME = "mesh"


def run(settings: MeshSettings, look: Callable[[MeshSettings], Found] = look) -> dict[str, Any]:
    """Register everything and return what the stack exports."""
    with readable("the clusters"):
        found = look(settings)
    wanted = _wanted(settings, found)
    _refuse(found.members, wanted)
    if found.missing:
        return _without_all(settings, found)
    _judge(settings, found.members)
    return Mesh(settings, found.members, wanted).exports()


def _wanted(settings: MeshSettings, found: Found) -> Wanted:
    return Wanted(
        type=settings.connection.type,
        stack=f"{pulumi.get_project()}/{pulumi.get_stack()}",
        gateway_id=settings.connection.transit_gateway_id,
        gateway=found.gateway,
        route_tables={name: cluster.route_table_ids for name, cluster in settings.clusters.items()},
        replicas=settings.cluster_mesh.replicas,
    )


def _refuse(members: Sequence[Member], wanted: Wanted) -> None:
    problems = refusals(members, wanted)
    if problems:
        count = "1 thing keeps" if len(problems) == 1 else f"{len(problems)} things keep"
        lines = "\n  ".join(map(str, problems))
        raise pulumi.RunError(f"{count} these clusters from being joined:\n  {lines}")


def _setting(settings: MeshSettings, members: Sequence[Member]) -> Setting:
    """What policies are judged by: which Cilium each cluster runs decides what a selector means."""
    return Setting(settings.policies, {member.name: _agents(member).version for member in members})


def _judge(settings: MeshSettings, members: Sequence[Member]) -> None:
    """Refuse policies that are wrong or do not do what is asserted; show in a preview what they do."""
    setting = _setting(settings, members)
    problems = broken_policy_rules(setting)
    if problems:
        raise pulumi.RunError(str(ConfigurationError(problems)))
    if pulumi.runtime.is_dry_run() and (judged := verdicts(setting)):
        pulumi.log.info(f"what the policies of this stack allow:\n{report.table(judged)}")


def _without_all(settings: MeshSettings, found: Found) -> dict[str, Any]:
    """A preview may come before the clusters; an update has nothing to join."""
    lines = "\n  ".join(found.missing)
    if not pulumi.runtime.is_dry_run():
        raise pulumi.RunError(
            f"not all clusters are there:\n  {lines}\n  fix: run `pulumi up` on their stacks first"
        )
    pulumi.log.warn(f"not all clusters are there, so this preview shows no mesh:\n  {lines}")
    return {"clusters": sorted(settings.clusters), "missing": list(found.missing)}


class Mesh:
    """The resources of one stack in this mode, in the order in which they are made."""

    def __init__(self, settings: MeshSettings, members: Sequence[Member], wanted: Wanted) -> None:
        self._settings, self._members, self._wanted = settings, members, wanted
        self._tags = {**settings.tags, STACK_TAG: wanted.stack}
        self._aws = {
            member.name: aws.Provider(f"aws-{member.name}", region=member.region, profile=member.profile)
            for member in members
        }
        self._kubernetes = {member.name: self._make_kubernetes(member) for member in members}
        self._network = self._connect()
        self._firewalls = [self._make_firewall(member) for member in members]
        self._zone = self._make_zone()
        self._authority = self._make_authority()
        self._parts = {member.name: self._make_part(member) for member in members}
        self._gates = [self._make_gate(member) for member in members]
        self._make_policies()

    def exports(self) -> dict[str, Any]:
        """What people need: who is joined, by what, and what to type next."""
        return {
            "clusters": {
                member.name: {
                    "name": member.eks_name,
                    "region": member.region,
                    "clusterId": _agents(member).cluster_id,
                    "ciliumVersion": _agents(member).version,
                    "loadBalancer": self._parts[member.name].host,
                    "agents": gate.agents,
                }
                for member, gate in zip(self._members, self._gates, strict=True)
            },
            "verdictMarkdown": report.markdown(verdicts(_setting(self._settings, self._members))),
            "connection": {"type": self._wanted.type, "ids": [one.id for one in self._network]},
            "nextCommands": next_commands(self._members),
        }

    def _others(self, member: Member) -> list[Member]:
        return [other for other in self._members if other is not member]

    def _connect(self) -> list[VpcPeering] | list[TransitGateway]:
        if self._wanted.type == PEERING:
            return [
                VpcPeering(
                    f"{one.name}-{other.name}",
                    {"requester": self._side(one), "accepter": self._side(other), "tags": self._tags},
                )
                for one, other in pairs(self._members)
            ]
        made = TransitGateway(
            NAME,
            {
                "gateway_id": self._wanted.gateway_id,
                "vpcs": [
                    {**self._vpc(member), "subnets": member.network.subnets} for member in self._members
                ],
                "tags": self._tags,
            },
        )
        return [made]

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

    def _make_firewall(self, member: Member) -> MeshFirewall:
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
        opened = openings(
            node_ports=not self._has_controller(member),
            wireguard=_agents(member).wireguard,
            pods=self._pod_ports(member, other),
        )
        return {"cidrs": other.network.cidrs, "openings": opened}

    def _pod_ports(self, to: Member, of: Member) -> list[Ports] | None:
        """Ports of pods that one cluster opens for another; None where it opens everything."""
        intents = [one.intent for one in self._settings.policies.intents]
        meant = [
            one.destination.ports
            for one in intents
            if (one.source.cluster, one.destination.cluster) == (of.name, to.name)
        ]
        given = self._settings.connection.pod_ports
        if ALL_PORTS in given or not all(meant):
            return None
        return [*map(parse_ports, given), *(port for listed in meant for port in listed)]

    def _has_controller(self, member: Member) -> bool:
        said = {"auto": member.controller, "present": True, "absent": False}
        return said[self._settings.cluster_mesh.load_balancer_controller]

    def _make_zone(self) -> MeshZone:
        return MeshZone(
            NAME,
            {
                "vpcs": [
                    {
                        "cluster": member.name,
                        "vpc_id": member.network.vpc_id,
                        "region": member.region,
                        "account": member.account,
                        "provider": self._aws[member.name],
                    }
                    for member in sorted(self._members, key=lambda one: one is not self._owner())
                ],
                "tags": self._tags,
            },
        )

    def _owner(self) -> Member:
        """The cluster whose account has the zone."""
        named = self._settings.cluster_mesh.zone_owner or self._members[0].name
        return next(member for member in self._members if member.name == named)

    def _make_authority(self) -> MeshAuthority:
        wanted = self._settings.cluster_mesh.authorities
        return MeshAuthority(NAME, {"issuing": wanted.issuing, "trusted": wanted.trusted})

    def _make_part(self, member: Member) -> ClusterMesh:
        wanted, agents = self._settings.cluster_mesh, _agents(member)
        return ClusterMesh(
            member.name,
            {
                "cluster": member.name,
                "cluster_id": agents.cluster_id,
                "release": RELEASES[agents.version],
                "remotes": [other.name for other in self._others(member)],
                "authority": self._authority,
                "annotations": self._annotations(member),
                "chart_repository": wanted.chart_repository,
                "replicas": wanted.replicas,
                "eks_name": member.eks_name,
                "region": member.region,
                "profile": member.profile,
                "subnets": sorted(member.network.subnets),
                "zone_id": self._zone.zone_id,
                "zone_provider": self._aws[self._owner().name],
                "seconds": wanted.timeout_seconds,
            },
            pulumi.ResourceOptions(
                providers=[self._kubernetes[member.name]], depends_on=[*self._network, *self._firewalls]
            ),
        )

    def _annotations(self, member: Member) -> dict[str, str]:
        """The user's first: what decides the scheme can not be overwritten."""
        sources = [cidr for other in self._others(member) for cidr in other.network.cidrs]
        decided = load_balancer_annotations(controller=self._has_controller(member), sources=sources)
        return {**self._settings.cluster_mesh.service_annotations, **decided}

    def _make_kubernetes(self, member: Member) -> kubernetes.Provider:
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

    def _make_gate(self, member: Member) -> MeshReadiness:
        """After every part: a direction is there once both ends are."""
        parts = list(self._parts.values())
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
                "command": RELEASES[_agents(member).version].debug_command,
                "seconds": self._settings.cluster_mesh.timeout_seconds,
            },
            pulumi.ResourceOptions(depends_on=parts),
        )

    def _make_policies(self) -> None:
        """Last: a policy that names another cluster's pods denies them while the mesh does not know them."""
        policies, providers = self._settings.policies, self._kubernetes
        last = pulumi.ResourceOptions(depends_on=self._gates)
        for one in policies.intents:
            CrossClusterPolicy(one.name, {"intent": one.intent, "providers": providers}, last)
        denied = [deny_by_default(one.meant) for one in policies.default_deny]
        if denied:
            PolicyObjects("default-deny", {"policies": denied, "providers": providers}, last)
        for index, file in enumerate(policies.files):
            written = [placed.policy for placed in in_file(policies, index, Path())]
            PolicyObjects(f"file-{file.path}", {"policies": written, "providers": providers}, last)


def _agents(member: Member) -> Any:
    assert member.agents is not None, "a cluster without Cilium is refused"
    return member.agents


def next_commands(members: Sequence[Member]) -> list[str]:
    """What to type to look at the mesh."""
    commands = []
    for member in members:
        profile = f" --profile {member.profile}" if member.profile else ""
        command = RELEASES[_agents(member).version].debug_command
        commands += [
            f"aws eks update-kubeconfig --region {member.region}{profile} "
            f"--name {member.eks_name} --alias {member.name}",
            f"kubectl --context {member.name} -n kube-system exec daemonset/cilium -c cilium-agent -- "
            f"{command} status --all-clusters",
        ]
    return [*commands, f"cilium clustermesh status --context {members[0].name}"]
