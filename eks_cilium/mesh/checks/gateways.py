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
        yield from _accepted(members, wanted)


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


def _accepted(members: Sequence[Member], wanted: Wanted) -> Iterator[Blocker]:
    """An attachment of another account stays pendingAcceptance, and no route may lead to its gateway.

    Transit Gateway guide, "Accept a shared attachment".
    """
    found = wanted.gateway
    if found is None or found.accepts or not found.owner:
        return
    others = sorted(
        {
            member.account
            for member in members
            if member.account != found.owner and not _is_attached(member, found.id)
        }
    )
    if others:
        yield Blocker(
            "eks-cilium:connection.transitGatewayId",
            f"{found.id} of account {found.owner} accepts no attachment of {', '.join(others)} by itself",
            "AutoAcceptSharedAttachments enabled, so that routes can be created in the same run",
            f"in account {found.owner}: aws ec2 modify-transit-gateway --transit-gateway-id {found.id} "
            "--options AutoAcceptSharedAttachments=enable",
        )


def _is_attached(member: Member, gateway: str) -> bool:
    attachments = member.network.attachments
    return any(item.gateway == gateway and item.state == "available" for item in attachments)


CHECKS = (the_gateway_fits,)
