"""A program that runs in a pod of the cluster it migrates: its own node is replaced last."""

from pathlib import Path

import pytest

from eks_cilium.dynamic.replacement.node_inventory import NodeInventoryProvider
from eks_cilium.dynamic.replacement.node_rotation import NodeRotationProvider
from eks_cilium.migration.inventory import recording
from eks_cilium.migration.start import read_start
from eks_cilium.settings.model.migration import Target
from tests.program.plan.pod_tokens import IN_A_POD, token_of
from tests.program.rotation.migrations import run
from tests.program.rotation.simulation.world import Simulation

from .shells import inputs, nodes_of, over

pytestmark = pytest.mark.simulation


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Of a pod with hostNetwork: its host name is not its own."""
    token = tmp_path / "token"
    token.write_text(token_of("ci", "runner"))
    return IN_A_POD | {"HOSTNAME": "ip-10-0-0-1", "AWS_WEB_IDENTITY_TOKEN_FILE": str(token)}


@pytest.fixture
def simulation() -> Simulation:
    simulation = Simulation(workers=3)
    owner = {"kind": "Job", "name": "migration", "controller": True}
    simulation.run("runner", nodes_of(simulation)[0], "ci", metadata={"ownerReferences": [owner]})
    return simulation


def test_the_program_registers_its_own_node_last(simulation: Simulation, environment: dict[str, str]) -> None:
    own = nodes_of(simulation)[0]

    start = read_start(run(simulation.world(environment=environment)))

    assert start.nodes[-1] == own
    assert read_start(run(simulation.world())).nodes[0] == own


def test_the_plan_and_the_inventory_have_it_last(simulation: Simulation, environment: dict[str, str]) -> None:
    own, *others = nodes_of(simulation)
    given = inputs(nodes=[own, *others], left=3)

    shown = over(simulation, NodeRotationProvider, environment=environment).check({}, inputs(node=own))
    over(simulation, NodeInventoryProvider, environment=environment).create(given)

    kept = recording.read(simulation.world(), Target.CILIUM)
    assert shown.inputs["plan"][0].startswith("3. ")
    assert kept is not None
    assert kept.nodes[-1].name == own
