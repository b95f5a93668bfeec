"""Connects two VPCs by a peering: requested on one side, accepted on the other, with routes both ways.

The VPCs may be in different regions and accounts; each has a provider of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

import pulumi
import pulumi_aws as aws

from components.mesh.connected_vpcs import ConnectedVpc, routes
from components.naming import tagged, token

if TYPE_CHECKING:
    from collections.abc import Mapping


class PeeringSide(ConnectedVpc):
    """One of the two VPCs, with its region and account."""

    region: str
    account: str
    """Id of the AWS account."""


class VpcPeeringArgs(TypedDict):
    """The arguments of a `VpcPeering` component."""

    requester: PeeringSide
    accepter: PeeringSide
    tags: Mapping[str, str]
    """Tags of the peering, on both sides."""


class VpcPeering(pulumi.ComponentResource):
    """An active peering of two VPCs with all routes.

    Its option for DNS resolution is left alone: it concerns public names of instances, which the mesh does
    not use, and AWS refuses it where a VPC has a DNS attribute switched off (VPC peering guide, "Enable DNS
    resolution").
    """

    id: pulumi.Output[str]
    """Id of the peering, known once it is accepted."""

    def __init__(self, name: str, args: VpcPeeringArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(token("VpcPeering"), name, {}, opts)
        self._name, self._tags = name, tagged(args["tags"], name)
        requester, accepter = args["requester"], args["accepter"]
        accepted = self._accept(requester, accepter)
        self.id = accepted.vpc_peering_connection_id
        for here, there in ((requester, accepter), (accepter, requester)):
            self._add_routes(here, there)
        self.register_outputs({"id": self.id})

    def _options(self, side: PeeringSide) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, provider=side["provider"])

    def _accept(self, requester: PeeringSide, accepter: PeeringSide) -> aws.ec2.VpcPeeringConnectionAccepter:
        request = aws.ec2.VpcPeeringConnection(
            self._name,
            vpc_id=requester["vpc_id"],
            peer_vpc_id=accepter["vpc_id"],
            peer_owner_id=accepter["account"],
            peer_region=accepter["region"] if accepter["region"] != requester["region"] else None,
            tags=self._tags,
            opts=self._options(requester),
        )
        return aws.ec2.VpcPeeringConnectionAccepter(
            self._name,
            vpc_peering_connection_id=request.id,
            auto_accept=True,
            tags=self._tags,
            opts=self._options(accepter),
        )

    def _add_routes(self, here: PeeringSide, there: PeeringSide) -> None:
        for name, table, cidr in routes(here, there):
            aws.ec2.Route(
                name,
                route_table_id=table,
                destination_cidr_block=cidr,
                vpc_peering_connection_id=self.id,
                opts=self._options(here),
            )
