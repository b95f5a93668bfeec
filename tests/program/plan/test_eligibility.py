"""Which nodes are replaced, and which clusters cannot be migrated by this program."""

from dataclasses import replace

import pytest

from eks_cilium.cluster.names import ROTATION_ANNOTATION
from eks_cilium.cluster.objects import Reference
from eks_cilium.migration.facts.model import Cluster, Instance
from eks_cilium.migration.facts.network.model import AwsNode
from eks_cilium.migration.options import Recorded
from eks_cilium.migration.plan.model import Code
from eks_cilium.migration.plan.planner import plan
from eks_cilium.settings.model.migration import Allow, MigrationOptions, Target
from tests.program.plan.builders import World, group, node

pytestmark = pytest.mark.unit

COMPUTE = "eks.amazonaws.com/compute-type"


def names(result) -> list[str]:
    return sorted(planned.node for planned in result.nodes)


def codes(result) -> list[str]:
    return [str(blocker.code) for blocker in result.blockers]


def plain(number: int, **changes):
    """A node without the label of the AWS CNI."""
    result = node(number, **changes)
    return replace(result, labels={key: value for key, value in result.labels.items() if key != "cni-plugin"})


def agent(world: World, on: int) -> None:
    owner = world.owner("DaemonSet", "cilium")
    world.pod(f"cilium-{on}", on, owner, namespace="kube-system", labels={"k8s-app": "cilium"})


def test_before_anything_is_labelled_every_node_is_replaced():
    world = World(3)
    world.nodes = [plain(number) for number in range(3)]

    assert names(plan(world.facts())) == ["node-0", "node-1", "node-2"]


def test_a_node_with_an_agent_and_without_the_label_stays():
    world = World(2)
    world.nodes.append(plain(2))
    agent(world, 2)

    assert names(plan(world.facts())) == ["node-0", "node-1"]


def test_a_labelled_node_is_replaced_even_with_a_chained_agent():
    world = World(2)
    agent(world, 0)
    agent(world, 1)

    assert names(plan(world.facts())) == ["node-0", "node-1"]


def test_once_aws_node_is_removed_nothing_is_left_to_do():
    world = World(0, aws_node=None)
    world.nodes = [plain(0), plain(1)]

    result = plan(world.facts())

    assert result.nodes == ()
    assert result.clean


def test_a_rollback_replaces_the_nodes_without_the_label():
    world = World(2)
    world.nodes.append(plain(2))
    agent(world, 2)

    assert names(plan(world.facts(), MigrationOptions(target=Target.AWS_VPC_CNI))) == ["node-2"]


def test_without_cilium_there_is_nothing_to_roll_back():
    world = World(0)
    world.nodes = [plain(0), plain(1)]

    result = plan(world.facts(), MigrationOptions(target=Target.AWS_VPC_CNI))

    assert result.nodes == ()
    assert result.clean


def test_an_inventory_decides_where_there_is_one():
    result = plan(World(3).facts(), recorded=Recorded(outgoing=frozenset({"node-1", "node-gone"})))

    assert names(result) == ["node-1"]


def test_auto_mode_is_one_blocker_for_the_whole_cluster():
    world = World(1, cluster=Cluster("shop", "1.34", auto_mode=True))
    world.nodes += [node(1, labels={COMPUTE: "auto", "karpenter.sh/nodepool": "general-purpose"})]

    result = plan(world.facts())

    assert codes(result) == [Code.AUTO_MODE]
    assert not any(blocker.nodes for blocker in result.blockers)
    assert [node.name for node in result.impossible] == ["node-1"]


def test_a_cluster_on_fargate_alone_blocks_whatever_is_permitted():
    world = World(0)
    world.nodes = [node(0, instance=None, labels={COMPUTE: "fargate"})]

    result = plan(world.facts(), MigrationOptions(allow=Allow(fargate_nodes=True)))

    assert codes(result) == [Code.FARGATE_ONLY]


