"""When a resource acts again, what it leaves in state, and what deleting it does."""

from typing import Any

import pytest

from eks_cilium.dynamic.chaining.chained_agents import ChainedAgentsProvider, UnchainingProvider
from eks_cilium.dynamic.chaining.managed_pods import ManagedPodsProvider
from eks_cilium.dynamic.chaining.pod_inventory import PodInventoryProvider
from eks_cilium.dynamic.chaining.pod_refresh import PodRefreshProvider
from eks_cilium.dynamic.chaining.snat_exclusions import SnatExclusionsProvider
from eks_cilium.dynamic.policy_enforcement import PolicyPauseProvider, PolicyResumeProvider
from eks_cilium.dynamic.replacement.agent_gates import AgentGateProvider, AgentsGoneProvider
from eks_cilium.dynamic.replacement.aws_node_affinity import AwsNodeAffinityProvider
from eks_cilium.dynamic.replacement.aws_node_removal import AwsNodeRemovalProvider
from eks_cilium.dynamic.replacement.canary_check import CanaryCheckProvider
from eks_cilium.dynamic.replacement.node_batch import NodeBatchProvider
from eks_cilium.dynamic.replacement.node_inventory import NodeInventoryProvider, exported_again
from eks_cilium.dynamic.replacement.node_rotation import NodeRotationProvider
from eks_cilium.dynamic.replacement.surge import CapacityRestoreProvider, SurgeProvider
from eks_cilium.dynamic.shell.operation import OperationProvider
from eks_cilium.migration.aws_node import binding
from eks_cilium.migration.capacity import surge
from eks_cilium.migration.inventory import recording
from eks_cilium.migration.rotation import restore, steps
from eks_cilium.runtime.errors import StoppedError
from eks_cilium.settings.model.migration import Target
from tests.program.rotation.migrations import options, run
from tests.program.rotation.simulation.world import CONFIG_MAPS, DAEMON_SETS, STOCK_TERMS, Simulation

from .shells import inputs, nodes_of, over

pytestmark = pytest.mark.simulation

KINDS: list[type[OperationProvider[Any]]] = [
    NodeInventoryProvider,
    AwsNodeAffinityProvider,
    PolicyPauseProvider,
    AgentGateProvider,
    SurgeProvider,
    NodeBatchProvider,
    NodeRotationProvider,
    CapacityRestoreProvider,
    AgentsGoneProvider,
    CanaryCheckProvider,
    AwsNodeRemovalProvider,
    PolicyResumeProvider,
    PodInventoryProvider,
    ChainedAgentsProvider,
    PodRefreshProvider,
    ManagedPodsProvider,
    UnchainingProvider,
    SnatExclusionsProvider,
]
MADE = inputs(
    nodes=["node-1", "node-2"],
    left=2,
    node="node-1",
    workloads=["Deployment shop/web"],
    workload={"kind": "Deployment", "namespace": "shop", "name": "web"},
    peers=["10.2.0.0/16"],
    plan=["evict 3 pods"],
)


def changes(kind: type[OperationProvider[Any]], **to: Any) -> bool:
    return bool(kind().diff("id", {**MADE, "result": {}}, {**MADE, **to}).changes)


@pytest.fixture
def simulation() -> Simulation:
    return Simulation(workers=3)


@pytest.mark.parametrize("kind", KINDS)
def test_a_different_plan_is_no_change(kind: type[OperationProvider[Any]]) -> None:
    assert not changes(kind, plan=["gone"], left=0)


@pytest.mark.parametrize("kind", KINDS)
def test_other_limits_or_exceptions_are_no_change(kind: type[OperationProvider[Any]]) -> None:
    assert not changes(
        kind, options={"drainTimeoutSeconds": 60, "allow": {"budgets": ["a/b"]}, "parallel": 4}
    )


@pytest.mark.parametrize("kind", KINDS)
def test_what_earlier_versions_kept_is_no_change(kind: type[OperationProvider[Any]]) -> None:
    """They kept the URN of a resource, and among its outputs what only a plan is made or shown by."""
    plan = {"cilium": {"version": "1.20.2"}, "vpc_cni_version": "v1.20.5-eksbuild.1"}
    earlier = {**MADE, **plan, "urn": "urn:pulumi:a::b::c::d", "result": {"node": "node-1"}}
    news = {key: value for key, value in MADE.items() if key != "plan"}

    assert not kind().diff("id", earlier, {**news, **plan}).changes
    kept = over(None, kind).update("id", earlier, {**news, **plan, "profile": "ops"}).outs
    assert kept is not None
    assert kept.keys() == {*news, "result"} - (set() if kind.has_undo else {"options"})


