"""Transit gateways, and what is attached to them: VPCs, and gateways of other regions."""

from collections.abc import Callable, Mapping
from typing import Any

from lab.providers.aws.cloud import Cloud, found, remove, remove_when_free
from lab.providers.aws.services.tagging import ec2_tags, retag_ec2
from lab.providers.aws.shapes import capital, given, same_set, tag_map, taken
from lab.providers.aws.table import Input, ResourceType
from lab.providers.errors import RefusedError
from lab.providers.resource import Operation, wait_until
from lab.providers.values import Properties

LIMIT = 600.0
GONE = frozenset({"deleted", "deleting", "rejected", "failed"})
Look = Callable[[], Mapping[str, Any] | None]


def only(answer: Mapping[str, Any] | None, key: str) -> Mapping[str, Any] | None:
    """The one thing described, if it is."""
    return answer[key][0] if answer and answer[key] else None


def state(live: Mapping[str, Any] | None) -> str:
    """The state of anything here; what is not described any more is deleted."""
    return "deleted" if live is None else str(live["State"])


def wait_for(look: Look, identifier: str, operation: Operation, *states: str) -> None:
    """Wait until a thing is in one of these states."""
    seen = wait_until(
        operation,
        look,
        lambda live: state(live) in states,
        lambda live: f"{identifier} is {state(live)}",
        limit=LIMIT,
    )
    if seen is None and "deleted" not in states:
        raise RefusedError(f"{identifier} is {state(look())} after {LIMIT:.0f}s, not {' or '.join(states)}")


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
    """EC2's description of a gateway."""
    answer = found(cloud.ec2.describe_transit_gateways, TransitGatewayIds=[identifier])
    return only(answer, "TransitGateways")


def create_gateway(cloud: Cloud, inputs: Properties, operation: Operation) -> str:
    """Make a gateway and wait for it."""
    made = cloud.ec2.create_transit_gateway(
        **given(inputs, "description"),
        Options=given(inputs, "amazonSideAsn", "transitGatewayCidrBlocks", *SWITCHES),
        **ec2_tags("transit-gateway", inputs),
    )
    identifier = str(made["TransitGateway"]["TransitGatewayId"])
    wait_for(lambda: gateway(cloud, identifier), identifier, operation, "available")
    return identifier


def update_gateway(
    cloud: Cloud, identifier: str, before: Properties, inputs: Properties, operation: Operation
) -> None:
    """Change description and switches in place."""
    changed = {name: inputs[name] for name in SWITCHES if inputs.get(name) != before.get(name)}
    if changed or inputs.get("description") != before.get("description"):
        cloud.ec2.modify_transit_gateway(
            TransitGatewayId=identifier,
            **given(inputs, "description"),
            **({"Options": {capital(name): value for name, value in changed.items()}} if changed else {}),
        )
    wait_for(lambda: gateway(cloud, identifier), identifier, operation, "available")


def read_gateway(cloud: Cloud, identifier: str, _: Properties) -> Properties | None:
    """The gateway with its options."""
    live = gateway(cloud, identifier)
    if live is None or state(live) in GONE:
        return None
    options = live["Options"]
    asn = options.get("AmazonSideAsn")
    return {
        **taken(options, *SWITCHES, "associationDefaultRouteTableId", "propagationDefaultRouteTableId"),
        "amazonSideAsn": None if asn is None else int(asn),
        "transitGatewayCidrBlocks": options.get("TransitGatewayCidrBlocks") or None,
        "description": live.get("Description") or None,
        "ownerId": live.get("OwnerId"),
        "arn": cloud.arn("ec2", f"transit-gateway/{identifier}"),
        "tagsAll": tag_map(live.get("Tags")),
    }


def delete_gateway(cloud: Cloud, identifier: str, _: Properties, operation: Operation) -> None:
    """Delete a gateway once nothing is attached to it."""
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
    """EC2's description of an attachment."""
    call = cloud.ec2.describe_transit_gateway_vpc_attachments
    return only(found(call, TransitGatewayAttachmentIds=[identifier]), "TransitGatewayVpcAttachments")


