"""Drains and evictions with a real API server and its disruption controller."""

import threading
from collections import Counter

import pytest

from eks_cilium.errors import RefusedError
from eks_cilium.migration.eviction.drain import Drained, drain
from eks_cilium.migration.inventory import marks
from eks_cilium.migration.options import Limits
from eks_cilium.runtime.errors import DrainRefusedError, TimedOutError
from eks_cilium.settings.model.migration import MigrationOptions

from .live import Live, eventually
from .migrations import options, run

pytestmark = [pytest.mark.control_plane, pytest.mark.usefixtures("own_namespace")]

OPTIONS = MigrationOptions(drain_timeout_seconds=90)
LIMITS = Limits(poll_interval=0.5, roll_out=60)


def quiet(_: str) -> None:
    pass


def drain_first(live: Live, given: MigrationOptions = OPTIONS) -> Drained:
    marks.cordon(live.api, live.node_object(0))
    return drain(run(live.world(), given, limits=LIMITS), live.node(0))


def on_first(live: Live, app: str) -> int:
    return sum(pod["spec"]["nodeName"] == live.node(0).name for pod in live.pods(app))


# Drains


def test_a_drain_moves_every_pod_and_never_undercuts_the_budget(live: Live):
    live.deploy("web", 6)
    live.budget("web", maxUnavailable=1)
    there = on_first(live, "web")
    lowest, done = [6], threading.Event()

    def watch() -> None:
        while not done.wait(0.05):
            lowest.append(live.ready("web"))

    watcher = threading.Thread(target=watch)
    watcher.start()
    drained = drain_first(live)
    done.set()
    watcher.join()

    assert there > 0
    assert drained.evicted == there
    assert on_first(live, "web") == 0
    assert min(lowest) >= 5
    evictions = live.witnessed("create", "pods", "eviction")
    answers = Counter(event["responseStatus"]["code"] for event in evictions)
    assert answers[201] == there
    assert not live.witnessed("delete", "pods")


def test_a_budget_that_stays_busy_is_named_with_its_numbers(live: Live):
    """The successor never gets ready, so the budget never has anything to give again."""
    live.deploy("web", 3)
    live.budget("web", minAvailable=2)
    held = next(pod for pod in live.pods("web") if pod["spec"]["nodeName"] != live.node(0).name)
    path = f"/api/v1/namespaces/{live.namespace}/pods/{held['metadata']['name']}"
    live.api.merge(path, {"metadata": {"annotations": {"lab.eks-cilium.io/ready": "false"}}})
    eventually(lambda: live.budget_status("web")["disruptionsAllowed"] == 0)
    impatient = options(drain_timeout_seconds=12)

    with pytest.raises(TimedOutError, match=r"budget web needs 2 healthy pods and has 2 currently"):
        drain_first(live, impatient)

    assert live.ready("web") == 2


def test_two_budgets_are_refused_before_any_eviction(live: Live):
    live.deploy("web", 3)
    live.budget("one", "web", maxUnavailable=1)
    live.budget("two", "web", maxUnavailable=1)

    with pytest.raises(DrainRefusedError, match="two budgets cover it: one and two"):
        drain_first(live, options(drain_timeout_seconds=3))

    assert not live.witnessed("create", "pods", "eviction")


def test_pods_of_a_namespace_that_is_deleted_are_waited_for(live: Live):
    """Evictions are refused there with 403, and the pods go by themselves."""
    live.deploy("web", 3)
    live.deploy("api", 3)
    live.api.delete(f"/api/v1/namespaces/{live.namespace}")

    drain_first(live)

    assert on_first(live, "web") == 0


def test_an_ended_pod_needs_no_budget(live: Live):
    live.deploy("web", 3)
    live.budget("web", maxUnavailable=1)
    body = {
        "metadata": {"name": "done", "labels": {"app": "other"}},
        "spec": {
            "nodeName": live.node(0).name,
            "restartPolicy": "Never",
            "containers": [{"name": "main", "image": "registry.example/job:1"}],
            "tolerations": [{"operator": "Exists"}],
        },
    }
    path = f"/api/v1/namespaces/{live.namespace}/pods"
    live.api.create(path, body)
    eventually(lambda: (live.api.get(f"{path}/done") or {})["status"].get("phase") == "Running")
    live.api.merge(f"{path}/done/status", {"status": {"phase": "Succeeded"}})

    drain_first(live)

    assert live.api.get(f"{path}/done") is None


