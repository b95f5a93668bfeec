"""An existing VPC, read and checked before anything is created in it.

`stacks/new_cluster_base.py` registers it where the configuration names a VPC. EKS and Cilium need subnets of
that VPC in two zones at least. Private ones route to something that leads out of the VPC: a NAT gateway, a
Transit Gateway, a firewall, an appliance. Public ones route to an internet gateway, directly or through a
firewall.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from components.naming import token
from components.network.zones import WITHOUT_CONTROL_PLANES, is_edge

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence


_TARGETS = {
    "nat": "a NAT gateway",
    "internet": "an internet gateway",
    "firewall": "a firewall endpoint",
    "transit": "a Transit Gateway or Cloud WAN",
    "appliance": "an instance or network interface",
    "vpn": "a virtual private gateway",
    "peering": "a VPC peering connection",
    "endpoints": "nowhere, beside endpoints of the VPC",
    "none": "nowhere",
}

# Beside NAT gateways: docs.aws.amazon.com/vpc/latest/userguide/route-table-options.html. What is behind these
# targets cannot be seen from here. A peering connection is not among them: AWS lets no peer use the other's
# way to the internet (docs.aws.amazon.com/vpc/latest/peering/vpc-peering-basics.html, edge to edge routing).
_OUT_OF_A_PRIVATE_SUBNET = ("nat", "firewall", "transit", "appliance", "vpn", "endpoints")
_OUT_OF_A_PUBLIC_SUBNET = ("internet", "firewall")

# docs.aws.amazon.com/eks/latest/userguide/private-clusters.html, for what the nodes of this program call.
INSTEAD_OF_A_WAY_OUT = ("ec2", "ecr.api", "ecr.dkr", "s3", "sts")
"""Services whose endpoints a VPC needs where a private subnet has no default route."""


_LARGEST_VPC = 16
"""The shortest prefix of a VPC's network."""


class ExistingNetworkArgs(TypedDict):
    """The arguments of an `ExistingNetwork`."""

    vpc_id: str
    """Id of the VPC."""
    private_subnet_ids: Sequence[str]
    """Subnets whose default route leads to a NAT gateway, Transit Gateway, firewall or appliance."""
    public_subnet_ids: Sequence[str]
    """Subnets whose default route leads to an internet gateway, or to a firewall before it."""
    service_cidr: str
    """Network of Service addresses, which must not overlap the VPC."""
    pod_cidrs: NotRequired[Sequence[str]]
    """Networks of an overlay, which must not overlap the VPC, nor what it has routes to. Default: none."""
    endpoint_services: NotRequired[Sequence[str]]
    """AWS services that have an endpoint in the VPC, such as ecr.api. Default: none."""
    pod_subnet_ids: NotRequired[Sequence[str]]
    """Subnets for pods alone. Default: none, pods share the subnets of nodes."""
    pods_leave_by_them: NotRequired[bool]
    """Whether pods leave the VPC from there, not with their node's address. Default: True."""


