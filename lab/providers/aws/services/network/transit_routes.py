"""Resource types of transit gateway route tables: tables, associations, propagations and static routes."""

from collections.abc import Mapping
from typing import Any

from lab.providers.aws.cloud import Cloud, find, remove, remove_when_free
from lab.providers.aws.services.network.transit_gateways import only
from lab.providers.aws.services.tagging import ec2_tags, retag_ec2
from lab.providers.aws.shapes import from_api, tag_map, to_api
from lab.providers.aws.table import Delete, Input, Read, ResourceType
from lab.providers.resource import Operation
from lab.providers.values import Properties

PAIR = ("transitGatewayRouteTableId", "transitGatewayAttachmentId")

# -- table ---------------------------------------------------------------------------------------------------


def table(cloud: Cloud, identifier: str) -> Mapping[str, Any] | None:
    call = cloud.ec2.describe_transit_gateway_route_tables
    return only(find(call, TransitGatewayRouteTableIds=[identifier]), "TransitGatewayRouteTables")


def create_table(cloud: Cloud, inputs: Properties, _: Operation) -> str:
    created = cloud.ec2.create_transit_gateway_route_table(
        **to_api(inputs, "transitGatewayId"), **ec2_tags("transit-gateway-route-table", inputs)
    )
    return str(created["TransitGatewayRouteTable"]["TransitGatewayRouteTableId"])


def read_table(cloud: Cloud, identifier: str, _: Properties) -> Properties | None:
    live = table(cloud, identifier)
    if live is None or live["State"] in {"deleted", "deleting"}:
        return None
    return {
        "transitGatewayId": live["TransitGatewayId"],
        "defaultAssociationRouteTable": live["DefaultAssociationRouteTable"],
        "defaultPropagationRouteTable": live["DefaultPropagationRouteTable"],
        "arn": cloud.arn("ec2", f"transit-gateway-route-table/{identifier}"),
        "tagsAll": tag_map(live.get("Tags")),
    }


def delete_table(cloud: Cloud, identifier: str, _: Properties, operation: Operation) -> None:
    call = cloud.ec2.delete_transit_gateway_route_table
    remove_when_free(operation, call, TransitGatewayRouteTableId=identifier)


TABLE = ResourceType(
    "aws:ec2transitgateway/routeTable:RouteTable",
    inputs={"transitGatewayId": Input(required=True, replaces=True)},
    outputs=("arn", "defaultAssociationRouteTable", "defaultPropagationRouteTable"),
    create=create_table,
    read=read_table,
    update=lambda *_: None,
    delete=delete_table,
    retag=retag_ec2,
)

# -- association and propagation -----------------------------------------------------------------------------


def pair_id(inputs: Properties) -> str:
    # Associations and propagations have no id of their own, so it is made of table and attachment.
    return f"{inputs[PAIR[0]]}_{inputs[PAIR[1]]}"


def pair_in(identifier: str, known: Properties) -> Properties:
    # An import gives both in the id.
    if PAIR[0] in known:
        return {name: known[name] for name in PAIR}
    return dict(zip(PAIR, identifier.split("_", 1), strict=True))


def read_relation(action: str, key: str) -> Read:

    def read(cloud: Cloud, identifier: str, known: Properties) -> Properties | None:
        pair = pair_in(identifier, known)
        filters = [{"Name": "transit-gateway-attachment-id", "Values": [pair[PAIR[1]]]}]
        call = getattr(cloud.ec2, action)
        answer = find(call, TransitGatewayRouteTableId=pair[PAIR[0]], Filters=filters)
        live = only(answer, key)
        return None if live is None else pair | from_api(live, "resourceId", "resourceType")

    return read


def delete_relation(action: str, read: Read) -> Delete:

    def end(cloud: Cloud, identifier: str, known: Properties, _: Operation) -> None:
        if read(cloud, identifier, known) is not None:
            remove(getattr(cloud.ec2, action), **to_api(pair_in(identifier, known), *PAIR))

    return end


