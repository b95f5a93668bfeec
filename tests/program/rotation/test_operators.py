"""Operators of databases and storage that close budgets, deny evictions and move pods by themselves."""

import pytest

from eks_cilium.migration.facts.pods import budget as known_budget
from eks_cilium.migration.start import plan_now
from eks_cilium.runtime.errors import DrainRefusedError, TimedOutError
from eks_cilium.settings.model.migration import Allow

from .drains import Bench
from .migrations import Before, Stack, options, run
from .simulation.controllers import BUDGETS, DEPLOYMENTS, PODS, REPLICA_SETS
from .simulation.operators import STRIMZI, Blocker, DrainCleaner, Elastic, Primary, later, owned_by
from .simulation.world import Simulation

pytestmark = pytest.mark.simulation

PATIENT = {"drain_timeout_seconds": 900, "health_timeout_seconds": 600}


@pytest.fixture
def bench() -> Bench:
    return Bench()


def stateful(name: str, replicas: int, workers: int = 3) -> Simulation:
    simulation = Simulation(workers=workers)
    simulation.deploy_stateful(name, replicas)
    return simulation


def scale(simulation: Simulation, name: str, replicas: int) -> None:
    """As a HorizontalPodAutoscaler does; surplus pods are deleted."""
    for collection, found in ((DEPLOYMENTS, name), (REPLICA_SETS, f"{name}-1")):
        owner = simulation.api.find(collection, "shop", found)
        assert owner is not None
        owner["spec"]["replicas"] = replicas
    pods = [pod for pod in simulation.api.of(PODS, "shop") if pod["metadata"]["labels"].get("app") == name]
    for pod in pods[replicas:]:
        simulation.api.terminate(pod)


def blockers_of(simulation: Simulation, **allow: tuple[str, ...]) -> list[str]:
    plan = plan_now(run(simulation.world(), options(allow=Allow.model_validate(allow))))
    return [str(blocker) for blocker in plan.blockers]


def test_one_run_replaces_all_nodes_of_a_cluster_whose_operator_opens_its_budget_when_data_is_whole():
    simulation = stateful("es", 3)
    before = Before(simulation)
    Elastic(simulation, "es", 3, whole_after=120)

    Stack(simulation, options(**PATIENT)).up()

    before.check_replaced()


def test_a_budget_that_its_operator_has_closed_at_the_moment_is_no_blocker():
    simulation = stateful("es", 3)
    simulation.add_budget("es", name="es-es-default", minAvailable=3)
    assert "migration.allow.awaitedBudgets" in blockers_of(simulation)[0]

    found = simulation.api.find(BUDGETS, "shop", "es-es-default")
    assert found is not None
    found["metadata"]["ownerReferences"] = owned_by(STRIMZI)

    plan = plan_now(run(simulation.world()))
    assert plan.blockers == ()
    closed = [str(warning) for warning in plan.warnings if "requires 3 of 3 pods healthy" in str(warning)]
    assert len(closed) == 1
    assert "StrimziPodSet kafka of core.strimzi.io" in closed[0]


def test_blocking_budgets_of_a_storage_operator_are_waited_for():
    simulation = Simulation(workers=3)
    for app in ("a", "b", "c"):
        simulation.deploy(app, 1)
    before = Before(simulation)
    Blocker(simulation, ("a", "b", "c"), whole_after=90)

    Stack(simulation, options(**PATIENT)).up()

    before.check_replaced()


@pytest.mark.parametrize("code", [400, 403, 500])
def test_pods_that_an_operator_moves_when_its_webhook_was_asked_are_waited_for(code: int):
    simulation = stateful("kafka", 3)
    before = Before(simulation)
    DrainCleaner(simulation, "kafka", takes=60, code=code)
    simulation.add_budget("kafka", owner=owned_by(STRIMZI), minAvailable=3)

    Stack(simulation, options(**PATIENT)).up()

    before.check_replaced()


def test_the_budget_of_a_primary_is_refused_with_the_permission_to_wait_for_its_operator():
    simulation = Simulation(workers=2)
    first, second = (node["metadata"]["name"] for node in simulation.nodes())
    Primary(simulation, primary_on=first, replica_on=second, takes=40)

    (blocker,) = blockers_of(simulation)

    assert "Cluster pg of postgresql.cnpg.io" in blocker
    assert 'migration.allow.awaitedBudgets: ["shop/pg-primary"]' in blocker
    assert blockers_of(simulation, awaitedBudgets=("shop/*",)) == []


