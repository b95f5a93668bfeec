"""Whether new nodes and their subnets have an address for every pod, before anything is touched."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from eks_cilium.migration.facts.model import Facts
from eks_cilium.migration.facts.network.model import AwsNode, InterfaceLimits, Network, Subnet
from eks_cilium.migration.options import CiliumChoices, Recorded
from eks_cilium.migration.plan.model import Code, Plan
from eks_cilium.migration.plan.network.addresses import NodeAddresses
from eks_cilium.migration.plan.planner import plan
from eks_cilium.settings.model.migration import Allow, MigrationOptions, Target
from tests.program.plan.builders import World, group, node

pytestmark = pytest.mark.unit

M5_LARGE = InterfaceLimits(interfaces=3, addresses=10)
TYPE = "node.kubernetes.io/instance-type"
ZONE = "eu-central-1a"
PREFIXES = CiliumChoices(prefix_delegation=True)


def cluster(
    pods: int,
    *,
    limit: int | None = 110,
    nodes: int = 2,
    subnets: Mapping[str, Subnet] | None = None,
    held: int | None = None,
    limits: InterfaceLimits = M5_LARGE,
) -> Facts:
    """Nodes of m5.large in one zone, with so many pods in all, each with an address of its own."""
    world = World(0)
    world.nodes = [
        node(number, zone=ZONE, labels={TYPE: "m5.large"}, most_pods=limit) for number in range(nodes)
    ]
    known = subnets or {}
    world.groups = [replace(group(world.nodes, zones=(ZONE,)), subnets=tuple(known))]
    world.deployment("tiny", [number % nodes for number in range(pods)])
    each = {} if held is None else {f"i-{number}": {"subnet-a": held} for number in range(nodes)}
    network = Network(subnets=known, held=each, limits={"m5.large": limits})
    return replace(world.facts(), network=network)


def subnet(free: int, cidr: str = "10.0.0.0/24", blocks: int | None = 0) -> Mapping[str, Subnet]:
    return {"subnet-a": Subnet("subnet-a", ZONE, cidr, free, blocks)}


def codes(result: Plan) -> list[Code]:
    return [found.code for found in result.blockers]


def warned(result: Plan) -> list[Code]:
    return [found.code for found in result.warnings]


# Nodes


def test_nodes_sized_for_prefixes_are_refused_without_prefixes() -> None:
    """cilium: 3 interfaces of 9 addresses; kubelet takes 110 pods, and each node has 60 of them."""
    (blocker,) = plan(cluster(120)).blockers

    assert blocker.code is Code.NODE_ADDRESSES
    assert "up to 60 pods" in blocker.problem
    assert "27 addresses there without prefixes" in blocker.problem
    assert "cilium.prefixDelegation" in blocker.fix


def test_with_prefixes_the_same_nodes_have_addresses() -> None:
    result = plan(cluster(120), cilium=PREFIXES)

    assert result.clean
    assert Code.ADDRESSES_SCARCE not in warned(result)


def test_an_instance_type_that_takes_no_prefixes_has_none() -> None:
    old = replace(M5_LARGE, takes_prefixes=False)

    assert codes(plan(cluster(120, limits=old), cilium=PREFIXES)) == [Code.NODE_ADDRESSES]


def test_a_limit_above_the_addresses_is_a_caution_while_all_pods_fit() -> None:
    result = plan(cluster(20))

    assert result.clean
    (warning,) = [each for each in result.warnings if each.code is Code.ADDRESSES_SCARCE]
    assert "a limit of 110 pods" in warning.text


def test_the_usual_limit_of_kubelet_needs_no_word() -> None:
    assert Code.ADDRESSES_SCARCE not in warned(plan(cluster(40, limit=29)))


def test_a_node_as_full_as_it_can_be_is_a_caution() -> None:
    result = plan(cluster(52, limit=29))

    assert result.clean
    assert Code.ADDRESSES_SCARCE in warned(result)


def test_pods_on_the_host_network_need_no_address() -> None:
    facts = cluster(120)
    facts = replace(facts, pods=tuple(replace(pod, host_network=True) for pod in facts.pods))

    assert plan(facts).clean


def test_the_shortage_of_a_group_can_be_permitted() -> None:
    result = plan(cluster(120), MigrationOptions(allow=Allow(addresses=("work*",))))

    assert result.clean
    assert Code.ADDRESSES_SCARCE in warned(result)


def test_a_rollback_asks_for_no_addresses_of_cilium() -> None:
    assert plan(cluster(120), MigrationOptions(target=Target.AWS_VPC_CNI)).clean


def test_prefixes_of_the_vpc_cni_are_a_caution_where_limits_are_not_known() -> None:
    facts = replace(cluster(120), network=Network(), aws_node=AwsNode(2, 2, prefixes=True))

    (warning,) = [each for each in plan(facts).warnings if each.code is Code.ADDRESSES_SCARCE]

    assert "up to 60 pods" in warning.text
    assert "a limit of 110 pods" in warning.text
    assert Code.ADDRESSES_SCARCE not in warned(plan(facts, cilium=PREFIXES))


def test_an_installed_cilium_decides_where_no_configuration_is_given() -> None:
    assert plan(replace(cluster(120), cilium=PREFIXES)).clean


@pytest.mark.parametrize(
    ("prefixes", "pods", "taken"),
    [
        (False, 0, 10 + 2),  # two of its own and eight ready need a second interface
        (False, 17, 27 + 3),
        (False, 100, 27 + 3),  # no more than its interfaces hold
        (True, 0, 16 + 1),
        (True, 110, 8 * 16 + 1),
    ],
)
def test_what_a_node_takes_of_its_subnets(prefixes: bool, pods: int, taken: int) -> None:
    assert NodeAddresses(M5_LARGE, prefixes).taken(pods) == taken


# Subnets


def test_a_subnet_without_room_for_the_first_new_node_is_refused() -> None:
    (blocker,) = plan(cluster(20, limit=29, subnets=subnet(20))).blockers

    assert (blocker.code, blocker.object.name) == (Code.SUBNET_ADDRESSES, ZONE)
    assert "subnet-a 20 of 10.0.0.0/24" in blocker.problem
    assert "take 23 addresses" in blocker.problem


def test_a_larger_surge_takes_more() -> None:
    facts = cluster(20, limit=29, subnets=subnet(40))

    assert plan(facts).clean
    assert codes(plan(facts, MigrationOptions(surge=2))) == [Code.SUBNET_ADDRESSES]


def test_nodes_replaced_at_once_are_a_caution() -> None:
    result = plan(cluster(20, limit=29, subnets=subnet(30)))

    assert result.clean
    assert Code.ADDRESSES_SCARCE in warned(result)


def test_pods_of_a_secondary_network_do_not_fit_into_the_nodes_subnet() -> None:
    """Custom networking: an old node gives back its own address alone, a new one takes those of its pods."""
    facts = cluster(60, nodes=3, limit=29, subnets=subnet(59 - 3, "10.0.0.0/26"), held=1)
    facts = replace(facts, aws_node=AwsNode(3, 3, custom_network=True, pod_subnets=("subnet-pods",)))

    result = plan(facts)

    assert codes(result) == [Code.SUBNET_ADDRESSES]
    assert "take 90 in all, of 59 with the 3 that its old nodes give back" in result.blockers[0].problem
    (custom,) = [each for each in result.warnings if each.code is Code.CUSTOM_NETWORK]
    assert "subnet-pods" in custom.text
    assert "cilium.subnetIds" in custom.text


def test_subnets_that_cilium_is_told_to_use_count_instead() -> None:
    pods = {"subnet-p": Subnet("subnet-p", ZONE, "100.64.0.0/18", 16000, 1000)}
    facts = cluster(60, nodes=3, limit=29, subnets={**subnet(5, "10.0.0.0/26"), **pods}, held=1)
    facts = replace(facts, aws_node=AwsNode(3, 3, custom_network=True))

    result = plan(facts, cilium=CiliumChoices(subnets=("subnet-p",)))

    assert result.clean
    assert Code.CUSTOM_NETWORK not in warned(result)


def test_what_old_nodes_hold_comes_back() -> None:
    assert plan(cluster(40, limit=29, subnets=subnet(40), held=20)).clean


def test_scattered_addresses_are_no_prefixes() -> None:
    facts = cluster(40, subnets=subnet(100, blocks=1), held=40)

    assert codes(plan(facts, cilium=PREFIXES)) == [Code.SUBNET_ADDRESSES]
    assert plan(
        replace(facts, network=replace(facts.network, subnets=subnet(100, blocks=2))), cilium=PREFIXES
    )


def test_once_the_extra_nodes_are_there_they_are_not_counted_again() -> None:
    facts = cluster(20, limit=29, subnets=subnet(20), held=20)

    assert plan(facts, recorded=Recorded(outgoing=frozenset({"node-0", "node-1"}))).clean


def test_what_aws_refuses_to_tell_is_a_caution() -> None:
    refused = Network(untold=("ec2:DescribeSubnets: not authorized (UnauthorizedOperation)",))

    result = plan(replace(cluster(120), network=refused))

    assert result.clean
    (warning,) = [each for each in result.warnings if each.code is Code.ADDRESSES_UNKNOWN]
    assert "ec2:DescribeSubnets" in warning.text