@pytest.mark.parametrize("kind", [kind for kind in KINDS if not kind.has_undo])
def test_what_undoes_nothing_is_deleted_without_options(kind: type[OperationProvider[Any]]) -> None:
    simulation = Simulation(workers=1)
    methods: list[str] = []
    simulation.api.answers.append(lambda request: methods.append(request.method))

    over(simulation, kind).delete("id", {key: value for key, value in MADE.items() if key != "options"})

    assert set(methods) <= {"GET"}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "change", [{"migration": "later"}, {"target": "aws-vpc-cni"}, {"engine_version": "2"}]
)
def test_another_migration_is_a_change(kind: type[OperationProvider[Any]], change: dict[str, str]) -> None:
    assert changes(kind, **change)


@pytest.mark.parametrize("kind", KINDS)
def test_other_credentials_are_kept_without_acting(kind: type[OperationProvider[Any]]) -> None:
    assert changes(kind, profile="ops")

    kept = over(None, kind).update("id", {**MADE, "result": {"a": 1}}, {**MADE, "profile": "ops"})

    assert kept.outs is not None
    assert kept.outs["profile"] == "ops"
    assert kept.outs["result"] == {"a": 1}


def test_a_wider_surge_acts_while_a_node_is_left() -> None:
    assert changes(SurgeProvider, options={"surge": 3})
    assert not changes(SurgeProvider, options={"surge": 3}, left=0)


def test_a_group_that_could_not_grow_is_tried_again_while_a_node_is_left() -> None:
    assert changes(SurgeProvider, given_up=["gpu"])
    assert not changes(SurgeProvider, given_up=["gpu"], left=0)
    assert not changes(SurgeProvider, given_up=[])


def test_a_node_that_was_skipped_is_tried_again_and_planned_again(simulation: Simulation) -> None:
    name = nodes_of(simulation)[0]
    skipped = {**MADE, "node": name, "plan": ["old"], "result": {"node": name, "skipped": "no capacity"}}
    provider = over(simulation, NodeRotationProvider)

    assert provider.diff("id", skipped, {**MADE, "node": name}).changes
    checked = provider.check({**MADE, "node": name}, {**MADE, "node": name, "again": True})

    assert checked.failures == []
    assert checked.inputs["plan"] != ["old"]


def test_the_inventory_is_recorded_again_for_other_nodes_and_not_for_another_order() -> None:
    assert changes(NodeInventoryProvider, nodes=["node-1", "node-3"])
    assert not changes(NodeInventoryProvider, nodes=["node-2", "node-1"])


# What is made


def test_the_inventory_says_when_it_was_recorded_and_keeps_the_plan(simulation: Simulation) -> None:
    given = inputs(nodes=nodes_of(simulation), left=3)

    made = over(simulation, NodeInventoryProvider).create(given)

    kept = recording.read(simulation.world(), Target.CILIUM)
    assert kept is not None
    assert made.id == "demo/NodeInventory"
    assert made.outs is not None
    assert made.outs["result"]["taken"] == kept.taken
    assert made.outs["result"]["plan"]["headline"].startswith("Cluster demo: 3 nodes from")
    assert made.outs["result"]["plan"]["nodes"] == 3
    assert len(simulation.nodes(**{"cni-plugin": "aws"})) == 3


def test_a_state_that_holds_the_whole_plan_is_exported_in_short() -> None:
    """Versions before 2026-11 kept the plan as Markdown and as JSON."""
    whole = {"markdown": "# Replacement plan of cluster demo\n\nCluster demo: 3 nodes.\n", "json": "{}"}

    assert exported_again(whole) == {"headline": "Cluster demo: 3 nodes"}
    assert exported_again({"headline": "Cluster demo", "nodes": 3}) == {
        "headline": "Cluster demo",
        "nodes": 3,
    }


def test_a_node_that_joined_since_the_program_began_stops_the_run(simulation: Simulation) -> None:
    given = inputs(nodes=nodes_of(simulation)[:2], left=2)
    inventory = over(simulation, NodeInventoryProvider)

    with pytest.raises(StoppedError, match=f"{nodes_of(simulation)[2]} joined"):
        inventory.create(given)

    assert inventory.create(inputs(nodes=nodes_of(simulation), left=3))


def test_ciliums_agents_are_restricted_to_old_nodes_before_aws_node_is_restored(
    simulation: Simulation,
) -> None:
    migrated(simulation)
    world = simulation.world()
    back = options(target=Target.AWS_VPC_CNI)
    recording.record_inventory(run(world, back))

    over(simulation, AwsNodeAffinityProvider).create(inputs(target="aws-vpc-cni"))

    assert cilium_terms(simulation) == [{"key": "cni-plugin", "operator": "In", "values": ["cilium"]}]


