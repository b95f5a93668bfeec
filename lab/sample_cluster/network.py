"""The VPC of a sample cluster: a public and a private subnet in each zone, and one NAT gateway."""

from dataclasses import dataclass
from typing import Any

from lab.sample_cluster.clients import Aws

_CIDR = "10.1.0.0/16"
_ANYWHERE = "0.0.0.0/0"


@dataclass(frozen=True)
class Network:
    vpc: str
    public: tuple[str, ...]
    private: tuple[str, ...]


def create(aws: Aws, cluster: str, zones: int) -> Network:
    """Create a VPC whose private subnets reach the internet through the NAT gateway."""
    vpc = aws.ec2.create_vpc(CidrBlock=_CIDR, TagSpecifications=_named("vpc", cluster))["Vpc"]["VpcId"]
    for attribute in ("EnableDnsSupport", "EnableDnsHostnames"):
        aws.ec2.modify_vpc_attribute(VpcId=vpc, **{attribute: {"Value": True}})
    names = [zone["ZoneName"] for zone in aws.ec2.describe_availability_zones()["AvailabilityZones"]][:zones]
    public = [
        _subnet(aws, vpc, zone, f"10.1.{192 + number}.0/24", _subnet_tags(cluster, zone, internal=False))
        for number, zone in enumerate(names)
    ]
    # Every pod has a VPC address: a /18 has 16,000 of them per zone.
    private = [
        _subnet(aws, vpc, zone, f"10.1.{64 * number}.0/18", _subnet_tags(cluster, zone, internal=True))
        for number, zone in enumerate(names)
    ]
    for subnet in public:
        aws.ec2.modify_subnet_attribute(SubnetId=subnet, MapPublicIpOnLaunch={"Value": True})
    _route(aws, vpc, f"{cluster}-public", public, GatewayId=_internet_gateway(aws, vpc, cluster))
    _route(aws, vpc, f"{cluster}-private", private, NatGatewayId=_nat_gateway(aws, public[0], cluster))
    return Network(vpc, tuple(public), tuple(private))


def _subnet(aws: Aws, vpc: str, zone: str, cidr: str, tags: dict[str, str]) -> str:
    created = aws.ec2.create_subnet(
        VpcId=vpc, CidrBlock=cidr, AvailabilityZone=zone, TagSpecifications=_tagged("subnet", tags)
    )
    return str(created["Subnet"]["SubnetId"])


def _subnet_tags(cluster: str, zone: str, *, internal: bool) -> dict[str, str]:
    """Return the tags of a subnet, with those by which controllers choose subnets for load balancers."""
    return {
        "Name": f"{cluster}-{'private' if internal else 'public'}-{zone}",
        f"kubernetes.io/cluster/{cluster}": "shared",
        f"kubernetes.io/role/{'internal-elb' if internal else 'elb'}": "1",
    }


def _internet_gateway(aws: Aws, vpc: str, cluster: str) -> str:
    created = aws.ec2.create_internet_gateway(TagSpecifications=_named("internet-gateway", cluster))
    gateway = str(created["InternetGateway"]["InternetGatewayId"])
    aws.ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    return gateway


def _nat_gateway(aws: Aws, subnet: str, cluster: str) -> str:
    address = aws.ec2.allocate_address(Domain="vpc", TagSpecifications=_named("elastic-ip", cluster))
    created = aws.ec2.create_nat_gateway(
        SubnetId=subnet,
        AllocationId=address["AllocationId"],
        TagSpecifications=_named("natgateway", cluster),
    )
    gateway = str(created["NatGateway"]["NatGatewayId"])
    aws.ec2.get_waiter("nat_gateway_available").wait(
        NatGatewayIds=[gateway], WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
    return gateway


def _route(aws: Aws, vpc: str, name: str, subnets: list[str], **target: str) -> None:
    created = aws.ec2.create_route_table(VpcId=vpc, TagSpecifications=_named("route-table", name))
    table = created["RouteTable"]["RouteTableId"]
    aws.ec2.create_route(RouteTableId=table, DestinationCidrBlock=_ANYWHERE, **target)
    for subnet in subnets:
        aws.ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)


def _named(kind: str, name: str) -> list[dict[str, Any]]:
    return _tagged(kind, {"Name": name})


def _tagged(kind: str, tags: dict[str, str]) -> list[dict[str, Any]]:
    return [{"ResourceType": kind, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}]
