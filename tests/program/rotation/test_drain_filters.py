"""Which pods of a node are evicted, skipped or refused: kubectl's own cases, by the rules of the plan."""

from typing import Any

import pytest

from eks_cilium.migration.facts.pods import MIRROR_ANNOTATION
from eks_cilium.migration.inventory import marks
from eks_cilium.runtime.errors import DrainRefusedError, StoppedError

from .drains import EMPTY_DIR, EVERYTHING, Bench

pytestmark = pytest.mark.unit


@pytest.fixture
def bench() -> Bench:
    return Bench()


def daemon_pod(bench: Bench, name: str = "logs", **more: Any) -> None:
    """A pod of a DaemonSet that exists, on every node."""
    daemon_set = bench.simulation.add_daemon_set(name, [], namespace="shop")
    daemon_set["spec"]["template"]["spec"]["affinity"] = None
    bench.simulation.clock.sleep(1)
    pod = next(
        pod for pod in bench.simulation.pods_on(bench.name) if pod["metadata"]["name"].startswith(name)
    )
    pod["spec"].update(more.pop("spec", {}))  # type: ignore[call-overload]
    pod["status"].update(more.pop("status", {}))  # type: ignore[call-overload]


def test_a_pod_of_a_replica_set_is_evicted(bench: Bench):
    bench.pod("web")

    assert bench.drain().evicted == 1
    assert not bench.exists("web")


def test_a_pod_of_a_daemon_set_stays(bench: Bench):
    daemon_pod(bench)

    assert bench.drain().evicted == 0
    assert bench.asked == []


def test_a_pod_of_a_daemon_set_with_local_storage_stays(bench: Bench):
    daemon_pod(bench, spec=EMPTY_DIR)

    assert bench.drain().evicted == 0


def test_a_pod_of_a_daemon_set_that_has_ended_is_evicted(bench: Bench):
    daemon_pod(bench, status={"phase": "Succeeded"})

    bench.drain()

    assert bench.asked == [f"logs-{bench.name}"]


def test_a_pod_of_a_daemon_set_that_is_gone_is_refused(bench: Bench):
    bench.simulation.collects_garbage = False
    bench.pod("logs", "DaemonSet")

    with pytest.raises(DrainRefusedError, match="shop/logs: DaemonSet shop/logs-owner does not exist"):
        bench.drain()

    assert bench.asked == []


def test_a_pod_of_a_daemon_set_that_is_gone_can_be_permitted(bench: Bench):
    bench.simulation.collects_garbage = False
    bench.pod("logs", "DaemonSet")

    assert bench.drain(bare_pods=EVERYTHING).evicted == 1


def test_a_bare_pod_is_refused_before_anything_is_evicted(bench: Bench):
    bench.pod("lonely", "")
    bench.pod("web")

    with pytest.raises(DrainRefusedError, match="shop/lonely: nothing recreates it") as error:
        bench.drain()

    assert "migration.allow" in str(error.value)
    assert bench.asked == []


def test_a_bare_pod_can_be_permitted(bench: Bench):
    bench.pod("lonely", "")

    assert bench.drain(bare_pods=EVERYTHING).evicted == 1


def test_a_bare_pod_with_local_storage_needs_both_permissions(bench: Bench):
    bench.pod("lonely", "", spec=EMPTY_DIR)

    with pytest.raises(DrainRefusedError, match="would lose the data in emptyDir scratch"):
        bench.drain(bare_pods=EVERYTHING)
    assert bench.drain(bare_pods=EVERYTHING, local_storage=EVERYTHING).evicted == 1


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
def test_local_storage_of_a_pod_that_has_ended_is_no_loss(bench: Bench, phase: str):
    bench.pod("done", spec=EMPTY_DIR, phase=phase)

    assert bench.drain().evicted == 1


def test_a_pod_of_a_job_with_local_storage_can_be_permitted(bench: Bench):
    bench.pod("batch", "Job", spec=EMPTY_DIR)

    assert bench.drain(local_storage=EVERYTHING).evicted == 1


def test_a_static_pod_stays(bench: Bench):
    bench.pod("static", "", metadata={"annotations": {MIRROR_ANNOTATION: "x"}}, spec=EMPTY_DIR)

    assert bench.drain().evicted == 0


def test_an_empty_node_is_drained_without_a_write(bench: Bench):
    assert bench.drain().evicted == 0
    assert bench.simulation.api.writes == []


@pytest.mark.parametrize(("age", "limit", "waits"), [(0, 20, True), (1, 20, True), (100, 20, False)])
def test_a_pod_that_should_long_be_gone_no_longer_counts(bench: Bench, age: int, limit: int, waits: bool):
    pod = bench.pod("stuck", metadata={"finalizers": ["example.com/never"]})
    pod["metadata"]["deletionTimestamp"] = bench.simulation.clock.stamp()
    bench.simulation.clock.sleep(age)
    began = bench.simulation.clock.seconds

    bench.drain(terminating=limit)

    assert (bench.simulation.clock.seconds - began > 5) is waits
    assert bench.asked == []


def test_critical_pods_are_evicted_after_all_others(bench: Bench):
    bench.pod("dns", spec={"priorityClassName": "system-cluster-critical"})
    bench.pod("web")
    bench.pod("api")

    bench.drain()

    assert sorted(bench.asked[:2]) == ["api", "web"]
    assert bench.asked[2] == "dns"


def test_cordoning_a_cordoned_node_writes_nothing(bench: Bench):
    node = bench.simulation.node(bench.name)
    assert node is not None

    marks.cordon(bench.world.api, node)

    assert bench.simulation.api.writes == []


def test_cordoning_a_node_that_is_gone_is_an_error(bench: Bench):
    node = {"metadata": {"name": "nowhere", "uid": "x"}, "spec": {}}

    with pytest.raises(StoppedError, match="node nowhere was deleted meanwhile"):
        marks.cordon(bench.world.api, node)


def test_a_node_that_was_cordoned_before_stays_cordoned_when_it_is_given_up(bench: Bench):
    node = bench.simulation.nodes()[1]
    node["spec"]["unschedulable"] = True

    marks.cordon(bench.world.api, node)
    marks.uncordon(bench.world.api, node)

    assert node["spec"]["unschedulable"] is True
    assert marks.EXCLUDED_LABEL not in node["metadata"]["labels"]
    assert not marks.is_ours(node)