def test_fargate_beside_other_nodes_blocks_until_it_may_stay():
    world = World(1)
    world.nodes += [node(number, instance=None, labels={COMPUTE: "fargate"}) for number in (1, 2)]

    refused = plan(world.facts())
    allowed = plan(world.facts(), MigrationOptions(allow=Allow(fargate_nodes=True)))

    assert codes(refused) == [Code.FARGATE_NODE]
    assert refused.blockers[0].nodes == ("node-1", "node-2")
    assert "2 nodes on Fargate" in refused.blockers[0].problem
    assert allowed.clean
    assert [node.name for node in allowed.left_alone] == ["node-1", "node-2"]
    assert names(allowed) == ["node-0"]


def test_karpenters_nodes_block_by_node_pool_until_left_to_karpenter():
    world = World(1)
    world.nodes += [node(number, labels={"karpenter.sh/nodepool": "spot"}) for number in (1, 2)]
    world.groups = [group(world.nodes[:1])]

    refused = plan(world.facts())
    allowed = plan(world.facts(), MigrationOptions(allow=Allow(karpenter_nodes=True)))

    assert codes(refused) == [Code.KARPENTER_NODE]
    assert str(refused.blockers[0].object) == "NodePool spot"
    assert "drift" in refused.blockers[0].fix
    assert allowed.clean
    assert names(allowed) == ["node-0"]


@pytest.mark.parametrize(
    ("odd", "code"),
    [
        (node(1, labels={"kubernetes.io/os": "windows"}), Code.WINDOWS_NODE),
        (node(1, instance=None), Code.NO_INSTANCE),
        (node(1, instance="i-alone"), Code.NO_GROUP),
    ],
)
def test_nodes_that_nothing_would_replace_block(odd, code):
    world = World(1)
    world.groups = [group([node(0), node(1)])]
    world.nodes.append(odd)

    result = plan(world.facts())

    assert codes(result) == [code]
    assert result.blockers[0].nodes == ("node-1",)
    assert names(result) == ["node-0"]


def test_security_group_policies_block_a_migration_to_cilium_until_permitted():
    policy = Reference("SecurityGroupPolicy", "shop", "db-clients")
    facts = World(1, security_group_policies=(policy,)).facts()

    assert codes(plan(facts)) == [Code.SECURITY_GROUP_POLICY]
    assert plan(facts, MigrationOptions(allow=Allow(security_group_policies=True))).clean
    assert plan(facts, MigrationOptions(target=Target.AWS_VPC_CNI)).clean


def test_a_cluster_that_is_being_changed_blocks():
    facts = World(1, cluster=Cluster("shop", "1.34", status="UPDATING")).facts()

    assert codes(plan(facts)) == [Code.CLUSTER_NOT_ACTIVE]


def test_a_node_whose_instance_is_terminating_needs_no_drain():
    world = World(3)
    world.nodes[1] = node(1, annotations={ROTATION_ANNOTATION: "terminating"})
    members = (Instance("i-0", "eu-central-1a"), Instance("i-2", "eu-central-1c", "Terminating:Wait"))
    world.groups = [group(world.nodes, instances=members)]

    result = plan(world.facts())

    assert result.clean
    assert names(result) == ["node-0"]
    assert [node.name for node in result.leaving] == ["node-1", "node-2"]


def test_unusual_nodes_autoscalers_and_custom_networks_are_warnings():
    world = World(
        2,
        autoscaler=Reference("Deployment", "kube-system", "cluster-autoscaler"),
        aws_node=AwsNode(2, 2, custom_network=True),
    )
    world.nodes[0] = node(0, ready=False)
    world.nodes[1] = node(1, unschedulable=True)

    result = plan(world.facts())

    assert result.clean
    assert {str(warning.code) for warning in result.warnings} == {
        "autoscaler",
        "custom-network",
        "node-not-ready",
        "node-cordoned",
    }
