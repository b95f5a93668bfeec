"""Workloads are restarted under their budgets, each pod once; an unhealthy workload stops the run."""

from typing import Any

import pytest

from eks_cilium.cluster.objects import Reference
from eks_cilium.migration.agents import enforcement
from eks_cilium.migration.control import stop
from eks_cilium.migration.control.stop import StopRequest
from eks_cilium.migration.refresh import gate
from eks_cilium.migration.refresh.model import Method
from eks_cilium.migration.refresh.restarting import restart_workload
from eks_cilium.migration.refresh.start import plan_now, record_workloads
from eks_cilium.runtime.errors import (
    RestartRefusedError,
    StoppedError,
    StopRequestedError,
    TimedOutError,
    UnhealthyError,
)
from eks_cilium.settings.model.migration import RefreshOptions
from tests.program.rotation.simulation.world import CONFIG_MAPS

from .simulation import ChainedSimulation, deployment, options, run

pytestmark = pytest.mark.simulation


def quiet(_: str) -> None:
    pass


@pytest.fixture
def simulation() -> ChainedSimulation:
    return ChainedSimulation(workers=3)


def begun(simulation: ChainedSimulation, given: RefreshOptions | None = None) -> RefreshOptions:
    """Record the list, then chain Cilium."""
    given = given or options()
    record_workloads(run(simulation.world(), given))
    simulation.chain()
    simulation.watch()
    return given


def restart(simulation: ChainedSimulation, workload: Reference, given: RefreshOptions) -> dict[str, Any]:
    return restart_workload(run(simulation.world(), given), workload)


def test_a_deployment_that_may_lose_pods_is_evicted_under_its_budget(simulation: ChainedSimulation):
    simulation.roll_out_of("web", 6, missing="50%", maxUnavailable=1)
    before = simulation.uids("web")
    given = begun(simulation)

    done = restart(simulation, deployment("web"), given)

    assert (done["how"], done["pods"]) == (Method.EVICT, 6)
    assert sorted(simulation.evicted()) == sorted(before)
    assert simulation.violations == []


def test_without_a_budget_no_more_are_missing_than_its_own_roll_out_would_allow(
    simulation: ChainedSimulation,
):
    simulation.roll_out_of("web", 8, missing=2)
    given = begun(simulation)
    fewest = [8]
    tick = simulation.clock.tick

    def watched() -> None:
        tick()
        fewest[0] = min(fewest[0], sum(map(ready, simulation.pods_of("web"))))

    simulation.clock.tick = watched
    restart(simulation, deployment("web"), given)

    assert fewest[0] >= 6


def ready(pod: dict[str, Any]) -> bool:
    conditions = pod["status"].get("conditions") or []
    return "deletionTimestamp" not in pod["metadata"] and any(
        condition["status"] == "True" for condition in conditions
    )


def test_a_deployment_that_creates_new_pods_first_rolls_out_once(simulation: ChainedSimulation):
    """Even if its budget never allows anything: a roll-out asks no budget and undercuts none."""
    simulation.roll_out_of("web", 2, minAvailable=2)
    before = simulation.uids("web")
    given = begun(simulation)

    done = restart(simulation, deployment("web"), given)

    assert (done["how"], done["pods"]) == (Method.ROLL_OUT, 2)
    assert simulation.evicted() == []
    assert simulation.violations == []
    assert before.isdisjoint(simulation.uids("web"))
    assert (
        len([write for write in simulation.api.writes if write[0] == "PATCH" and "deployments" in write[1]])
        == 1
    )


def test_a_stateful_set_is_restarted_from_its_last_pod_to_its_first(simulation: ChainedSimulation):
    simulation.stateful("db", 3)
    given = begun(simulation)

    restart(simulation, Reference("StatefulSet", "shop", "db"), given)

    assert [name for name, _, status in simulation.api.evictions if status == 201] == [
        "shop/db-2",
        "shop/db-1",
        "shop/db-0",
    ]


def test_what_cilium_manages_already_is_not_touched(simulation: ChainedSimulation):
    simulation.roll_out_of("web", 6, missing=1)
    given = begun(simulation)
    restart(simulation, deployment("web"), given)
    evicted = simulation.evicted()

    again = restart(simulation, deployment("web"), given)

    assert again["pods"] == 0
    assert simulation.evicted() == evicted


