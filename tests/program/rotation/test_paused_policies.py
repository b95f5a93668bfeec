"""No agent enforces policies while nodes are mixed, whatever is done to Cilium in the middle."""

import pytest

from eks_cilium.migration.agents import enforcement, wide_rollout
from eks_cilium.settings.model.migration import Target

from .migrations import Before, Stack, options, run
from .simulation.world import CONFIG_MAPS, DAEMON_SETS, Simulation

pytestmark = pytest.mark.simulation


@pytest.fixture
def simulation() -> Simulation:
    simulation = Simulation(workers=3)
    simulation.deploy("web", 4, maxUnavailable=1)
    return simulation


def mode_of(simulation: Simulation) -> str | None:
    configuration = simulation.api.find(CONFIG_MAPS, "kube-system", "cilium-config")
    assert configuration is not None
    mode: str | None = configuration["data"].get("enable-policy")
    return mode


def upgraded_after_the_first_node(simulation: Simulation, mode: str | None) -> None:
    def upgrade(operation: str) -> None:
        if operation == "terminate_instance":
            simulation.cloud.after_write = lambda _: None
            simulation.upgrade_cilium(mode)

    simulation.cloud.after_write = upgrade


def test_a_helm_upgrade_in_the_middle_leaves_policies_paused(simulation: Simulation):
    """The values of the release state no mode, so neither does its manifest."""
    before = Before(simulation)
    upgraded_after_the_first_node(simulation, mode=None)

    Stack(simulation, options(), cilium=None).up()

    before.check_replaced()
    assert simulation.enforcing == []
    assert mode_of(simulation) is None


def test_a_mode_that_is_set_in_the_middle_is_paused_again_before_the_next_node(simulation: Simulation):
    before, modes = Before(simulation), []
    upgraded_after_the_first_node(simulation, mode="default")
    simulation.api.before_write = lambda what: (
        modes.append(mode_of(simulation)) if what.endswith("/eviction") else None
    )

    Stack(simulation, options(), cilium=None).up()

    before.check_replaced()
    assert set(modes) == {"never"}
    assert [line["mode"] for line in simulation.journal if line["event"] == "policies-paused-again"] == [
        "default"
    ]
    assert mode_of(simulation) == "default"


def test_agents_that_started_in_between_are_restarted(simulation: Simulation):
    upgraded_after_the_first_node(simulation, mode="always")

    Stack(simulation, options(), cilium=None).up(until="restore")

    agents = [pod for pod in simulation.api.of("/api/v1/pods") if "mode" in pod]
    assert {pod["mode"] for pod in agents if pod["metadata"]["labels"]["k8s-app"] == "cilium"} == {"never"}


def test_in_a_rollback_policies_stay_paused_too(simulation: Simulation):
    Stack(simulation, options(), cilium=None).up(until="remove")
    simulation.enforcing.clear()
    upgraded_after_the_first_node(simulation, mode=None)

    Stack(simulation, options(target=Target.AWS_VPC_CNI)).up()

    assert simulation.enforcing == []


def strategy(simulation: Simulation) -> object:
    return (simulation.daemon_set("cilium")["spec"].get("updateStrategy") or {}).get("rollingUpdate")


@pytest.mark.parametrize(("nodes", "waves"), [(5, 5), (40, 10)])
def test_agents_are_rolled_at_a_share_of_the_nodes_and_their_strategy_is_restored(nodes: int, waves: int):
    simulation = Simulation(workers=nodes)
    simulation.api.remove(DAEMON_SETS, simulation.daemon_set("aws-node"))
    simulation.install_cilium("never")
    simulation.daemon_set("cilium")["spec"]["updateStrategy"] = {
        "type": "RollingUpdate",
        "rollingUpdate": {"maxUnavailable": 1},
    }
    simulation.clock.sleep(10)
    given = run(simulation.world())
    began, seen = simulation.clock.seconds, list[str]()
    simulation.controllers.append(lambda: seen.append(str(strategy(simulation))))

    assert enforcement.resume(given, "default")["agents"] == nodes

    assert simulation.clock.seconds - began < waves * 6
    assert strategy(simulation) == {"maxUnavailable": 1}
    assert ("{'maxUnavailable': '10%'}" in seen) is (nodes > 20)


def test_a_strategy_that_a_killed_run_has_changed_is_restored_by_the_next():
    simulation = Simulation(workers=40)
    simulation.api.remove(DAEMON_SETS, simulation.daemon_set("aws-node"))
    simulation.install_cilium("never")
    simulation.clock.sleep(10)
    killed = wide_rollout.widened(simulation.world())
    killed.__enter__()
    assert strategy(simulation) == {"maxUnavailable": "10%"}

    enforcement.resume(run(simulation.world()), "default")

    assert strategy(simulation) == {"maxUnavailable": 1}
