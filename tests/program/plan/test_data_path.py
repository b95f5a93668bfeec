"""What works on the VPC CNI's data path and would silently stop: refused, or permitted one by one."""

from dataclasses import replace
from typing import Any

import pytest

from eks_cilium.cluster.objects import Reference
from eks_cilium.migration.facts.model import AddOn, Cluster, Facts
from eks_cilium.migration.facts.network.model import AwsNode, IpBlock, Network, NetworkPolicy
from eks_cilium.migration.facts.network.policies import policy
from eks_cilium.migration.options import CiliumChoices
from eks_cilium.migration.plan.model import Code, Plan
from eks_cilium.migration.plan.network.policies import pods_in
from eks_cilium.migration.plan.planner import plan
from eks_cilium.settings.model.migration import Allow, MigrationOptions, Target
from tests.program.plan.builders import World

pytestmark = pytest.mark.unit

BACK = MigrationOptions(target=Target.AWS_VPC_CNI)


def codes(result: Plan) -> list[Code]:
    return [found.code for found in result.blockers]


def warned(result: Plan) -> list[Code]:
    return [found.code for found in result.warnings]


def permitting(**allowed: Any) -> MigrationOptions:
    return MigrationOptions(allow=Allow(**allowed))


# Host ports


def with_agents(**changes: Any) -> Facts:
    """A DaemonSet of agents that listen on a port of their node."""
    world = World(2)
    owner = world.owner("DaemonSet", "statsd")
    for number in range(2):
        world.pod(f"statsd-{number}", number, owner, host_ports=True, **changes)
    return world.facts()


def test_host_ports_are_refused_by_workload():
    (blocker,) = plan(with_agents()).blockers

    assert (blocker.code, str(blocker.object)) == (Code.HOST_PORTS, "DaemonSet shop/statsd")
    assert "2 pods with host ports" in blocker.problem
    assert "{cni: {chainingMode: portmap}}" in blocker.fix
    assert "AL2023" in blocker.fix


def test_host_ports_of_pods_on_the_host_network_go_on():
    assert plan(with_agents(host_network=True)).clean


def test_host_ports_are_served_where_portmap_is_chained():
    assert plan(with_agents(), cilium=CiliumChoices(port_map=True)).clean


def test_dead_host_ports_can_be_permitted():
    result = plan(with_agents(), permitting(host_ports=("shop/statsd",)))

    assert result.clean
    assert Code.HOST_PORTS_LOST in warned(result)


def test_a_rollback_leads_to_host_ports_that_work():
    assert plan(with_agents(), BACK).clean


# Other plugins

MULTUS = Reference("DaemonSet", "kube-system", "kube-multus-ds")


def test_another_plugin_is_refused_while_cilium_is_exclusive():
    facts = World(1, cni_plugins=(MULTUS,)).facts()

    assert codes(plan(facts)) == [Code.CNI_PLUGIN]
    assert "{cni: {exclusive: false}}" in plan(facts).blockers[0].fix
    assert plan(facts, cilium=CiliumChoices(exclusive=False)).clean
    assert plan(facts, BACK).clean


def test_a_plugin_may_be_given_up():
    result = plan(World(1, cni_plugins=(MULTUS,)).facts(), permitting(cni_plugins=("kube-system/kube-*",)))

    assert result.clean
    assert Code.CNI_PLUGIN_LOST in warned(result)


# Addresses of another family


def test_a_cluster_of_ipv6_is_refused():
    facts = World(1, cluster=Cluster("shop", "1.34", ip_family="ipv6")).facts()

    assert codes(plan(facts)) == [Code.IP_FAMILY]
    assert "ipv6" in plan(facts).blockers[0].problem


# The add-on


@pytest.mark.parametrize(
    ("takes", "blocks", "warns"), [(True, False, False), (False, True, False), (None, False, True)]
)
def test_the_add_on_has_to_take_an_affinity(takes: bool | None, blocks: bool, warns: bool):
    add_on = AddOn("v1.9.0-eksbuild.1", "ACTIVE", takes_affinity=takes)

    result = plan(World(1, add_on=add_on).facts())

    assert (Code.ADD_ON_SCHEMA in codes(result)) is blocks
    assert (Code.ADD_ON_SCHEMA_UNKNOWN in warned(result)) is warns


