"""Pods in subnets of their own: what is registered, and what a preview refuses."""

import base64
from typing import Any

import pulumi
import pytest

from components.network.existing_network import Subnet, pod_problems
from components.network.subnets import plan_pod_subnets
from eks_cilium.cilium.pod_limit import InterfaceLimits, beside_the_first_interface
from stacks.pod_subnets import refuse_a_late_change
from tests.program.components.recording import Recorder
from tests.program.components.test_existing_network import PRIVATE, VPC, answers
from tests.program.components.test_new_cluster_resources import recorded, settings_of

pytestmark = pytest.mark.simulation

LARGE = {"getInstanceType": {"maximumNetworkInterfaces": 3, "maximumIpv4AddressesPerInterface": 10}}
NETWORK = {"cidr": "10.0.0.0/16", "zones": 3, "nat": "single", "podCidr": "100.64.0.0/16"}
PODS = ["subnet-0123456789abcdef4", "subnet-0123456789abcdef5"]


@pytest.fixture(scope="module")
def stack() -> Recorder:
    return recorded({"network": NETWORK, "nodeGroups": {"system": {}}}, LARGE)


def test_each_zone_has_a_subnet_for_pods_with_the_routes_of_its_private_subnet(stack: Recorder) -> None:
    added = stack.only("VpcIpv4CidrBlockAssociation")
    tables = {
        entry.inputs["subnetId"]: entry.inputs["routeTableId"] for entry in stack.of("RouteTableAssociation")
    }
    for zone, block in plan_pod_subnets("100.64.0.0/16", [f"eu-central-1{zone}" for zone in "abc"]).items():
        subnet = stack.only("Subnet", f"dev-pods-{zone}")
        assert subnet.inputs["cidrBlock"] == block
        assert "kubernetes.io/role/internal-elb" not in subnet.inputs["tags"]
        assert stack.waits_for(subnet, added)
        assert tables[f"dev-pods-{zone}-id"] == tables[f"dev-private-{zone}-id"]


def test_nodes_and_the_control_plane_stay_in_their_own_subnets(stack: Recorder) -> None:
    (group,) = (entry for entry in stack.of("NodeGroup") if entry.custom)
    for subnets in (group.inputs["subnetIds"], stack.only("Cluster").inputs["privateSubnetIds"]):
        assert subnets == [f"dev-private-eu-central-1{zone}-id" for zone in "abc"]


def test_the_operator_makes_interfaces_for_pods_in_their_subnets_alone(stack: Recorder) -> None:
    eni = stack.only("Release").inputs["values"]["eni"]
    pods = [f"dev-pods-eu-central-1{zone}-id" for zone in "abc"]

    assert eni["nodeSpec"] == {"firstInterfaceIndex": 1, "subnetIDs": pods}
    # The operator knows only subnets of the filter, and reads the gateways of nodes' own from them.
    assert eni["subnetIDsFilter"] == [*(f"dev-private-eu-central-1{zone}-id" for zone in "abc"), *pods]
    policy = stack.only("RolePolicy", "dev-cilium-operator").inputs["policy"]
    assert all(f"subnet/{subnet}" in policy for subnet in pods)


def test_a_node_takes_the_pods_that_its_further_interfaces_have_addresses_for(stack: Recorder) -> None:
    document = base64.b64decode(stack.only("LaunchTemplate").inputs["userData"]).decode()

    assert "maxPods: 18" in document


def test_without_pod_subnets_nothing_changes() -> None:
    plain = recorded({"nodeGroups": {"system": {}}})

    assert plain.of("VpcIpv4CidrBlockAssociation") == []
    assert "nodeSpec" not in plain.only("Release").inputs["values"]["eni"]
    assert "maxPods" not in base64.b64decode(plain.only("LaunchTemplate").inputs["userData"]).decode()


@pytest.mark.parametrize(
    ("limits", "prefixes", "pods"),
    [
        ((3, 10), False, 18),
        ((3, 10), True, 288),
        ((2, 2), False, 1),
        ((1, 30), False, 0),
        ((4, 15), True, 672),
    ],
)
def test_the_addresses_beside_the_first_interface(limits: tuple[int, int], prefixes: bool, pods: int) -> None:
    assert beside_the_first_interface(InterfaceLimits(*limits), prefixes=prefixes) == pods


@pytest.mark.parametrize(
    ("group", "limits", "part"),
    [
        ({"maxPods": 30}, (3, 10), "nodeGroups.system.maxPods is 30\n    allowed: at most 18"),
        ({"instanceTypes": ["t3.small"]}, (3, 4), 'instanceTypes[0] is "t3.small"'),
    ],
)
def test_more_pods_than_addresses_are_refused(
    group: dict[str, Any], limits: tuple[int, int], part: str
) -> None:
    names = ("maximumNetworkInterfaces", "maximumIpv4AddressesPerInterface")
    with pytest.raises(pulumi.RunError) as refused:
        recorded(
            {"network": NETWORK, "nodeGroups": {"system": group}},
            {"getInstanceType": dict(zip(names, limits, strict=True))},
        )

    assert part in str(refused.value)


