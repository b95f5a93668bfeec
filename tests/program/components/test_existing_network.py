"""The checks of an existing VPC before a cluster is created in it."""

import ipaddress
import re
from typing import TYPE_CHECKING, Any

import pulumi
import pytest

from components.network.existing_network import Subnet, by_endpoints, network_problems, overlay_problems
from components.network.subnets import plan_subnets
from tests.program.components.recording import WithoutKey
from tests.program.components.test_new_cluster_resources import recorded

if TYPE_CHECKING:
    from tests.program.components.recording import Recorder

pytestmark = pytest.mark.simulation

VPC = "vpc-0123456789abcdef0"
PRIVATE = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
NETWORK = {"network": {"vpcId": VPC, "privateSubnetIds": PRIVATE}}


def subnet(name: str, zone: str, default_route: str, vpc: str = "vpc-1") -> Subnet:
    return Subnet(
        id=name,
        vpc_id=vpc,
        zone=zone,
        zone_id=f"euc1-az-{zone}",
        default_route=default_route,
        destinations=["10.0.0.0/16"],
        cidr="10.0.0.0/24",
        free=200,
        on_outpost=False,
        only_ipv6=False,
    )


GOOD = [subnet("subnet-a", "a", "nat"), subnet("subnet-b", "b", "nat")]


def test_a_sound_network_has_no_problems() -> None:
    public = [subnet("subnet-c", "a", "internet"), subnet("subnet-d", "b", "internet")]

    assert network_problems("vpc-1", ["10.0.0.0/16"], "172.20.0.0/16", GOOD, public) == []


@pytest.mark.parametrize(
    ("private", "public", "cidrs", "problem"),
    [
        ([*GOOD, subnet("subnet-x", "c", "nat", "vpc-2")], [], [], "subnet-x is in vpc-2"),
        ([GOOD[0], subnet("subnet-x", "b", "none")], [], [], "its default route goes to nowhere"),
        ([GOOD[0], subnet("subnet-x", "b", "internet")], [], [], "goes to an internet gateway"),
        (GOOD, [subnet("subnet-x", "a", "nat"), subnet("subnet-y", "b", "internet")], [], "listed as public"),
        ([GOOD[0], subnet("subnet-x", "a", "nat")], [], [], "all in one zone"),
        (GOOD, [], ["10.0.0.0/16", "172.20.128.0/20"], "172.20.128.0/20 overlaps cluster.serviceCidr"),
        (
            [*GOOD, Subnet(**{**GOOD[0], "zone_id": "usw2-lax1-az1"})],
            [],
            [],
            "a Local or Wavelength Zone",
        ),
        (
            [*GOOD, Subnet(**{**GOOD[0], "zone_id": "use1-wl1-bos-wlz1"})],
            [],
            [],
            "a Local or Wavelength Zone",
        ),
        ([*GOOD, Subnet(**{**GOOD[0], "on_outpost": True})], [], [], "is on an Outpost"),
        ([*GOOD, Subnet(**{**GOOD[0], "only_ipv6": True})], [], [], "has no IPv4 network"),
    ],
)
def test_what_keeps_a_network_from_holding_a_cluster(
    private: list[Subnet], public: list[Subnet], cidrs: list[str], problem: str
) -> None:
    (found,) = network_problems("vpc-1", cidrs, "172.20.0.0/16", private, public)

    assert problem in found


@pytest.mark.parametrize(
    ("pod_cidrs", "cidrs", "routed", "problems"),
    [
        (["10.64.0.0/14"], ["10.0.0.0/16"], [], []),
        (
            ["10.64.0.0/14"],
            ["10.0.0.0/16", "10.65.0.0/16"],
            [],
            ["its network 10.65.0.0/16 overlaps 10.64.0.0/14"],
        ),
        (
            ["10.64.0.0/14"],
            [],
            ["10.66.0.0/16"],
            ["it has a route to 10.66.0.0/16, which overlaps 10.64.0.0/14"],
        ),
        (
            ["10.64.4.0/22"],
            [],
            ["10.64.0.0/16"],
            ["it has a route to 10.64.0.0/16, which overlaps 10.64.4.0/22"],
        ),
        (["10.64.0.0/14"], [], ["10.0.0.0/8"], []),
        ([], ["10.0.0.0/16"], ["10.66.0.0/16"], []),
    ],
)
def test_what_keeps_a_network_from_having_an_overlay(
    pod_cidrs: list[str], cidrs: list[str], routed: list[str], problems: list[str]
) -> None:
    subnets = [Subnet(**{**GOOD[0], "destinations": ["10.0.0.0/16", *routed]}), GOOD[1]]
    found = overlay_problems(pod_cidrs, ["10.0.0.0/16", *cidrs], subnets)

    assert [text.removesuffix(" of cilium.overlay.podCidrs") for text in found] == problems


