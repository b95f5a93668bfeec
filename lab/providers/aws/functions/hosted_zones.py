"""The function that finds a Route 53 hosted zone."""

from collections.abc import Mapping
from typing import Any

from lab.providers.aws.cloud import Cloud
from lab.providers.aws.functions.function import Function, only_one
from lab.providers.aws.services.network.hosted_zones import bare, read_zone, same_name, zone
from lab.providers.values import Properties


def find_zone(cloud: Cloud, arguments: Properties) -> Properties:
    """One zone by id or name; private zones only if asked for."""
    listed = cloud.pages("route53", "list_hosted_zones", "HostedZones")
    found = only_one([listing for listing in listed if _matches(cloud, listing, arguments)], "hosted zone")
    identifier = bare(found["Id"])
    described = read_zone(cloud, identifier, {}) or {}
    return {
        "id": identifier,
        "zoneId": identifier,
        "name": described["name"],
        "comment": described.get("comment") or "",
        "callerReference": found["CallerReference"],
        "privateZone": found["Config"]["PrivateZone"],
        "resourceRecordSetCount": found.get("ResourceRecordSetCount", 0),
        "enableAcceleratedRecovery": False,
        "linkedServiceDescription": "",
        "linkedServicePrincipal": "",
        **{name: described[name] for name in ("arn", "nameServers", "primaryNameServer")},
        "tags": described["tagsAll"],
    }


def _matches(cloud: Cloud, listed: Mapping[str, Any], arguments: Properties) -> bool:
    identifier = bare(listed["Id"])
    if arguments.get("zoneId"):
        return bool(identifier == arguments["zoneId"])
    if "name" in arguments and not same_name(listed["Name"], arguments["name"]):
        return False
    if bool(listed["Config"]["PrivateZone"]) != bool(arguments.get("privateZone") or arguments.get("vpcId")):
        return False
    return _is_seen(cloud, identifier, arguments.get("vpcId")) and _has_tags(cloud, identifier, arguments)


def _is_seen(cloud: Cloud, identifier: str, vpc: str | None) -> bool:
    if vpc is None:
        return True
    seen_by = [vpc["VPCId"] for vpc in (zone(cloud, identifier) or {}).get("VPCs") or []]
    return vpc in seen_by


def _has_tags(cloud: Cloud, identifier: str, arguments: Properties) -> bool:
    wanted = arguments.get("tags") or {}
    tags = (read_zone(cloud, identifier, {}) or {})["tagsAll"] if wanted else {}
    return all(tags.get(key) == value for key, value in wanted.items())


FUNCTIONS = (
    Function(
        "aws:route53/getZone:getZone",
        ("name", "privateZone", "tags", "vpcId", "zoneId"),
        find_zone,
        regional=False,
    ),
)