# Policies

VPC = Network(cidrs=("10.0.0.0/16", "100.64.0.0/16"))
ENFORCING = AwsNode(1, 1, enforces_policies=True)


def policies(*blocks: IpBlock, aws_node: AwsNode = ENFORCING) -> Facts:
    known = NetworkPolicy(Reference("NetworkPolicy", "shop", "from-vpc"), blocks)
    return World(1, network=VPC, policies=(known,), aws_node=aws_node).facts()


def test_an_ip_block_that_holds_pods_is_refused_with_how_to_rewrite_it():
    (blocker,) = plan(policies(IpBlock("10.0.4.0/22"))).blockers

    assert (blocker.code, str(blocker.object)) == (Code.IP_BLOCK, "NetworkPolicy shop/from-vpc")
    assert "10.0.4.0/22 (pods in 10.0.0.0/16)" in blocker.problem
    assert "podSelector" in blocker.fix


def test_an_ip_block_can_be_permitted():
    result = plan(policies(IpBlock("10.0.0.0/8")), permitting(ip_blocks=("shop/*",)))

    assert result.clean
    assert Code.IP_BLOCK_LOST in warned(result)


@pytest.mark.parametrize(
    ("block", "networks"),
    [
        (IpBlock("0.0.0.0/0"), ["10.0.0.0/16", "100.64.0.0/16"]),
        (IpBlock("0.0.0.0/0", ("10.0.0.0/16",)), ["100.64.0.0/16"]),
        (IpBlock("0.0.0.0/0", ("10.0.0.0/8", "100.64.0.0/10")), []),
        (IpBlock("0.0.0.0/0", ("10.0.0.0/17", "10.0.128.0/17", "100.64.0.0/10")), []),
        (IpBlock("10.0.0.0/16", ("10.0.3.0/24",)), ["10.0.0.0/16"]),
        (IpBlock("100.64.7.9/32"), ["100.64.0.0/16"]),
        (IpBlock("192.168.0.0/16"), []),
        (IpBlock("::/0"), []),
    ],
)
def test_which_networks_of_pods_a_block_selects(block: IpBlock, networks: list[str]):
    assert pods_in(block, VPC.cidrs) == networks


def test_where_aws_does_not_tell_the_networks_private_ones_count():
    facts = replace(policies(IpBlock("172.20.1.0/24")), network=Network())

    assert codes(plan(facts)) == [Code.IP_BLOCK]


def test_policies_that_the_vpc_cni_enforces_are_interrupted():
    result = plan(policies())

    assert result.clean
    assert Code.UNPROTECTED in warned(result)
    assert Code.POLICIES_BEGIN not in warned(result)


def test_policies_that_nothing_enforced_begin_to_act():
    result = plan(policies(aws_node=AwsNode(1, 1)))

    (warning,) = [each for each in result.warnings if each.code is Code.POLICIES_BEGIN]
    assert "shop/from-vpc" in warning.text
    assert Code.UNPROTECTED not in warned(result)


def test_policies_of_another_enforcer_do_not_begin_to_act():
    facts = policies(aws_node=AwsNode(1, 1))
    calico = World(1).owner("DaemonSet", "calico-node")

    assert Code.POLICIES_BEGIN not in warned(plan(replace(facts, owners={calico.reference: calico})))


def test_blocks_are_read_from_both_directions_and_once_each():
    block = {"ipBlock": {"cidr": "10.0.0.0/16", "except": ["10.0.1.0/24"]}}
    spec = {"ingress": [{"from": [block]}], "egress": [{"to": [block, {"podSelector": {}}]}]}

    found = policy({"metadata": {"name": "p", "namespace": "shop"}, "spec": spec})

    assert found.blocks == (IpBlock("10.0.0.0/16", ("10.0.1.0/24",)),)


@pytest.mark.parametrize(
    "beside",
    [{"to": [{"namespaceSelector": {}}]}, {}, {"to": [{"namespaceSelector": {}, "podSelector": {}}]}],
)
def test_a_block_beside_all_pods_of_the_cluster_adds_none(beside: dict[str, Any]):
    spec = {"egress": [beside, {"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}]}

    assert policy({"metadata": {"name": "p", "namespace": "shop"}, "spec": spec}).blocks == ()
