"""The private zone that gives every ClusterMesh API server a host name before its load balancer exists.

Thanks to these names no cluster's release depends on the load balancer of another cluster, and the names
match the certificates, which are for `*.mesh.cilium.io`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

import pulumi
import pulumi_aws as aws

from components.naming import tagged, token
from eks_cilium.cilium.mesh import DOMAIN

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class ZoneVpc(TypedDict):
    """A VPC whose nodes and pods resolve names of the zone."""

    cluster: str
    """Name of the cluster in Cilium."""
    vpc_id: str
    region: str
    account: str
    """Id of the AWS account."""
    provider: aws.Provider
    """Provider of the VPC's account and region."""


class MeshZoneArgs(TypedDict):
    """The arguments of a `MeshZone` component."""

    vpcs: Sequence[ZoneVpc]
    """The VPCs; the account of the first one holds the zone."""
    tags: Mapping[str, str]
    """Tags of the zone."""


class MeshZone(pulumi.ComponentResource):
    """The private zone `mesh.cilium.io`, associated with every VPC of the mesh."""

    zone_id: pulumi.Output[str]
    """Id of the zone."""

    def __init__(self, name: str, args: MeshZoneArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(token("MeshZone"), name, {}, opts)
        owner, *others = args["vpcs"]
        zone = aws.route53.Zone(
            name,
            name=DOMAIN,
            comment="ClusterMesh API servers",
            vpcs=[aws.route53.ZoneVpcArgs(vpc_id=owner["vpc_id"], vpc_region=owner["region"])],
            tags=tagged(args["tags"], name),
            # The zone would remove the other VPCs, which are associated one by one below.
            opts=pulumi.ResourceOptions(parent=self, provider=owner["provider"], ignore_changes=["vpcs"]),
        )
        self.zone_id = zone.zone_id
        for vpc in others:
            self._associate(f"{name}-{vpc['cluster']}", vpc, owner)
        self.register_outputs({"zoneId": self.zone_id})

    def _associate(self, name: str, vpc: ZoneVpc, owner: ZoneVpc) -> None:
        # The owner of the zone has to authorize a VPC of another account first.
        needs: list[pulumi.Resource] = []
        if vpc["account"] != owner["account"]:
            needs = [
                aws.route53.VpcAssociationAuthorization(
                    name,
                    zone_id=self.zone_id,
                    vpc_id=vpc["vpc_id"],
                    vpc_region=vpc["region"],
                    opts=pulumi.ResourceOptions(parent=self, provider=owner["provider"]),
                )
            ]
        aws.route53.ZoneAssociation(
            name,
            zone_id=self.zone_id,
            vpc_id=vpc["vpc_id"],
            vpc_region=vpc["region"],
            opts=pulumi.ResourceOptions(parent=self, provider=vpc["provider"], depends_on=needs),
        )
