"""The VPCs that see a private zone, and the records of a zone: AWS's refusals in front of moto's state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.ec2.exceptions import InvalidVPCIdError
from moto.ec2.models import ec2_backends
from moto.route53.exceptions import Route53ClientError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from moto.ec2.models.vpcs import VPC

Record = dict[str, Any]


def refusal(code: str, message: str) -> Route53ClientError:
    """Return an error that moto turns into Route 53's response."""
    return Route53ClientError(code, message)


def vpc_of(account: str, vpc_id: str, region: str) -> VPC:
    """Return a VPC by id and region, or raise Route 53's refusal."""
    try:
        return ec2_backends[account][region].get_vpc(vpc_id)
    except (InvalidVPCIdError, KeyError) as error:
        message = f"The VPC: {vpc_id} in {region} that you provided does not exist or is not yours."
        raise refusal("InvalidVPCId", message) from error


class ZoneAssociations:
    """Private zones in the Route 53 backend, mixed in before moto's own methods."""

    account_id: str
    zones: dict[str, Any]

    def create_hosted_zone(
        self,
        name: str,
        private_zone: bool,
        *args: Any,
        **kwargs: Any,  # noqa: FBT001, RUF100
    ) -> Any:
        """Create a zone; a private one needs a VPC that sees no other zone of that name."""
        vpc_id, region = kwargs.get("vpcid"), kwargs.get("vpcregion")
        if private_zone:
            if not vpc_id or not region:
                message = "When you're creating a private hosted zone you must specify a VPC and its region."
                raise refusal("InvalidInput", message)
            self._check_vpc(name, vpc_id, region)
        return super().create_hosted_zone(name, private_zone, *args, **kwargs)  # type: ignore[misc]

    def associate_vpc_with_hosted_zone(self, zone_id: str, vpcid: str, vpcregion: str) -> Any:
        """Associate a VPC with a private zone."""
        zone = self.get_hosted_zone(zone_id)  # type: ignore[attr-defined]  # moto's half of this class
        if zone.private_zone:
            self._check_vpc(zone.name, vpcid, vpcregion)
        return super().associate_vpc_with_hosted_zone(zone_id, vpcid, vpcregion)  # type: ignore[misc]

    def disassociate_vpc_from_hosted_zone(self, zone_id: str, vpcid: str) -> Any:
        """Remove the association of a VPC with a zone; the last one cannot be removed."""
        zone = self.get_hosted_zone(zone_id)  # type: ignore[attr-defined]
        if vpcid not in [vpc["vpc_id"] for vpc in zone.vpcs]:
            message = f"The VPC: {vpcid} is not associated with the hosted zone {zone.resource_id}."
            raise refusal("VPCAssociationNotFound", message)
        return super().disassociate_vpc_from_hosted_zone(zone_id, vpcid)  # type: ignore[misc]

    def zones_seen_by(self, vpc_id: str) -> Iterator[Any]:
        """Yield the private zones that a VPC is associated with."""
        for zone in self.zones.values():
            if zone.private_zone and any(vpc.get("vpc_id") == vpc_id for vpc in zone.vpcs):
                yield zone

    def _check_vpc(self, name: str, vpc_id: str, region: str) -> None:
        vpc_of(self.account_id, vpc_id, region)
        if any(zone.name == name for zone in self.zones_seen_by(vpc_id)):
            message = (
                f"The VPC {vpc_id} in region {region} has already been associated "
                "with a hosted zone with the same domain name."
            )
            raise refusal("ConflictingDomainExists", message)


class Authorizations:
    """Authorizations to associate VPCs of other accounts with a zone, which moto lacks."""

    def authorizations(self, zone_id: str) -> list[dict[str, str]]:
        """Return the VPCs that are authorized to be associated with a zone."""
        zone = self.get_hosted_zone(zone_id)  # type: ignore[attr-defined]
        found: list[dict[str, str]] = zone.__dict__.setdefault("authorized_vpcs", [])
        return found

    def authorize_vpc(self, zone_id: str, vpc: dict[str, str]) -> None:
        """Authorize a VPC; repeating it changes nothing."""
        known = self.authorizations(zone_id)
        if vpc not in known:
            known.append(vpc)

    def deauthorize_vpc(self, zone_id: str, vpc: dict[str, str]) -> None:
        """Withdraw a VPC's authorization; existing associations remain."""
        known = self.authorizations(zone_id)
        if vpc not in known:
            message = "The VPC association authorization does not exist."
            raise refusal("VPCAssociationAuthorizationNotFound", message)
        known.remove(vpc)


class Records:
    """Records in the Route 53 backend: creating an existing and deleting a missing one is refused."""

    def change_resource_record_sets(self, zoneid: str, change_list: list[dict[str, Any]]) -> None:
        """Apply a batch of changes, all of them or none."""
        zone = self.get_hosted_zone(zoneid)  # type: ignore[attr-defined]
        reasons = [reason for change in change_list for reason in _reasons_against(zone, change)]
        if reasons:
            raise refusal("InvalidChangeBatch", f"[{', '.join(reasons)}]")
        for change in change_list:
            # moto deletes a record only when it is spelled exactly as it was created.
            if change["Action"] == "DELETE":
                zone.rrsets.remove(_present(zone, change["ResourceRecordSet"]))
        created = [change for change in change_list if change["Action"] != "DELETE"]
        zone.rr_changes.clear()
        super().change_resource_record_sets(zoneid, created)  # type: ignore[misc]


def _reasons_against(zone: Any, change: dict[str, Any]) -> Iterable[str]:
    wanted, action = change["ResourceRecordSet"], change["Action"]
    present = _present(zone, wanted)
    named = f"resource record set [name='{_absolute(wanted['Name'])}', type='{wanted['Type']}']"
    if action == "CREATE" and present is not None:
        yield f"Tried to create {named} but it already exists"
    if action == "DELETE" and present is None:
        yield f"Tried to delete {named} but it was not found"
    if action == "DELETE" and present is not None and _content(wanted) != _content_of(present):
        yield f"Tried to delete {named} but the values provided do not match the current values"
    if (
        action != "DELETE"
        and not wanted.get("AliasTarget")
        and not (wanted.get("ResourceRecords") and wanted.get("TTL"))
    ):
        yield f"Expected exactly one of [AliasTarget, all of [TTL, and ResourceRecords]] for {named}"


def _present(zone: Any, wanted: Record) -> Any:
    key = (_absolute(wanted["Name"]), wanted["Type"], wanted.get("SetIdentifier"))
    for each in zone.rrsets:
        if (_absolute(each.name), each.type, each.set_identifier) == key:
            return each
    return None


def _content(record: Record) -> tuple[Any, ...]:
    values = sorted(item["Value"] for item in record.get("ResourceRecords") or [])
    return str(record.get("TTL") or ""), values, _alias(record.get("AliasTarget"))


def _content_of(record: Any) -> tuple[Any, ...]:
    return str(record.ttl or ""), sorted(record.records or []), _alias(record.alias_target)


def _alias(target: dict[str, Any] | None) -> tuple[str, str] | None:
    return None if not target else (_absolute(target["DNSName"]), target["HostedZoneId"])


def _absolute(name: str) -> str:
    return name.rstrip(".").lower() + "."
