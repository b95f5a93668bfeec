"""The private zone that gives every ClusterMesh API server a name which is known before it exists.

With it no cluster's release needs another's load balancer, and the certificates' names hold: they are for
`*.mesh.cilium.io`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

import pulumi
import pulumi_aws as aws

from components.naming import tagged, token
from eks_cilium.cilium.mesh import DOMAIN

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class AskingVpc(TypedDict):
    """A VPC whose nodes and pods ask the zone."""

    cluster: str
    vpc_id: str
    region: str
    account: str
    provider: aws.Provider


class MeshZoneArgs(TypedDict):
    """What a `MeshZone` is made from."""

    vpcs: Sequence[AskingVpc]
    """The first one's account has the zone."""
    tags: Mapping[str, str]


class MeshZone(pulumi.ComponentResource):
    """A private zone, asked by every VPC of the mesh."""

    zone_id: pulumi.Output[str]

    def __init__(self, name: str, args: MeshZoneArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(token("MeshZone"), name, {}, opts)
        owner, *others = args["vpcs"]
        zone = aws.route53.Zone(
            name,
            name=DOMAIN,
            comment="ClusterMesh API servers",
            vpcs=[aws.route53.ZoneVpcArgs(vpc_id=owner["vpc_id"], vpc_region=owner["region"])],
            tags=tagged(args["tags"], name),
            # The others are associated one by one below, which the zone would otherwise undo.
            opts=pulumi.ResourceOptions(parent=self, provider=owner["provider"], ignore_changes=["vpcs"]),
        )
        self.zone_id = zone.zone_id
        for vpc in others:
            self._associate(f"{name}-{vpc['cluster']}", vpc, owner)
        self.register_outputs({"zoneId": self.zone_id})

    def _associate(self, name: str, vpc: AskingVpc, owner: AskingVpc) -> None:
        """A VPC of another account is let in by the zone's owner first."""
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
