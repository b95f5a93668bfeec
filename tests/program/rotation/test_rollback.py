"""A rollback to the VPC CNI, from every stage of the migration to Cilium."""

import pytest

from eks_cilium.settings.model.migration import Capacity, Target

from .migrations import Before, Stack, options
from .simulation.world import CONFIG_MAPS, DAEMON_SETS, STOCK_TERMS, Simulation

pytestmark = pytest.mark.simulation


def shop(*, managed: bool) -> Simulation:
    simulation = Simulation(managed=managed, workers=3)
    simulation.deploy("web", 4, maxUnavailable=1)
    return simulation


def check_back(simulation: Simulation, *, managed: bool) -> None:
    """aws-node is on every node with the affinity it had; of the migration only its list of nodes is left."""
    daemon_set = simulation.daemon_set("aws-node")
    required = daemon_set["spec"]["template"]["spec"]["affinity"]["nodeAffinity"]
    assert required["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"] == STOCK_TERMS
    assert daemon_set["status"]["numberReady"] == len(simulation.nodes()) == 3
    assert simulation.api.find(DAEMON_SETS, "kube-system", "cilium") is None
    assert not any("cni-plugin" in node["metadata"]["labels"] for node in simulation.nodes())
    record = simulation.api.find(CONFIG_MAPS, "kube-system", "eks-cilium-migration")
    assert record is not None
    assert list(record["data"]) == ["inventory"]
    assert (simulation.cloud.add_on is not None) is managed


STAGES = {
    "before the first drain": "ip-10-0-0-1",
    "in the middle": "ip-10-0-0-2",
    "before the sizes were restored": "restore",
    "before aws-node was removed": "remove",
    "after everything": "",
}


@pytest.mark.parametrize("managed", [False, True], ids=["self-managed", "managed"])
@pytest.mark.parametrize("until", list(STAGES.values()), ids=list(STAGES))
def test_a_rollback_from_every_stage(until: str, managed: bool):
    simulation = shop(managed=managed)
    before = Before(simulation)
    Stack(simulation, options()).up(until=until)

    Stack(simulation, options(target=Target.AWS_VPC_CNI), report=print).up()

    before.check()
    check_back(simulation, managed=managed)


@pytest.mark.parametrize("until", list(STAGES.values()), ids=list(STAGES))
def test_a_second_rollback_changes_nothing(until: str):
    simulation = shop(managed=False)
    Stack(simulation, options()).up(until=until)
    Stack(simulation, options(target=Target.AWS_VPC_CNI)).up()
    simulation.api.evictions.clear()
    before = Before(simulation)

    stack = Stack(simulation, options())
    stack.up()

    before.check_replaced()


def test_a_rollback_in_decrement_mode():
    simulation = shop(managed=False)
    before = Before(simulation)
    Stack(simulation, options(capacity=Capacity.DECREMENT, surge=3)).up(until="ip-10-0-0-2")

    Stack(simulation, options(target=Target.AWS_VPC_CNI, capacity=Capacity.DECREMENT, surge=3)).up()

    before.check()
    check_back(simulation, managed=False)
