"""Chained agents are removed: from nodes to be replaced, and from all nodes when chaining ends."""

from typing import Any

import pytest

from eks_cilium.dynamic.chaining.chained_agents import ChainedAgentsProvider
from eks_cilium.migration.aws_node import binding
from eks_cilium.migration.chaining import removal
from eks_cilium.migration.inventory import recording
from eks_cilium.settings.model.migration import MigrationOptions
from tests.program.dynamic.shells import inputs, over
from tests.program.rotation import migrations
from tests.program.rotation.simulation.api_server import Object
from tests.program.rotation.simulation.controllers import CILIUM_NODES, CONFIG_MAPS, PODS

from .simulation import ChainedSimulation, run

pytestmark = pytest.mark.simulation


def quiet(_: str) -> None:
    pass


def agents(simulation: ChainedSimulation, name: str = "cilium") -> list[str]:
    """The nodes that an agent is on."""
    return sorted(
        pod["spec"]["nodeName"]
        for pod in simulation.api.of(PODS, "kube-system")
        if (pod["metadata"].get("labels") or {}).get("k8s-app") == name
    )


def configuration(simulation: ChainedSimulation) -> dict[str, str]:
    found = simulation.api.find(CONFIG_MAPS, "kube-system", "cilium-config")
    assert found is not None
    data: dict[str, str] = found["data"]
    return data


def template(simulation: ChainedSimulation) -> Object:
    found: Object = simulation.daemon_set("cilium")["spec"]["template"]
    return found


@pytest.fixture
def simulation() -> ChainedSimulation:
    made = ChainedSimulation(workers=3)
    made.chain()
    return made


def bound(simulation: ChainedSimulation) -> MigrationOptions:
    """The state before Unchaining: nodes labelled, aws-node bound to them."""
    given = migrations.options()
    recording.record_inventory(migrations.run(simulation.world(), given))
    binding.bind(migrations.run(simulation.world(), given))
    return given


def test_agents_leave_the_nodes_to_be_replaced_and_the_vpc_cni_stays(simulation: ChainedSimulation):
    given, nodes = bound(simulation), agents(simulation)

    facts = removal.leave(migrations.run(simulation.world(), given))

    assert facts == {"chained": True, "nodes": nodes}
    assert agents(simulation) == []
    assert agents(simulation, "aws-node") == nodes
    assert simulation.api.of(CILIUM_NODES) == [], "the operator that comes would take them for its own"


def test_the_cni_configuration_is_removed_with_them_after_enforcement_is_off(simulation: ChainedSimulation):
    given = bound(simulation)
    seen: list[tuple[str | None, str | None]] = []

    def look(what: str) -> None:
        placed = "eks-cilium.io/chained" in str(template(simulation)) or "cni-plugin" in str(
            template(simulation)
        )
        if "daemonsets/cilium" in what and placed:
            kept = configuration(simulation)
            seen.append((kept.get("cni-uninstall"), kept.get("enable-policy")))

    simulation.api.after_write = look
    removal.leave(migrations.run(simulation.world(), given))

    assert seen[0] == ("true", "never")


def test_settings_for_the_removal_are_restored(simulation: ChainedSimulation):
    """The release does not contain the setting, or every later restart would remove the CNI."""
    before = dict(configuration(simulation))

    removal.leave(migrations.run(simulation.world(), bound(simulation)))

    assert "cni-uninstall" not in configuration(simulation)
    assert configuration(simulation) == {**before, "enable-policy": "never"}
    assert "eks-cilium.io/leaving" not in str(template(simulation))


def test_an_agent_on_a_node_that_joined_later_stays(simulation: ChainedSimulation):
    given = bound(simulation)
    group = simulation.cloud.groups["workers"]
    group.maximum = group.desired = 4
    simulation.clock.sleep(10)

    removal.leave(migrations.run(simulation.world(), given))

    assert agents(simulation) == ["ip-10-0-0-4"]
    assert [node["metadata"]["name"] for node in simulation.api.of(CILIUM_NODES)] == ["ip-10-0-0-4"]


def test_where_cilium_is_not_chained_nothing_is_written():
    simulation = ChainedSimulation(workers=2)
    given = bound(simulation)
    simulation.install_cilium()
    simulation.api.writes.clear()

    assert removal.leave(migrations.run(simulation.world(), given)) == {"chained": False, "nodes": []}
    assert simulation.api.writes == []


