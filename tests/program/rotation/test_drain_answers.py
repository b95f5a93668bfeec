"""How a drain reacts to the API server's answers, and to the time pods take."""

import httpx
import pytest

from eks_cilium.errors import RefusedError
from eks_cilium.migration.eviction.drain import Ended
from eks_cilium.runtime.errors import DrainRefusedError, LeaseHeldError, StoppedError, TimedOutError
from eks_cilium.troubleshooting import Topic

from .drains import EVERYTHING, Bench
from .simulation.api_server import Object, status
from .simulation.world import NODES, PODS

pytestmark = pytest.mark.unit


@pytest.fixture
def bench() -> Bench:
    return Bench()


class Answers:
    """Gives the first evictions other answers than the API server's own."""

    def __init__(self, bench: Bench, *answers: httpx.Response | Exception) -> None:
        self.left = list(answers)
        self.given: list[float] = []
        self._clock = bench.simulation.clock
        bench.simulation.api.answers.append(self)

    def __call__(self, request: httpx.Request) -> httpx.Response | Exception | None:
        if not request.url.path.endswith("/eviction") or not self.left:
            return None
        self.given.append(self._clock.seconds)
        return self.left.pop(0)


def test_a_budget_that_is_busy_is_waited_for_without_haste(bench: Bench):
    bench.pod("web")
    busy = [status(429, "no", "The disruption budget web needs 3 healthy pods and has 3 currently")] * 3
    answers = Answers(bench, *busy)

    assert bench.drain().evicted == 1
    assert [late - early for early, late in zip(answers.given, answers.given[1:], strict=False)] == [5.0, 5.0]


def test_the_server_may_ask_for_more_patience(bench: Bench):
    bench.pod("web")
    later = httpx.Response(429, json={"message": "later", "details": {"retryAfterSeconds": 10}})
    answers = Answers(bench, later, later)

    bench.drain()

    assert answers.given[1] - answers.given[0] == 10.0


def test_the_timeout_names_the_pod_its_budget_and_the_numbers(bench: Bench):
    bench.pod("api", metadata={"labels": {"app": "api"}})
    Answers(bench, *[status(429, "no", "The disruption budget api needs 1 healthy pods and has 1")] * 99)

    with pytest.raises(TimedOutError) as error:
        bench.drain(drain_timeout_seconds=30)

    assert "waited 30 s for node" in str(error.value)
    assert "shop/api" in str(error.value)
    assert "budget api needs 1 healthy pods and has 1" in str(error.value)


def test_a_budget_that_never_allows_is_refused_when_it_still_does_after_the_drain_timeout(bench: Bench):
    """It may be so for a moment only. Until then no other pod is evicted."""
    bench.simulation.deploy("web", 2, maxUnavailable=0)
    bench.pod("web-x", metadata={"labels": {"app": "web"}})
    bench.pod("api")
    began = bench.simulation.clock.seconds

    with pytest.raises(DrainRefusedError, match="budget web never allows it: maxUnavailable: 0"):
        bench.drain(drain_timeout_seconds=120)

    assert 120 <= bench.simulation.clock.seconds - began < 125
    assert bench.asked == []


def test_a_budget_that_never_allows_can_be_passed_over(bench: Bench):
    """Then the pod is deleted, which asks no budget, and only this one."""
    bench.simulation.deploy("web", 2, maxUnavailable=0)
    bench.pod("web-x", metadata={"labels": {"app": "web"}})
    bench.pod("api")

    drained = bench.drain(budgets=EVERYTHING)

    assert (drained.deleted, drained.evicted) == (1, 1)
    assert bench.deletions == ["/api/v1/namespaces/shop/pods/web-x"]
    assert bench.asked == ["api"]


def test_two_budgets_on_one_pod_are_named_when_they_stay(bench: Bench):
    """Found by the verdicts; a second budget created meanwhile is found by the API server's answer 500."""
    bench.pod("web")
    text = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."
    Answers(bench, *[status(500, text)] * 99)

    with pytest.raises(TimedOutError, match="shop/web: This pod has more than one"):
        bench.drain()


def test_a_second_budget_that_is_there_for_a_moment_is_waited_for(bench: Bench):
    """As when a chart creates the budget of a new name before it deletes the one of the old name."""
    bench.pod("web")
    text = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."
    Answers(bench, *[status(500, text)] * 3)

    assert bench.drain().evicted == 1


@pytest.mark.parametrize(
    "failure",
    [httpx.ReadError("EOF"), status(500, "webhook down"), status(503, "later"), httpx.ReadTimeout("slow")],
    ids=["EOF", "500", "503", "timeout"],
)
def test_a_failure_that_may_pass_is_tried_again(bench: Bench, failure: httpx.Response | Exception):
    bench.pod("web")
    Answers(bench, failure, failure)

    assert bench.drain().evicted == 1


def test_a_failure_that_stays_ends_the_drain_and_nothing_is_deleted_instead(bench: Bench):
    bench.pod("web")
    answers = Answers(bench, *[httpx.ConnectError("refused")] * 99)

    with pytest.raises(TimedOutError, match="shop/web: no answer: ConnectError: refused"):
        bench.drain()

    assert len(answers.given) > 6
    assert bench.deletions == []
    assert bench.exists("web")


