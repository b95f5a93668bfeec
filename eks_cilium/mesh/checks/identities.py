"""Each cluster's Cilium: whether it is installed, its release, its name and its id.

`eks_cilium.mesh.checks` collects the checks.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from eks_cilium.cilium.mesh import HIGHEST_ID, NAMESPACE
from eks_cilium.cilium.versions import SERVED, TRIED, is_served, minor, release_of
from eks_cilium.mesh.checks.members import with_agents
from eks_cilium.mesh.model import Blocker, Member, Wanted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def cilium_is_installed(members: Sequence[Member], _wanted: Wanted) -> Iterator[Blocker]:
    """Cilium has to be installed, in a release that this program knows."""
    for member in members:
        if member.agents is None:
            yield Blocker(
                f"cluster {member.name}",
                "Cilium is not installed",
                "a cluster whose CNI is Cilium, alone or on top of the AWS VPC CNI",
                f"install Cilium in {member.eks_name} first, in mode replacement or chaining",
            )
        elif not is_served(member.agents.version):
            yield Blocker(
                f"cluster {member.name}",
                f"runs Cilium {member.agents.version}",
                SERVED,
                "raise or lower the version of its own stack or Helm release",
            )


def identities_fit(members: Sequence[Member], _wanted: Wanted) -> Iterator[Blocker]:
    """Name and id are part of every identity, so a change of either restarts every workload."""
    for member, agents in with_agents(members):
        if agents.cluster_name != member.name:
            yield Blocker(
                f"eks-cilium:clusters.{member.name}",
                f"its Cilium is called {agents.cluster_name!r} (ConfigMap {NAMESPACE}/cilium-config)",
                f"the name Cilium has: {agents.cluster_name}",
                f"rename the key to {agents.cluster_name}",
            )
        if not 1 <= agents.cluster_id <= HIGHEST_ID:
            why = (
                "that means no mesh"
                if agents.cluster_id == 0
                else "bit 0x80 of the packet mark belongs to AWS"
            )
            yield Blocker(
                f"cluster {member.name}",
                f"its cluster id is {agents.cluster_id}; {why}",
                f"an id from 1 to {HIGHEST_ID} that no other cluster has",
                "set cilium.clusterId in its own stack (cluster.id of its Helm release), restart every "
                "workload, and run `pulumi up` here again",
            )


def identities_differ(members: Sequence[Member], _wanted: Wanted) -> Iterator[Blocker]:
    """Two clusters with the same id or name would mistake each other's identities for their own."""
    for (member, a), (other, b) in combinations(with_agents(members), 2):
        if a.cluster_id == b.cluster_id != 0:
            yield Blocker(
                f"clusters {member.name} and {other.name}",
                f"both have cluster id {a.cluster_id}",
                f"different ids from 1 to {HIGHEST_ID}",
                f"set cilium.clusterId in the stack of {other.name}, and restart every workload there",
            )
        if a.cluster_name == b.cluster_name:
            yield Blocker(
                f"clusters {member.name} and {other.name}",
                f"Cilium calls both {a.cluster_name!r}",
                "different names",
                f"give {other.eks_name} another cilium.clusterName (cluster.name of its Helm release), and "
                "restart every workload there",
            )


def identities_have_the_same_room(members: Sequence[Member], _wanted: Wanted) -> Iterator[Blocker]:
    """The setting divides the bits of an identity between the cluster's id and the workload's number.

    Its comment in values.yaml of the chart: "cannot be changed on running clusters, and all clusters in a
    ClusterMesh must be configured with the same value".
    """
    for (member, a), (other, b) in combinations(with_agents(members), 2):
        if a.max_clusters != b.max_clusters:
            yield Blocker(
                f"clusters {member.name} and {other.name}",
                f"max-connected-clusters is {a.max_clusters} and {b.max_clusters}",
                "the same value in every cluster, 255 unless it was set",
                "install Cilium in one of them again with clustermesh.maxConnectedClusters of the other "
                "(cilium.values in its own stack); it cannot be changed while workloads run",
            )


def versions_are_near(members: Sequence[Member], _wanted: Wanted) -> Iterator[Blocker]:
    """Cilium tests a mesh only between neighbouring minor versions."""
    known = [(member, agents) for member, agents in with_agents(members) if is_served(agents.version)]
    served = sorted({minor(version) for version in TRIED})
    for (member, a), (other, b) in combinations(known, 2):
        older, newer = sorted((minor(a.version), minor(b.version)))
        if newer[1] - older[1] > 1 or newer[0] != older[0]:
            near = ", ".join(f"{major}.{small}" for major, small in served if abs(small - newer[1]) <= 1)
            late = member if minor(a.version) == older else other
            yield Blocker(
                f"clusters {member.name} and {other.name}",
                f"run Cilium {a.version} and {b.version}",
                f"at most one minor version apart (beside {newer[0]}.{newer[1]}: {near})",
                f"upgrade {late.name} minor by minor in its own stack first",
            )


def replicas_are_served(members: Sequence[Member], wanted: Wanted) -> Iterator[Blocker]:
    """Before 1.16 each replica has an etcd of its own, so a client cannot change between replicas."""
    for member, agents in with_agents(members):
        if not is_served(agents.version) or release_of(agents.version).kvstoremesh:
            continue
        if wanted.replicas > 1:
            yield Blocker(
                "eks-cilium:clusterMesh.replicas",
                f"is {wanted.replicas}, and {member.name} runs Cilium {agents.version}",
                "1 while a cluster runs Cilium before 1.16",
                "pulumi config set --path 'eks-cilium:clusterMesh.replicas' 1",
            )


CHECKS = (
    cilium_is_installed,
    identities_fit,
    identities_differ,
    identities_have_the_same_room,
    versions_are_near,
    replicas_are_served,
)
