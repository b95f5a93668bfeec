"""Pods that come back to a cordoned node, and pods whose grace period is longer than a drain may last."""

from collections import Counter

import pytest

from eks_cilium.cluster.objects import is_cordoned
from eks_cilium.migration.eviction.successors import Successors
from eks_cilium.migration.facts.model import Pod
from eks_cilium.migration.plan.model import PodPlan, Verdict
from eks_cilium.migration.start import plan_now
from eks_cilium.runtime.errors import TimedOutError

from .drains import Bench
from .migrations import Before, Stack, options, run
from .simulation.api_server import Object
from .simulation.controllers import PODS
from .simulation.operators import owned_by
from .simulation.world import Simulation

pytestmark = pytest.mark.simulation

EVERYTHING = [{"operator": "Exists"}]
THE_CORDON = [{"key": "node.kubernetes.io/unschedulable", "operator": "Exists", "effect": "NoSchedule"}]
AGENTS = ("agents.example.com/v1", "NodeAgent", "logs")


@pytest.fixture
def bench() -> Bench:
    return Bench()


def recreates(bench: Bench, app: str, owners: list[Object], **spec: object) -> None:
    """A controller that binds its pod to the node itself, again and again."""

    def act() -> None:
        pods = [
            pod for pod in bench.simulation.api.of(PODS, "shop") if pod["metadata"]["name"].startswith(app)
        ]
        if not any("deletionTimestamp" not in pod["metadata"] for pod in pods):
            numbers[0] += 1
            metadata: Object = {"labels": {"app": app}}
            if owners:
                metadata["ownerReferences"] = owners
            bench.simulation.run(f"{app}-{numbers[0]}", bench.name, metadata=metadata, spec=dict(spec))

    numbers = [0]
    act()
    bench.simulation.controllers.append(act)


# Pods that come back


def test_pods_that_tolerate_the_cordon_are_evicted_once_and_then_end_with_the_node():
    simulation = Simulation(workers=3)
    simulation.deploy("agent", 3, pod={"tolerations": EVERYTHING})
    stack = Stack(simulation, options())
    stack.up(until="ip-")
    began = simulation.clock.seconds

    stack.up()

    evicted = Counter(name for name, _, status in simulation.api.evictions if status == 201)
    assert sum(evicted.values()) <= 9
    assert simulation.clock.seconds - began < 400
    assert not any(is_cordoned(node) for node in simulation.nodes())


@pytest.mark.parametrize("tolerations", [EVERYTHING, THE_CORDON], ids=["everything", "the cordon"])
def test_successors_on_the_cordoned_node_are_named_once(bench: Bench, tolerations: list[Object]):
    recreates(bench, "logs", owned_by(AGENTS), tolerations=tolerations)
    lines: list[str] = []

    drained = bench.drain(report=lines.append)

    assert drained.evicted == 1
    assert [line for line in lines if "came back" in line] == [
        "shop/logs-2 came back to the cordoned node: it ends with the node"
    ]


def test_a_controller_that_binds_its_pods_itself_needs_no_toleration(bench: Bench):
    recreates(bench, "logs", owned_by(AGENTS))

    assert bench.drain().evicted <= 2


def test_bare_pods_that_a_script_makes_again_under_other_names_are_no_exception(bench: Bench):
    recreates(bench, "probe", [], tolerations=EVERYTHING)

    assert bench.drain(bare_pods=("shop/*",)).evicted == 1


def test_each_of_several_pods_is_evicted_although_the_first_ones_came_back(bench: Bench):
    """Its budget lets them go one after the other."""
    bench.simulation.deploy("web", 4, pod={"tolerations": EVERYTHING}, maxUnavailable=1)
    before = {pod["metadata"]["uid"] for pod in bench.simulation.api.of(PODS, "shop")}
    for pod in bench.simulation.api.of(PODS, "shop"):
        pod["spec"]["nodeName"] = bench.name

    bench.drain(drain_timeout_seconds=300)

    evicted = {uid for _, uid, status in bench.simulation.api.evictions if status == 201}
    assert evicted == before


def test_other_pods_of_the_same_node_are_still_evicted(bench: Bench):
    recreates(bench, "logs", owned_by(AGENTS), tolerations=EVERYTHING)
    bench.pod("web")

    assert bench.drain().evicted == 2
    assert not bench.exists("web")


