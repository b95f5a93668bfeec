"""A canary (`migration.only`): a part of the nodes, a check, and nothing further until the rest goes on."""

from typing import Any

import pulumi
import pytest

from eks_cilium.migration.inventory import recording
from eks_cilium.migration.inventory.model import Outgoing
from eks_cilium.runtime.errors import DrainRefusedError, TimedOutError
from eks_cilium.settings.model.migration import Target
from tests.program.rotation.migrations import Before
from tests.program.rotation.simulation.world import Simulation

from .engine import Engine

pytestmark = pytest.mark.simulation

LAST_STEPS = {"AgentsGone", "AwsNodeRemoval", "PolicyResume"}


def nodes_only(number: int) -> dict[str, Any]:
    return {"only": {"nodes": number}}


def groups_only(*patterns: str) -> dict[str, Any]:
    return {"only": {"groups": list(patterns)}}


@pytest.fixture
def simulation() -> Simulation:
    simulation = Simulation(workers=4, others=2)
    simulation.deploy("web", 5, maxUnavailable=1)
    return simulation


def inventory(simulation: Simulation) -> tuple[Outgoing, ...]:
    found = recording.read(simulation.world(), Target.CILIUM)
    assert found is not None
    return found.nodes


def old_nodes(simulation: Simulation) -> set[str]:
    return {node["metadata"]["name"] for node in simulation.nodes(**{"cni-plugin": "aws"})}


def policy_mode(simulation: Simulation) -> str:
    found = simulation.api.find("/api/v1/configmaps", "kube-system", "cilium-config")
    assert found is not None
    return str(found["data"]["enable-policy"])


def rotations(steps: list[str]) -> list[str]:
    return [step.rpartition(" ")[2] for step in steps if "NodeRotation" in step]


def test_a_number_of_nodes_is_migrated_and_the_preview_showed_exactly_that(simulation: Simulation) -> None:
    engine = Engine(simulation)

    shown = engine.preview(nodes_only(2))
    done = engine.up(nodes_only(2))

    assert engine.failures == []
    assert done == shown
    assert shown[-1] == "create CanaryCheck"
    first, second, *later = inventory(simulation)
    assert rotations(done) == [first.name, second.name]
    assert old_nodes(simulation) == {node.name for node in later}
    assert engine.kinds().isdisjoint(LAST_STEPS)
    assert policy_mode(simulation) == "never"


def test_every_node_is_labelled_and_recorded_from_the_beginning(simulation: Simulation) -> None:
    """So a node that joins during the canary starts with Cilium, and none of the old ones does."""
    Engine(simulation).up(groups_only("others"))

    assert len(inventory(simulation)) == 6
    assert len(old_nodes(simulation)) == 4


def test_a_second_preview_is_empty(simulation: Simulation) -> None:
    engine = Engine(simulation)
    engine.up(nodes_only(2))

    assert engine.preview(nodes_only(2)) == []
    assert engine.failures == []
    assert engine.up(nodes_only(2)) == []


@pytest.mark.parametrize("part", [nodes_only(2), groups_only("others"), groups_only("wor*")])
def test_the_rest_goes_on_without_redoing_anything(simulation: Simulation, part: dict[str, Any]) -> None:
    before = Before(simulation)
    engine = Engine(simulation)
    first = rotations(engine.up(part))

    shown = engine.preview({})
    steps = engine.up({})

    assert steps == shown
    assert set(rotations(steps)).isdisjoint(first)
    assert len(rotations(steps)) == 6 - len(first)
    assert steps[-1] == "delete CanaryCheck"
    assert engine.kinds() >= LAST_STEPS
    before.check_replaced()
    assert engine.preview({}) == []
    assert policy_mode(simulation) == "default"


@pytest.mark.parametrize("part", [nodes_only(2), groups_only("workers")])
def test_a_canary_in_decrement_mode_with_two_nodes_at_a_time(
    simulation: Simulation, part: dict[str, Any]
) -> None:
    before = Before(simulation)
    engine = Engine(simulation)
    options = {"capacity": "decrement", "surge": 2, "parallel": 2}

    engine.up({**options, **part})
    assert engine.preview({**options, **part}) == []
    engine.up(options)

    before.check_replaced()
    assert engine.preview(options) == []