read_association = read_relation("get_transit_gateway_route_table_associations", "Associations")
read_propagation = read_relation(
    "get_transit_gateway_route_table_propagations", "TransitGatewayRouteTablePropagations"
)


def associate(cloud: Cloud, inputs: Properties, _: Operation) -> str:
    # With `replaceExistingAssociation` the attachment leaves its current table first.
    if inputs.get("replaceExistingAssociation"):
        live = cloud.ec2.describe_transit_gateway_vpc_attachments(
            TransitGatewayAttachmentIds=[inputs[PAIR[1]]]
        )
        old = (live["TransitGatewayVpcAttachments"][0].get("Association") or {}).get(
            "TransitGatewayRouteTableId"
        )
        if old:
            cloud.ec2.disassociate_transit_gateway_route_table(
                TransitGatewayRouteTableId=old, TransitGatewayAttachmentId=inputs[PAIR[1]]
            )
    cloud.ec2.associate_transit_gateway_route_table(**to_api(inputs, *PAIR))
    return pair_id(inputs)


def propagate(cloud: Cloud, inputs: Properties, _: Operation) -> str:
    cloud.ec2.enable_transit_gateway_route_table_propagation(**to_api(inputs, *PAIR))
    return pair_id(inputs)


ASSOCIATION = ResourceType(
    "aws:ec2transitgateway/routeTableAssociation:RouteTableAssociation",
    inputs={
        **{name: Input(required=True, replaces=True) for name in PAIR},
        "replaceExistingAssociation": Input(replaces=True),
    },
    outputs=("resourceId", "resourceType"),
    create=associate,
    read=read_association,
    delete=delete_relation("disassociate_transit_gateway_route_table", read_association),
)
PROPAGATION = ResourceType(
    "aws:ec2transitgateway/routeTablePropagation:RouteTablePropagation",
    inputs={name: Input(required=True, replaces=True) for name in PAIR},
    outputs=("resourceId", "resourceType"),
    create=propagate,
    read=read_propagation,
    delete=delete_relation("disable_transit_gateway_route_table_propagation", read_propagation),
)

# -- static route --------------------------------------------------------------------------------------------


def create_route(cloud: Cloud, inputs: Properties, _: Operation) -> str:
    cloud.ec2.create_transit_gateway_route(**to_api(inputs, "destinationCidrBlock", "blackhole", *PAIR))
    return f"{inputs[PAIR[0]]}_{inputs['destinationCidrBlock']}"


def read_route(cloud: Cloud, identifier: str, _: Properties) -> Properties | None:
    owner, destination = identifier.split("_", 1)
    filters = [
        {"Name": "type", "Values": ["static"]},
        {"Name": "route-search.exact-match", "Values": [destination]},
    ]
    call = cloud.ec2.search_transit_gateway_routes
    live = only(find(call, TransitGatewayRouteTableId=owner, Filters=filters), "Routes")
    if live is None:
        return None
    targets = live.get("TransitGatewayAttachments") or [{}]
    return {
        "transitGatewayRouteTableId": owner,
        "destinationCidrBlock": destination,
        "transitGatewayAttachmentId": targets[0].get("TransitGatewayAttachmentId"),
        "blackhole": not targets[0],
    }


def delete_route(cloud: Cloud, identifier: str, known: Properties, _: Operation) -> None:
    if read_route(cloud, identifier, known) is not None:
        arguments = to_api(known, "destinationCidrBlock", "transitGatewayRouteTableId")
        remove(cloud.ec2.delete_transit_gateway_route, **arguments)


ROUTE = ResourceType(
    "aws:ec2transitgateway/route:Route",
    inputs={
        "transitGatewayRouteTableId": Input(required=True, replaces=True),
        "destinationCidrBlock": Input(required=True, replaces=True),
        "transitGatewayAttachmentId": Input(replaces=True),
        "blackhole": Input(default=False, replaces=True),
    },
    outputs=(),
    create=create_route,
    read=read_route,
    delete=delete_route,
)

TYPES = (TABLE, ASSOCIATION, PROPAGATION, ROUTE)
