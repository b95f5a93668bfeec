"""The checks between the steps, each with what makes it fail."""

import json
from typing import Any

import pytest

from eks_cilium.migration.agents import enforcement, rollout
from eks_cilium.migration.aws_node import affinity as aws_affinity
from eks_cilium.migration.aws_node import binding, removal
from eks_cilium.migration.cni import AWS
from eks_cilium.migration.inventory import recording
from eks_cilium.runtime.errors import StoppedError, TimedOutError

from .migrations import Stack, options, run
from .simulation.api_server import Object
from .simulation.world import CONFIG_MAPS, DAEMON_SETS, NODES, PODS, STOCK_TERMS, Simulation

pytestmark = pytest.mark.simulation

BOUND = {"key": "cni-plugin", "operator": "In", "values": ["aws"]}
OFF_CILIUM = {"key": "cni-plugin", "operator": "NotIn", "values": ["cilium"]}


@pytest.fixture
def simulation() -> Simulation:
    return Simulation(workers=3)


def terms(simulation: Simulation) -> list[Object]:
    affinity = simulation.daemon_set("aws-node")["spec"]["template"]["spec"]["affinity"]
    found: list[Object] = affinity["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"][
        "nodeSelectorTerms"
    ]
    return found


def record(simulation: Simulation) -> dict[str, Any]:
    found = simulation.api.find(CONFIG_MAPS, "kube-system", "eks-cilium-migration")
    assert found is not None
    return {key: json.loads(value) for key, value in found["data"].items()}


def joins(simulation: Simulation, after: str) -> None:
    """A node joins right after the first write whose path contains a text."""

    def join(what: str) -> None:
        if after in what:
            simulation.api.after_write = lambda _: None
            group = simulation.cloud.groups["workers"]
            group.maximum = group.desired = 4
            simulation.clock.sleep(8)

    simulation.api.after_write = join


# The inventory


def test_all_nodes_are_labelled_and_recorded_in_the_order_of_work(simulation: Simulation):
    facts = recording.record_inventory(run(simulation.world()))

    assert len(simulation.nodes(**{"cni-plugin": "aws"})) == 3
    assert sorted(facts["labelled"]) == sorted(facts["nodes"])
    assert [row[0] for row in record(simulation)["inventory"]["rows"]] == facts["nodes"]


def test_nodes_that_have_the_label_are_reported_and_skipped(simulation: Simulation):
    name = simulation.nodes()[1]["metadata"]["name"]
    simulation.nodes()[1]["metadata"]["labels"]["cni-plugin"] = "aws"
    lines: list[str] = []

    facts = recording.record_inventory(run(simulation.world(), report=lines.append))

    assert facts["already"] == [name]
    assert f"1 nodes have the label cni-plugin=aws already: {name}" in lines
    assert len(facts["nodes"]) == 3


def test_a_label_set_outside_the_program_is_not_overwritten(simulation: Simulation):
    simulation.nodes()[1]["metadata"]["labels"]["cni-plugin"] = "calico"

    with pytest.raises(StoppedError, match="has the label cni-plugin=calico, which this program did not set"):
        recording.record_inventory(run(simulation.world()))

    assert simulation.nodes(**{"cni-plugin": "aws"}) == []


def test_a_node_that_joins_while_the_others_are_labelled_stops_the_run(simulation: Simulation):
    joins(simulation, after="PATCH /api/v1/nodes")
    stack = Stack(simulation, options())

    with pytest.raises(
        StoppedError, match="3 of 4 nodes have the label cni-plugin=aws; without it: ip-10-0-0-4"
    ):
        stack.up()

    assert simulation.api.find(CONFIG_MAPS, "kube-system", "eks-cilium-migration") is None
    stack.up()
    assert len(record(simulation)["inventory"]["rows"]) == 4