def test_the_gate_of_a_migration_to_cilium_leaves_agents_where_helm_placed_them(
    simulation: Simulation,
) -> None:
    begun(simulation)
    generation = simulation.daemon_set("cilium")["metadata"]["generation"]

    over(simulation, AgentGateProvider).create(inputs())

    assert simulation.daemon_set("cilium")["metadata"]["generation"] == generation


def test_a_migration_after_half_a_rollback_places_agents_as_helm_did(simulation: Simulation) -> None:
    begun(simulation)
    simulation.bind_cilium()

    over(simulation, AgentGateProvider).create(inputs())

    assert cilium_terms(simulation) == [{"key": "cni-plugin", "operator": "NotIn", "values": ["aws"]}]


# What is deleted

AT_ANY_TIME = {ChainedAgentsProvider, SnatExclusionsProvider, CanaryCheckProvider}
"""The first two undo what they did whatever runs: the VPC CNI is everywhere still. A check undoes nothing."""


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in AT_ANY_TIME])
def test_nothing_is_undone_while_a_node_needs_cilium(
    simulation: Simulation, kind: type[OperationProvider[Any]]
) -> None:
    migrated(simulation)

    with pytest.raises(StoppedError, match="Cilium is not removed") as refusal:
        over(simulation, kind).delete("id", MADE)

    assert "eks-cilium:migration.target aws-vpc-cni" in str(refusal.value)


@pytest.mark.parametrize("kind", KINDS)
def test_steps_of_a_rollback_are_deleted_without_a_read(
    simulation: Simulation, kind: type[OperationProvider[Any]]
) -> None:
    migrated(simulation)

    over(simulation, kind).delete("id", {**MADE, "target": "aws-vpc-cni"})

    assert cilium_terms(simulation)


@pytest.mark.parametrize("kind", KINDS)
def test_without_the_cluster_nothing_is_left_to_undo(kind: type[OperationProvider[Any]]) -> None:
    over(None, kind).delete("id", MADE)


def test_a_migration_that_replaced_no_node_is_undone_by_deleting_it(simulation: Simulation) -> None:
    begun(simulation)
    found = simulation.api.find(DAEMON_SETS, "kube-system", "cilium")
    assert found is not None
    simulation.api.remove(DAEMON_SETS, found)

    over(simulation, AwsNodeAffinityProvider).delete("id", MADE)
    over(simulation, NodeInventoryProvider).delete("id", MADE)

    required = simulation.daemon_set("aws-node")["spec"]["template"]["spec"]["affinity"]["nodeAffinity"]
    assert required["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"] == STOCK_TERMS
    assert simulation.nodes(**{"cni-plugin": "aws"}) == []
    assert simulation.api.find(CONFIG_MAPS, "kube-system", "eks-cilium-migration") is None


def test_deleting_a_rollback_deletes_its_own_inventory_alone(simulation: Simulation) -> None:
    begun(simulation)

    over(simulation, NodeInventoryProvider).delete("id", {**MADE, "target": "aws-vpc-cni"})

    assert recording.read(simulation.world(), Target.CILIUM) is not None


def begun(simulation: Simulation) -> None:
    """Everything up to the first gate."""
    world = simulation.world()
    recording.record_inventory(run(world))
    binding.bind(run(world))
    simulation.install_cilium()


def migrated(simulation: Simulation) -> None:
    begun(simulation)
    world = simulation.world()
    surge.prepare(run(world))
    inventory = recording.read(world, Target.CILIUM)
    assert inventory is not None
    for node in inventory.nodes:
        steps.rotate_node(run(world), node.name)
    restore.restore(run(world))


def cilium_terms(simulation: Simulation) -> list[dict[str, Any]]:
    affinity = simulation.daemon_set("cilium")["spec"]["template"]["spec"]["affinity"]["nodeAffinity"]
    (term,) = affinity["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
    return [each for each in term["matchExpressions"] if each["key"] == "cni-plugin"]


def test_the_mode_of_policies_follows_the_configuration_after_the_migration(simulation: Simulation) -> None:
    simulation.install_cilium(None)
    over(simulation, PolicyPauseProvider).create(inputs())
    provider, plain = over(simulation, PolicyResumeProvider), inputs()
    configuration = simulation.api.find(CONFIG_MAPS, "kube-system", "cilium-config")
    assert configuration is not None

    created = provider.create(plain).outs or {}
    assert "enable-policy" not in configuration["data"]
    assert not provider.diff("id", created, {**plain, "mode": None}).changes
    always = provider.update("id", created, {**plain, "mode": "always"}).outs or {}
    assert configuration["data"]["enable-policy"] == "always"
    assert provider.diff("id", always, {**plain, "mode": None}).changes
    dropped = provider.update("id", always, {**plain, "mode": None}).outs or {}
    assert configuration["data"]["enable-policy"] == "default"
    assert not provider.diff("id", dropped, {**plain, "mode": None}).changes
