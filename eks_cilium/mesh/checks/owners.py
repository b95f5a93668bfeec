"""Whether a cluster already has a mesh or a private zone that this stack did not create.

`eks_cilium.mesh.checks` collects the checks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eks_cilium.cilium.mesh import DOMAIN, RELEASE_NAME
from eks_cilium.mesh.model import Blocker, Member, Wanted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def the_mesh_is_this_stacks(members: Sequence[Member], _wanted: Wanted) -> Iterator[Blocker]:
    """Two Helm releases cannot own the same ClusterMesh API server."""
    for member in members:
        if member.mesh_owner not in (None, RELEASE_NAME):
            owner = f"Helm release {member.mesh_owner}" if member.mesh_owner else "something other than Helm"
            yield Blocker(
                f"cluster {member.name}",
                f"{owner} has installed a ClusterMesh API server already",
                f"none, or that of the release {RELEASE_NAME}, which this stack installs",
                "remove clustermesh.useAPIServer and clustermesh.config from that release's values",
            )


def the_zone_is_this_stacks(members: Sequence[Member], wanted: Wanted) -> Iterator[Blocker]:
    """A VPC resolves a name in one private zone only. The zone's tags are readable in its own account."""
    ours = {zone.id for member in members for zone in member.network.zones if zone.created_by == wanted.stack}
    for member in members:
        for zone in member.network.zones:
            if zone.id in ours:
                continue
            vpc = member.network.vpc_id
            yield Blocker(
                f"cluster {member.name}",
                f"{vpc} resolves {DOMAIN} in private zone {zone.id} already, which this stack did not create",
                "one private zone of that name for each VPC",
                "aws route53 disassociate-vpc-from-hosted-zone "
                f"--hosted-zone-id {zone.id} --vpc VPCRegion={member.region},VPCId={vpc}",
            )


def vpcs_resolve_private_names(members: Sequence[Member], _wanted: Wanted) -> Iterator[Blocker]:
    """A private zone answers only where both attributes of the VPC are on.

    Route 53 guide, "Considerations when working with a private hosted zone".
    """
    for member in members:
        network = member.network
        switches = (
            ("enableDnsSupport", "--enable-dns-support", network.dns_support),
            ("enableDnsHostnames", "--enable-dns-hostnames", network.dns_hostnames),
        )
        for name, switch, is_on in switches:
            if not is_on:
                yield Blocker(
                    f"cluster {member.name}",
                    f"{name} is off in {network.vpc_id}, so no pod resolves {DOMAIN} in its private zone",
                    "enableDnsSupport and enableDnsHostnames both on",
                    f"aws ec2 modify-vpc-attribute --region {member.region} "
                    f"--vpc-id {network.vpc_id} {switch}",
                )


CHECKS = (
    the_mesh_is_this_stacks,
    the_zone_is_this_stacks,
    vpcs_resolve_private_names,
)
