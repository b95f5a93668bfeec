"""VPCs connected by one Transit Gateway, made or existing: an attachment for each, routes both ways."""

from __future__ import annotations

from typing import TYPE_CHECKING, NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from components.mesh.connected_vpcs import ConnectedVpc, routes
from components.naming import tagged, token

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class AttachedVpc(ConnectedVpc):
    """One of the VPCs, and where the gateway answers in it."""

    subnets: Mapping[str, str]
    """Subnets in use, each with its zone: the gateway answers in zones it has a subnet in."""


class TransitGatewayArgs(TypedDict):
    """What a `TransitGateway` is made from."""

    gateway_id: NotRequired[str | None]
    """An existing one; one is made where this is not given."""
    vpcs: Sequence[AttachedVpc]
    tags: Mapping[str, str]


class TransitGateway(pulumi.ComponentResource):
    """Attachments of all VPCs to one gateway, whose default route table knows them all."""

    id: pulumi.Output[str]

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
        made = aws.ec2transitgateway.TransitGateway(
            self._name,
            description="Clusters joined by eks-cilium",
            default_route_table_association="enable",
            default_route_table_propagation="enable",
            dns_support="enable",
            tags=tagged(self._args["tags"], self._name),
            opts=pulumi.ResourceOptions(parent=self, provider=self._args["vpcs"][0]["provider"]),
        )
        return made.id

    def _attach(self, vpc: AttachedVpc) -> aws.ec2transitgateway.VpcAttachment:
        name = f"{self._name}-{vpc['cluster']}"
        return aws.ec2transitgateway.VpcAttachment(
            name,
            transit_gateway_id=self.id,
            vpc_id=vpc["vpc_id"],
            subnet_ids=one_in_each_zone(vpc["subnets"]),
            dns_support="enable",
            tags=tagged(self._args["tags"], name),
            opts=pulumi.ResourceOptions(parent=self, provider=vpc["provider"]),
        )

    def _add_routes(
        self, here: AttachedVpc, there: AttachedVpc, attachments: Sequence[pulumi.Resource]
    ) -> None:
        """A route to a gateway is refused while the VPC is not attached."""
        opts = pulumi.ResourceOptions(parent=self, provider=here["provider"], depends_on=list(attachments))
        for name, table, cidr in routes(here, there):
            aws.ec2.Route(
                name,
                route_table_id=table,
                destination_cidr_block=cidr,
                transit_gateway_id=self.id,
                opts=opts,
            )


def one_in_each_zone(subnets: Mapping[str, str]) -> list[str]:
    """The first subnet of every zone, which is all an attachment takes."""
    first: dict[str, str] = {}
    for subnet in sorted(subnets):
        first.setdefault(subnets[subnet], subnet)
    return sorted(first.values())