def test_the_plan_says_what_becomes_of_them():
    simulation = Simulation(workers=2)
    simulation.deploy("agent", 2, pod={"tolerations": EVERYTHING})

    plan = plan_now(run(simulation.world()))

    (warning,) = [warning for warning in plan.warnings if warning.code == "comes-back"]
    assert "each is evicted once, and what comes back ends with the node" in str(warning)


def test_a_successor_elsewhere_is_none_of_this_node():
    """Pods of the same workload that were there from the start are not successors."""
    evicted: set[str] = set()
    successors = Successors(evicted.__contains__)
    first, second, third = (
        Pod("shop", f"web-{number}", f"uid-{number}", "node", labels={"app": "web"}, tolerates_cordon=True)
        for number in (1, 2, 3)
    )

    successors.note([(first, _plan(first)), (second, _plan(second))])
    evicted.add("uid-1")
    successors.note([(second, _plan(second)), (third, _plan(third))])

    assert not successors.came_back(second)
    assert successors.came_back(third)


def _plan(pod: Pod) -> PodPlan:
    return PodPlan(pod.reference, pod.uid, Verdict.EVICT, "")


def test_pods_that_come_and_go_by_themselves_do_not_keep_a_drain_for_ever(bench: Bench):
    """Each is of a workload of its own, and none waits for its eviction."""
    numbers = [0]

    def act() -> None:
        for pod in bench.simulation.pods_on(bench.name):
            if pod["metadata"]["name"].startswith("ci"):
                bench.simulation.api.remove(PODS, pod)
        numbers[0] += 1
        bench.pod(f"ci-{numbers[0]}", "Job")

    bench.simulation.controllers.append(act)
    began = bench.simulation.clock.seconds

    with pytest.raises(TimedOutError):
        bench.drain(drain_timeout_seconds=60)

    assert bench.simulation.clock.seconds - began < 130


# Long grace periods


@pytest.mark.parametrize("grace", [90, 300])
def test_a_grace_period_that_is_longer_than_the_drain_timeout_is_waited_for(bench: Bench, grace: int):
    bench.pod("broker", spec={"terminationGracePeriodSeconds": grace})

    assert bench.drain(drain_timeout_seconds=60).evicted == 1
    assert not bench.exists("broker")
    assert bench.asked == ["broker"]


def test_pods_that_wait_behind_a_slow_one_get_their_time_after_it():
    simulation = Simulation(workers=2)
    simulation.deploy("broker", 2, pod={"terminationGracePeriodSeconds": 200}, maxUnavailable=1)
    before = Before(simulation)
    node = simulation.nodes()[0]["metadata"]["name"]
    for pod in simulation.api.of(PODS, "shop"):
        pod["spec"]["nodeName"] = node

    Stack(simulation, options(drain_timeout_seconds=60, health_timeout_seconds=600)).up()

    before.check_replaced()


def test_a_pod_that_was_stopping_before_the_drain_began_has_its_grace_too(bench: Bench):
    pod = bench.pod("broker", spec={"terminationGracePeriodSeconds": 300})
    bench.simulation.api.terminate(pod)
    bench.simulation.clock.sleep(10)

    assert bench.drain(drain_timeout_seconds=60).evicted == 0
    assert not bench.exists("broker")


def test_a_pod_that_outlives_its_grace_period_is_named(bench: Bench):
    spec = {"terminationGracePeriodSeconds": 200}
    bench.pod("stuck", metadata={"finalizers": ["example.com/never"]}, spec=spec)
    began = bench.simulation.clock.seconds

    with pytest.raises(TimedOutError, match=r"shop/stuck: terminating, overdue by \d+ s, held by"):
        bench.drain(drain_timeout_seconds=60)

    assert 255 <= bench.simulation.clock.seconds - began <= 270


def test_a_grace_period_is_waited_for_no_longer_than_its_limit(bench: Bench):
    bench.pod("rabbit", spec={"terminationGracePeriodSeconds": 604800})
    began = bench.simulation.clock.seconds

    with pytest.raises(TimedOutError, match=r"shop/rabbit: terminating, \d+ s of its grace period left"):
        bench.drain(drain_timeout_seconds=60, grace=100)

    assert bench.simulation.clock.seconds - began <= 170


def test_the_plan_says_how_long_the_drain_waits():
    simulation = Simulation(workers=2)
    simulation.deploy("broker", 2, pod={"terminationGracePeriodSeconds": 1800})

    plan = plan_now(run(simulation.world(), options(drain_timeout_seconds=900)))

    (warning,) = [warning for warning in plan.warnings if warning.code == "long-grace"]
    assert "1800 s" in str(warning)