class KilledError(Exception):
    """Raised at a write, as if the process were killed there."""


@pytest.mark.parametrize(("replicas", "missing"), [(5, 1), (2, "25%")], ids=["evicted", "rolled out"])
@pytest.mark.parametrize("after", [False, True], ids=["before a write", "after a write"])
def test_killed_at_every_write_and_run_again_no_pod_is_restarted_twice(
    replicas: int, missing: int | str, after: bool
):
    for write in range(1, 30):
        simulation = ChainedSimulation(workers=3)
        simulation.roll_out_of("web", replicas, missing=missing, maxUnavailable=1)
        before = simulation.uids("web")
        given = begun(simulation)
        killed = run_killed(simulation, given, write, after=after)
        restart(simulation, deployment("web"), given)

        asked = simulation.evicted()
        assert len(asked) == len(set(asked))
        assert set(asked) <= before
        assert before.isdisjoint(simulation.uids("web"))
        assert simulation.violations == []
        patches = [
            request
            for request in simulation.api.writes
            if request[0] == "PATCH" and "deployments" in request[1]
        ]
        assert len(patches) <= 1
        if not killed:
            return
    pytest.fail("it never came to its end")


def run_killed(simulation: ChainedSimulation, given: RefreshOptions, write: int, *, after: bool) -> bool:
    counted = [0]

    def kill(_: str) -> None:
        counted[0] += 1
        if counted[0] == write:
            raise KilledError

    name = "after_write" if after else "before_write"
    setattr(simulation.api, name, kill)
    try:
        restart(simulation, deployment("web"), given)
    except KilledError:
        return True
    finally:
        setattr(simulation.api, name, lambda _: None)
    return False


@pytest.mark.parametrize(("replicas", "missing"), [(4, 1), (2, "25%")], ids=["evicted", "rolled out"])
def test_a_workload_that_does_not_become_healthy_stops_the_run_and_is_named(
    replicas: int, missing: int | str
):
    simulation = ChainedSimulation(workers=3)
    simulation.roll_out_of("web", replicas, missing=missing)
    simulation.broken.add("web")
    given = begun(simulation)

    with pytest.raises(
        UnhealthyError, match="Deployment shop/web did not become as healthy as it was"
    ) as stopped:
        restart(simulation, deployment("web"), given)

    assert "The workloads after it were not restarted." in str(stopped.value)
    assert len(simulation.evicted()) <= 1, "no second pod after an unhealthy one"


def test_where_cilium_does_not_work_only_one_pod_is_restarted(simulation: ChainedSimulation):
    simulation.roll_out_of("web", 4, missing=1)
    given = begun(simulation)
    simulation._give_endpoints = lambda _: None  # type: ignore[method-assign]

    with pytest.raises(UnhealthyError, match="has no CiliumEndpoint"):
        restart(simulation, deployment("web"), given)

    assert len(simulation.evicted()) == 1


def test_a_budget_that_never_allows_it_stops_the_run_before_any_change(simulation: ChainedSimulation):
    simulation.stateful("db", 2)
    simulation.add_budget("db", minAvailable=2)
    given = begun(simulation)

    with pytest.raises(RestartRefusedError, match="never allows"):
        restart(simulation, Reference("StatefulSet", "shop", "db"), given)

    assert simulation.evicted() == []


def test_a_workload_that_is_deleted_meanwhile_is_finished(simulation: ChainedSimulation):
    simulation.roll_out_of("web", 4, missing=1)
    given = begun(simulation)
    found = simulation.api.find("/apis/apps/v1/deployments", "shop", "web")
    assert found is not None
    simulation.api.remove("/apis/apps/v1/deployments", found)

    assert restart(simulation, deployment("web"), given)["pods"] == 4


