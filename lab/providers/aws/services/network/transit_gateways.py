"""Resource types of transit gateways and their attachments: VPCs, and gateways in other regions."""

from collections.abc import Callable, Mapping
from typing import Any

from lab.providers.aws.cloud import Cloud, find, remove, remove_when_free
from lab.providers.aws.services.tagging import ec2_tags, retag_ec2
from lab.providers.aws.shapes import capital, from_api, same_set, tag_map, to_api
from lab.providers.aws.table import Input, ResourceType
from lab.providers.errors import RefusedError
from lab.providers.resource import Operation, wait_until
from lab.providers.values import Properties

LIMIT = 600.0
ENDED_STATES = frozenset({"deleted", "deleting", "rejected", "failed"})
Describe = Callable[[], Mapping[str, Any] | None]


def only(answer: Mapping[str, Any] | None, key: str) -> Mapping[str, Any] | None:
    return answer[key][0] if answer and answer[key] else None


def state(live: Mapping[str, Any] | None) -> str:
    return "deleted" if live is None else str(live["State"])


def wait_for(describe: Describe, identifier: str, operation: Operation, *states: str) -> None:
    seen = wait_until(
        operation,
        describe,
        lambda live: state(live) in states,
        lambda live: f"{identifier} is {state(live)}",
        limit=LIMIT,
    )
    if seen is None and "deleted" not in states:
        raise RefusedError(
            f"{identifier} is {state(describe())} after {LIMIT:.0f}s, not {' or '.join(states)}"
        )


# -- gateway -------------------------------------------------------------------------------------------------

SWITCHES = (
    "autoAcceptSharedAttachments",
    "defaultRouteTableAssociation",
    "defaultRouteTablePropagation",
    "dnsSupport",
    "multicastSupport",
    "securityGroupReferencingSupport",
    "vpnEcmpSupport",
)
DEFAULTS = {
    "defaultRouteTableAssociation": "enable",
    "defaultRouteTablePropagation": "enable",
    "dnsSupport": "enable",
    "vpnEcmpSupport": "enable",
}


def gateway(cloud: Cloud, identifier: str) -> Mapping[str, Any] | None:
    answer = find(cloud.ec2.describe_transit_gateways, TransitGatewayIds=[identifier])
    return only(answer, "TransitGateways")


def create_gateway(cloud: Cloud, inputs: Properties, operation: Operation) -> str:
    created = cloud.ec2.create_transit_gateway(
        **to_api(inputs, "description"),
        Options=to_api(inputs, "amazonSideAsn", "transitGatewayCidrBlocks", *SWITCHES),
        **ec2_tags("transit-gateway", inputs),
    )
    identifier = str(created["TransitGateway"]["TransitGatewayId"])
    wait_for(lambda: gateway(cloud, identifier), identifier, operation, "available")
    return identifier


def update_gateway(
    cloud: Cloud, identifier: str, before: Properties, inputs: Properties, operation: Operation
) -> None:
    changed = {name: inputs[name] for name in SWITCHES if inputs.get(name) != before.get(name)}
    if changed or inputs.get("description") != before.get("description"):
        cloud.ec2.modify_transit_gateway(
            TransitGatewayId=identifier,
            **to_api(inputs, "description"),
            **({"Options": {capital(name): value for name, value in changed.items()}} if changed else {}),
        )
    wait_for(lambda: gateway(cloud, identifier), identifier, operation, "available")


def read_gateway(cloud: Cloud, identifier: str, _: Properties) -> Properties | None:
    live = gateway(cloud, identifier)
    if live is None or state(live) in ENDED_STATES:
        return None
    options = live["Options"]
    asn = options.get("AmazonSideAsn")
    return {
        **from_api(options, *SWITCHES, "associationDefaultRouteTableId", "propagationDefaultRouteTableId"),
        "amazonSideAsn": None if asn is None else int(asn),
        "transitGatewayCidrBlocks": options.get("TransitGatewayCidrBlocks") or None,
        "description": live.get("Description") or None,
        "ownerId": live.get("OwnerId"),
        "arn": cloud.arn("ec2", f"transit-gateway/{identifier}"),
        "tagsAll": tag_map(live.get("Tags")),
    }


def delete_gateway(cloud: Cloud, identifier: str, _: Properties, operation: Operation) -> None:
    if state(gateway(cloud, identifier)) != "deleted":
        remove_when_free(operation, cloud.ec2.delete_transit_gateway, TransitGatewayId=identifier)
        wait_for(lambda: gateway(cloud, identifier), identifier, operation, "deleted")


GATEWAY = ResourceType(
    "aws:ec2transitgateway/transitGateway:TransitGateway",
    inputs={
        **{name: Input(default=DEFAULTS.get(name, "disable")) for name in SWITCHES},
        "multicastSupport": Input(default="disable", replaces=True),
        "amazonSideAsn": Input(default=64512, replaces=True),
        "transitGatewayCidrBlocks": Input(same=same_set, replaces=True),
        "description": Input(),
    },
    outputs=("arn", "associationDefaultRouteTableId", "ownerId", "propagationDefaultRouteTableId"),
    create=create_gateway,
    read=read_gateway,
    update=update_gateway,
    delete=delete_gateway,
    retag=retag_ec2,
)

