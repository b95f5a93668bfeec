"""Reads the network of a cluster: its VPC, the subnets and groups in use, and existing connections.

`eks_cilium.mesh.reading` calls it for every cluster; `stacks/mesh_clusters.py` reads Transit Gateways by it.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from eks_cilium.cilium.mesh import DOMAIN
from eks_cilium.cluster.existing import networks, node_subnets
from eks_cilium.cluster.names import STACK_TAG
from eks_cilium.errors import AwsRefusedError
from eks_cilium.mesh.model import (
    Attachment,
    Gateway,
    Network,
    Peering,
    PrivateZone,
    Route,
    RouteTable,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from eks_cilium.cluster.objects import Object
    from eks_cilium.cluster.reading import ReadingApi

_ALIVE = frozenset({"initiating-request", "pending-acceptance", "provisioning", "active"})
_ATTACHED = frozenset({"available", "pending", "pendingAcceptance", "modifying", "initiating"})
_INTERNAL_BALANCERS = "kubernetes.io/role/internal-elb"
_PAGE = 200


def network(name: str, vpc: Mapping[str, Any], aws: Callable[[str], Any], api: ReadingApi) -> Network:
    """The VPC of a cluster, and the parts that the cluster uses."""
    ec2, vpc_id = aws("ec2"), vpc["vpcId"]
    interfaces = _interfaces(ec2, _instances(api))
    used = {interface["SubnetId"] for interface in interfaces} | set(node_subnets(aws("autoscaling"), name))
    subnets = _subnets(ec2, vpc_id)
    return Network(
        vpc_id=vpc_id,
        cidrs=_cidrs(ec2, vpc_id),
        subnets=_with_zones(subnets, used),
        tables=_tables(ec2, vpc_id),
        security_groups=covering(vpc.get("clusterSecurityGroupId"), _groups(interfaces)),
        peerings=_peerings(ec2, vpc_id),
        attachments=_attachments(ec2, vpc_id),
        zones=_zones(aws("route53"), vpc_id, ec2.meta.region_name),
        for_balancers=frozenset(item["SubnetId"] for item in subnets if _INTERNAL_BALANCERS in _tags(item)),
        dns_support=_switch(ec2, vpc_id, "enableDnsSupport"),
        dns_hostnames=_switch(ec2, vpc_id, "enableDnsHostnames"),
    )


def _switch(ec2: Any, vpc_id: str, attribute: str) -> bool:
    answer = ec2.describe_vpc_attribute(VpcId=vpc_id, Attribute=attribute)
    return bool(answer[attribute[0].upper() + attribute[1:]]["Value"])


def _instances(api: ReadingApi) -> list[str]:
    """Ids of the nodes' instances, from provider ids such as `aws:///eu-central-1a/i-0123`."""
    ids = (node["spec"].get("providerID", "").rpartition("/")[2] for node in api.list("/api/v1/nodes"))
    return sorted({instance for instance in ids if instance.startswith("i-")})


def _interfaces(ec2: Any, instances: Sequence[str]) -> list[Object]:
    """Every network interface of the nodes; pods have addresses of any of them."""
    found: list[Object] = []
    for start in range(0, len(instances), _PAGE):
        wanted = [{"Name": "instance-id", "Values": list(instances[start : start + _PAGE])}]
        for page in ec2.get_paginator("describe_instances").paginate(Filters=wanted):
            for reservation in page["Reservations"]:
                for instance in reservation["Instances"]:
                    found += instance.get("NetworkInterfaces") or ()
    return found


def _groups(interfaces: Iterable[Object]) -> list[frozenset[str]]:
    return [frozenset(group["GroupId"] for group in item.get("Groups") or ()) for item in interfaces]


def covering(cluster_group: str | None, sets: Sequence[frozenset[str]]) -> tuple[str, ...]:
    """The fewest security groups of which every interface has at least one.

    `sets` are the groups of each interface. The cluster's own group comes first, then the commonest others.
    """
    found = [cluster_group] if cluster_group else []
    left = [groups for groups in sets if groups and not groups & set(found)]
    while left:
        counted = Counter(group for groups in left for group in groups)
        best = min(counted, key=lambda group: (-counted[group], group))
        found.append(best)
        left = [groups for groups in left if best not in groups]
    return tuple(found)


def _cidrs(ec2: Any, vpc_id: str) -> tuple[str, ...]:
    (vpc,) = ec2.describe_vpcs(VpcIds=[vpc_id])["Vpcs"]
    primary, *more = networks(vpc)
    return (primary, *sorted(more))


def _subnets(ec2: Any, vpc_id: str) -> list[Object]:
    pages = ec2.get_paginator("describe_subnets").paginate(Filters=_of_vpc(vpc_id))
    return [subnet for page in pages for subnet in page["Subnets"]]


