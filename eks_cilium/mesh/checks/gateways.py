"""Whether a Transit Gateway can connect the clusters.

`eks_cilium.mesh.checks` collects the check.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eks_cilium.mesh.checks.members import TRANSIT
from eks_cilium.mesh.model import Blocker, Member, Wanted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def the_gateway_fits(members: Sequence[Member], wanted: Wanted) -> Iterator[Blocker]:
    """A Transit Gateway exists in one region, and other accounts see it only where it is shared."""
    if wanted.type != TRANSIT:
        return
    regions = sorted({member.region for member in members})
    if len(regions) > 1:
        yield Blocker(
            "eks-cilium:connection.type",
            f"the clusters are in {', '.join(regions)}, and a Transit Gateway is in one region",
            "peering between regions",
            "pulumi config set --path 'eks-cilium:connection.type' peering",
        )
    accounts = sorted({member.account for member in members})
    if wanted.gateway_id is None and len(accounts) > 1:
        yield Blocker(
            "eks-cilium:connection.transitGatewayId",
            f"is not set, and the clusters are in the accounts {', '.join(accounts)}",
            "an existing Transit Gateway that is shared with all of them, or peering",
            "share one by AWS Resource Access Manager and set its id, or set connection.type to peering",
        )
    if wanted.gateway_id is not None:
        yield from _existing_gateway(wanted)


def _existing_gateway(wanted: Wanted) -> Iterator[Blocker]:
    path, found = "eks-cilium:connection.transitGatewayId", wanted.gateway
    if found is None:
        yield Blocker(
            path,
            f"{wanted.gateway_id} does not exist here",
            "a Transit Gateway of the clusters' region, of this account or shared with it",
            "set the id of an existing one, or remove the key, and this stack creates one",
        )
    elif found.state != "available":
        yield Blocker(
            path, f"{found.id} is {found.state}", "an available gateway", "wait until it is available"
        )
    elif not (found.associates and found.propagates):
        yield Blocker(
            path,
            f"{found.id} neither associates nor propagates attachments by itself"
            if not (found.associates or found.propagates)
            else f"{found.id} does not {'propagate' if found.associates else 'associate'} attachments itself",
            "default route table association and propagation both enabled",
            f"aws ec2 modify-transit-gateway --transit-gateway-id {found.id} --options "
            "DefaultRouteTableAssociation=enable,DefaultRouteTablePropagation=enable",
        )


CHECKS = (the_gateway_fits,)