class ExistingNetwork(pulumi.ComponentResource):
    """A VPC that is only read, with the same outputs as `Network`. It creates nothing.

    Raises `pulumi.RunError` with every reason why the VPC cannot hold a cluster.
    """

    vpc_id: pulumi.Output[str]
    """Id of the VPC."""
    cidr: pulumi.Output[str]
    """The VPC's first network."""
    cidrs: Sequence[str]
    """All networks of the VPC, its first one first."""
    private_subnet_ids: list[pulumi.Output[str]]
    """The private subnets, in the order of the arguments."""
    public_subnet_ids: list[pulumi.Output[str]]
    """The public subnets, in the order of the arguments."""
    pod_networks: Sequence[str]
    """The networks of the subnets for pods alone; empty where there are none."""
    pod_subnet_ids: list[pulumi.Output[str]]
    """The subnets for pods alone, in the order of the arguments."""
    free_for_pods: int
    """How many addresses are free in them."""
    isolated: Sequence[str]
    """Private subnets without a default route, from which nodes reach AWS by endpoints of the VPC."""

    def __init__(
        self, name: str, args: ExistingNetworkArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(token("ExistingNetwork"), name, {}, opts)
        invoke = pulumi.InvokeOptions(parent=self)
        vpc = aws.ec2.get_vpc(id=args["vpc_id"], opts=invoke)
        reached = args.get("endpoint_services", ())
        private = [
            by_endpoints(_look_up(subnet_id, invoke), reached) for subnet_id in args["private_subnet_ids"]
        ]
        public = [_look_up(subnet_id, invoke) for subnet_id in args["public_subnet_ids"]]
        self.cidrs = _cidrs(vpc)
        pods = [
            by_endpoints(_look_up(subnet_id, invoke), reached)
            for subnet_id in args.get("pod_subnet_ids") or ()
        ]
        problems = network_problems(vpc.id, self.cidrs, args["service_cidr"], private, public)
        problems += missing_endpoints(private, reached)
        problems += overlay_problems(args.get("pod_cidrs", ()), self.cidrs, [*private, *public])
        problems += pod_problems(vpc.id, [*private, *public], pods, args.get("pods_leave_by_them", True))
        if problems:
            raise pulumi.RunError("\n  ".join([f"{vpc.id} cannot hold this cluster:", *problems]))
        self.isolated = [subnet["id"] for subnet in private if subnet["default_route"] == "endpoints"]
        self.vpc_id = pulumi.Output.from_input(vpc.id)
        self.cidr = pulumi.Output.from_input(vpc.cidr_block)
        self.private_subnet_ids = [pulumi.Output.from_input(subnet["id"]) for subnet in private]
        self.public_subnet_ids = [pulumi.Output.from_input(subnet["id"]) for subnet in public]
        self.pod_subnet_ids = [pulumi.Output.from_input(subnet["id"]) for subnet in pods]
        self.pod_networks = [subnet["cidr"] for subnet in pods]
        self.free_for_pods = sum(subnet["free"] for subnet in pods)
        self.register_outputs({"vpcId": self.vpc_id})


class Subnet(TypedDict):
    """A subnet, as far as the checks need it."""

    id: str
    """Id of the subnet."""
    vpc_id: str
    """VPC of the subnet."""
    zone: str
    """Availability zone, such as eu-central-1a."""
    zone_id: str
    """Id of the zone, such as euc1-az2, which is the same in every account."""
    default_route: str
    """Kind of the target of the route for 0.0.0.0/0, a key of `_TARGETS`."""
    destinations: Sequence[str]
    """Networks of the other routes."""
    cidr: str
    """Network of the subnet."""
    free: int
    """Addresses that are free."""
    on_outpost: bool
    only_ipv6: bool


def network_problems(
    vpc_id: str,
    cidrs: Sequence[str],
    service_cidr: str,
    private: Sequence[Subnet],
    public: Sequence[Subnet],
) -> list[str]:
    """Every reason why a VPC cannot hold a cluster, one phrase each; empty where it can."""
    problems = [
        f"{subnet['id']} is in {subnet['vpc_id']}"
        for subnet in (*private, *public)
        if subnet["vpc_id"] != vpc_id
    ]
    problems += [
        f"{subnet['id']} is listed as {kind} but its default route goes to {_words(subnet)}"
        for kind, wanted, subnets in (
            ("private", _OUT_OF_A_PRIVATE_SUBNET, private),
            ("public", _OUT_OF_A_PUBLIC_SUBNET, public),
        )
        for subnet in subnets
        if subnet["default_route"] not in wanted
    ]
    problems += [
        f"{subnet['id']} is in {subnet['zone']} ({subnet['zone_id']}), where EKS runs no control plane"
        for subnet in (*private, *public)
        if subnet["zone_id"] in WITHOUT_CONTROL_PLANES
    ]
    problems += [reason for subnet in (*private, *public) for reason in _unusual(subnet)]
    for kind, subnets in (("private", private), ("public", public)):
        if subnets and len({subnet["zone"] for subnet in subnets}) < 2:
            problems.append(f"the {kind} subnets are all in one zone, EKS needs two")
    services = ipaddress.IPv4Network(service_cidr)
    problems += [
        f"its network {cidr} overlaps cluster.serviceCidr {service_cidr}"
        for cidr in cidrs
        if ipaddress.IPv4Network(cidr).overlaps(services)
    ]
    return problems


def _unusual(subnet: Subnet) -> Iterator[str]:
    """What EKS takes from no subnet of a control plane, and this program not from nodes.

    docs.aws.amazon.com/eks/latest/userguide/network-reqs.html: "The subnets can't reside in AWS Outposts, AWS
    Wavelength, or an AWS Local Zone".
    """
    if is_edge(subnet["zone_id"]):
        yield f"{subnet['id']} is in {subnet['zone']}, a Local or Wavelength Zone, which EKS does not take"
    if subnet["on_outpost"]:
        yield f"{subnet['id']} is on an Outpost, which EKS does not take"
    if subnet["only_ipv6"]:
        yield f"{subnet['id']} has no IPv4 network; nodes and pods need IPv4 addresses"


def by_endpoints(subnet: Subnet, services: Collection[str]) -> Subnet:
    """The subnet, from which nodes reach AWS by endpoints of these services where it has no default route."""
    enough = set(INSTEAD_OF_A_WAY_OUT) <= set(services)
    if subnet["default_route"] != "none" or not enough:
        return subnet
    return {**subnet, "default_route": "endpoints"}


def missing_endpoints(private: Sequence[Subnet], services: Collection[str]) -> list[str]:
    """What private subnets without a default route need instead of one; empty where all have one."""
    if all(subnet["default_route"] != "none" for subnet in private):
        return []
    missing = [service for service in INSTEAD_OF_A_WAY_OUT if service not in services]
    return [f"instead of a default route the VPC needs endpoints; it has none of {', '.join(missing)}"]


def overlay_problems(pod_cidrs: Sequence[str], cidrs: Sequence[str], subnets: Sequence[Subnet]) -> list[str]:
    """Every reason why pods cannot have an overlay of these networks, one phrase each.

    An address that a pod and another host have is the pod's on every node. A route to a wide network such as
    10.0.0.0/8 does not say who has the pool's addresses, so it is no reason; VPCs have a /16 or less.
    """
    routed = sorted({network for subnet in subnets for network in subnet["destinations"]} - set(cidrs))
    found = []
    for text in pod_cidrs:
        pool = ipaddress.IPv4Network(text)
        found += [
            f"its network {cidr} overlaps {text} of cilium.overlay.podCidrs"
            for cidr in cidrs
            if pool.overlaps(ipaddress.IPv4Network(cidr))
        ]
        found += [
            f"it has a route to {cidr}, which overlaps {text} of cilium.overlay.podCidrs"
            for cidr in routed
            if _is_claimed(ipaddress.IPv4Network(cidr), pool)
        ]
    return found


def _is_claimed(routed: ipaddress.IPv4Network, pool: ipaddress.IPv4Network) -> bool:
    return routed.subnet_of(pool) or (routed.prefixlen >= _LARGEST_VPC and routed.overlaps(pool))


def pod_problems(
    vpc_id: str, nodes: Sequence[Subnet], pods: Sequence[Subnet], leave_by_them: bool
) -> list[str]:
    """Every reason why subnets cannot be those of pods, one phrase each; empty where they can, or are none.

    Cilium's operator takes a subnet of the zone of the node, or that of the node itself where it finds none
    (`findSuitableSubnet` in pkg/aws/eni/node.go of cilium/cilium).
    """
    if not pods:
        return []
    problems = [f"{subnet['id']} is in {subnet['vpc_id']}" for subnet in pods if subnet["vpc_id"] != vpc_id]
    problems += [
        f"{subnet['id']} is for pods, which leave the VPC from there, but its default route goes to "
        f"{_words(subnet)}"
        for subnet in pods
        if leave_by_them and subnet["default_route"] not in _OUT_OF_A_PRIVATE_SUBNET
    ]
    missing = {subnet["zone"] for subnet in nodes} - {subnet["zone"] for subnet in pods}
    return problems + [f"network.podSubnetIds has no subnet in {zone}" for zone in sorted(missing)]


def _words(subnet: Subnet) -> str:
    return _TARGETS[subnet["default_route"]]


def _cidrs(vpc: aws.ec2.GetVpcResult) -> list[str]:
    # One that was taken from the VPC is listed for a while after.
    more = [
        association.cidr_block
        for association in vpc.cidr_block_associations or []
        if (association.state or "associated") in ("associated", "associating")
    ]
    return list(dict.fromkeys([vpc.cidr_block, *more]))


def _look_up(subnet_id: str, invoke: pulumi.InvokeOptions) -> Subnet:
    subnet = aws.ec2.get_subnet(id=subnet_id, opts=invoke)
    routes = _routes(subnet.id, subnet.vpc_id, invoke)
    by_default = next((route for route in routes if route.cidr_block == "0.0.0.0/0"), None)
    return Subnet(
        id=subnet.id,
        vpc_id=subnet.vpc_id,
        zone=subnet.availability_zone,
        zone_id=subnet.availability_zone_id or "",
        default_route="none" if by_default is None else _kind_of_target(by_default),
        destinations=[route.cidr_block for route in routes if route.cidr_block and route is not by_default],
        cidr=subnet.cidr_block or "",
        free=subnet.available_ip_address_count or 0,
        on_outpost=bool(subnet.outpost_arn),
        only_ipv6=bool(subnet.ipv6_native),
    )


def _routes(
    subnet_id: str, vpc_id: str, invoke: pulumi.InvokeOptions
) -> list[aws.ec2.outputs.GetRouteTableRouteResult]:
    """The routes of a subnet; one without a table of its own uses the VPC's main table."""
    of_subnet = aws.ec2.GetRouteTablesFilterArgs(name="association.subnet-id", values=[subnet_id])
    main = aws.ec2.GetRouteTablesFilterArgs(name="association.main", values=["true"])
    tables = aws.ec2.get_route_tables(vpc_id=vpc_id, filters=[of_subnet], opts=invoke)
    if not tables.ids:
        tables = aws.ec2.get_route_tables(vpc_id=vpc_id, filters=[main], opts=invoke)
    return [
        route
        for table_id in tables.ids
        for route in aws.ec2.get_route_table(route_table_id=table_id, opts=invoke).routes
    ]


def _kind_of_target(route: aws.ec2.outputs.GetRouteTableRouteResult) -> str:
    gateway = route.gateway_id or ""
    kinds = {
        "nat": route.nat_gateway_id,
        "firewall": route.vpc_endpoint_id or gateway.startswith("vpce-"),
        "transit": route.transit_gateway_id or route.core_network_arn,
        "appliance": route.instance_id or route.network_interface_id,
        "vpn": gateway.startswith("vgw-") or route.local_gateway_id,
        "internet": gateway.startswith("igw-"),
        "peering": route.vpc_peering_connection_id,
    }
    return next((kind for kind, is_target in kinds.items() if is_target), "none")
