"""Resource types of route tables, routes and associations of subnets with tables."""

from collections.abc import Mapping
from typing import Any

from lab.providers.aws.cloud import Cloud, find, remove, remove_when_free
from lab.providers.aws.services.tagging import ec2_tags, retag_ec2
from lab.providers.aws.shapes import capital, same_set, tag_map, to_api
from lab.providers.aws.table import Input, ResourceType, plain
from lab.providers.resource import Operation
from lab.providers.values import Properties

TARGETS = (
    "gatewayId",
    "natGatewayId",
    "networkInterfaceId",
    "transitGatewayId",
    "vpcPeeringConnectionId",
    "egressOnlyGatewayId",
)
API_NAMES = {"egressOnlyGatewayId": "EgressOnlyInternetGatewayId"}
DESTINATIONS = ("destinationCidrBlock", "destinationIpv6CidrBlock", "destinationPrefixListId")


def api_name(name: str) -> str:
    return API_NAMES.get(name, capital(name))


def route_arguments(route: Mapping[str, Any]) -> dict[str, Any]:
    return {api_name(name): route[name] for name in (*DESTINATIONS, *TARGETS) if route.get(name)}


def route_table(cloud: Cloud, identifier: str) -> Properties | None:
    answer = find(cloud.ec2.describe_route_tables, RouteTableIds=[identifier])
    return answer["RouteTables"][0] if answer and answer["RouteTables"] else None


# -- route ---------------------------------------------------------------------------------------------------


def destination_of(route: Mapping[str, Any]) -> tuple[str, str]:
    for name in DESTINATIONS:
        if route.get(name):
            return name, route[name]
    return DESTINATIONS[0], ""


def create_route(cloud: Cloud, inputs: Properties, _: Operation) -> str:
    # Routes have no id of their own, so it is made of the table and the destination.
    cloud.ec2.create_route(RouteTableId=inputs["routeTableId"], **route_arguments(inputs))
    return f"r-{inputs['routeTableId']}-{destination_of(inputs)[1]}"


def live_route(cloud: Cloud, known: Properties) -> Mapping[str, Any] | None:
    table = route_table(cloud, known["routeTableId"])
    name, destination = destination_of(known)
    for route in table["Routes"] if table else ():
        if route.get(capital(name)) == destination:
            return dict(route)
    return None


def read_route(cloud: Cloud, identifier: str, known: Properties) -> Properties | None:
    # An import gives the id as `ROUTETABLEID_DESTINATION`.
    if "routeTableId" not in known:
        table, _, destination = identifier.removeprefix("r-").partition("_")
        known = {"routeTableId": table, "destinationCidrBlock": destination}
    route = live_route(cloud, known)
    if route is None:
        return None
    live = {name: route.get(api_name(name)) for name in (*DESTINATIONS, *TARGETS)}
    facts = {
        "state": route.get("State"),
        "origin": route.get("Origin"),
        "instanceId": route.get("InstanceId"),
    }
    return {"routeTableId": known["routeTableId"], **live, **facts}


def update_route(cloud: Cloud, _: str, before: Properties, inputs: Properties, __: Operation) -> None:
    if any(before.get(name) != inputs.get(name) for name in TARGETS):
        cloud.ec2.replace_route(RouteTableId=inputs["routeTableId"], **route_arguments(inputs))


def delete_route(cloud: Cloud, _: str, known: Properties, __: Operation) -> None:
    name, destination = destination_of(known)
    remove(cloud.ec2.delete_route, RouteTableId=known["routeTableId"], **{capital(name): destination})


ROUTE = ResourceType(
    "aws:ec2/route:Route",
    inputs={
        "routeTableId": Input(required=True, replaces=True),
        **{name: Input(replaces=True) for name in DESTINATIONS},
        **plain(*TARGETS),
    },
    outputs=("instanceId", "origin", "state"),
    create=create_route,
    read=read_route,
    update=update_route,
    delete=delete_route,
)

# -- route table ---------------------------------------------------------------------------------------------


def inline(route: Mapping[str, Any]) -> Properties:
    # Inside a table a route has `cidrBlock`, as a resource `destinationCidrBlock`.
    renamed = {"cidrBlock": "destinationCidrBlock", "ipv6CidrBlock": "destinationIpv6CidrBlock"}
    return {renamed.get(name, name): value for name, value in route.items() if value}