def test_a_node_that_joins_after_the_inventory_is_taken_in_before_any_drain(
    simulation: Simulation,
):
    world = simulation.world()
    recording.record_inventory(run(world))
    group = simulation.cloud.groups["workers"]
    group.maximum = group.desired = 4
    simulation.clock.sleep(10)

    with pytest.raises(StoppedError, match="ip-10-0-0-4 joined after the 3 nodes of the inventory"):
        binding.bind(run(world))

    simulation.clock.sleep(3)
    assert len(record(simulation)["inventory"]["rows"]) == 4
    assert simulation.daemon_set("aws-node")["status"]["desiredNumberScheduled"] == 4
    binding.bind(run(world))


def test_an_inventory_never_changes_after_the_first_run(simulation: Simulation):
    stack = Stack(simulation, options())
    stack.up()
    taken = record(simulation)["inventory"]

    recording.record_inventory(run(simulation.world()))

    assert record(simulation)["inventory"] == taken
    assert simulation.nodes(**{"cni-plugin": "aws"}) == []


# aws-node's affinity


def test_a_self_managed_aws_node_keeps_its_stock_terms_beside_ours(simulation: Simulation):
    world = simulation.world()
    recording.record_inventory(run(world))

    facts = binding.bind(run(world))

    expected = [{"matchExpressions": [*STOCK_TERMS[0]["matchExpressions"], BOUND]}]
    assert terms(simulation) == facts["terms"] == expected
    assert facts["managed"] is False


def test_binding_twice_writes_once(simulation: Simulation):
    world = simulation.world()
    recording.record_inventory(run(world))
    binding.bind(run(world))
    simulation.api.writes.clear()

    binding.bind(run(world))

    assert simulation.api.writes == []


def test_a_managed_add_on_is_configured_and_keeps_its_other_values():
    simulation = Simulation(managed=True, workers=3)
    assert simulation.cloud.add_on is not None
    simulation.cloud.add_on["configurationValues"] = "env:\n  WARM_ENI_TARGET: '2'\n"
    world = simulation.world()
    recording.record_inventory(run(world))

    facts = binding.bind(run(world))

    configuration = json.loads(simulation.cloud.add_on["configurationValues"])
    assert configuration["env"] == {"WARM_ENI_TARGET": "2"}
    assert facts["managed"] is True
    assert terms(simulation)[0]["matchExpressions"][-1] == BOUND
    assert not any("daemonsets/aws-node" in path for _, path, _ in simulation.api.writes)

    assert aws_affinity.release(run(world)) == {"restored": True}
    assert simulation.cloud.add_on["configurationValues"] == "env:\n  WARM_ENI_TARGET: '2'\n"
    assert terms(simulation) == STOCK_TERMS


@pytest.mark.parametrize("known", [None, {}, {"podAntiAffinity": {"x": 1}}, "stock"])
def test_a_self_managed_aws_node_gets_exactly_its_own_affinity_back(simulation: Simulation, known: Any):
    template = simulation.daemon_set("aws-node")["spec"]["template"]["spec"]
    if known != "stock":
        template.pop("affinity")
        if known is not None:
            template["affinity"] = known
    before = json.dumps(template, sort_keys=True)
    world = simulation.world()
    recording.record_inventory(run(world))
    binding.bind(run(world))
    assert terms(simulation)[0]["matchExpressions"][-1] == BOUND

    aws_affinity.release(run(world))

    assert json.dumps(template, sort_keys=True) == before


def test_an_add_on_that_does_not_take_the_affinity_is_noticed():
    simulation = Simulation(managed=True, workers=1)
    simulation.cloud.install = lambda _: None
    world = simulation.world()
    recording.record_inventory(run(world))

    with pytest.raises(StoppedError, match="did not take the node affinity"):
        binding.bind(run(world))


# Cilium's count


def test_cilium_has_to_want_exactly_the_nodes_without_the_label(simulation: Simulation):
    world = simulation.world()
    recording.record_inventory(run(world))
    simulation.install_cilium()
    template = simulation.daemon_set("cilium")["spec"]["template"]["spec"]
    template["affinity"] = None

    with pytest.raises(TimedOutError, match="DaemonSet cilium wants 3 nodes, and 0 are without the label"):
        rollout.await_count(run(world), seconds=10)


