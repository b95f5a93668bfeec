"""What a refresh asks of the API server, a pod: a bound, however long budgets are waited for."""

from collections import Counter

import pytest

from eks_cilium.cluster.objects import Reference
from eks_cilium.migration.agents import enforcement
from eks_cilium.migration.refresh import gate
from eks_cilium.migration.refresh.restarting import restart_workload
from eks_cilium.migration.refresh.start import record_workloads

from .simulation import ChainedSimulation, deployment, options, run

pytestmark = pytest.mark.simulation

APPS, PODS_EACH = 5, 8
IN_ALL = 200
"""Requests that do not depend on the pods: the whole cluster is read five times."""
READY_AFTER = 20
"""Seconds until a new pod is ready, for which a budget of one pod is closed."""
Shop = tuple[ChainedSimulation, list[Reference]]


def shop(*, apps: int, pods: int, seconds_to_ready: int) -> Shop:
    """Workloads of all methods: evicted with and without a budget, and rolled out."""
    simulation = ChainedSimulation(workers=4)
    workloads = []
    for number in range(apps):
        name, namespace = f"app-{number}", f"team-{number % 4}"
        budget = {"maxUnavailable": 1} if number % 2 else {}
        missing = "25%" if number % 4 else 0
        simulation.roll_out_of(name, pods, namespace=namespace, missing=missing, **budget)
        workloads.append(deployment(name, namespace))
    simulation.stateful("db", 3)
    workloads.append(Reference("StatefulSet", "shop", "db"))
    simulation.start_seconds = seconds_to_ready
    return simulation, workloads


def refresh(simulation: ChainedSimulation, workloads: list[Reference]) -> Counter[str]:
    """All that a program does for a refresh; the requests by their kind."""
    given = options(health_timeout_seconds=600)
    record_workloads(run(simulation.world(), given))
    simulation.chain()
    simulation.watch()
    simulation.api.requests.clear()
    enforcement.pause(run(simulation.world(), given))
    for workload in workloads:
        restart_workload(run(simulation.world(), given), workload)
    done = gate.await_managed(run(simulation.world(), given))
    assert (done["managed"], done["left"]) == (done["of"], [])
    return simulation.api.requests


def test_a_pod_takes_few_requests():
    simulation, workloads = shop(apps=APPS, pods=PODS_EACH, seconds_to_ready=READY_AFTER)

    asked = refresh(simulation, workloads)

    pods = APPS * PODS_EACH + 3
    assert simulation.violations == []
    assert len(set(simulation.evicted())) == len(simulation.evicted())
    assert asked.total() <= IN_ALL + 3 * pods, asked.most_common()
