"""Resource types of Route 53: hosted zones, their VPC associations, and records."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from lab.providers.aws.cloud import Cloud, find, remove
from lab.providers.aws.shapes import tag_list, tag_map, to_api
from lab.providers.aws.table import Input, ResourceType, plain
from lab.providers.resource import Operation
from lab.providers.values import Properties, has_unknown

RECORDS_OF_EVERY_ZONE = frozenset({"NS", "SOA"})


def client(cloud: Cloud) -> Any:
    return cloud.client("route53")


def bare(identifier: str) -> str:
    """The id without its path: `/hostedzone/Z1` -> `Z1`."""
    return identifier.rpartition("/")[2]


def vpc(cloud: Cloud, described: Mapping[str, Any]) -> dict[str, str]:
    # The region defaults to that of the provider.
    return {"VPCId": described["vpcId"], "VPCRegion": described.get("vpcRegion") or cloud.region}


def zone(cloud: Cloud, identifier: str) -> Mapping[str, Any] | None:
    answer: Mapping[str, Any] | None = find(client(cloud).get_hosted_zone, Id=identifier)
    return answer


# -- zone ----------------------------------------------------------------------------------------------------


def create_zone(cloud: Cloud, inputs: Properties, operation: Operation) -> str:
    # Route 53 takes only one VPC at creation; the others are associated afterwards.
    first, *others = inputs.get("vpcs") or [None]
    created = client(cloud).create_hosted_zone(
        Name=inputs["name"],
        CallerReference=f"{operation.name}-{uuid.uuid4()}",
        HostedZoneConfig={"Comment": inputs.get("comment") or "", "PrivateZone": first is not None},
        **({"VPC": vpc(cloud, first)} if first else {}),
    )
    identifier = bare(created["HostedZone"]["Id"])
    for other in others:
        client(cloud).associate_vpc_with_hosted_zone(HostedZoneId=identifier, VPC=vpc(cloud, other))
    if inputs.get("tagsAll"):
        retag(cloud, identifier, inputs, inputs["tagsAll"], ())
    return identifier


def update_zone(cloud: Cloud, identifier: str, before: Properties, inputs: Properties, _: Operation) -> None:
    # New VPCs are associated first, because the last VPC of a zone cannot be removed.
    if inputs.get("comment") != before.get("comment"):
        client(cloud).update_hosted_zone_comment(Id=identifier, Comment=inputs.get("comment") or "")
    old = {vpc["vpcId"]: vpc for vpc in before.get("vpcs") or ()}
    new = {vpc["vpcId"]: vpc for vpc in inputs.get("vpcs") or ()}
    for name in sorted(set(new) - set(old)):
        seen_by = vpc(cloud, new[name])
        client(cloud).associate_vpc_with_hosted_zone(HostedZoneId=identifier, VPC=seen_by)
    for name in sorted(set(old) - set(new)):
        seen_by = vpc(cloud, old[name])
        client(cloud).disassociate_vpc_from_hosted_zone(HostedZoneId=identifier, VPC=seen_by)


def read_zone(cloud: Cloud, identifier: str, known: Properties) -> Properties | None:
    live = zone(cloud, identifier)
    if live is None:
        return None
    described = live["HostedZone"]
    tags = client(cloud).list_tags_for_resource(ResourceType="hostedzone", ResourceId=identifier)
    servers = sorted(name_servers(cloud, identifier))
    vpcs = [{"vpcId": vpc["VPCId"], "vpcRegion": vpc["VPCRegion"]} for vpc in live.get("VPCs") or []]
    return {
        "name": described["Name"].rstrip("."),
        "comment": described["Config"].get("Comment") or None,
        "forceDestroy": known.get("forceDestroy"),
        "vpcs": vpcs or None,
        "zoneId": identifier,
        "nameServers": servers,
        "primaryNameServer": servers[0] if servers else None,
        "arn": f"arn:{cloud.partition}:route53:::hostedzone/{identifier}",
        "tagsAll": tag_map(tags["ResourceTagSet"]["Tags"]),
    }


def records_in(cloud: Cloud, identifier: str) -> list[Any]:
    return cloud.pages("route53", "list_resource_record_sets", "ResourceRecordSets", HostedZoneId=identifier)


def name_servers(cloud: Cloud, identifier: str) -> list[str]:
    own = [record for record in records_in(cloud, identifier) if record["Type"] == "NS"]
    return [value["Value"].rstrip(".") for record in own[:1] for value in record["ResourceRecords"]]


def delete_zone(cloud: Cloud, identifier: str, known: Properties, _: Operation) -> None:
    # A zone with records is deleted only with `forceDestroy`.
    if zone(cloud, identifier) is None:
        return
    if known.get("forceDestroy"):
        for record in records_in(cloud, identifier):
            if record["Type"] not in RECORDS_OF_EVERY_ZONE:
                change(cloud, identifier, "DELETE", record)
    remove(client(cloud).delete_hosted_zone, Id=identifier)


def retag(
    cloud: Cloud, identifier: str, _: Properties, added: Mapping[str, str], removed: Sequence[str]
) -> None:
    arguments: Properties = {"AddTags": tag_list(added)} if added else {}
    arguments |= {"RemoveTagKeys": list(removed)} if removed else {}
    client(cloud).change_tags_for_resource(ResourceType="hostedzone", ResourceId=identifier, **arguments)


def same_vpcs(left: Any, right: Any) -> bool:
    # A missing region means that of the provider.
    if has_unknown([left, right]) or not isinstance(left, list) or not isinstance(right, list):
        return bool(left == right)
    return {each["vpcId"] for each in left} == {each["vpcId"] for each in right}


def same_name(left: Any, right: Any) -> bool:
    # Route 53 adds a trailing dot to names.
    if not isinstance(left, str) or not isinstance(right, str):
        return bool(left == right)
    return left.rstrip(".").lower() == right.rstrip(".").lower()


ZONE = ResourceType(
    "aws:route53/zone:Zone",
    inputs={
        "name": Input(required=True, replaces=True, same=same_name, agrees=same_name),
        "comment": Input(default="Managed by Pulumi"),
        "forceDestroy": Input(default=False),
        "vpcs": Input(same=same_vpcs, agrees=same_vpcs, fields=plain("vpcId", "vpcRegion")),
    },
    outputs=("arn", "nameServers", "primaryNameServer", "zoneId"),
    create=create_zone,
    read=read_zone,
    update=update_zone,
    delete=delete_zone,
    retag=retag,
    regional=False,
)

# -- association, and the permission for one -----------------------------------------------------------------


def parts_of(cloud: Cloud, identifier: str) -> dict[str, str]:
    """Zone and VPC of an id such as `Z1:vpc-1` or `Z1:vpc-1:eu-west-1`."""
    owner, seen_by, *region = identifier.split(":")
    return {"zoneId": owner, "vpcId": seen_by, "vpcRegion": region[0] if region else cloud.region}


def id_of(cloud: Cloud, inputs: Properties) -> str:
    # The region is part of the id only if it is not that of the provider.
    region = inputs.get("vpcRegion") or cloud.region
    base = f"{inputs['zoneId']}:{inputs['vpcId']}"
    return base if region == cloud.region else f"{base}:{region}"


def associate(cloud: Cloud, inputs: Properties, _: Operation) -> str:
    seen_by = vpc(cloud, inputs)
    client(cloud).associate_vpc_with_hosted_zone(HostedZoneId=inputs["zoneId"], VPC=seen_by)
    return id_of(cloud, inputs)


def read_association(cloud: Cloud, identifier: str, _: Properties) -> Properties | None:
    parts = parts_of(cloud, identifier)
    live = zone(cloud, parts["zoneId"])
    if live is None or parts["vpcId"] not in [vpc["VPCId"] for vpc in live.get("VPCs") or []]:
        return None
    return parts | {"owningAccount": cloud.account}


def disassociate(cloud: Cloud, identifier: str, known: Properties, _: Operation) -> None:
    if read_association(cloud, identifier, known) is not None:
        parts = parts_of(cloud, identifier)
        arguments = {"HostedZoneId": parts["zoneId"], "VPC": vpc(cloud, parts)}
        remove(client(cloud).disassociate_vpc_from_hosted_zone, **arguments)


def authorize(cloud: Cloud, inputs: Properties, _: Operation) -> str:
    seen_by = vpc(cloud, inputs)
    client(cloud).create_vpc_association_authorization(HostedZoneId=inputs["zoneId"], VPC=seen_by)
    return id_of(cloud, inputs)


def read_authorization(cloud: Cloud, identifier: str, _: Properties) -> Properties | None:
    parts = parts_of(cloud, identifier)
    answer = find(client(cloud).list_vpc_association_authorizations, HostedZoneId=parts["zoneId"])
    known = [vpc["VPCId"] for vpc in answer["VPCs"]] if answer else []
    return parts if parts["vpcId"] in known else None


def deauthorize(cloud: Cloud, identifier: str, known: Properties, _: Operation) -> None:
    if read_authorization(cloud, identifier, known) is not None:
        parts = parts_of(cloud, identifier)
        arguments = {"HostedZoneId": parts["zoneId"], "VPC": vpc(cloud, parts)}
        remove(client(cloud).delete_vpc_association_authorization, **arguments)


ASSOCIATED = {
    "zoneId": Input(required=True, replaces=True),
    "vpcId": Input(required=True, replaces=True),
    "vpcRegion": Input(cloud_decides=True, replaces=True),
}
ZONE_ASSOCIATION = ResourceType(
    "aws:route53/zoneAssociation:ZoneAssociation",
    inputs=ASSOCIATED,
    outputs=("owningAccount",),
    create=associate,
    read=read_association,
    delete=disassociate,
    regional=False,
)
AUTHORIZATION = ResourceType(
    "aws:route53/vpcAssociationAuthorization:VpcAssociationAuthorization",
    inputs=ASSOCIATED,
    outputs=(),
    create=authorize,
    read=read_authorization,
    delete=deauthorize,
    regional=False,
)

# -- record --------------------------------------------------------------------------------------------------


def change(cloud: Cloud, zone_id: str, action: str, record: Mapping[str, Any]) -> None:
    batch = {"Changes": [{"Action": action, "ResourceRecordSet": dict(record)}]}
    client(cloud).change_resource_record_sets(HostedZoneId=zone_id, ChangeBatch=batch)


def full_name(cloud: Cloud, inputs: Properties) -> str:
    # The program may leave out the name of the zone.
    live = zone(cloud, inputs["zoneId"])
    suffix = str(live["HostedZone"]["Name"]).rstrip(".") if live else ""
    name = str(inputs["name"]).rstrip(".").lower()
    return name if name == suffix or name.endswith(f".{suffix}") else f"{name}.{suffix}".strip(".")


def in_route53(cloud: Cloud, inputs: Properties) -> dict[str, Any]:
    record = {"Name": full_name(cloud, inputs), "Type": inputs["type"]}
    for alias in inputs.get("aliases") or ():
        target = {"HostedZoneId": alias["zoneId"], "DNSName": alias["name"]}
        record["AliasTarget"] = target | {"EvaluateTargetHealth": alias.get("evaluateTargetHealth", False)}
    if inputs.get("records"):
        record["ResourceRecords"] = [{"Value": value} for value in inputs["records"]]
    return record | to_api(inputs, "setIdentifier", ttl="TTL")


def create_record(cloud: Cloud, inputs: Properties, _: Operation) -> str:
    # An existing record is an error unless `allowOverwrite` is set.
    action = "UPSERT" if inputs.get("allowOverwrite") else "CREATE"
    change(cloud, inputs["zoneId"], action, in_route53(cloud, inputs))
    return f"{inputs['zoneId']}_{str(inputs['name']).rstrip('.').lower()}_{inputs['type']}"


def update_record(cloud: Cloud, _: str, __: Properties, inputs: Properties, ___: Operation) -> None:
    change(cloud, inputs["zoneId"], "UPSERT", in_route53(cloud, inputs))


def live_record(cloud: Cloud, known: Properties) -> Mapping[str, Any] | None:
    if zone(cloud, known["zoneId"]) is None:
        return None
    name = full_name(cloud, known)
    for record in records_in(cloud, known["zoneId"]):
        if same_name(record["Name"], name) and record["Type"] == known["type"]:
            return dict(record)
    return None


def read_record(cloud: Cloud, identifier: str, known: Properties) -> Properties | None:
    # An import gives the id as `ZONE_NAME_TYPE`.
    if "zoneId" not in known:
        owner, name, kind = identifier.split("_", 2)
        known = {"zoneId": owner, "name": name, "type": kind}
    live = live_record(cloud, known)
    if live is None:
        return None
    target = live.get("AliasTarget")
    alias = target and {
        "name": target["DNSName"].rstrip("."),
        "zoneId": target["HostedZoneId"],
        "evaluateTargetHealth": target["EvaluateTargetHealth"],
    }
    return {
        **{name: known[name] for name in ("zoneId", "name", "type")},
        "allowOverwrite": known.get("allowOverwrite"),
        "ttl": live.get("TTL"),
        "records": [value["Value"] for value in live.get("ResourceRecords") or []] or None,
        "aliases": [alias] if alias else None,
        "setIdentifier": live.get("SetIdentifier"),
        "fqdn": full_name(cloud, known),
    }


def delete_record(cloud: Cloud, _: str, known: Properties, __: Operation) -> None:
    # Route 53 deletes a record only if the request contains its current value.
    live = live_record(cloud, known)
    if live is not None:
        change(cloud, known["zoneId"], "DELETE", live)


RECORD = ResourceType(
    "aws:route53/record:Record",
    inputs={
        "zoneId": Input(required=True, replaces=True),
        "name": Input(required=True, replaces=True, same=same_name),
        "type": Input(required=True),
        "ttl": Input(),
        "records": Input(),
        "aliases": Input(fields=plain("name", "zoneId", "evaluateTargetHealth")),
        "allowOverwrite": Input(),
        "setIdentifier": Input(),
    },
    outputs=("fqdn",),
    create=create_record,
    read=read_record,
    update=update_record,
    delete=delete_record,
    regional=False,
)

TYPES = (ZONE, ZONE_ASSOCIATION, AUTHORIZATION, RECORD)
