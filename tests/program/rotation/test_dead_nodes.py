"""Nodes whose kubelet does not answer: nothing that is deleted there ends by itself."""

import pytest

from eks_cilium.migration.agents import enforcement, rollout
from eks_cilium.migration.aws_node import binding
from eks_cilium.migration.inventory import recording
from eks_cilium.migration.rotation import steps
from eks_cilium.runtime.errors import TimedOutError

from .migrations import Stack, options, run
from .simulation.controllers import STATEFUL_SETS, TOLERATED_SECONDS
from .simulation.world import PODS, Simulation

pytestmark = pytest.mark.simulation

PATIENT = {"drain_timeout_seconds": 900}


@pytest.fixture
def simulation() -> Simulation:
    return Simulation(workers=3)


def first(simulation: Simulation) -> str:
    return str(simulation.nodes(**{"cni-plugin": "aws"})[0]["metadata"]["name"])


def stateful(simulation: Simulation, name: str, replicas: int) -> None:
    labels = {"labels": {"app": name}}
    spec = {"replicas": replicas, "template": {"metadata": labels, "spec": {}}}
    simulation.api.put(
        STATEFUL_SETS, {"metadata": {"name": name, "namespace": "shop"}, "spec": spec, "status": {}}
    )
    simulation.clock.sleep(5)


def test_a_node_that_is_not_ready_does_not_stop_the_binding_of_aws_node(simulation: Simulation) -> None:
    world = simulation.world()
    recording.record_inventory(run(world))
    dead = first(simulation)
    simulation.die(dead)
    simulation.clock.sleep(5)
    lines: list[str] = []

    binding.bind(run(world, report=lines.append))

    assert f"not Ready: {dead}; agents there do not count" in lines
    stuck = simulation.api.find(PODS, "kube-system", f"aws-node-{dead}")
    assert stuck is not None
    assert "deletionTimestamp" in stuck["metadata"]


def test_agents_on_nodes_that_are_ready_are_waited_for_beside_a_dead_one(simulation: Simulation) -> None:
    world = simulation.world()
    recording.record_inventory(run(world))
    simulation.die(first(simulation))
    living = simulation.nodes()[1]["metadata"]["name"]
    inner = simulation.clock.tick

    def crash() -> None:
        inner()
        if agent := simulation.api.find(PODS, "kube-system", f"aws-node-{living}"):
            agent["status"]["conditions"] = [{"type": "Ready", "status": "False"}]

    simulation.clock.tick = crash

    with pytest.raises(TimedOutError, match="agents are new, 1 are ready; not Ready: ip-"):
        binding.bind(run(world))


def test_agents_of_nodes_that_are_gone_stand_for_none_of_a_node_that_is_ready(simulation: Simulation) -> None:
    """They are collected after a minute, and the status may not count them any more before that."""
    world = simulation.world()
    recording.record_inventory(run(world))
    living = simulation.nodes()[1]["metadata"]["name"]
    inner = simulation.clock.tick

    def crash() -> None:
        inner()
        agent = simulation.api.find(PODS, "kube-system", f"aws-node-{living}")
        if agent:
            agent["status"]["conditions"] = [{"type": "Ready", "status": "False"}]
            for name in ("gone-1", "gone-2"):
                orphan = {**agent, "metadata": {**agent["metadata"], "name": name, "uid": name}}
                simulation.api.put(PODS, {**orphan, "spec": {**agent["spec"], "nodeName": name}})

    simulation.clock.tick = crash

    with pytest.raises(TimedOutError, match="agents are new, 2 are ready; not Ready: gone-1"):
        binding.bind(run(world))


def test_agents_that_have_to_restart_are_waited_for_and_what_holds_them_up_is_named(
    simulation: Simulation,
) -> None:
    """A node that is not Ready may be all that may be unavailable at once."""
    simulation.install_cilium()
    for node in simulation.nodes():
        node["metadata"]["labels"].pop("cni-plugin", None)
    simulation.clock.sleep(5)
    dead = simulation.nodes()[0]["metadata"]["name"]
    simulation.die(dead)
    simulation.clock.sleep(2)

    with pytest.raises(TimedOutError, match=f"DaemonSet cilium: 0 of 3 agents are new.*not Ready: {dead}"):
        enforcement.pause(run(simulation.world()))


