"""Resource types of VPC peerings: the requester's, the accepter's, and their options."""

from collections.abc import Mapping
from typing import Any

from lab.providers.aws.cloud import Cloud, find, remove
from lab.providers.aws.services.tagging import ec2_tags, retag_ec2
from lab.providers.aws.shapes import tag_map, to_api
from lab.providers.aws.table import Input, ResourceType, plain
from lab.providers.errors import RefusedError
from lab.providers.resource import Operation, wait_until
from lab.providers.values import Properties

LIMIT = 60.0
ENDED = frozenset({"deleted", "deleting", "rejected", "failed", "expired"})
DNS = ("allowRemoteVpcDnsResolution", "AllowDnsResolutionFromRemoteVpc")
SIDES = {"requester": "RequesterPeeringConnectionOptions", "accepter": "AccepterPeeringConnectionOptions"}
OPTIONS = {side: Input(cloud_decides=True, fields=plain(DNS[0])) for side in SIDES}


def peering(cloud: Cloud, identifier: str) -> Mapping[str, Any] | None:
    answer = find(cloud.ec2.describe_vpc_peering_connections, VpcPeeringConnectionIds=[identifier])
    return answer["VpcPeeringConnections"][0] if answer and answer["VpcPeeringConnections"] else None


def status(live: Mapping[str, Any] | None) -> str:
    return "deleted" if live is None else str(live["Status"]["Code"])


def options_of(live: Mapping[str, Any], side: str) -> Properties:
    options = live[f"{side.capitalize()}VpcInfo"].get("PeeringOptions") or {}
    return {DNS[0]: bool(options.get(DNS[1], False))}


def set_options(cloud: Cloud, identifier: str, before: Properties, inputs: Properties) -> None:
    wanted = {
        api: {DNS[1]: bool(inputs[side].get(DNS[0], False))}
        for side, api in SIDES.items()
        if inputs.get(side) and inputs[side] != before.get(side)
    }
    if wanted:
        cloud.ec2.modify_vpc_peering_connection_options(VpcPeeringConnectionId=identifier, **wanted)


def wait_for(cloud: Cloud, identifier: str, operation: Operation, *states: str) -> Mapping[str, Any] | None:
    """Wait until the peering is in one of these states, or in one that is final."""
    seen = wait_until(
        operation,
        lambda: peering(cloud, identifier),
        lambda live: status(live) in {*states, *ENDED},
        lambda live: f"peering is {status(live)}",
        limit=LIMIT,
    )
    if status(seen) not in states:
        message = "" if seen is None else f": {seen['Status'].get('Message', '')}"
        raise RefusedError(f"peering {identifier} is {status(seen)}, not {' or '.join(states)}{message}")
    return seen


def accept(cloud: Cloud, identifier: str, operation: Operation) -> None:
    live = wait_for(cloud, identifier, operation, "pending-acceptance", "active")
    if status(live) == "pending-acceptance":
        cloud.ec2.accept_vpc_peering_connection(VpcPeeringConnectionId=identifier)
        wait_for(cloud, identifier, operation, "active")


# -- the requester's side ------------------------------------------------------------------------------------


def request(cloud: Cloud, inputs: Properties, operation: Operation) -> str:
    # Accepted at once with `autoAccept`, which EC2 allows in the same account and region only.
    if inputs.get("autoAccept") and inputs.get("peerRegion"):
        raise RefusedError(
            "`peerRegion` cannot be set whilst `autoAccept` is true: "
            "accept it with a VpcPeeringConnectionAccepter in that region"
        )
    created = cloud.ec2.create_vpc_peering_connection(
        **to_api(inputs, "vpcId", "peerVpcId", "peerOwnerId", "peerRegion"),
        **ec2_tags("vpc-peering-connection", inputs),
    )
    identifier = str(created["VpcPeeringConnection"]["VpcPeeringConnectionId"])
    wait_for(cloud, identifier, operation, "pending-acceptance", "active")
    change(cloud, identifier, {}, inputs, operation)
    return identifier


def change(
    cloud: Cloud, identifier: str, before: Properties, inputs: Properties, operation: Operation
) -> None:
    if inputs.get("autoAccept"):
        accept(cloud, identifier, operation)
    set_options(cloud, identifier, before, inputs)