@pytest.mark.parametrize("code", [400, 405, 422])
def test_a_refusal_is_final(bench: Bench, code: int):
    bench.pod("web")
    answers = Answers(bench, *[status(code, "you may not")] * 9)

    with pytest.raises(StoppedError, match=f"pod shop/web was refused with HTTP {code}: you may not"):
        bench.drain()

    assert len(answers.given) == 1


def test_a_pod_that_is_gone_already_is_fine(bench: Bench):
    pod = bench.pod("web")
    Answers(bench, status(404, "not found"))
    bench.simulation.api.before_write = lambda _: bench.simulation.api.remove(PODS, pod)

    assert bench.drain().evicted == 0


def test_another_pod_of_the_same_name_is_left_alone(bench: Bench):
    """A StatefulSet makes its pod anew under the same name, elsewhere."""
    pod = bench.pod("db-0", "StatefulSet")
    other = bench.simulation.nodes()[1]["metadata"]["name"]

    def replaced(request: httpx.Request) -> None:
        if request.url.path.endswith("/eviction") and pod["spec"]["nodeName"] == bench.name:
            pod["spec"]["nodeName"] = other
            pod["metadata"]["uid"] = "another"

    bench.simulation.api.answers.append(replaced)

    assert bench.drain().evicted == 0
    assert bench.exists("db-0")
    assert [code for _, _, code in bench.simulation.api.evictions] == [409]


def terminating_namespace() -> httpx.Response:
    causes = [{"reason": "NamespaceTerminating", "message": "namespace shop is being terminated"}]
    return httpx.Response(403, json={"message": "forbidden", "details": {"causes": causes}})


def test_pods_of_a_namespace_being_deleted_are_waited_for(bench: Bench):
    pod = bench.pod("web")
    Answers(bench, *[terminating_namespace()] * 9)
    bench.simulation.api.before_write = lambda _: None
    clock = bench.simulation.clock
    inner, ends = clock.tick, clock.seconds + 8

    def tick() -> None:
        inner()
        if clock.seconds >= ends and "deletionTimestamp" not in pod["metadata"]:
            bench.simulation.api.terminate(pod)

    clock.tick = tick

    assert bench.drain().evicted == 0
    assert not bench.exists("web")


def test_pods_of_a_namespace_that_is_never_deleted_are_named_after_the_timeout(bench: Bench):
    bench.pod("web")
    Answers(bench, *[terminating_namespace()] * 99)

    with pytest.raises(TimedOutError, match="shop/web: forbidden"):
        bench.drain(drain_timeout_seconds=40)


def test_finalizers_are_named_and_never_taken_off(bench: Bench):
    pod = bench.pod("stuck", metadata={"finalizers": ["example.com/never"]})

    with pytest.raises(
        TimedOutError,
        match=r"shop/stuck: terminating, overdue by \d+ s, held by the finalizers example.com/never",
    ):
        bench.drain(drain_timeout_seconds=30)

    assert pod["metadata"]["finalizers"] == ["example.com/never"]


def test_no_pod_is_asked_for_twice_while_it_takes_its_time(bench: Bench):
    bench.pod("slow", spec={"terminationGracePeriodSeconds": 20})

    bench.drain()

    assert bench.asked == ["slow"]


def test_a_pod_that_slips_in_is_evicted_too(bench: Bench):
    """Bound in the moment of the cordon, it shows up after the first look."""
    clock, late = bench.simulation.clock, []
    inner = clock.tick

    def tick() -> None:
        inner()
        if not late:
            late.append(bench.pod("late"))

    clock.tick = tick

    assert bench.drain().evicted == 1


def test_a_node_that_vanishes_ends_the_drain(bench: Bench):
    bench.pod("web", spec={"terminationGracePeriodSeconds": 20})
    node = bench.simulation.node(bench.name)
    assert node is not None
    bench.simulation.api.after_write = lambda _: bench.simulation.api.remove(NODES, node)

    assert bench.drain().ended is Ended.NODE_GONE


def test_a_node_uncordoned_by_the_user_ends_the_drain_and_is_reported(bench: Bench):
    bench.pod("web", spec={"terminationGracePeriodSeconds": 20})

    def uncordon(_: str) -> None:
        node: Object | None = bench.simulation.node(bench.name)
        assert node is not None
        node["spec"].pop("unschedulable")

    bench.simulation.api.after_write = uncordon

    assert bench.drain().ended is Ended.UNCORDONED


def test_a_run_that_may_not_act_any_more_stops_before_the_next_eviction(bench: Bench):
    bench.pod("web")
    bench.pod("api")

    def guard() -> None:
        if bench.asked:
            raise LeaseHeldError(Topic.LEASE_LOST, "this run no longer holds the Lease")

    world = bench.simulation.world(guard=guard)
    with pytest.raises(LeaseHeldError):
        bench.drain(world)

    assert len(bench.asked) == 1


def test_a_refused_read_is_an_error(bench: Bench):
    bench.simulation.api.answers.append(
        lambda request: status(403, "pods is forbidden") if request.url.path == "/api/v1/pods" else None
    )

    with pytest.raises(RefusedError, match="pods is forbidden"):
        bench.drain()