def attach(cloud: Cloud, inputs: Properties, operation: Operation) -> str:
    """Attach a VPC, wait, and keep it out of the default table where that is wanted."""
    made = cloud.ec2.create_transit_gateway_vpc_attachment(
        **given(inputs, "transitGatewayId", "vpcId", "subnetIds"),
        Options=given(inputs, *ATTACHMENT_OPTIONS),
        **ec2_tags("transit-gateway-attachment", inputs),
    )
    identifier = str(made["TransitGatewayVpcAttachment"]["TransitGatewayAttachmentId"])
    wait_for(lambda: attachment(cloud, identifier), identifier, operation, "available")
    set_default_tables(cloud, identifier, dict.fromkeys(DEFAULT_TABLES, True), inputs)
    return identifier


def set_default_tables(cloud: Cloud, identifier: str, before: Properties, inputs: Properties) -> None:
    """Join or leave the default table, by association and by propagation."""
    live = gateway(cloud, inputs["transitGatewayId"]) or {"Options": {}}
    calls = {
        "Association": ("associate_transit_gateway_route_table", "disassociate_transit_gateway_route_table"),
        "Propagation": (
            "enable_transit_gateway_route_table_propagation",
            "disable_transit_gateway_route_table_propagation",
        ),
    }
    for name, (kind, (join, leave)) in zip(DEFAULT_TABLES, calls.items(), strict=True):
        table = live["Options"].get(f"{kind}DefaultRouteTableId")
        if table and inputs[name] != before.get(name):
            call = getattr(cloud.ec2, join if inputs[name] else leave)
            call(TransitGatewayAttachmentId=identifier, TransitGatewayRouteTableId=table)


def update_attachment(
    cloud: Cloud, identifier: str, before: Properties, inputs: Properties, _: Operation
) -> None:
    """Move to other subnets, change options, join or leave the default table."""
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
    """The attachment; what it has to do with the default table is what the state says."""
    live = attachment(cloud, identifier)
    if live is None or state(live) in GONE:
        return None
    return {
        **taken(live, "subnetIds", "transitGatewayId", "vpcId", "vpcOwnerId"),
        **taken(live["Options"], *ATTACHMENT_OPTIONS),
        **{name: known.get(name, True) for name in DEFAULT_TABLES},
        "arn": cloud.arn("ec2", f"transit-gateway-attachment/{identifier}"),
        "tagsAll": tag_map(live.get("Tags")),
    }


def detach(cloud: Cloud, identifier: str, _: Properties, operation: Operation) -> None:
    """Detach the VPC and wait, as its interfaces keep the subnets in use."""
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
    """EC2's description of a peering of two gateways."""
    call = cloud.ec2.describe_transit_gateway_peering_attachments
    return only(found(call, TransitGatewayAttachmentIds=[identifier]), "TransitGatewayPeeringAttachments")


def ask_gateway(cloud: Cloud, inputs: Properties, operation: Operation) -> str:
    """Ask the gateway of another region; it waits for its acceptance there."""
    made = cloud.ec2.create_transit_gateway_peering_attachment(
        **given(inputs, "transitGatewayId", "peerTransitGatewayId", "peerRegion"),
        PeerAccountId=inputs.get("peerAccountId") or cloud.account,
        **ec2_tags("transit-gateway-attachment", inputs),
    )
    identifier = str(made["TransitGatewayPeeringAttachment"]["TransitGatewayAttachmentId"])
    waits = ("pendingAcceptance", "available")
    wait_for(lambda: gateway_peering(cloud, identifier), identifier, operation, *waits)
    return identifier


def read_gateway_peering(cloud: Cloud, identifier: str, _: Properties) -> Properties | None:
    """The peering as the gateway that asked sees it."""
    live = gateway_peering(cloud, identifier)
    if live is None or state(live) in GONE:
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
    """Delete the peering for both gateways."""
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
    """Accept on the other side."""
    identifier = str(inputs["transitGatewayAttachmentId"])
    live = gateway_peering(cloud, identifier)
    if state(live) == "pendingAcceptance":
        cloud.ec2.accept_transit_gateway_peering_attachment(TransitGatewayAttachmentId=identifier)
    wait_for(lambda: gateway_peering(cloud, identifier), identifier, operation, "available")
    if inputs.get("tagsAll"):
        retag_ec2(cloud, identifier, inputs, inputs["tagsAll"], ())
    return identifier


def read_accepted(cloud: Cloud, identifier: str, known: Properties) -> Properties | None:
    """The peering as the gateway that was asked sees it."""
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
    delete=lambda *_: None,  # the peering is the requester's to delete
    retag=retag_ec2,
)

TYPES = (GATEWAY, ATTACHMENT, GATEWAY_PEERING, GATEWAY_ACCEPTER)