def test_a_canary_that_was_killed_goes_on(simulation: Simulation) -> None:
    before = Before(simulation)
    engine = Engine(simulation)

    class Killed(BaseException):
        pass

    def kill(what: str) -> None:
        if what.endswith("/eviction"):
            raise Killed

    simulation.api.after_write = kill
    with pytest.raises(Killed):
        engine.up(nodes_only(2))
    simulation.api.after_write = lambda _: None

    engine.up(nodes_only(2))
    assert len(old_nodes(simulation)) == 4
    engine.up({})
    before.check_replaced()


def test_the_preview_shows_the_sizes_of_the_part_alone(simulation: Simulation) -> None:
    engine = Engine(simulation)
    options = {"capacity": "decrement", "surge": 2}

    engine.preview({**options, **groups_only("others")})

    (sizes,) = engine.shown["Surge"]
    assert sizes.startswith("others: desired 2, up to 4, 2 after the last drain")
    assert engine.shown["NodeInventory"][0].startswith("Cluster demo: 2 of 6 nodes")
    assert "policies stay paused" in " ".join(engine.shown["CanaryCheck"])


def test_only_groups_of_the_canary_are_changed(simulation: Simulation) -> None:
    Engine(simulation).up(groups_only("workers"))

    others = simulation.cloud.groups["others"]
    assert (others.desired, sorted(others.suspended)) == (2, [])
    assert not any(node["spec"].get("taints") for node in simulation.nodes(**{"cni-plugin": "aws"}))


def test_a_group_that_is_finished_has_its_sizes_and_processes_again(simulation: Simulation) -> None:
    """Alarms and scheduled actions would be off for as long as the canary is watched."""
    steps = Engine(simulation).up(groups_only("workers"))

    workers = simulation.cloud.groups["workers"]
    assert steps[-2:] == ["create CapacityRestore", "create CanaryCheck"]
    assert (workers.desired, sorted(workers.suspended)) == (4, [])


def test_a_group_with_nodes_left_keeps_its_extra_node(simulation: Simulation) -> None:
    engine = Engine(simulation)
    engine.up(nodes_only(1))
    (first, *_) = inventory(simulation)

    group = simulation.cloud.groups[first.group]
    assert group.suspended
    assert "CapacityRestore" not in engine.kinds()


def test_sizes_that_a_user_sets_on_a_finished_group_stay(simulation: Simulation) -> None:
    engine = Engine(simulation)
    engine.up(groups_only("others"))
    simulation.cloud.groups["others"].maximum = 7

    engine.up({})

    assert simulation.cloud.groups["others"].maximum == 7


def test_a_canary_can_be_widened(simulation: Simulation) -> None:
    engine = Engine(simulation)
    engine.up(nodes_only(1))

    steps = engine.up(nodes_only(3))

    assert rotations(steps) == [node.name for node in inventory(simulation)[1:3]]
    assert steps[-1] == "update CanaryCheck"
    assert engine.preview(nodes_only(3)) == []


def test_a_part_that_is_narrowed_keeps_the_nodes_that_are_done(simulation: Simulation) -> None:
    """Their resources stay in the state: deleting them would be refused while nodes need Cilium."""
    engine = Engine(simulation)
    engine.up(nodes_only(3))

    assert [step for step in engine.preview(nodes_only(1)) if step.startswith("delete")] == []
    engine.up(nodes_only(1))
    assert len(old_nodes(simulation)) == 3


def test_a_part_of_all_nodes_is_the_whole_migration(simulation: Simulation) -> None:
    before = Before(simulation)
    engine = Engine(simulation)

    engine.up(nodes_only(6))

    assert engine.kinds() >= LAST_STEPS
    before.check_replaced()


