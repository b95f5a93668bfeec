"""VPC peerings with AWS's refusals: overlapping ranges, a second peering, options before it is active.

A peering belongs to two VPCs, which may be in two regions. moto keeps one object for both sides and accepts
nearly everything; here peerings fail, are refused or remain as the VPC peering guide describes.
"""

from __future__ import annotations

import ipaddress
from typing import Any

from moto.ec2.models.vpc_peering_connections import VPCPeeringConnection

from lab.cloud.ec2.errors import refusal

_OVERLAP = "Failed due to incorrect VPC-ID, Account ID, or overlapping CIDR range"
_USABLE = ("initiating-request", "pending-acceptance", "provisioning", "active")
# AWS: "You can't delete a VPC peering connection that's in the failed or rejected state."
_UNDELETABLE = ("failed", "rejected")
_DNS = "AllowDnsResolutionFromRemoteVpc"


class LabPeering(VPCPeeringConnection):  # type: ignore[misc]  # moto is untyped to mypy here
    """moto's peering, with every range of both VPCs."""

    @property
    def requester_vpc_info(self) -> dict[str, Any]:
        """Describe the VPC that requested the peering."""
        return {**super().requester_vpc_info, **_range_set(self.vpc)}

    @property
    def accepter_vpc_info(self) -> dict[str, Any]:
        """Describe the VPC that was asked for the peering."""
        return {**super().accepter_vpc_info, **_range_set(self.peer_vpc)}

    @property
    def code(self) -> str:
        """Return the state: `pending-acceptance`, `active`, `failed`, `deleted` ..."""
        code: str = self._status.code
        return code

    @property
    def is_usable(self) -> bool:
        """Return whether it forwards traffic, or will after its acceptance."""
        return self.code in _USABLE

    def joins(self, vpc_id: str) -> bool:
        """Return whether a VPC is one of its two VPCs."""
        return vpc_id in (self.vpc.id, self.peer_vpc.id)

    def other_side(self, vpc_id: str) -> Any:
        """Return the VPC on the other side of the peering."""
        return self.peer_vpc if vpc_id == self.vpc.id else self.vpc


def _range_set(vpc: Any) -> dict[str, Any]:
    return {"CidrBlockSet": [{"CidrBlock": str(block)} for block in ranges_of(vpc)]}


def ranges_of(vpc: Any) -> list[ipaddress.IPv4Network]:
    """Return the current IPv4 ranges of a VPC, the first one first; moto also keeps removed ones."""
    known = vpc.get_cidr_block_association_set(ipv6=False)
    blocks = [item["cidr_block"] for item in known if item["cidr_block_state"]["state"] == "associated"]
    return [ipaddress.IPv4Network(block) for block in blocks or [vpc.cidr_block]]


def ranges_overlap(vpc: Any, peer: Any) -> bool:
    """Return whether an IPv4 range of one VPC overlaps one of the other."""
    return any(each.overlaps(other) for each in ranges_of(vpc) for other in ranges_of(peer))


class Peerings:
    """VPC peerings in the EC2 backend, mixed in before moto's own methods."""

    vpc_pcxs: dict[str, Any]
    region_name: str

    def create_vpc_peering_connection(self, vpc: Any, peer_vpc: Any, tags: Any = None) -> Any:
        """Request a peering; one between overlapping ranges fails and cannot be accepted."""
        known = (p for p in self.vpc_pcxs.values() if p.joins(vpc.id) and p.joins(peer_vpc.id))
        if vpc.id != peer_vpc.id and any(peering.is_usable for peering in known):
            message = "A VPC peering connection between the VPCs already exists"
            raise refusal("VpcPeeringConnectionAlreadyExists", message)
        peering = super().create_vpc_peering_connection(vpc, peer_vpc, tags)  # type: ignore[misc]
        if ranges_overlap(vpc, peer_vpc):
            peering._status.code, peering._status.message = "failed", _OVERLAP
        return peering

    def delete_vpc_peering_connection(self, vpc_pcx_id: str) -> Any:
        """Delete a peering that has not failed and was not rejected; AWS removes those itself."""
        peering = self.get_vpc_peering_connection(vpc_pcx_id)  # type: ignore[attr-defined]
        if peering.code in _UNDELETABLE:
            message = (
                f"Invalid state transition for {vpc_pcx_id}, "
                f"attempted to transition from {peering.code} to deleting"
            )
            raise refusal("InvalidStateTransition", message)
        return super().delete_vpc_peering_connection(vpc_pcx_id)  # type: ignore[misc]

    def modify_vpc_peering_connection_options(
        self, vpc_pcx_id: str, accepter_options: Any = None, requester_options: Any = None
    ) -> Any:
        """Change options of an active peering, for the side in this region."""
        peering = self.get_vpc_peering_connection(vpc_pcx_id)  # type: ignore[attr-defined]
        if peering.code != "active":
            message = (
                f"Peering {vpc_pcx_id} is not active. Peering options can be added only to active peerings."
            )
            raise refusal("OperationNotPermitted", message)
        for side, vpc, options in (
            ("requester", peering.vpc, requester_options),
            ("accepter", peering.peer_vpc, accepter_options),
        ):
            if options:
                self._check_side(peering, side, vpc)
                _check_host_names(peering, options)
        return super().modify_vpc_peering_connection_options(  # type: ignore[misc]
            vpc_pcx_id, _switches(accepter_options), _switches(requester_options)
        )

    def _check_side(self, peering: Any, side: str, vpc: Any) -> None:
        if peering.vpc.region != peering.peer_vpc.region and vpc.region != self.region_name:
            message = (
                f"Peering {peering.id}: the options of the {side} can be changed in its own region, "
                f"{vpc.region}, only"
            )
            raise refusal("OperationNotPermitted", message)


def _check_host_names(peering: Any, options: dict[str, Any]) -> None:
    # VPC peering guide, "Enable DNS resolution for a VPC peering connection": both VPCs must be enabled for
    # DNS hostnames and DNS resolution.
    if str(options.get(_DNS, "")).lower() != "true":
        return
    for vpc in (peering.vpc, peering.peer_vpc):
        if not resolves_host_names(vpc):
            message = (
                "To enable DNS hostname resolution for the VPC peering connection, DNS hostname support must "
                f"be enabled for the VPCs: it is not for {vpc.id}"
            )
            raise refusal("InvalidVpcPeeringConnectionState.DNSHostnamesDisabled", message)


def resolves_host_names(vpc: Any) -> bool:
    """Return whether both DNS attributes of a VPC are on; private zones need them as well."""
    switches = (vpc.enable_dns_support, vpc.enable_dns_hostnames)
    return all(str(switch).lower() == "true" for switch in switches)


def _switches(options: dict[str, Any] | None) -> dict[str, bool]:
    return {key: str(value).lower() == "true" for key, value in (options or {}).items()}