def read_requester(cloud: Cloud, identifier: str, known: Properties) -> Properties | None:
    live = peering(cloud, identifier)
    if live is None or status(live) in ENDED:
        return None
    asked, other = live["RequesterVpcInfo"], live["AccepterVpcInfo"]
    return {
        "vpcId": asked["VpcId"],
        "peerVpcId": other["VpcId"],
        "peerOwnerId": other.get("OwnerId"),
        "peerRegion": other.get("Region"),
        "acceptStatus": status(live),
        "autoAccept": known.get("autoAccept"),
        **{side: options_of(live, side) for side in SIDES},
        "tagsAll": tag_map(live.get("Tags")),
    }


def delete(cloud: Cloud, identifier: str, _: Properties, operation: Operation) -> None:
    if status(peering(cloud, identifier)) in ENDED:
        return
    remove(cloud.ec2.delete_vpc_peering_connection, VpcPeeringConnectionId=identifier)
    wait_for(cloud, identifier, operation, "deleted")


PEERING = ResourceType(
    "aws:ec2/vpcPeeringConnection:VpcPeeringConnection",
    inputs={
        "vpcId": Input(required=True, replaces=True),
        "peerVpcId": Input(required=True, replaces=True),
        "peerOwnerId": Input(cloud_decides=True, replaces=True),
        "peerRegion": Input(cloud_decides=True, replaces=True),
        "autoAccept": Input(),
        **OPTIONS,
    },
    outputs=("acceptStatus",),
    create=request,
    read=read_requester,
    update=change,
    delete=delete,
    retag=retag_ec2,
)

# -- the accepter's side -------------------------------------------------------------------------------------


def adopt(cloud: Cloud, inputs: Properties, operation: Operation) -> str:
    """Take over the accepter's side of an existing peering."""
    identifier = str(inputs["vpcPeeringConnectionId"])
    if peering(cloud, identifier) is None:
        raise RefusedError(f"there is no peering {identifier} in {cloud.region}")
    change(cloud, identifier, {}, inputs, operation)
    if inputs.get("tagsAll"):
        retag_ec2(cloud, identifier, inputs, inputs["tagsAll"], ())
    return identifier


def read_accepter(cloud: Cloud, identifier: str, known: Properties) -> Properties | None:
    live = read_requester(cloud, identifier, known)
    if live is None:
        return None
    asked = (peering(cloud, identifier) or {})["RequesterVpcInfo"]
    theirs = {"peerVpcId": asked["VpcId"], "peerOwnerId": asked["OwnerId"], "peerRegion": asked["Region"]}
    return live | {"vpcPeeringConnectionId": identifier, "vpcId": live["peerVpcId"]} | theirs


ACCEPTER = ResourceType(
    "aws:ec2/vpcPeeringConnectionAccepter:VpcPeeringConnectionAccepter",
    inputs={"vpcPeeringConnectionId": Input(required=True, replaces=True), "autoAccept": Input(), **OPTIONS},
    outputs=("acceptStatus", "peerOwnerId", "peerRegion", "peerVpcId", "vpcId"),
    create=adopt,
    read=read_accepter,
    update=change,
    delete=lambda *_: None,  # the requester deletes the peering
    retag=retag_ec2,
)

# -- options of their own ------------------------------------------------------------------------------------


def create_options(cloud: Cloud, inputs: Properties, _: Operation) -> str:
    # Options have no id of their own; it is that of the peering.
    set_options(cloud, inputs["vpcPeeringConnectionId"], {}, inputs)
    return str(inputs["vpcPeeringConnectionId"])


def read_options(cloud: Cloud, identifier: str, _: Properties) -> Properties | None:
    live = peering(cloud, identifier)
    if live is None or status(live) in ENDED:
        return None
    return {"vpcPeeringConnectionId": identifier, **{side: options_of(live, side) for side in SIDES}}


def update_options(
    cloud: Cloud, identifier: str, before: Properties, inputs: Properties, _: Operation
) -> None:
    set_options(cloud, identifier, before, inputs)


PEERING_OPTIONS = ResourceType(
    "aws:ec2/peeringConnectionOptions:PeeringConnectionOptions",
    inputs={"vpcPeeringConnectionId": Input(required=True, replaces=True), **OPTIONS},
    outputs=(),
    create=create_options,
    read=read_options,
    update=update_options,
    delete=lambda *_: None,  # options are deleted with the peering
)

TYPES = (PEERING, ACCEPTER, PEERING_OPTIONS)