@pytest.mark.parametrize("part", [nodes_only(2), groups_only("workers")])
def test_a_rollback_from_a_canary_replaces_every_node_with_cilium(
    simulation: Simulation, part: dict[str, Any]
) -> None:
    before = Before(simulation)
    engine = Engine(simulation)
    engine.up(part)

    steps = engine.up({"target": "aws-vpc-cni", **part})

    assert "create AgentsGone" in steps
    before.check()
    agents = simulation.daemon_set("cilium")["status"]["desiredNumberScheduled"]
    assert agents == 0


def test_the_canary_is_not_done_while_a_workload_that_moved_is_unhealthy(simulation: Simulation) -> None:
    engine = Engine(simulation)
    broken = {"healthTimeoutSeconds": 30, **nodes_only(2)}
    engine.preview(broken)
    inner = simulation.clock.tick

    def tick() -> None:
        """The workload breaks after the last node's own check."""
        inner()
        if [line["event"] for line in simulation.journal].count("replaced") == 2:
            deployment = simulation.api.find("/apis/apps/v1/deployments", "shop", "web")
            assert deployment is not None
            deployment["status"]["readyReplicas"] = 1

    simulation.clock.tick = tick

    with pytest.raises(TimedOutError, match="Deployment shop/web has 1 of 5 pods ready"):
        engine.up(broken)

    simulation.clock.tick = inner
    assert engine.up(nodes_only(2)) == ["create CanaryCheck"]


def test_the_outputs_say_what_stays_and_how_the_rest_goes_on(simulation: Simulation) -> None:
    engine = Engine(simulation)
    engine.up(nodes_only(2))

    outputs = engine.outputs(nodes_only(2))

    assert (outputs["canary"]["nodes"], outputs["canary"]["ofNodes"]) == (2, 6)
    assert any("policies stay paused" in line for line in outputs["canary"]["stays"])
    assert any("config rm --path eks-cilium:migration.only" in line for line in outputs["nextCommands"])
    assert "canary" not in engine.outputs({})


def test_a_pattern_that_names_no_group_is_refused(simulation: Simulation) -> None:
    with pytest.raises(pulumi.RunError, match=r"patterns of these groups: others, workers"):
        Engine(simulation).preview(groups_only("worker", "others"))


def test_what_blocks_only_nodes_that_are_left_out_does_not_block_the_canary(simulation: Simulation) -> None:
    engine = Engine(simulation)
    other = next(
        node["metadata"]["name"]
        for node in simulation.nodes()
        if node["metadata"]["name"] not in rotations(engine.preview(nodes_only(2)))
    )
    simulation.run("debug", other)

    engine.preview(nodes_only(2))
    assert engine.failures == []
    engine.preview({})
    assert engine.failures


def block_the_second_node(simulation: Simulation) -> list[Any]:
    """When the first pod was evicted, a pod that nothing recreates starts on the node after that."""
    made: list[Any] = []

    def block(what: str) -> None:
        if what.endswith("/eviction") and not made:
            made.append(simulation.run("ci", inventory(simulation)[1].name))

    simulation.api.after_write = block
    return made


def test_a_node_that_is_blocked_later_is_skipped_and_tried_again_by_the_next_run(
    simulation: Simulation,
) -> None:
    before = Before(simulation)
    engine = Engine(simulation)
    made = block_the_second_node(simulation)
    impatient = {"drainTimeoutSeconds": 60}

    with pytest.raises(DrainRefusedError, match="shop/ci: nothing recreates it"):
        engine.up(impatient)

    assert old_nodes(simulation) == {inventory(simulation)[1].name}
    simulation.api.remove("/api/v1/pods", made[0])
    assert rotations(engine.up(impatient)) == [inventory(simulation)[1].name]
    before.check_replaced()
    assert engine.preview(impatient) == []


def test_a_canary_with_a_node_that_was_skipped_is_not_done(simulation: Simulation) -> None:
    engine = Engine(simulation)
    block_the_second_node(simulation)

    with pytest.raises(DrainRefusedError, match="shop/ci: nothing recreates it"):
        engine.up({"drainTimeoutSeconds": 60, **nodes_only(2)})