def test_bare_pods_are_reported_and_never_deleted_unless_allowed(simulation: ChainedSimulation):
    node = simulation.nodes()[0]["metadata"]["name"]
    simulation.run("debug", node)
    simulation.clock.sleep(3)
    made = plan_now(run(simulation.world()))

    assert made.clean
    assert [str(pod) for pod in made.bare] == ["Pod shop/debug"]
    assert made.workloads == ()

    given = begun(simulation, options(allow={"bare_pods": ["shop/debug"]}))
    restart(simulation, Reference("Pod", "shop", "debug"), given)
    assert [name for name, _, _ in simulation.api.evictions] == ["shop/debug"]


def test_the_gate_opens_when_all_are_managed_and_says_how_many(simulation: ChainedSimulation):
    simulation.roll_out_of("web", 3, missing=1)
    given = begun(simulation)
    restart(simulation, deployment("web"), given)
    said: list[str] = []

    done = gate.await_managed(run(simulation.world(), given, said.append))

    assert (done["managed"], done["of"], done["left"]) == (3, 3, [])
    assert said[-1] == "3 of 3 pods managed by Cilium"


def test_while_the_gate_waits_it_watches_what_it_waits_for_and_does_not_read_the_whole_cluster(
    simulation: ChainedSimulation,
):
    simulation.roll_out_of("late", 2, missing=1)
    simulation.chain()
    asked = simulation.api.requests
    asked.clear()

    with pytest.raises(TimedOutError, match="pods without Cilium: Deployment shop/late"):
        gate.await_managed(run(simulation.world(), options(jobs="leave")))

    assert asked["GET deployments"] + asked["LIST pods"] <= 5
    assert asked.total() < 100, asked.most_common()


def test_a_workload_created_between_the_list_and_cilium_is_added_to_the_list(simulation: ChainedSimulation):
    given = options()
    record_workloads(run(simulation.world(), given))
    simulation.roll_out_of("late", 2, missing=1)
    simulation.chain()

    with pytest.raises(StoppedError, match="Deployment shop/late created pods after the list"):
        gate.await_managed(run(simulation.world(), given))

    taken = record_workloads(run(simulation.world(), given))
    assert taken["workloads"] == ["Deployment shop/late"]
    restart(simulation, deployment("late"), given)
    assert gate.await_managed(run(simulation.world(), given))["managed"] == 2


def test_the_same_list_is_found_again_and_another_round_records_another(simulation: ChainedSimulation):
    simulation.roll_out_of("web", 3, missing=1)
    given = begun(simulation)
    first = record_workloads(run(simulation.world(), given))

    assert record_workloads(run(simulation.world(), given)) == first
    again = options(round=2)
    restart(simulation, deployment("web"), given)
    assert record_workloads(run(simulation.world(), again))["workloads"] == []


def test_policies_that_were_switched_on_in_between_are_paused_before_the_next_workload(
    simulation: ChainedSimulation,
):
    workload = deployment("web")
    simulation.roll_out_of("web", 2)
    simulation.chain()
    enforcement.pause(run(simulation.world()))
    simulation.upgrade_cilium("default")
    record_workloads(run(simulation.world()))

    restart_workload(run(simulation.world()), workload)

    configuration = simulation.api.find(CONFIG_MAPS, "kube-system", "cilium-config")
    assert configuration is not None
    assert configuration["data"]["enable-policy"] == "never"


def test_after_a_stop_a_workload_in_work_is_finished_and_no_other_is_begun(simulation: ChainedSimulation):
    simulation.roll_out_of("web", 3, missing="50%", maxUnavailable=1)
    simulation.roll_out_of("api", 3, missing="50%", maxUnavailable=1)
    given = begun(simulation)
    inner, asked = simulation.clock.tick, StopRequest("ann@laptop", "2026-01-01T00:01:00+00:00")

    def tick() -> None:
        inner()
        if simulation.evicted():
            simulation.clock.tick = inner
            stop.request(simulation.world().api, asked)

    simulation.clock.tick = tick

    assert restart(simulation, deployment("web"), given)["pods"] == 3
    with pytest.raises(StopRequestedError, match="ann@laptop"):
        restart(simulation, deployment("api"), given)

    assert len(simulation.evicted()) == 3
    stop.withdraw(simulation.world().api)
    assert restart(simulation, deployment("api"), given)["pods"] == 3
