"""The plan predicts what a real API server and its disruption controller do with budgets."""

import pytest

from eks_cilium.errors import RefusedError
from eks_cilium.migration.plan.budgets import desired_healthy
from eks_cilium.migration.plan.model import Code, Verdict
from tests.program.plan.live import Live, eventually

pytestmark = pytest.mark.control_plane

RULES = [
    {"minAvailable": 2},
    {"minAvailable": 5},
    {"minAvailable": "1%"},
    {"minAvailable": "34%"},
    {"minAvailable": "50%"},
    {"minAvailable": "100%"},
    {"maxUnavailable": 0},
    {"maxUnavailable": 1},
    {"maxUnavailable": 7},
    {"maxUnavailable": "0%"},
    {"maxUnavailable": "1%"},
    {"maxUnavailable": "34%"},
    {"maxUnavailable": "67%"},
    {"maxUnavailable": "100%"},
]


def verdicts(live: Live) -> list[Verdict]:
    return [pod.verdict for pod in live.node_plan().pods if pod.pod.namespace == live.namespace]


def blockers(live: Live) -> list[Code]:
    return [blocker.code for blocker in live.plan().blockers if blocker.object.namespace == live.namespace]


def test_percentages_and_numbers_are_computed_as_the_disruption_controller_does(live: Live):
    live.replica_set("web", 3)
    for number, rule in enumerate(RULES):
        live.budget(f"rule-{number}", "web", **rule)
    for number in range(len(RULES)):
        live.settled(f"rule-{number}", expectedPods=3, currentHealthy=3)

    ours = {
        budget.name: desired_healthy(budget, 3)
        for budget in live.facts().budgets
        if budget.namespace == live.namespace
    }

    assert ours == {
        f"rule-{number}": live.status(f"rule-{number}")["desiredHealthy"] for number in range(len(RULES))
    }


def test_a_plan_foresees_which_eviction_has_to_wait_first(live: Live):
    live.replica_set("web", 4)
    live.budget("web", "web", maxUnavailable=2)
    live.settled("web", disruptionsAllowed=2)

    planned = [pod.waits for pod in live.node_plan().pods if pod.pod.namespace == live.namespace]
    answered = [live.evict(pod).status for pod in live.pods("web")]

    assert answered == [201, 201, 429, 429]
    assert planned.index(True) == answered.index(429)


def test_an_unready_pod_uses_no_disruption_when_the_rest_is_healthy(live: Live):
    live.replica_set("web", 2)
    live.replica_set("sick", 1, ready=0)
    live.budget("all", "", minAvailable=2)
    live.settled("all", expectedPods=3, currentHealthy=2, disruptionsAllowed=0)

    planned = {pod.pod.name: pod for pod in live.node_plan().pods if pod.pod.namespace == live.namespace}
    (sick,) = live.pods("sick")

    assert planned[sick["metadata"]["name"]].allowed_before is None
    assert live.evict(sick).status == 201
    assert [live.evict(pod).status for pod in live.pods("web")] == [429, 429]


def test_an_unready_pod_waits_like_all_others_when_the_rest_is_not_healthy_enough(live: Live):
    live.replica_set("web", 3, ready=1)
    live.budget("web", "web", minAvailable=2)
    live.settled("web", expectedPods=3, currentHealthy=1)

    first = next(pod for pod in live.node_plan().pods if pod.pod.namespace == live.namespace)

    assert first.waits
    assert {live.evict(pod).status for pod in live.pods("web")} == {429}
    assert live.plan().of_node(live.node) is not None
    assert blockers(live) == []


def test_with_always_allow_unready_pods_are_evicted_even_when_nothing_is_allowed(live: Live):
    live.replica_set("web", 2, ready=0)
    live.budget("web", "web", maxUnavailable=0, unhealthyPodEvictionPolicy="AlwaysAllow")
    live.settled("web", expectedPods=2, currentHealthy=0)

    assert verdicts(live) == [Verdict.EVICT, Verdict.EVICT]
    assert blockers(live) == []
    assert {live.evict(pod).status for pod in live.pods("web")} == {201}


def test_two_budgets_on_one_pod_block_as_the_server_refuses_them(live: Live):
    live.replica_set("web", 2)
    live.budget("web", "web", maxUnavailable=1)
    live.budget("everything", "", maxUnavailable=1)

    assert blockers(live) == [Code.TWO_BUDGETS]
    answer = live.evict(live.pods("web")[0])
    assert answer.status == 500
    assert "more than one PodDisruptionBudget" in answer.message


def test_an_empty_selector_covers_everything_and_a_missing_one_nothing(live: Live):
    live.replica_set("web", 2)
    live.budget("none", None, maxUnavailable=0)
    live.settled("none", expectedPods=0)
    assert verdicts(live) == [Verdict.EVICT, Verdict.EVICT]

    live.budget("all", "", maxUnavailable=0)
    live.settled("all", expectedPods=2)
    assert verdicts(live) == [Verdict.BLOCKED, Verdict.BLOCKED]
    assert {live.evict(pod).status for pod in live.pods("web")} == {429}