def test_before_the_release_is_uninstalled_they_leave_every_node(simulation: ChainedSimulation):
    nodes = agents(simulation)

    facts = removal.leave(run(simulation.world()), everywhere=True)

    assert facts["nodes"] == nodes
    assert agents(simulation) == []
    assert simulation.api.of(CILIUM_NODES) == []


def test_agents_return_to_their_nodes_and_enforce_policies_as_before(simulation: ChainedSimulation):
    nodes, before, data = agents(simulation), str(terms(simulation)), dict(configuration(simulation))
    given = bound(simulation)
    removal.leave(migrations.run(simulation.world(), given))

    removal.restore(migrations.run(simulation.world(), given))

    assert agents(simulation) == nodes
    assert str(terms(simulation)) == before
    assert configuration(simulation) == data
    assert "eks-cilium.io/leaving" not in str(template(simulation))


def terms(simulation: ChainedSimulation) -> Any:
    return template(simulation)["spec"]["affinity"]


def deleted(simulation: ChainedSimulation, **changes: str) -> None:
    """Delete `ChainedAgents` as Pulumi does."""
    over(simulation, ChainedAgentsProvider).delete("demo/ChainedAgents", inputs(**changes))


def test_deleting_the_resource_of_the_agents_removes_them_from_every_node(simulation: ChainedSimulation):
    deleted(simulation, target="chained")

    assert agents(simulation) == []
    assert "eks-cilium.io/chained" in str(template(simulation))


def test_deleting_it_after_a_replacement_leaves_the_new_agents_alone():
    simulation = ChainedSimulation(workers=2)
    simulation.install_cilium()
    simulation.clock.sleep(5)
    nodes = agents(simulation)
    simulation.api.writes.clear()

    deleted(simulation, target="chained")

    assert agents(simulation) == nodes
    assert simulation.api.writes == []


class KilledError(Exception):
    """Raised at a write, as if the process were killed there."""


@pytest.mark.parametrize("everywhere", [False, True], ids=["before a replacement", "before an end"])
@pytest.mark.parametrize("after", [False, True], ids=["before a write", "after a write"])
def test_killed_at_every_write_and_run_again_all_agents_are_removed(after: bool, everywhere: bool):
    for write in range(1, 30):
        simulation = ChainedSimulation(workers=3)
        simulation.chain()
        given = bound(simulation)
        killed = left_and_killed(simulation, given, write, after=after, everywhere=everywhere)
        removal.leave(migrations.run(simulation.world(), given), everywhere=everywhere)

        assert agents(simulation) == []
        assert simulation.api.of(CILIUM_NODES) == []
        kept = configuration(simulation)
        assert (kept.get("cni-uninstall"), kept["enable-policy"]) == (None, "never")
        if not killed:
            return
    pytest.fail("it never came to its end")


def left_and_killed(
    simulation: ChainedSimulation, given: MigrationOptions, write: int, *, after: bool, everywhere: bool
) -> bool:
    counted = [0]

    def kill(_: str) -> None:
        counted[0] += 1
        if counted[0] == write:
            raise KilledError

    name = "after_write" if after else "before_write"
    setattr(simulation.api, name, kill)
    try:
        removal.leave(migrations.run(simulation.world(), given), everywhere=everywhere)
    except KilledError:
        simulation.clock.sleep(5)
        return True
    finally:
        setattr(simulation.api, name, lambda _: None)
    return False


def test_a_replacement_completes_after_the_removal(simulation: ChainedSimulation):
    """After the removal, Helm gives the same release the values of an unchained Cilium."""
    simulation.roll_out_of("web", 4, missing=1, maxUnavailable=1)
    before = migrations.Before(simulation)
    stack = UnchainedStack(simulation, migrations.options())

    stack.up()

    before.check_replaced()
    assert len(agents(simulation)) == len(simulation.nodes()) == 3
    assert agents(simulation, "aws-node") == []


class UnchainedStack(migrations.Stack):
    """A migration with Unchaining before its release, and a release that already exists."""

    def _install(self) -> None:
        simulation = self._simulation
        assert isinstance(simulation, ChainedSimulation)
        removal.leave(migrations.run(simulation.world(), self._options))
        for name, collection in (("cilium", "/apis/apps/v1/daemonsets"), ("cilium-config", CONFIG_MAPS)):
            found = simulation.api.find(collection, "kube-system", name)
            assert found is not None
            simulation.api.remove(collection, found)
        simulation.install_cilium()
        simulation.chained_at = None