def answers(gateway: str) -> dict[str, Any]:
    return answers_with_route({"natGatewayId": gateway})


def answers_with_route(target: dict[str, str]) -> dict[str, Any]:
    """A VPC whose main route table has a default route to a target."""
    unset = dict.fromkeys(
        (
            *(
                "natGatewayId",
                "gatewayId",
                "vpcEndpointId",
                "transitGatewayId",
                "coreNetworkArn",
                "instanceId",
            ),
            *(
                "instanceId",
                "networkInterfaceId",
                "localGatewayId",
                "vpcPeeringConnectionId",
                "carrierGatewayId",
            ),
        ),
        "",
    )
    zones = dict(zip(PRIVATE, ("eu-central-1a", "eu-central-1b"), strict=True))
    tables = {"association.subnet-id": [], "association.main": ["rtb-main"]}
    return {
        "getVpc": {"id": VPC, "cidrBlock": "10.1.0.0/16", "cidrBlockAssociations": []},
        "getSubnet": lambda asked: {
            "id": asked["id"],
            "vpcId": VPC,
            "availabilityZone": zones[asked["id"]],
            "availabilityZoneId": zones[asked["id"]],
        },
        "getRouteTables": lambda asked: {"ids": tables[asked["filters"][0]["name"]]},
        "getRouteTable": {"routes": [{**unset, "cidrBlock": "0.0.0.0/0", **target}]},
    }


def test_the_cluster_uses_the_existing_subnets_and_no_network_is_created() -> None:
    stack: Recorder = recorded(NETWORK, answers("nat-1"))

    assert stack.only("Cluster").inputs["vpcId"] == VPC
    assert stack.only("Cluster").inputs["privateSubnetIds"] == PRIVATE
    assert not [
        entry
        for entry in stack.registrations
        if entry.type.startswith("aws:ec2/") and "Template" not in entry.type
    ]


@pytest.mark.parametrize(
    ("pool", "says"),
    [
        ("10.1.128.0/17", "its network 10.1.0.0/16 overlaps 10.1.128.0/17 of cilium.overlay.podCidrs"),
        ("10.8.0.0/14", "it has a route to 10.9.0.0/16, which overlaps 10.8.0.0/14"),
    ],
)
def test_an_overlay_with_addresses_that_the_vpc_knows_is_refused(pool: str, says: str) -> None:
    known = answers("nat-1")
    (default,) = known["getRouteTable"]["routes"]
    peered = {**default, "cidrBlock": "10.9.0.0/16", "natGatewayId": "", "vpcPeeringConnectionId": "pcx-1"}
    known["getRouteTable"] = {"routes": [peered, default]}
    overlay = {"version": "1.19.7", "ipam": "cluster-pool", "overlay": {"podCidrs": [pool]}}

    with pytest.raises(pulumi.RunError, match=re.escape(says)):
        recorded({**NETWORK, "cilium": overlay}, known)


def test_a_private_subnet_without_nat_is_refused_before_anything_is_created() -> None:
    with pytest.raises(pulumi.RunError, match="listed as private but its default route goes to nowhere"):
        recorded(NETWORK, answers(""))


def test_too_few_zones_are_refused() -> None:
    with pytest.raises(pulumi.RunError, match=r"2 availability zones for EKS, network\.zones wants 3"):
        recorded(answers={"getAvailabilityZones": {"names": ["eu-x-1a", "eu-x-1b"], "zoneIds": []}})


@pytest.mark.parametrize("zone_id", ["use1-az3", "usw1-az2", "cac1-az3"])
def test_a_zone_without_control_planes_is_left_out(zone_id: str) -> None:
    names = [f"eu-central-1{letter}" for letter in "abcd"]
    zones = {"names": names, "zoneIds": ["use1-az1", zone_id, "use1-az2", "use1-az4"]}

    stack: Recorder = recorded(answers={"getAvailabilityZones": zones})

    used = {entry.inputs["availabilityZone"] for entry in stack.of("Subnet")}
    assert used == {"eu-central-1a", "eu-central-1c", "eu-central-1d"}