# -- attachment of a VPC -------------------------------------------------------------------------------------

ATTACHMENT_OPTIONS = {
    "applianceModeSupport": "disable",
    "dnsSupport": "enable",
    "ipv6Support": "disable",
    "securityGroupReferencingSupport": "enable",
}
DEFAULT_TABLES = ("transitGatewayDefaultRouteTableAssociation", "transitGatewayDefaultRouteTablePropagation")


def attachment(cloud: Cloud, identifier: str) -> Mapping[str, Any] | None:
    call = cloud.ec2.describe_transit_gateway_vpc_attachments
    return only(find(call, TransitGatewayAttachmentIds=[identifier]), "TransitGatewayVpcAttachments")


def attach(cloud: Cloud, inputs: Properties, operation: Operation) -> str:
    # The attachment joins the default table unless the program says otherwise.
    created = cloud.ec2.create_transit_gateway_vpc_attachment(
        **to_api(inputs, "transitGatewayId", "vpcId", "subnetIds"),
        Options=to_api(inputs, *ATTACHMENT_OPTIONS),
        **ec2_tags("transit-gateway-attachment", inputs),
    )
    identifier = str(created["TransitGatewayVpcAttachment"]["TransitGatewayAttachmentId"])
    # terraform-provider-aws, ec2_transitgateway_vpc_attachment: both states end the creation.
    done = ("available", "pendingAcceptance")
    wait_for(lambda: attachment(cloud, identifier), identifier, operation, *done)
    set_default_tables(cloud, identifier, dict.fromkeys(DEFAULT_TABLES, True), inputs)
    return identifier


def set_default_tables(cloud: Cloud, identifier: str, before: Properties, inputs: Properties) -> None:
    live = gateway(cloud, inputs["transitGatewayId"]) or {"Options": {}}
    calls = {
        "Association": ("associate_transit_gateway_route_table", "disassociate_transit_gateway_route_table"),
        "Propagation": (
            "enable_transit_gateway_route_table_propagation",
            "disable_transit_gateway_route_table_propagation",
        ),
    }
    for name, (kind, (join, part)) in zip(DEFAULT_TABLES, calls.items(), strict=True):
        table = live["Options"].get(f"{kind}DefaultRouteTableId")
        if table and inputs[name] != before.get(name):
            call = getattr(cloud.ec2, join if inputs[name] else part)
            call(TransitGatewayAttachmentId=identifier, TransitGatewayRouteTableId=table)


def update_attachment(
    cloud: Cloud, identifier: str, before: Properties, inputs: Properties, _: Operation
) -> None:
    old, new = set(before.get("subnetIds") or ()), set(inputs["subnetIds"])
    subnets = {"AddSubnetIds": sorted(new - old), "RemoveSubnetIds": sorted(old - new)}
    options = {name: inputs[name] for name in ATTACHMENT_OPTIONS if inputs.get(name) != before.get(name)}
    if old != new or options:
        cloud.ec2.modify_transit_gateway_vpc_attachment(
            TransitGatewayAttachmentId=identifier,
            **{key: value for key, value in subnets.items() if value},
            **({"Options": {capital(name): value for name, value in options.items()}} if options else {}),
        )
    set_default_tables(cloud, identifier, before, inputs)


def read_attachment(cloud: Cloud, identifier: str, known: Properties) -> Properties | None:
    # EC2 does not describe the relation to the default table, so it is kept from the state.
    live = attachment(cloud, identifier)
    if live is None or state(live) in ENDED_STATES:
        return None
    return {
        **from_api(live, "subnetIds", "transitGatewayId", "vpcId", "vpcOwnerId"),
        **from_api(live["Options"], *ATTACHMENT_OPTIONS),
        **{name: known.get(name, True) for name in DEFAULT_TABLES},
        "arn": cloud.arn("ec2", f"transit-gateway-attachment/{identifier}"),
        "tagsAll": tag_map(live.get("Tags")),
    }


def detach(cloud: Cloud, identifier: str, _: Properties, operation: Operation) -> None:
    # Its interfaces keep the subnets in use until it is deleted.
    if state(attachment(cloud, identifier)) != "deleted":
        call = cloud.ec2.delete_transit_gateway_vpc_attachment
        remove(call, TransitGatewayAttachmentId=identifier)
        wait_for(lambda: attachment(cloud, identifier), identifier, operation, "deleted")