def create_route_table(cloud: Cloud, inputs: Properties, _: Operation) -> str:
    created = cloud.ec2.create_route_table(**to_api(inputs, "vpcId"), **ec2_tags("route-table", inputs))
    identifier = str(created["RouteTable"]["RouteTableId"])
    for route in inputs.get("routes") or ():
        cloud.ec2.create_route(RouteTableId=identifier, **route_arguments(inline(route)))
    return identifier


def update_route_table(
    cloud: Cloud, identifier: str, before: Properties, inputs: Properties, _: Operation
) -> None:
    # Only the inline routes are changed; routes of other resources stay.
    if inputs.get("routes") is None:
        return
    old = {destination_of(inline(route)): route for route in before.get("routes") or ()}
    new = {destination_of(inline(route)): route for route in inputs["routes"]}
    for name, destination in set(old) - set(new):
        remove(cloud.ec2.delete_route, RouteTableId=identifier, **{capital(name): destination})
    for key, route in new.items():
        if old.get(key) != route:
            change = cloud.ec2.replace_route if key in old else cloud.ec2.create_route
            change(RouteTableId=identifier, **route_arguments(inline(route)))


def read_route_table(cloud: Cloud, identifier: str, _: Properties) -> Properties | None:
    """The table with all routes except the VPC's own."""
    table = route_table(cloud, identifier)
    if table is None:
        return None
    own = [route for route in table["Routes"] if route.get("GatewayId") != "local"]
    return {
        "vpcId": table["VpcId"],
        "ownerId": table.get("OwnerId"),
        "routes": [outline(route) for route in own],
        "arn": cloud.arn("ec2", f"route-table/{identifier}"),
        "tagsAll": tag_map(table.get("Tags")),
    }


def outline(route: Mapping[str, Any]) -> Properties:
    """A live route in the form of a table's `routes`."""
    described = {
        "cidrBlock": route.get("DestinationCidrBlock"),
        "ipv6CidrBlock": route.get("DestinationIpv6CidrBlock"),
        "destinationPrefixListId": route.get("DestinationPrefixListId"),
        **{name: route.get(api_name(name)) for name in TARGETS},
    }
    return {name: value for name, value in described.items() if value}


def delete_route_table(cloud: Cloud, identifier: str, _: Properties, operation: Operation) -> None:
    remove_when_free(operation, cloud.ec2.delete_route_table, RouteTableId=identifier)


ROUTE_TABLE = ResourceType(
    "aws:ec2/routeTable:RouteTable",
    inputs={
        "vpcId": Input(required=True, replaces=True),
        "routes": Input(
            cloud_decides=True,
            same=same_set,
            agrees=same_set,
            fields=plain("cidrBlock", "ipv6CidrBlock", "destinationPrefixListId", *TARGETS),
        ),
    },
    outputs=("arn", "ownerId"),
    create=create_route_table,
    read=read_route_table,
    update=update_route_table,
    delete=delete_route_table,
    retag=retag_ec2,
)

# -- association ---------------------------------------------------------------------------------------------


def create_association(cloud: Cloud, inputs: Properties, _: Operation) -> str:
    answer = cloud.ec2.associate_route_table(**to_api(inputs, "routeTableId", "subnetId", "gatewayId"))
    return str(answer["AssociationId"])


def read_association(cloud: Cloud, identifier: str, _: Properties) -> Properties | None:
    only = [{"Name": "association.route-table-association-id", "Values": [identifier]}]
    for table in cloud.ec2.describe_route_tables(Filters=only)["RouteTables"]:
        for association in table["Associations"]:
            if association.get("RouteTableAssociationId") == identifier:
                return {
                    "routeTableId": table["RouteTableId"],
                    "subnetId": association.get("SubnetId"),
                    "gatewayId": association.get("GatewayId"),
                }
    return None


def delete_association(cloud: Cloud, identifier: str, _: Properties, __: Operation) -> None:
    # The subnet then uses the main table of the VPC again.
    remove(cloud.ec2.disassociate_route_table, AssociationId=identifier)


ASSOCIATION = ResourceType(
    "aws:ec2/routeTableAssociation:RouteTableAssociation",
    inputs={
        "routeTableId": Input(required=True, replaces=True),
        "subnetId": Input(replaces=True),
        "gatewayId": Input(replaces=True),
    },
    outputs=(),
    create=create_association,
    read=read_association,
    delete=delete_association,
)

TYPES = (ROUTE_TABLE, ROUTE, ASSOCIATION)
