"""Before pods are restarted, Cilium's chained agents run on every node whose kubelet answers."""

import pytest

from eks_cilium.cluster.gates.readiness import CUSTOM_RESOURCES
from eks_cilium.errors import NotReadyError
from eks_cilium.migration.chaining.readiness import await_agents
from tests.program.rotation.simulation.controllers import PODS

from .simulation import ChainedSimulation, run

pytestmark = pytest.mark.simulation

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


@pytest.fixture
def simulation() -> ChainedSimulation:
    found = ChainedSimulation(workers=3)
    found.chain()
    for name in CUSTOM_RESOURCES:
        established = [{"type": "Established", "status": "True"}]
        found.api.put(DEFINITIONS, {"metadata": {"name": name}, "status": {"conditions": established}})
    found.deploy("cilium-operator", 1, "kube-system")
    found.clock.sleep(30)
    return found


def test_a_dead_node_is_not_waited_for_and_is_named(simulation: ChainedSimulation):
    [operator] = simulation.pods_of("cilium-operator")
    names = [node["metadata"]["name"] for node in simulation.nodes()]
    dead = next(name for name in names if name != operator["spec"]["nodeName"])
    simulation.die(dead)
    simulation.clock.sleep(60)
    said: list[str] = []

    done = await_agents(run(simulation.world(), report=said.append))

    assert done == {"nodes": 2}
    assert said[-1] == f"not waited for, because the kubelet does not answer: {dead}"


def test_a_node_that_answers_without_a_ready_agent_is_waited_for(simulation: ChainedSimulation):
    pods = simulation.api.of(PODS, "kube-system")
    agent = next(pod for pod in pods if pod["metadata"]["labels"].get("k8s-app") == "cilium")
    agent["status"]["conditions"] = [{"type": "Ready", "status": "False"}]

    with pytest.raises(NotReadyError, match="Cilium agents: "):
        await_agents(run(simulation.world()))