def test_a_budget_over_bare_pods_never_allows_although_it_says_one(live: Live):
    live.bare_pod("one", {"app": "bare"})
    live.bare_pod("two", {"app": "bare"})
    live.budget("bare", "bare", maxUnavailable=1)
    live.settled("bare", currentHealthy=2)

    assert Code.BUDGET_NEVER_ALLOWS in blockers(live)
    assert live.evict(live.pods("bare")[0]).status == 429


def test_a_budget_without_a_rule_never_allows(live: Live):
    live.replica_set("web", 2)
    live.budget("web", "web")

    assert blockers(live) == [Code.BUDGET_NEVER_ALLOWS]
    assert live.evict(live.pods("web")[0]).status == 429


def test_a_budget_the_controller_cannot_compute_says_why(live: Live):
    owner = {
        "apiVersion": "example.com/v1",
        "kind": "Workflow",
        "name": "w",
        "uid": "u-1",
        "controller": True,
    }
    live.bare_pod("one", {"app": "odd"})
    pod = f"/api/v1/namespaces/{live.namespace}/pods/one"
    live.api.merge(pod, {"metadata": {"ownerReferences": [owner]}})
    live.budget("odd", "odd", settled=False, maxUnavailable=1)
    eventually(lambda: live.status("odd").get("conditions"))

    (blocker,) = (blocker for blocker in live.plan().blockers if blocker.object.namespace == live.namespace)

    (condition,) = live.status("odd")["conditions"]
    assert blocker.code is Code.BUDGET_NEVER_ALLOWS
    assert condition["reason"] == "SyncFailed"
    assert condition["message"] in blocker.problem
    assert live.evict(live.pods("odd")[0]).status == 429


def test_a_budget_that_counts_a_job_allows_again_when_the_advice_is_followed(live: Live):
    live.replica_set("db", 3)
    job = live.job("db-init", {"app": "db"})
    live.end(job)
    live.budget("db", "db", settled=False, maxUnavailable=1)
    eventually(lambda: live.status("db").get("conditions"))

    (blocker,) = (blocker for blocker in live.plan().blockers if blocker.object.name == "db")
    assert live.status("db")["conditions"][0]["reason"] == "SyncFailed"
    assert f"(pod {job} of Job {live.namespace}/db-init)" in blocker.problem
    assert blocker.fix.endswith(f"kubectl delete pod --namespace {live.namespace} {job}")

    live.delete_pod(job)
    eventually(lambda: live.status("db").get("disruptionsAllowed") == 1, lambda: live.status("db"))
    assert Code.BUDGET_NEVER_ALLOWS not in blockers(live)


def test_a_job_without_retries_fails_for_good_when_its_pod_is_evicted(live: Live):
    pod = live.job("once", {"app": "once"}, backoffLimit=0)
    (warning,) = (found for found in live.plan().warnings if found.object.namespace == live.namespace)
    assert warning.code is Code.JOB_FAILS

    assert live.evict(live.pods("once")[0]).status == 201
    live.end(pod, "Failed")

    eventually(lambda: "Failed" in live.job_conditions("once"), lambda: live.job_conditions("once"))


@pytest.mark.parametrize("phase", ["Succeeded", "Failed", "Pending"])
def test_pods_that_do_not_run_need_no_budget(live: Live, phase: str):
    live.replica_set("web", 1)
    live.budget("web", "web", maxUnavailable=0)
    live.budget("second", "", maxUnavailable=0)
    (pod,) = live.pods("web")
    path = f"/api/v1/namespaces/{live.namespace}/pods/{pod['metadata']['name']}/status"
    live.api.merge(path, {"status": {"phase": phase}})

    mine = next(planned for planned in live.node_plan().pods if planned.pod.name == pod["metadata"]["name"])

    assert mine.verdict is Verdict.EVICT
    assert live.evict(pod).status == 201


def test_a_terminating_pod_is_waited_for(live: Live):
    live.replica_set("web", 1)
    (pod,) = live.pods("web")
    assert live.evict(pod).status == 201

    mine = next(planned for planned in live.node_plan().pods if planned.pod.name == pod["metadata"]["name"])

    assert mine.verdict is Verdict.WAIT


def test_the_api_server_rejects_a_wrong_selector_operator(live: Live):
    """So the plan may treat an unknown operator as a bug."""
    wrong = {"matchExpressions": [{"key": "app", "operator": "Near", "values": ["web"]}]}
    path = f"/apis/policy/v1/namespaces/{live.namespace}/poddisruptionbudgets"

    with pytest.raises(RefusedError):
        live.api.create(path, {"metadata": {"name": "wrong"}, "spec": {"selector": wrong, "minAvailable": 1}})