# The eviction subresource: what only a real server can answer


def test_a_budget_without_a_status_asks_to_retry_after_ten_seconds(live: Live):
    live.deploy("web", 2)
    with live.stopped("kube-controller-manager"):
        live.budget("web", maxUnavailable=1)
        pod = live.pods("web")[0]["metadata"]

        answer = live.api.evict(live.namespace, pod["name"], uid=pod["uid"])

    assert (answer.status, answer.retry_after) == (429, 10)


def test_a_budget_with_too_many_disrupted_pods_forbids(live: Live):
    live.deploy("web", 2)
    live.budget("web", maxUnavailable=1)
    eventually(lambda: live.budget_status("web").get("disruptionsAllowed") == 1)
    path = f"/apis/policy/v1/namespaces/{live.namespace}/poddisruptionbudgets/web/status"
    many = {f"gone-{number}": "2026-01-01T00:00:00Z" for number in range(2001)}
    with live.stopped("kube-controller-manager"):
        live.api.merge(path, {"status": {"disruptedPods": many}})
        pod = live.pods("web")[0]["metadata"]

        answer = live.api.evict(live.namespace, pod["name"], uid=pod["uid"])

    assert answer.status == 403


@pytest.mark.parametrize(
    ("allowed", "left", "reason"), [(1, 0, "InsufficientPods"), (3, 2, "SufficientPods")]
)
def test_an_eviction_takes_one_of_the_budget(live: Live, allowed: int, left: int, reason: str):
    live.deploy("web", 4)
    live.budget("web", maxUnavailable=allowed)
    eventually(lambda: live.budget_status("web").get("disruptionsAllowed") == allowed)
    with live.stopped("kube-controller-manager"):
        pod = live.pods("web")[0]["metadata"]

        assert live.api.evict(live.namespace, pod["name"], uid=pod["uid"]).status == 201

        status = live.budget_status("web")
    condition = next(each for each in status["conditions"] if each["type"] == "DisruptionAllowed")
    assert (status["disruptionsAllowed"], condition["reason"]) == (left, reason)


def test_an_eviction_of_another_pod_of_the_same_name_is_refused(live: Live):
    live.deploy("web", 1)
    pod = live.pods("web")[0]["metadata"]

    assert live.api.evict(live.namespace, pod["name"], uid="another-pod").status == 409


def test_an_eviction_whose_body_names_another_pod_is_refused(live: Live):
    live.deploy("web", 1)
    pod = live.pods("web")[0]["metadata"]
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "other"}}

    with pytest.raises(RefusedError) as error:
        live.api.create(f"/api/v1/namespaces/{live.namespace}/pods/{pod['name']}/eviction", body)

    assert error.value.status == 400


def test_a_dry_run_says_yes_twice_on_a_budget_of_one(live: Live):
    """Why a preview has to do the arithmetic itself."""
    live.deploy("web", 3)
    live.budget("web", maxUnavailable=1)
    eventually(lambda: live.budget_status("web").get("disruptionsAllowed") == 1)
    for pod in live.pods("web")[:2]:
        body = {
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"name": pod["metadata"]["name"], "namespace": live.namespace},
            "deleteOptions": {"dryRun": ["All"]},
        }
        live.api.create(f"/api/v1/namespaces/{live.namespace}/pods/{pod['metadata']['name']}/eviction", body)

    assert live.ready("web") == 3
    assert live.budget_status("web")["disruptionsAllowed"] == 1


def test_a_budget_of_another_namespace_does_not_count(live: Live):
    live.deploy("web", 1)
    live.budget("web", maxUnavailable=0)
    live.enter()
    live.deploy("web", 1)
    pod = live.pods("web")[0]["metadata"]

    assert live.api.evict(live.namespace, pod["name"], uid=pod["uid"]).status == 201
