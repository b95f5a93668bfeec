"""Transit gateways that AWS Resource Access Manager shares with other accounts.

An attachment of another account is `pendingAcceptance` until the gateway's owner accepts it, unless the
gateway's option AutoAcceptSharedAttachments is on. Until then no route may lead to the gateway. Source:
Transit Gateway guide, "Accept a shared attachment". moto knows neither.
"""

from __future__ import annotations

from typing import Any

from moto.ec2.models import ec2_backends
from moto.ram.models import ram_backends

from lab.cloud.ec2.errors import refusal


def shared_with(account: str, region: str) -> list[Any]:
    """Return the gateways of other accounts that an account may attach VPCs to."""
    found = []
    for owner in tuple(ec2_backends):
        if owner != account:
            gateways = ec2_backends[owner][region].transit_gateways.values()
            arns = _shared_arns(owner, account, region)
            found += [gateway for gateway in gateways if gateway.arn in arns]
    return found


def _shared_arns(owner: str, account: str, region: str) -> set[str]:
    shares = ram_backends[owner][region].resource_shares
    return {
        arn
        for share in shares
        if share.status == "ACTIVE" and account in share.principals
        for arn in share.resource_arns
    }


def needs_acceptance(gateway: Any, account: str) -> bool:
    """Return whether an account's attachment waits for the gateway's owner."""
    accepts: str = gateway.options["AutoAcceptSharedAttachments"]
    return bool(gateway.owner_id != account) and accepts != "enable"


class Acceptance:
    """Attachments that wait for the owner of their gateway, mixed into the EC2 backend."""

    account_id: str
    schedule: Any
    timing: Any

    def accept_transit_gateway_vpc_attachment(self, identifier: str) -> Any:
        """Accept an attachment of another account to a gateway of this one."""
        attachment = self.attachment(identifier)  # type: ignore[attr-defined]  # moto's half of this class
        gateway = self.transit_gateway(attachment.transit_gateway_id)  # type: ignore[attr-defined]
        if gateway.owner_id != self.account_id:
            message = f"Account {self.account_id} does not own {gateway.id} and cannot accept {identifier}."
            raise refusal("OperationNotPermitted", message)
        if attachment.state != "pendingAcceptance":
            raise refusal("IncorrectState", f"{identifier} is in invalid state: {attachment.state}")
        attachment.state = "pending"
        opened = lambda: self._open_attachment(gateway, attachment)  # type: ignore[attr-defined]  # noqa: E731
        self.schedule.after(self.timing.transit_gateway_change, opened)
        return attachment