def _with_zones(subnets: Iterable[Object], used: set[str]) -> dict[str, str]:
    """The subnets in use, and those for internal load balancers, each with its availability zone."""
    return {
        subnet["SubnetId"]: subnet["AvailabilityZone"]
        for subnet in sorted(subnets, key=lambda item: item["SubnetId"])
        if subnet["SubnetId"] in used or _INTERNAL_BALANCERS in _tags(subnet)
    }


def _tables(ec2: Any, vpc_id: str) -> tuple[RouteTable, ...]:
    pages = ec2.get_paginator("describe_route_tables").paginate(Filters=_of_vpc(vpc_id))
    return tuple(
        RouteTable(
            id=table["RouteTableId"],
            routes=tuple(map(_route, table["Routes"])),
            subnets=frozenset(
                entry["SubnetId"] for entry in table.get("Associations") or () if entry.get("SubnetId")
            ),
            main=any(entry.get("Main") for entry in table.get("Associations") or ()),
        )
        for page in pages
        for table in page["RouteTables"]
    )


def _route(route: Mapping[str, Any]) -> Route:
    keys = (
        "VpcPeeringConnectionId",
        "TransitGatewayId",
        "NatGatewayId",
        "GatewayId",
        "NetworkInterfaceId",
        "InstanceId",
    )
    target = next((str(route[key]) for key in keys if route.get(key)), "")
    destination = route.get("DestinationCidrBlock") or route.get("DestinationPrefixListId") or ""
    return Route(str(destination), target, route.get("State", "active"))


def _peerings(ec2: Any, vpc_id: str) -> tuple[Peering, ...]:
    found: dict[str, Peering] = {}
    for side in ("requester", "accepter"):
        filters = [{"Name": f"{side}-vpc-info.vpc-id", "Values": [vpc_id]}]
        pages = ec2.get_paginator("describe_vpc_peering_connections").paginate(Filters=filters)
        for page in pages:
            for connection in page["VpcPeeringConnections"]:
                if connection["Status"]["Code"] in _ALIVE:
                    found[connection["VpcPeeringConnectionId"]] = _peering(connection, vpc_id)
    return tuple(found[key] for key in sorted(found))


def _peering(connection: Mapping[str, Any], vpc_id: str) -> Peering:
    vpcs = {connection["RequesterVpcInfo"]["VpcId"], connection["AccepterVpcInfo"].get("VpcId", "")}
    (other,) = vpcs - {vpc_id} or {vpc_id}
    return Peering(connection["VpcPeeringConnectionId"], other, _tags(connection).get(STACK_TAG, ""))


def _attachments(ec2: Any, vpc_id: str) -> tuple[Attachment, ...]:
    pages = ec2.get_paginator("describe_transit_gateway_vpc_attachments").paginate(Filters=_of_vpc(vpc_id))
    return tuple(
        Attachment(
            id=attachment["TransitGatewayAttachmentId"],
            gateway=attachment["TransitGatewayId"],
            state=attachment["State"],
            created_by=_tags(attachment).get(STACK_TAG, ""),
        )
        for page in pages
        for attachment in page["TransitGatewayVpcAttachments"]
        if attachment["State"] in _ATTACHED
    )


def gateway(ec2: Any, gateway_id: str) -> Gateway | None:
    """An existing Transit Gateway; None where the account sees none with that id in the region."""
    filters = [{"Name": "transit-gateway-id", "Values": [gateway_id]}]
    for page in ec2.get_paginator("describe_transit_gateways").paginate(Filters=filters):
        for described in page["TransitGateways"]:
            options = described.get("Options") or {}
            return Gateway(
                id=described["TransitGatewayId"],
                state=described["State"],
                region=ec2.meta.region_name,
                associates=options.get("DefaultRouteTableAssociation", "enable") == "enable",
                propagates=options.get("DefaultRouteTablePropagation", "enable") == "enable",
                accepts=options.get("AutoAcceptSharedAttachments", "disable") == "enable",
                owner=described.get("OwnerId", ""),
            )
    return None


def _zones(route53: Any, vpc_id: str, region: str) -> tuple[PrivateZone, ...]:
    """The VPC's private zones for the mesh's domain; tags of another account's zones cannot be read."""
    summaries = route53.list_hosted_zones_by_vpc(VPCId=vpc_id, VPCRegion=region)["HostedZoneSummaries"]
    ids = [zone["HostedZoneId"] for zone in summaries if zone["Name"].rstrip(".") == DOMAIN]
    return tuple(PrivateZone(zone, _zone_tags(route53, zone).get(STACK_TAG, "")) for zone in ids)


def _zone_tags(route53: Any, zone_id: str) -> dict[str, str]:
    try:
        answer = route53.list_tags_for_resource(ResourceType="hostedzone", ResourceId=zone_id)
    except AwsRefusedError:
        return {}  # the zone belongs to another account
    return {tag["Key"]: tag["Value"] for tag in answer["ResourceTagSet"]["Tags"]}


def _of_vpc(vpc_id: str) -> list[dict[str, Any]]:
    return [{"Name": "vpc-id", "Values": [vpc_id]}]


def _tags(described: Mapping[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in described.get("Tags") or ()}
