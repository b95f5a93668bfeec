"""The VPC CNI keeps pods' addresses in packets to peers; its earlier exclusions are restored."""

import json

import pytest

from eks_cilium.migration.aws_node import snat
from eks_cilium.runtime.errors import StoppedError

from .simulation import ChainedSimulation, run

pytestmark = pytest.mark.simulation

PEERS = ["10.2.0.0/16", "10.3.0.0/16"]


def quiet(_: str) -> None:
    pass


def excluding(simulation: ChainedSimulation, *networks: str, external: bool = False) -> None:
    """A self-managed aws-node that already has exclusions."""
    environment = [
        {"name": "AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS", "value": ",".join(networks)},
        {"name": "AWS_VPC_K8S_CNI_EXTERNALSNAT", "value": str(external).lower()},
    ]
    pod = simulation.daemon_set("aws-node")["spec"]["template"]["spec"]
    pod["containers"] = [{"name": "aws-node", "env": environment}]


def excluded(simulation: ChainedSimulation) -> list[str]:
    """The exclusions of the DaemonSet at the moment."""
    (container,) = simulation.daemon_set("aws-node")["spec"]["template"]["spec"]["containers"]
    values = {variable["name"]: variable["value"] for variable in container["env"]}
    text: str = values.get("AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS", "")
    return [network for network in text.split(",") if network]


def test_a_self_managed_aws_node_gets_the_peers_added_and_its_own_exclusions_restored():
    simulation = ChainedSimulation(workers=2)
    excluding(simulation, "192.168.0.0/16")
    world = simulation.world()

    facts = snat.exclude(run(world), PEERS)

    assert facts == {"changed": True, "exclusions": ["192.168.0.0/16", *PEERS]}
    assert excluded(simulation) == ["192.168.0.0/16", *PEERS]
    snat.restore(run(world))
    assert excluded(simulation) == ["192.168.0.0/16"]


def test_a_managed_add_on_is_configured_and_its_configuration_restored_exactly():
    simulation = ChainedSimulation(managed=True, workers=2)
    assert simulation.cloud.add_on is not None
    simulation.cloud.add_on["configurationValues"] = "env:\n  WARM_ENI_TARGET: '2'\n"
    world = simulation.world()

    snat.exclude(run(world), PEERS)

    assert json.loads(simulation.cloud.add_on["configurationValues"])["env"] == {
        "WARM_ENI_TARGET": "2",
        "AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS": ",".join(PEERS),
    }
    assert not any("daemonsets/aws-node" in path for _, path, _ in simulation.api.writes)
    snat.restore(run(world))
    assert simulation.cloud.add_on["configurationValues"] == "env:\n  WARM_ENI_TARGET: '2'\n"


@pytest.mark.parametrize(
    ("networks", "external"), [(PEERS, False), (["10.0.0.0/8"], False), ([], True)], ids=str
)
def test_where_peers_see_pods_addresses_already_nothing_is_written(networks: list[str], external: bool):
    simulation = ChainedSimulation(workers=1)
    excluding(simulation, *networks, external=external)

    assert snat.exclude(run(simulation.world()), PEERS)["changed"] is False
    assert simulation.api.writes == []
    snat.restore(run(simulation.world()))
    assert simulation.api.writes == []


def test_without_aws_node_it_stops():
    simulation = ChainedSimulation(workers=1)
    simulation.api.remove("/apis/apps/v1/daemonsets", simulation.daemon_set("aws-node"))

    with pytest.raises(StoppedError, match="aws-node does not exist"):
        snat.exclude(run(simulation.world()), PEERS)
