"""What VpcPeering and TransitGateway share: the description of a VPC, and its routes to another one."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pulumi_aws as aws


class ConnectedVpc(TypedDict):
    """A VPC that is connected to others."""

    cluster: str
    """Name of the cluster in Cilium."""
    vpc_id: str
    cidrs: Sequence[str]
    """Every IPv4 network of the VPC."""
    route_table_ids: Sequence[str]
    """Ids of the route tables that get routes to the other VPCs."""
    provider: aws.Provider
    """Provider of the VPC's account and region."""


def routes(here: ConnectedVpc, there: ConnectedVpc) -> Iterator[tuple[str, str, str]]:
    """The routes that one VPC needs to another one.

    Args:
        here: The VPC whose route tables get the routes.
        there: The VPC whose networks they lead to.

    Yields:
        Name of the resource, id of the route table, destination network.
    """
    for table in here["route_table_ids"]:
        for cidr in there["cidrs"]:
            yield f"{here['cluster']}-{table}-{there['cluster']}-{cidr.replace('/', '-')}", table, cidr
