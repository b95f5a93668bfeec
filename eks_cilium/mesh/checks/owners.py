"""Whether somebody else has a mesh here already, and whether it is open to the internet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eks_cilium.cilium.mesh import API_SERVER, DOMAIN, NAMESPACE, RELEASE_NAME
from eks_cilium.mesh.model import Blocker, Member, Wanted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def nobody_else_owns_the_mesh(members: Sequence[Member], _wanted: Wanted) -> Iterator[Blocker]:
    """Two owners of one ClusterMesh API server would fight."""
    for member in members:
        if member.mesh_owner not in (None, RELEASE_NAME):
            owner = f"Helm release {member.mesh_owner}" if member.mesh_owner else "somebody"
            yield Blocker(
                f"cluster {member.name}",
                f"{owner} has installed a ClusterMesh API server already",
                f"one of the release {RELEASE_NAME}, which this stack installs",
                "take clustermesh.useAPIServer and clustermesh.config out of that release's values",
            )


def nobody_else_answers_for_the_domain(members: Sequence[Member], wanted: Wanted) -> Iterator[Blocker]:
    """A VPC asks one private zone of a name. Whose it is shows in the account that has it."""
    ours = {zone.id for member in members for zone in member.network.zones if zone.made_by == wanted.stack}
    for member in members:
        for zone in member.network.zones:
            if zone.id in ours:
                continue
            vpc = member.network.vpc_id
            yield Blocker(
                f"cluster {member.name}",
                f"{vpc} asks private zone {zone.id} for {DOMAIN} already, which this stack did not make",
                "one private zone of that name for a VPC",
                "aws route53 disassociate-vpc-from-hosted-zone "
                f"--hosted-zone-id {zone.id} --vpc VPCRegion={member.region},VPCId={vpc}",
            )


def load_balancers_are_internal(members: Sequence[Member], _wanted: Wanted) -> Iterator[Blocker]:
    """One that is there already, whoever made it."""
    for member in members:
        if member.mesh_scheme not in ("", "internal"):
            yield Blocker(
                f"cluster {member.name}",
                f"the load balancer of its ClusterMesh API server is {member.mesh_scheme}",
                "an internal one: every identity of the cluster can be read there",
                f"kubectl -n {NAMESPACE} delete service {API_SERVER}",
            )


CHECKS = (nobody_else_owns_the_mesh, nobody_else_answers_for_the_domain, load_balancers_are_internal)
