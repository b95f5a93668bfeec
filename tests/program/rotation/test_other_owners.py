"""Another owner of aws-node or of Cilium rewrites an affinity in the middle of a migration."""

import json
from typing import Any

import pytest

from eks_cilium.cluster.objects import is_cordoned
from eks_cilium.migration.agents.cni_gate import CniGate
from eks_cilium.runtime.errors import StoppedError
from eks_cilium.settings.model.migration import Capacity, Target

from .migrations import Before, Stack, options
from .simulation.world import STOCK_TERMS, Simulation

pytestmark = pytest.mark.simulation

REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
STOCK = {"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": STOCK_TERMS}}}


def shop(**more: Any) -> Simulation:
    simulation = Simulation(workers=3, **more)
    simulation.deploy("web", 4, maxUnavailable=1)
    return simulation


def rewrite(simulation: Simulation, name: str, manager: str, affinity: dict[str, Any]) -> None:
    """What server-side apply by another field manager leaves."""
    daemon_set = simulation.daemon_set(name)
    daemon_set["spec"]["template"]["spec"]["affinity"] = json.loads(json.dumps(affinity))
    fields = {"f:spec": {"f:template": {"f:spec": {"f:affinity": {}}}}}
    daemon_set["metadata"]["managedFields"] = [
        {"manager": "eks", "time": "2026-01-01T00:00:00Z", "fieldsV1": fields},
        {"manager": manager, "time": "2026-01-01T09:00:00Z", "fieldsV1": fields},
    ]
    daemon_set["metadata"]["generation"] += 1
    simulation.clock.sleep(5)


def configure(simulation: Simulation, configuration: str) -> None:
    """What Terraform's aws_eks_addon does when it applies the configuration it knows."""
    simulation.world().eks.configure("vpc-cni", configuration)
    simulation.clock.sleep(5)


def test_a_rewritten_aws_node_stops_the_run_before_any_drain_and_the_owner_is_named() -> None:
    simulation = shop()
    before = Before(simulation)
    stack = Stack(simulation, options())
    stack.up(until="ip-")
    rewrite(simulation, "aws-node", "argocd-controller", STOCK)

    with pytest.raises(StoppedError, match=r"aws-node is no longer restricted .* manager argocd-controller"):
        stack.up()

    assert simulation.api.evictions == []
    assert not any(is_cordoned(node) for node in simulation.nodes())
    stack.up()
    before.check_replaced()


def test_an_add_on_whose_other_owner_replaces_its_configuration_is_configured_again() -> None:
    simulation = shop(managed=True)
    before = Before(simulation)
    stack = Stack(simulation, options())
    stack.up(until="ip-")
    configure(simulation, '{"env": {"WARM_IP_TARGET": "5"}}')

    with pytest.raises(StoppedError, match=r"the add-on vpc-cni was replaced .*WARM_IP_TARGET"):
        stack.up()

    assert simulation.api.evictions == []
    stack.up(until="restore")
    assert simulation.cloud.add_on is not None
    values = json.loads(simulation.cloud.add_on["configurationValues"])
    assert values["env"] == {"WARM_IP_TARGET": "5"}
    assert "affinity" in values
    stack.up()
    before.check_replaced()


@pytest.mark.parametrize("when", ["prepare", "capacity", "drain"])
def test_it_is_noticed_whenever_it_happens(when: str) -> None:
    """While new nodes are waited for, while a node waits for capacity, in the middle of the run."""
    simulation = shop()
    before = Before(simulation)
    stack = Stack(simulation, options())
    if when == "prepare":
        stack.up(until="prepare")
    elif when == "capacity":
        stack.up(until="ip-")
    else:
        stack.up(until=simulation.nodes()[1]["metadata"]["name"])
    inner, done = simulation.clock.tick, []

    def tick() -> None:
        inner()
        if not done:
            done.append(1)
            simulation.clock.tick = inner
            rewrite(simulation, "aws-node", "terraform", STOCK)
            simulation.clock.tick = tick

    simulation.clock.tick = tick
    drained = len(simulation.api.evictions)

    with pytest.raises(StoppedError, match=r"field manager terraform"):
        stack.up()

    assert len(simulation.api.evictions) - drained <= 4, "at most the node in work"
    stack.up()
    before.check_replaced()


def test_a_release_of_cilium_that_is_applied_without_the_restriction_is_noticed_too() -> None:
    simulation = shop()
    before = Before(simulation)
    stack = Stack(simulation, options())
    stack.up(until="ip-")
    rewrite(simulation, "cilium", "helm", {})

    with pytest.raises(StoppedError, match=r"cilium is no longer restricted .* field manager helm"):
        stack.up()

    assert simulation.api.evictions == []
    stack.up()
    before.check_replaced()


def test_a_rollback_notices_it_as_well() -> None:
    simulation = shop()
    Stack(simulation, options()).up(until="restore")
    back = Stack(simulation, options(target=Target.AWS_VPC_CNI, capacity=Capacity.SURGE))
    back.up(until="ip-")
    simulation.api.evictions.clear()
    rewrite(simulation, "aws-node", "terraform", STOCK)

    with pytest.raises(StoppedError, match=r"aws-node is no longer restricted .* field manager terraform"):
        back.up()

    assert simulation.api.evictions == []
    back.up()
    assert simulation.nodes(**{"cni-plugin": "cilium"}) == []


def test_a_new_node_with_agents_of_both_cnis_takes_no_pods() -> None:
    simulation = shop()
    Stack(simulation, options()).up(until="ip-")
    rewrite(simulation, "aws-node", "terraform", STOCK)
    world = simulation.world()
    gate = CniGate(world, Target.CILIUM)
    new = [
        member
        for member in world.groups.group("workers").members
        if "cni-plugin" not in gate.nodes[member.instance]["metadata"]["labels"]
    ]

    assert [gate.not_serving(member) for member in new] == [
        f"aws-node runs beside cilium on {gate.nodes[new[0].instance]['metadata']['name']}"
    ]
