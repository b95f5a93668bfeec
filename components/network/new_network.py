"""The VPC of a new cluster: a public and a private subnet in two or three zones, and their gateways.

`stacks/new_cluster_base.py` registers it where the configuration names no existing VPC.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from components.naming import tagged, token
from components.network.pod_subnets import pod_subnets
from components.network.subnets import SubnetPlan, plan_subnets

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

EVERYWHERE = "0.0.0.0/0"


class NetworkArgs(TypedDict):
    """The arguments of a `Network`."""

    cidr: str
    """Network of the VPC, such as 10.0.0.0/16; `plan_subnets` divides it."""
    zones: Sequence[str]
    """Two or three availability zones, such as eu-central-1a."""
    pod_cidr: NotRequired[str | None]
    """Second network, whose subnets are for pods alone. Default None: pods share the private subnets."""
    nat: Literal["per-zone", "single", "none"]
    """NAT gateways for the private subnets: one in each zone, one for all, or none."""
    tags: Mapping[str, str]
    """Tags for everything that takes tags."""


class Network(pulumi.ComponentResource):
    """A VPC with a private and a public subnet in each zone, and subnets for pods alone where wanted.

    Creates the VPC, an internet gateway, subnets, route tables and routes, and NAT gateways with their
    addresses; names begin with the component's. Subnets carry the tags by which load balancers find them. The
    default security group of the VPC loses its rules.
    """

    vpc_id: pulumi.Output[str]
    """Id of the VPC."""
    cidr: pulumi.Output[str]
    """Network of the VPC."""
    cidrs: Sequence[str]
    """All networks as plain texts, the VPC's first one first."""
    pod_networks: Sequence[str]
    """The network of the pods' own subnets; empty where there is none."""
    private_subnet_ids: list[pulumi.Output[str]]
    """The private subnets, in the order of the zones."""
    public_subnet_ids: list[pulumi.Output[str]]
    """The public subnets, in the order of the zones."""
    pod_subnet_ids: list[pulumi.Output[str]]
    """The subnets for pods alone, in the order of the zones; empty where there are none."""

    def __init__(self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(token("Network"), name, {}, opts)
        self._name, self._args = name, args
        self._child = pulumi.ResourceOptions(parent=self)
        self._vpc = aws.ec2.Vpc(
            name,
            cidr_block=args["cidr"],
            enable_dns_hostnames=True,
            enable_dns_support=True,
            tags=tagged(args["tags"], name),
            opts=self._child,
        )
        self._close_default_security_group()
        plans = plan_subnets(args["cidr"], args["zones"])
        gateway = aws.ec2.InternetGateway(
            name, vpc_id=self._vpc.id, tags=tagged(args["tags"], name), opts=self._child
        )
        public = self._public_subnets(plans, gateway)
        self._tables: dict[str, aws.ec2.RouteTable] = {}
        private = self._private_subnets(plans, self._nat_gateways(plans, public, gateway))
        self.pod_networks, self.pod_subnet_ids = self._pod_subnets()

        self.vpc_id = self._vpc.id
        self.cidr, self.cidrs = self._vpc.cidr_block, (args["cidr"], *self.pod_networks)
        self.private_subnet_ids = [subnet.id for subnet in private]
        self.public_subnet_ids = [subnet.id for subnet in public]
        self.register_outputs(
            {
                "vpcId": self.vpc_id,
                "privateSubnetIds": self.private_subnet_ids,
                "publicSubnetIds": self.public_subnet_ids,
            }
        )

    def _close_default_security_group(self) -> None:
        # The provider removes all rules of the group. AWS puts interfaces into it that name no group.
        name = f"{self._name}-default-closed"
        aws.ec2.DefaultSecurityGroup(
            name, vpc_id=self._vpc.id, tags=tagged(self._args["tags"], name), opts=self._child
        )

    def _public_subnets(
        self, plans: Sequence[SubnetPlan], gateway: aws.ec2.InternetGateway
    ) -> list[aws.ec2.Subnet]:
        table = self._route_table(f"{self._name}-public")
        aws.ec2.Route(
            f"{self._name}-public",
            route_table_id=table.id,
            destination_cidr_block=EVERYWHERE,
            gateway_id=gateway.id,
            opts=self._child,
        )
        subnets = []
        for plan in plans:
            name = f"{self._name}-public-{plan.zone}"
            subnet = aws.ec2.Subnet(
                name,
                vpc_id=self._vpc.id,
                availability_zone=plan.zone,
                cidr_block=plan.public,
                map_public_ip_on_launch=True,
                tags=tagged(self._args["tags"], name, **{"kubernetes.io/role/elb": "1"}),
                opts=self._child,
            )
            self._associate(name, subnet, table)
            subnets.append(subnet)
        return subnets

    def _private_subnets(
        self, plans: Sequence[SubnetPlan], gateways: Sequence[aws.ec2.NatGateway]
    ) -> list[aws.ec2.Subnet]:
        subnets = []
        for index, plan in enumerate(plans):
            name = f"{self._name}-private-{plan.zone}"
            subnet = aws.ec2.Subnet(
                name,
                vpc_id=self._vpc.id,
                availability_zone=plan.zone,
                cidr_block=plan.private,
                tags=tagged(self._args["tags"], name, **{"kubernetes.io/role/internal-elb": "1"}),
                opts=self._child,
            )
            table = self._route_table(name)
            if gateways:
                aws.ec2.Route(
                    name,
                    route_table_id=table.id,
                    destination_cidr_block=EVERYWHERE,
                    nat_gateway_id=gateways[index % len(gateways)].id,
                    opts=self._child,
                )
            self._associate(name, subnet, table)
            self._tables[plan.zone] = table
            subnets.append(subnet)
        return subnets

    def _pod_subnets(self) -> tuple[Sequence[str], list[pulumi.Output[str]]]:
        cidr = self._args.get("pod_cidr")
        if cidr is None:
            return (), []
        made = pod_subnets(
            self._vpc, cidr, self._tables, tags=self._args["tags"], name=self._name, parent=self
        )
        return (cidr,), [subnet.id for subnet in made]

    def _nat_gateways(
        self,
        plans: Sequence[SubnetPlan],
        public: Sequence[aws.ec2.Subnet],
        gateway: aws.ec2.InternetGateway,
    ) -> list[aws.ec2.NatGateway]:
        count = {"per-zone": len(plans), "single": 1, "none": 0}[self._args["nat"]]
        gateways = []
        for plan, subnet in list(zip(plans, public, strict=True))[:count]:
            name = f"{self._name}-nat-{plan.zone}"
            tags = tagged(self._args["tags"], name)
            address = aws.ec2.Eip(name, domain="vpc", tags=tags, opts=self._child)
            gateways.append(
                aws.ec2.NatGateway(
                    name,
                    subnet_id=subnet.id,
                    allocation_id=address.id,
                    tags=tags,
                    opts=pulumi.ResourceOptions(parent=self, depends_on=[gateway]),
                )
            )
        return gateways

    def _route_table(self, name: str) -> aws.ec2.RouteTable:
        return aws.ec2.RouteTable(
            name, vpc_id=self._vpc.id, tags=tagged(self._args["tags"], name), opts=self._child
        )

    def _associate(self, name: str, subnet: aws.ec2.Subnet, table: aws.ec2.RouteTable) -> None:
        aws.ec2.RouteTableAssociation(name, subnet_id=subnet.id, route_table_id=table.id, opts=self._child)