def test_agents_that_only_people_replace_do_not_stop_the_binding(simulation: Simulation) -> None:
    simulation.daemon_set("aws-node")["spec"]["updateStrategy"] = {"type": "OnDelete"}
    world = simulation.world()
    recording.record_inventory(run(world))

    binding.bind(run(world))

    assert simulation.daemon_set("aws-node")["status"]["updatedNumberScheduled"] == 0


def test_a_dead_node_is_drained_as_far_as_it_can_be_and_replaced(simulation: Simulation) -> None:
    simulation.deploy("web", 4, maxUnavailable=1)
    Stack(simulation, options()).up(until="ip-")
    dead = first(simulation)
    simulation.die(dead)
    began = simulation.clock.seconds
    lines: list[str] = []

    steps.rotate_node(run(simulation.world(), options(**PATIENT), report=lines.append), dead)

    assert simulation.node(dead) is None
    assert f"{dead} does not answer: what does not end there ends with it" in lines
    assert simulation.clock.seconds - began < TOLERATED_SECONDS + 120
    assert [
        path for method, path, _ in simulation.api.writes if method == "DELETE" and "/pods/" in path
    ] == []


def test_a_pod_of_a_stateful_set_on_a_dead_node_is_replaced_only_after_its_instance_has_ended(
    simulation: Simulation,
) -> None:
    stateful(simulation, "db", 3)
    Stack(simulation, options()).up(until="ip-")
    dead = first(simulation)
    there = [pod["metadata"] for pod in simulation.pods_on(dead) if pod["metadata"]["name"].startswith("db-")]
    simulation.die(dead)
    inner, twins = simulation.clock.tick, []

    def watch() -> None:
        inner()
        for metadata in there:
            now = simulation.api.find(PODS, "shop", metadata["name"])
            runs = "running" in {simulation.cloud.instances[each] for each in instances}
            if now is not None and now["metadata"]["uid"] != metadata["uid"] and runs:
                twins.append(metadata["name"])

    instances = [str(simulation.node(dead)["spec"]["providerID"]).rsplit("/", 1)[-1]]  # type: ignore[index]
    simulation.clock.tick = watch
    steps.rotate_node(run(simulation.world(), options(**PATIENT)), dead)

    assert there
    assert twins == []


def test_the_whole_migration_completes_with_a_node_that_died_before_it(simulation: Simulation) -> None:
    simulation.deploy("web", 3, maxUnavailable=1)
    simulation.die(simulation.nodes()[2]["metadata"]["name"])
    simulation.clock.sleep(5)
    old = set(simulation.cloud.instances)

    Stack(simulation, options(**PATIENT)).up()

    group = simulation.cloud.groups["workers"]
    assert old.isdisjoint(group.members)
    assert len(group.members) == group.desired == 3
    assert simulation.lost == []


# Nodes without agents


def test_a_fargate_node_that_joins_later_does_not_keep_the_gate_shut(
    simulation: Simulation,
) -> None:
    Stack(simulation, options()).up(until="ip-")
    simulation.add_fargate_node()

    facts = rollout.await_count(run(simulation.world()))

    assert facts["unlabelled"] == facts["desired"] == 1


def test_a_fargate_node_that_joins_while_the_others_are_labelled_stops_nothing(
    simulation: Simulation,
) -> None:
    def join(what: str) -> None:
        if what.startswith("PATCH /api/v1/nodes"):
            simulation.api.after_write = lambda _: None
            simulation.add_fargate_node()

    simulation.api.after_write = join
    world = simulation.world()
    facts = recording.record_inventory(run(world))
    binding.bind(run(world))

    assert len(facts["nodes"]) == 3