def test_a_primary_is_moved_by_its_operator_once_the_node_is_cordoned(bench: Bench):
    other = bench.simulation.nodes()[1]["metadata"]["name"]
    Primary(bench.simulation, primary_on=bench.name, replica_on=other, takes=40)
    began = bench.simulation.clock.seconds

    drained = bench.drain(drain_timeout_seconds=300, awaited_budgets=("shop/pg-*",))

    assert (drained.evicted, drained.deleted) == (1, 0)
    assert bench.simulation.clock.seconds - began >= 40
    successor = bench.simulation.api.find(PODS, "shop", "pg-2")
    assert successor is not None
    assert successor["metadata"]["labels"]["app"] == "primary"


def test_a_primary_that_its_operator_does_not_move_is_named_with_its_budget(bench: Bench):
    other = bench.simulation.nodes()[1]["metadata"]["name"]
    Primary(bench.simulation, primary_on=bench.name, replica_on=other, takes=1e9)

    with pytest.raises(TimedOutError, match=r"shop/pg-1 \(budget shop/pg-primary\): The disruption budget"):
        bench.drain(drain_timeout_seconds=120, awaited_budgets=("shop/pg-*",))

    assert bench.exists("pg-1")


def test_a_permission_to_wait_goes_before_a_permission_to_delete(bench: Bench):
    other = bench.simulation.nodes()[1]["metadata"]["name"]
    Primary(bench.simulation, primary_on=bench.name, replica_on=other, takes=40)

    drained = bench.drain(drain_timeout_seconds=300, awaited_budgets=("shop/pg-*",), budgets=("*/*",))

    assert (drained.evicted, drained.deleted) == (1, 0)


def test_a_closed_budget_of_an_operator_can_be_passed_over_where_it_never_opens(bench: Bench):
    bench.simulation.deploy_stateful("kafka", 2)
    bench.simulation.add_budget("kafka", owner=owned_by(STRIMZI), minAvailable=3)
    bench.pod("kafka-x", metadata={"labels": {"app": "kafka"}})

    assert bench.drain(budgets=("shop/kafka",)).deleted >= 1


# What passes by itself


def test_a_deployment_that_was_scaled_to_one_replica_for_a_moment_is_waited_for(bench: Bench):
    """As by a HorizontalPodAutoscaler: the budget then never allows anything."""
    bench.simulation.deploy("web", 1, minAvailable=1)
    (pod,) = bench.simulation.api.of(PODS, "shop")
    pod["spec"]["nodeName"] = bench.name
    later(bench.simulation, 20, lambda: scale(bench.simulation, "web", 2))

    assert bench.drain(drain_timeout_seconds=300).evicted == 1


def test_the_same_before_the_cordon():
    simulation = Simulation(workers=2)
    simulation.deploy("web", 2)
    before = Before(simulation)
    simulation.add_budget("web", minAvailable=1)
    stack = Stack(simulation, options(**PATIENT))
    stack.up(until="ip-")
    scale(simulation, "web", 1)
    later(simulation, 40, lambda: scale(simulation, "web", 2))

    stack.up()

    before.check_replaced()


@pytest.mark.parametrize("seconds", [20, 200])
def test_a_pod_of_a_debugging_session_is_waited_for(bench: Bench, seconds: int):
    bench.pod("web", spec={"terminationGracePeriodSeconds": 10})
    pod = bench.pod("node-debugger", "")
    later(bench.simulation, seconds, lambda: bench.simulation.api.remove(PODS, pod))

    assert bench.drain(drain_timeout_seconds=300).evicted == 1


def test_a_pod_that_must_stay_and_stays_is_named_with_what_was_evicted_before(bench: Bench):
    bench.pod("web", spec={"terminationGracePeriodSeconds": 10})
    bench.pod("api", spec={"terminationGracePeriodSeconds": 10})
    later(bench.simulation, 5, lambda: bench.pod("node-debugger", ""))
    lines: list[str] = []

    with pytest.raises(DrainRefusedError, match="shop/node-debugger: nothing recreates it") as error:
        bench.drain(drain_timeout_seconds=60, report=lines.append)

    assert "2 pods were evicted before." in str(error.value)
    assert "No pod was evicted" not in str(error.value)
    assert any("waiting for shop/node-debugger" in line for line in lines)


def test_an_owner_of_kubernetes_itself_is_no_operator():
    def operator_of(version: str) -> str:
        obj = {
            "metadata": {
                "name": "x",
                "namespace": "shop",
                "ownerReferences": [{"apiVersion": version, "kind": "Kind", "name": "x"}],
            },
            "spec": {},
        }
        return known_budget(obj).operator

    versions = ("v1", "apps/v1", "batch/v1", "gateway.networking.k8s.io/v1")
    assert [operator_of(each) for each in versions] == [""] * 4
    assert operator_of("leaderworkerset.x-k8s.io/v1") == "Kind x of leaderworkerset.x-k8s.io"
    assert operator_of("elasticsearch.k8s.elastic.co/v1") == "Kind x of elasticsearch.k8s.elastic.co"