ATTACHMENT = ResourceType(
    "aws:ec2transitgateway/vpcAttachment:VpcAttachment",
    inputs={
        "transitGatewayId": Input(required=True, replaces=True),
        "vpcId": Input(required=True, replaces=True),
        "subnetIds": Input(required=True, same=same_set),
        **{name: Input(default=value) for name, value in ATTACHMENT_OPTIONS.items()},
        **{name: Input(default=True) for name in DEFAULT_TABLES},
    },
    outputs=("arn", "vpcOwnerId"),
    create=attach,
    read=read_attachment,
    update=update_attachment,
    delete=detach,
    retag=retag_ec2,
)

# -- peering of gateways -------------------------------------------------------------------------------------


def gateway_peering(cloud: Cloud, identifier: str) -> Mapping[str, Any] | None:
    call = cloud.ec2.describe_transit_gateway_peering_attachments
    return only(find(call, TransitGatewayAttachmentIds=[identifier]), "TransitGatewayPeeringAttachments")


def ask_gateway(cloud: Cloud, inputs: Properties, operation: Operation) -> str:
    # The peering waits for acceptance in the other region.
    created = cloud.ec2.create_transit_gateway_peering_attachment(
        **to_api(inputs, "transitGatewayId", "peerTransitGatewayId", "peerRegion"),
        PeerAccountId=inputs.get("peerAccountId") or cloud.account,
        **ec2_tags("transit-gateway-attachment", inputs),
    )
    identifier = str(created["TransitGatewayPeeringAttachment"]["TransitGatewayAttachmentId"])
    waits = ("pendingAcceptance", "available")
    wait_for(lambda: gateway_peering(cloud, identifier), identifier, operation, *waits)
    return identifier


def read_gateway_peering(cloud: Cloud, identifier: str, _: Properties) -> Properties | None:
    live = gateway_peering(cloud, identifier)
    if live is None or state(live) in ENDED_STATES:
        return None
    other = live["AccepterTgwInfo"]
    return {
        "transitGatewayId": live["RequesterTgwInfo"]["TransitGatewayId"],
        "peerTransitGatewayId": other["TransitGatewayId"],
        "peerAccountId": other.get("OwnerId"),
        "peerRegion": other.get("Region"),
        "state": state(live),
        "arn": cloud.arn("ec2", f"transit-gateway-attachment/{identifier}"),
        "tagsAll": tag_map(live.get("Tags")),
    }


def delete_gateway_peering(cloud: Cloud, identifier: str, _: Properties, operation: Operation) -> None:
    call = cloud.ec2.delete_transit_gateway_peering_attachment
    remove(call, TransitGatewayAttachmentId=identifier)
    wait_for(lambda: gateway_peering(cloud, identifier), identifier, operation, "deleted")


GATEWAY_PEERING = ResourceType(
    "aws:ec2transitgateway/peeringAttachment:PeeringAttachment",
    inputs={
        "transitGatewayId": Input(required=True, replaces=True),
        "peerTransitGatewayId": Input(required=True, replaces=True),
        "peerRegion": Input(required=True, replaces=True),
        "peerAccountId": Input(cloud_decides=True, replaces=True),
    },
    outputs=("arn", "state"),
    create=ask_gateway,
    read=read_gateway_peering,
    update=lambda *_: None,
    delete=delete_gateway_peering,
    retag=retag_ec2,
)


def accept_gateway(cloud: Cloud, inputs: Properties, operation: Operation) -> str:
    identifier = str(inputs["transitGatewayAttachmentId"])
    live = gateway_peering(cloud, identifier)
    if state(live) == "pendingAcceptance":
        cloud.ec2.accept_transit_gateway_peering_attachment(TransitGatewayAttachmentId=identifier)
    wait_for(lambda: gateway_peering(cloud, identifier), identifier, operation, "available")
    if inputs.get("tagsAll"):
        retag_ec2(cloud, identifier, inputs, inputs["tagsAll"], ())
    return identifier


def read_accepted(cloud: Cloud, identifier: str, known: Properties) -> Properties | None:
    live = read_gateway_peering(cloud, identifier, known)
    if live is None:
        return None
    asked = (gateway_peering(cloud, identifier) or {})["RequesterTgwInfo"]
    return {
        "transitGatewayAttachmentId": identifier,
        "transitGatewayId": live["peerTransitGatewayId"],
        "peerTransitGatewayId": asked["TransitGatewayId"],
        "peerAccountId": asked.get("OwnerId"),
        "peerRegion": asked.get("Region"),
        "tagsAll": live["tagsAll"],
    }


GATEWAY_ACCEPTER = ResourceType(
    "aws:ec2transitgateway/peeringAttachmentAccepter:PeeringAttachmentAccepter",
    inputs={"transitGatewayAttachmentId": Input(required=True, replaces=True)},
    outputs=("peerAccountId", "peerRegion", "peerTransitGatewayId", "transitGatewayId"),
    create=accept_gateway,
    read=read_accepted,
    update=lambda *_: None,
    delete=lambda *_: None,  # the requester deletes the peering
    retag=retag_ec2,
)

TYPES = (GATEWAY, ATTACHMENT, GATEWAY_PEERING, GATEWAY_ACCEPTER)
