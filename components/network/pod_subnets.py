"""Subnets for pods alone, in a second network of a new VPC; `Network` makes them.

Cilium makes the interfaces of pods there, so that nodes and what else lives in the VPC's first network keep
its addresses. Each subnet has the routes of the private subnet of its zone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws

from components.naming import tagged
from components.network.subnets import plan_pod_subnets

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def pod_subnets(
    vpc: aws.ec2.Vpc,
    cidr: str,
    tables: Mapping[str, aws.ec2.RouteTable],
    *,
    tags: Mapping[str, str],
    name: str,
    parent: pulumi.Resource,
) -> Sequence[aws.ec2.Subnet]:
    """Register the network, and a subnet with its routes in each zone.

    Args:
        vpc: The VPC that gets the network.
        cidr: The network, such as 100.64.0.0/16.
        tables: The route table of each zone.
        tags: Tags for the subnets.
        name: Begins the names of all resources.
        parent: The component they belong to.
    """
    child = pulumi.ResourceOptions(parent=parent)
    network = aws.ec2.VpcIpv4CidrBlockAssociation(f"{name}-pods", vpc_id=vpc.id, cidr_block=cidr, opts=child)
    subnets = []
    for zone, block in plan_pod_subnets(cidr, list(tables)).items():
        full_name = f"{name}-pods-{zone}"
        subnet = aws.ec2.Subnet(
            full_name,
            vpc_id=vpc.id,
            availability_zone=zone,
            cidr_block=block,
            tags=tagged(tags, full_name),
            opts=pulumi.ResourceOptions(parent=parent, depends_on=[network]),
        )
        aws.ec2.RouteTableAssociation(
            full_name, subnet_id=subnet.id, route_table_id=tables[zone].id, opts=child
        )
        subnets.append(subnet)
    return subnets