def test_a_zone_without_control_planes_that_is_listed_is_refused_before_the_vpc_is_made() -> None:
    zones = {"names": ["eu-central-1a", "eu-central-1b"], "zoneIds": ["use1-az1", "use1-az3"]}
    network = {"network": {"cidr": "10.0.0.0/16", "zones": ["eu-central-1a", "eu-central-1b"]}}

    with pytest.raises(pulumi.RunError, match=r"no subnets in eu-central-1b \(use1-az3\)"):
        recorded(network, {"getAvailabilityZones": zones})


def test_an_existing_subnet_in_a_zone_without_control_planes_is_refused() -> None:
    bad = subnet("subnet-x", "e", "nat")
    bad["zone_id"] = "use1-az3"

    (found,) = network_problems("vpc-1", ["10.0.0.0/16"], "172.20.0.0/16", [*GOOD, bad], [])

    assert "subnet-x is in e (use1-az3), where EKS runs no control plane" in found


@pytest.mark.parametrize(
    "target",
    [
        {"transitGatewayId": "tgw-1"},
        {"coreNetworkArn": "arn:aws:networkmanager::1:core-network/c"},
        {"vpcEndpointId": "vpce-1"},
        {"gatewayId": "vpce-1"},
        {"networkInterfaceId": "eni-1", "instanceId": "i-1"},
        {"gatewayId": "vgw-1"},
    ],
    ids=["transit gateway", "cloud wan", "firewall", "firewall as gateway", "NAT instance", "VPN"],
)
def test_private_subnets_may_leave_by_another_way_than_a_nat_gateway(target: dict[str, str]) -> None:
    stack: Recorder = recorded(NETWORK, answers_with_route(target))

    assert stack.only("Cluster").inputs["privateSubnetIds"] == PRIVATE


def test_a_peering_connection_is_no_way_out() -> None:
    with pytest.raises(pulumi.RunError, match="goes to a VPC peering connection"):
        recorded(NETWORK, answers_with_route({"vpcPeeringConnectionId": "pcx-1"}))


def test_public_subnets_may_be_behind_a_firewall() -> None:
    public = [subnet("subnet-c", "a", "firewall"), subnet("subnet-d", "b", "firewall")]

    assert network_problems("vpc-1", ["10.0.0.0/16"], "172.20.0.0/16", GOOD, public) == []


@pytest.mark.parametrize("prefix", [16, 18, 20])
def test_subnets_fill_the_network_without_overlap(prefix: int) -> None:

    plans = plan_subnets(f"10.0.0.0/{prefix}", ["a", "b", "c"])
    subnets = [ipaddress.IPv4Network(text) for plan in plans for text in (plan.private, plan.public)]

    assert all(subnet.subnet_of(ipaddress.IPv4Network(f"10.0.0.0/{prefix}")) for subnet in subnets)
    assert not any(a.overlaps(b) for i, a in enumerate(subnets) for b in subnets[i + 1 :])
    assert {subnet.prefixlen for subnet in subnets} == {prefix + 2, prefix + 4}


class WithEndpoints(WithoutKey):
    """boto3's clients, for a VPC with endpoints of these services."""

    def __init__(self, *services: str) -> None:
        super().__init__()
        self._services = services

    def paginate(self, **asked: Any) -> list[dict[str, Any]]:
        assert {"Name": "vpc-id", "Values": [VPC]} in asked["Filters"]
        names = [f"com.amazonaws.eu-central-1.{service}" for service in self._services]
        return [{"VpcEndpoints": [{"ServiceName": name} for name in names]}]


def test_a_subnet_without_a_way_out_is_accepted_where_the_vpc_has_endpoints(
    caplog: pytest.LogCaptureFixture,
) -> None:
    stack = recorded(
        NETWORK, answers(""), aws=WithEndpoints("ec2", "ecr.api", "ecr.dkr", "s3", "sts", "logs")
    )

    assert stack.only("Cluster").inputs["privateSubnetIds"] == PRIVATE
    assert "Images of Cilium have to come from one that they reach" in caplog.text


def test_without_all_of_these_endpoints_it_is_refused() -> None:
    with pytest.raises(pulumi.RunError, match=r"needs endpoints; it has none of ecr\.api, sts"):
        recorded(NETWORK, answers(""), aws=WithEndpoints("ec2", "ecr.dkr", "s3"))


def test_endpoints_make_no_public_subnet() -> None:
    public = subnet("subnet-c", "a", "none")

    assert by_endpoints(public, ["ec2"])["default_route"] == "none"
    problems = network_problems("vpc-1", ["10.0.0.0/16"], "172.20.0.0/16", GOOD, [public])
    assert "listed as public but its default route goes to nowhere" in problems[0]
