"""What is the same however VPCs are connected: one side of it, and its routes to the other sides."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pulumi_aws as aws


class ConnectedVpc(TypedDict):
    """One of the VPCs."""

    cluster: str
    """Name of the cluster in Cilium."""
    vpc_id: str
    cidrs: Sequence[str]
    route_table_ids: Sequence[str]
    """Every table that gets routes to the other VPCs."""
    provider: aws.Provider


def routes(here: ConnectedVpc, there: ConnectedVpc) -> Iterator[tuple[str, str, str]]:
    """Every route of `here` to `there`: the name of its resource, its table, its destination."""
    for table in here["route_table_ids"]:
        for cidr in there["cidrs"]:
            yield f"{here['cluster']}-{table}-{there['cluster']}-{cidr.replace('/', '-')}", table, cidr
