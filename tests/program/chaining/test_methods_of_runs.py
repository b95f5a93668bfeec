"""The method of a restart is chosen in every run: what was recorded before does not keep a wrong one."""

from typing import Any

import pytest

from eks_cilium.cluster.objects import Reference
from eks_cilium.migration.refresh import listing
from eks_cilium.migration.refresh.model import Listed, Method, WorkloadList
from eks_cilium.migration.refresh.restarting import RESTARTED_ANNOTATION, restart_workload
from eks_cilium.migration.refresh.start import record_workloads
from eks_cilium.runtime.errors import UnhealthyError
from eks_cilium.settings.model.migration import RefreshOptions
from tests.program.rotation.simulation.api_server import Object
from tests.program.rotation.simulation.controllers import DEPLOYMENTS

from .simulation import ChainedSimulation, deployment, options, run

pytestmark = pytest.mark.simulation

APART = {
    "podAntiAffinity": {
        "requiredDuringSchedulingIgnoredDuringExecution": [
            {"labelSelector": {"matchLabels": {"app": "web"}}, "topologyKey": "kubernetes.io/hostname"}
        ]
    }
}


CROWDED = {"containers": [{"name": "main", "resources": {"requests": {"cpu": "1"}}}]}
"""Pods of which each node has room for one, which this program does not look at."""


@pytest.fixture
def simulation() -> ChainedSimulation:
    simulation = ChainedSimulation(workers=3)
    for node in simulation.nodes():
        node["status"]["allocatable"] = {"cpu": "1"}
    return simulation


def begun(simulation: ChainedSimulation, pod: Object) -> ChainedSimulation:
    """A Deployment with a pod on each of the three nodes, and Cilium after it."""
    simulation.roll_out_of("web", 3, pod=pod)
    record_workloads(run(simulation.world()))
    simulation.chain()
    assert len({pod["spec"]["nodeName"] for pod in simulation.pods_of("web")}) == 3
    return simulation


def restart(simulation: ChainedSimulation, given: RefreshOptions | None = None) -> dict[str, Any]:
    return restart_workload(run(simulation.world(), given), deployment("web"))


def annotations(simulation: ChainedSimulation) -> dict[str, str]:
    found = simulation.api.find(DEPLOYMENTS, "shop", "web")
    assert found is not None
    return dict(found["spec"]["template"]["metadata"].get("annotations") or {})


def test_a_roll_out_whose_extra_pod_has_no_node_stops_the_run(simulation: ChainedSimulation):
    """Where the reason is one that this program does not know."""
    with pytest.raises(UnhealthyError, match="0 of 3 pods restarted") as stopped:
        restart(begun(simulation, CROWDED))

    assert "0/3 nodes are available: 3 Insufficient cpu." in str(stopped.value)
    assert 'with `refresh.evict: ["shop/web"]` its pods are evicted instead' in str(stopped.value)


def test_pods_that_must_not_share_a_node_are_evicted(simulation: ChainedSimulation):
    before = begun(simulation, {"affinity": APART}).uids("web")

    done = restart(simulation)

    assert (done["how"], done["pods"]) == (Method.EVICT, 3)
    assert not before & simulation.uids("web")
    assert annotations(simulation) == {}


def test_a_changed_method_takes_effect_in_the_next_run(simulation: ChainedSimulation):
    before = begun(simulation, CROWDED).uids("web")
    with pytest.raises(UnhealthyError):
        restart(simulation)
    assert RESTARTED_ANNOTATION in annotations(simulation)

    done = restart(simulation, options(evict=("shop/web",)))

    assert done["how"] == Method.EVICT
    assert not before & simulation.uids("web")
    assert annotations(simulation) == {}
    assert len(simulation.uids("web")) == 3


def test_a_permission_that_is_taken_away_takes_effect_in_the_next_run(simulation: ChainedSimulation):
    begun(simulation, {})
    simulation.add_budget("web", minAvailable=3)
    given = options(evict=("shop/web",), allow={"budgets": ["shop/web"]})
    simulation.broken.add("web")
    with pytest.raises(UnhealthyError):
        restart(simulation, given)
    simulation.broken.clear()

    done = restart(simulation)

    assert done["how"] == Method.ROLL_OUT


def test_a_list_of_an_earlier_version_names_other_kinds_without_their_group(simulation: ChainedSimulation):
    kafka = Reference("StrimziPodSet", "shop", "kafka", "core.strimzi.io")
    agent = Reference("DaemonSet", "shop", "agent", "apps.kruise.io")
    known = WorkloadList("then", 1, (Listed(Reference("StrimziPodSet", "shop", "kafka"), ""),))

    assert known.has(kafka)
    assert not known.has(agent)
    world = simulation.world()
    longer = listing.add(world, known, [Listed(kafka, ""), Listed(agent, "")])
    assert listing.read(world, 1) == longer
    assert longer.references[1:] == (agent,)
