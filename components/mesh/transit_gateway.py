"""Connects VPCs by one Transit Gateway, new or existing: an attachment for each, and routes between all."""

from __future__ import annotations

from typing import TYPE_CHECKING, NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from components.mesh.connected_vpcs import ConnectedVpc, routes
from components.naming import tagged, token

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class AttachedVpc(ConnectedVpc):
    """One of the VPCs, and its subnets."""

    subnets: Mapping[str, str]
    """Ids of the subnets in use with the zone of each. A gateway serves only zones it has a subnet in."""


class TransitGatewayArgs(TypedDict):
    """The arguments of a `TransitGateway` component."""

    gateway_id: NotRequired[str | None]
    """Id of an existing gateway; without it a gateway is created with the provider of the first VPC."""
    vpcs: Sequence[AttachedVpc]
    tags: Mapping[str, str]
    """Tags of the gateway and its attachments."""


class TransitGateway(pulumi.ComponentResource):
    """Attachments of VPCs to one gateway, and routes between all of them.

    The gateway's default route table has to associate and propagate attachments by itself.
    """

    id: pulumi.Output[str]
    """Id of the gateway."""

    def __init__(
        self, name: str, args: TransitGatewayArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(token("TransitGateway"), name, {}, opts)
        self._name, self._args = name, args
        self.id = self._gateway()
        attachments = [self._attach(vpc) for vpc in args["vpcs"]]
        for here in args["vpcs"]:
            for there in args["vpcs"]:
                if here is not there:
                    self._add_routes(here, there, attachments)
        self.register_outputs({"id": self.id})

    def _gateway(self) -> pulumi.Output[str]:
        given = self._args.get("gateway_id")
        if given is not None:
            return pulumi.Output.from_input(given)
        gateway = aws.ec2transitgateway.TransitGateway(
            self._name,
            description="Clusters joined by eks-cilium",
            default_route_table_association="enable",
            default_route_table_propagation="enable",
            dns_support="enable",
            tags=tagged(self._args["tags"], self._name),
            opts=pulumi.ResourceOptions(parent=self, provider=self._args["vpcs"][0]["provider"]),
        )
        return gateway.id

    def _attach(self, vpc: AttachedVpc) -> aws.ec2transitgateway.VpcAttachment:
        name = f"{self._name}-{vpc['cluster']}"
        return aws.ec2transitgateway.VpcAttachment(
            name,
            transit_gateway_id=self.id,
            vpc_id=vpc["vpc_id"],
            subnet_ids=first_of_each_zone(vpc["subnets"]),
            dns_support="enable",
            tags=tagged(self._args["tags"], name),
            opts=pulumi.ResourceOptions(parent=self, provider=vpc["provider"]),
        )

    def _add_routes(
        self, here: AttachedVpc, there: AttachedVpc, attachments: Sequence[pulumi.Resource]
    ) -> None:
        # AWS refuses a route to a gateway that the VPC is not attached to.
        opts = pulumi.ResourceOptions(parent=self, provider=here["provider"], depends_on=list(attachments))
        for name, table, cidr in routes(here, there):
            aws.ec2.Route(
                name,
                route_table_id=table,
                destination_cidr_block=cidr,
                transit_gateway_id=self.id,
                opts=opts,
            )


def first_of_each_zone(subnets: Mapping[str, str]) -> list[str]:
    """Choose the subnets of an attachment, which takes one subnet of each zone.

    Args:
        subnets: Ids of subnets with the zone of each.

    Returns:
        The first subnet of each zone by id, sorted.
    """
    first: dict[str, str] = {}
    for subnet in sorted(subnets):
        first.setdefault(subnets[subnet], subnet)
    return sorted(first.values())