@pytest.mark.parametrize(("largest", "warned"), [(3, False), (450, True)])
def test_too_few_addresses_for_all_nodes_are_a_warning(
    caplog: pytest.LogCaptureFixture, largest: int, warned: bool
) -> None:
    network = NETWORK | {"podCidr": "100.64.0.0/22"}
    recorded({"network": network, "nodeGroups": {"system": {"maxSize": largest}}}, LARGE)

    assert ("the last nodes would get none" in caplog.text) is warned


def test_with_masquerading_pods_keep_their_addresses_among_themselves(
    caplog: pytest.LogCaptureFixture,
) -> None:
    cilium = {"version": "1.19.7", "masquerade": "on"}
    values = recorded({"network": NETWORK, "cilium": cilium}, LARGE).only("Release").inputs["values"]

    assert values["ipv4NativeRoutingCIDR"] == "100.64.0.0/16"
    assert "pods reach 10.0.0.0/16 of their own VPC with their interface's address" in caplog.text


def subnet(name: str, zone: str, default_route: str = "nat", vpc: str = "vpc-1") -> Subnet:
    return Subnet(
        id=name,
        vpc_id=vpc,
        zone=zone,
        zone_id=zone,
        default_route=default_route,
        destinations=[],
        cidr="100.64.0.0/18",
        free=1000,
        on_outpost=False,
        only_ipv6=False,
    )


NODES = [subnet("subnet-a", "a"), subnet("subnet-b", "b")]


@pytest.mark.parametrize(
    ("pods", "leave_by_them", "problems"),
    [
        ([], True, []),
        ([subnet("subnet-c", "a"), subnet("subnet-d", "b")], True, []),
        ([subnet("subnet-c", "a", "transit"), subnet("subnet-d", "b", "appliance")], True, []),
        ([subnet("subnet-c", "a", "none"), subnet("subnet-d", "b", "none")], False, []),
        ([subnet("subnet-c", "a", "none"), subnet("subnet-d", "b")], True, ["default route goes to nowhere"]),
        ([subnet("subnet-c", "a")], True, ["no subnet in b"]),
        ([subnet("subnet-c", "a", vpc="vpc-2"), subnet("subnet-d", "b")], True, ["subnet-c is in vpc-2"]),
    ],
)
def test_which_existing_subnets_can_be_those_of_pods(
    pods: list[Subnet], leave_by_them: bool, problems: list[str]
) -> None:
    found = pod_problems("vpc-1", NODES, pods, leave_by_them)

    assert len(found) == len(problems)
    assert all(part in text for part, text in zip(problems, found, strict=True))


def test_existing_subnets_for_pods_are_used_as_they_are() -> None:
    zones = dict(zip((*PRIVATE, *PODS), ("eu-central-1a", "eu-central-1b") * 2, strict=True))
    known = answers("nat-1") | LARGE
    known["getSubnet"] = lambda asked: {
        "id": asked["id"],
        "vpcId": VPC,
        "availabilityZone": zones[asked["id"]],
        "availabilityZoneId": zones[asked["id"]],
        "cidrBlock": "100.64.0.0/18",
        "availableIpAddressCount": 16000,
    }
    network = {"vpcId": VPC, "privateSubnetIds": PRIVATE, "podSubnetIds": PODS}

    stack = recorded({"network": network}, known)

    assert stack.only("Release").inputs["values"]["eni"]["nodeSpec"]["subnetIDs"] == PODS
    assert stack.only("Cluster").inputs["privateSubnetIds"] == PRIVATE


@pytest.mark.parametrize(
    ("network", "exported", "part"),
    [
        (NETWORK, {}, None),
        (NETWORK, {"network": {"podNetworks": ["100.64.0.0/16"]}}, None),
        (NETWORK, {"network": {"vpcId": "vpc-1"}}, "nothing: the cluster has none"),
        (NETWORK, {"network": {"podNetworks": ["100.65.0.0/16"]}}, "100.65.0.0/16, as when the cluster"),
        ({"cidr": "10.0.0.0/16"}, {"network": {"podNetworks": ["100.64.0.0/16"]}}, "is not set"),
        ({"cidr": "10.0.0.0/16"}, {"network": {"vpcId": "vpc-1"}}, None),
        (
            {"vpcId": VPC, "privateSubnetIds": PRIVATE, "podSubnetIds": PODS},
            {"network": {"podNetworks": PODS[:1]}},
            None,
        ),
        (
            {"vpcId": VPC, "privateSubnetIds": PRIVATE, "podSubnetIds": PODS[:1]},
            {"network": {"podNetworks": PODS}},
            "as when the cluster was created",
        ),
    ],
    ids=["new", "same", "added", "other", "removed", "none", "one more subnet", "one less"],
)
def test_pods_of_a_cluster_that_exists_stay_where_they_are(
    network: dict[str, Any], exported: dict[str, Any], part: str | None
) -> None:
    settings = settings_of({"network": network})
    if part is None:
        refuse_a_late_change(settings, exported)
        return
    with pytest.raises(pulumi.RunError) as refused:
        refuse_a_late_change(settings, exported)
    assert part in str(refused.value)
