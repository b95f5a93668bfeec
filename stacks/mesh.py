"""Mode `mesh`: joins clusters that run Cilium, so that a policy of one cluster can name pods of another.

Reads the facts of all clusters and checks them against each other; while a check fails nothing is registered.
Then `stacks.mesh_resources` registers the network, a private zone, a certificate authority, a ClusterMesh
release beside each cluster's own Cilium, gates that wait until the clusters see each other, and last the
policies. The clusters' own stacks stay as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pulumi

from eks_cilium.cilium.versions import release_of
from eks_cilium.mesh.checks import blockers
from eks_cilium.mesh.model import Wanted
from eks_cilium.mesh.packet_sizes import warnings
from eks_cilium.policy import report
from stacks import mesh_policies
from stacks.mesh_clusters import FoundClusters, agents_of, read_clusters
from stacks.mesh_resources import MeshResources
from stacks.running_cluster import readable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from eks_cilium.mesh.model import Member
    from eks_cilium.policy.compile import CompiledPolicies
    from eks_cilium.policy.verdict.live import LiveCluster
    from eks_cilium.settings.model import MeshSettings
    from stacks.mesh_resources import Registered


def run(
    settings: MeshSettings,
    read: Callable[[MeshSettings], FoundClusters] = read_clusters,
    look: Callable[[Member], LiveCluster] = mesh_policies.look,
) -> dict[str, Any]:
    """Register the mesh and return what the stack exports."""
    with readable("the clusters"):
        found = read(settings)
    wanted = _wanted(settings, found)
    _check_members(found.members, wanted)
    for warning in warnings(found.members, wanted):
        pulumi.log.warn(warning)
    if found.missing:
        return _without_all_clusters(settings, found)
    policies = mesh_policies.compiled(settings, found.members, look)
    registered = MeshResources(settings, found.members, wanted).register(policies)
    return _exports(found.members, wanted, policies, registered)


def _wanted(settings: MeshSettings, found: FoundClusters) -> Wanted:
    return Wanted(
        type=settings.connection.type,
        stack=f"{pulumi.get_project()}/{pulumi.get_stack()}",
        gateway_id=settings.connection.transit_gateway_id,
        gateway=found.gateway,
        route_tables={name: cluster.route_table_ids for name, cluster in settings.clusters.items()},
        replicas=settings.cluster_mesh.replicas,
        pod_ports=settings.connection.pod_ports,
        load_balancer_controller=settings.cluster_mesh.load_balancer_controller,
    )


def _check_members(members: Sequence[Member], wanted: Wanted) -> None:
    problems = blockers(members, wanted)
    if problems:
        count = "1 problem keeps" if len(problems) == 1 else f"{len(problems)} problems keep"
        lines = "\n  ".join(map(str, problems))
        raise pulumi.RunError(f"{count} these clusters from being joined:\n  {lines}")


def _without_all_clusters(settings: MeshSettings, found: FoundClusters) -> dict[str, Any]:
    """What a preview exports before all clusters exist; an update has nothing to join then and fails."""
    lines = "\n  ".join(found.missing)
    if not pulumi.runtime.is_dry_run():
        raise pulumi.RunError(
            f"not all clusters exist:\n  {lines}\n  fix: run `pulumi up` on their stacks first"
        )
    pulumi.log.warn(f"not all clusters exist, so this preview shows no mesh:\n  {lines}")
    return {"clusters": sorted(settings.clusters), "missing": list(found.missing)}


def _exports(
    members: Sequence[Member], wanted: Wanted, policies: CompiledPolicies, registered: Registered
) -> dict[str, Any]:
    return {
        "clusters": {
            member.name: {
                "name": member.eks_name,
                "region": member.region,
                "clusterId": agents_of(member).cluster_id,
                "ciliumVersion": agents_of(member).version,
                "loadBalancer": registered.parts[member.name].host,
                "agents": registered.gates[member.name].agents,
            }
            for member in members
        },
        "verdictMarkdown": report.markdown(policies.verdicts),
        mesh_policies.EXPORT: mesh_policies.exported(policies),
        "connection": {"type": wanted.type, "ids": registered.connection_ids},
        "nextCommands": _next_commands(members),
    }


def _next_commands(members: Sequence[Member]) -> list[str]:
    """Commands that show whether the clusters see each other."""
    commands = []
    for member in members:
        profile = f" --profile {member.profile}" if member.profile else ""
        command = release_of(agents_of(member).version).debug_command
        commands += [
            f"aws eks update-kubeconfig --region {member.region}{profile} "
            f"--name {member.eks_name} --alias {member.name}",
            f"kubectl --context {member.name} -n kube-system exec daemonset/cilium -c cilium-agent -- "
            f"{command} status --all-clusters",
        ]
    return [*commands, f"cilium clustermesh status --context {members[0].name}"]
