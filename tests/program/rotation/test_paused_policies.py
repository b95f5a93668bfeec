"""No agent enforces policies while nodes are mixed, whatever is done to Cilium in the middle."""

import pytest

from eks_cilium.settings.model.migration import Target

from .migrations import Before, Stack, options
from .simulation.world import CONFIG_MAPS, Simulation

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