def test_cilium_wants_the_nodes_that_joined_since(simulation: Simulation):
    Stack(simulation, options()).up(until="ip-")

    facts = rollout.await_count(run(simulation.world()))

    assert facts == {"daemonSet": "cilium", "desired": 1, "unlabelled": 1}


# The removal of aws-node


def test_an_agent_whose_node_is_gone_is_nowhere(simulation: Simulation):
    Stack(simulation, options()).up(until="remove")
    kept = {"name": "aws-node-gone", "namespace": "kube-system", "labels": {"k8s-app": "aws-node"}}
    simulation.api.put(PODS, {"metadata": kept, "spec": {"nodeName": "gone"}, "status": {}})

    assert rollout.wanted(simulation.world(), AWS) == ""

    simulation.api.put(NODES, {"metadata": {"name": "gone"}, "spec": {}, "status": {}})
    assert rollout.wanted(simulation.world(), AWS).endswith("it runs on gone")


def test_aws_node_is_not_removed_while_it_wants_a_node(simulation: Simulation):
    world = simulation.world()
    recording.record_inventory(run(world))

    with pytest.raises(StoppedError, match="aws-node is not removed: DaemonSet aws-node still wants 3 nodes"):
        removal.remove(run(world))

    assert simulation.daemon_set("aws-node")
    assert not [path for method, path, _ in simulation.api.writes if method == "DELETE"]


def test_what_aws_node_consisted_of_is_removed_and_its_definitions_stay(simulation: Simulation):
    Stack(simulation, options()).up(until="remove")

    facts = removal.remove(run(simulation.world()))

    assert facts["removed"] == [
        "daemonsets/aws-node",
        "configmaps/amazon-vpc-cni",
        "clusterrolebindings/aws-node",
        "clusterroles/aws-node",
        "serviceaccounts/aws-node",
    ]
    assert facts["kept"] == ["customresourcedefinitions eniconfigs.crd.k8s.amazonaws.com"]
    assert simulation.api.find(DAEMON_SETS, "kube-system", "aws-node") is None


def test_a_managed_add_on_is_deleted_with_its_software():
    simulation = Simulation(managed=True, workers=2)
    Stack(simulation, options()).up()

    assert ("delete_addon", {"preserve": False}) in simulation.cloud.calls
    assert simulation.cloud.add_on is None
    assert simulation.api.find(DAEMON_SETS, "kube-system", "aws-node") is None


# Policies


@pytest.mark.parametrize("mode", ["default", "always", None])
def test_the_enforcement_of_policies_is_paused_and_exactly_restored(simulation: Simulation, mode: str | None):
    world = simulation.world()
    simulation.install_cilium(mode)
    configuration = simulation.api.find(CONFIG_MAPS, "kube-system", "cilium-config")
    assert configuration is not None
    before = dict(configuration["data"])

    assert enforcement.pause(run(world))["before"] == mode
    assert configuration["data"]["enable-policy"] == "never"
    enforcement.pause(run(world))
    assert enforcement.resume(run(world))["restored"] is True

    assert configuration["data"] == before
    assert enforcement.resume(run(world))["restored"] is False


def test_agents_are_rolled_only_when_the_mode_changes(simulation: Simulation):
    world = simulation.world()
    simulation.install_cilium()
    daemon_set = simulation.daemon_set("cilium")
    enforcement.pause(run(world))
    generation = daemon_set["metadata"]["generation"]

    enforcement.pause(run(world))
    assert daemon_set["metadata"]["generation"] == generation
    enforcement.resume(run(world))
    assert daemon_set["metadata"]["generation"] == generation + 1


def test_policies_cannot_be_paused_without_cilium(simulation: Simulation):
    with pytest.raises(StoppedError, match="cilium-config does not exist"):
        enforcement.pause(run(simulation.world()))
