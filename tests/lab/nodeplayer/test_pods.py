"""The life of a pod on a simulated node: start, readiness, completion, failure, eviction, end."""

import time
from collections.abc import Iterator
from datetime import datetime

import pytest

from . import objects
from .api import Api, are_ready, conditions, is_ready
from .conftest import SimulatedCluster, eventually

pytestmark = pytest.mark.control_plane

NODE = objects.node(1)["metadata"]["name"]
POD = "/api/v1/namespaces/default/pods/"


@pytest.fixture(scope="module")
def api(simulated: SimulatedCluster) -> Iterator[Api]:
    """Two nodes on the VPC CNI, ready for pods."""
    simulated.api.create(objects.aws_node(), objects.node(1), objects.node(2))
    eventually(lambda: are_ready(simulated.api.items("/api/v1/nodes"), 2))
    yield simulated.api
    simulated.api.close()


def state_of(pod: dict) -> dict:
    """The state of the first container; empty until the kubelet has reported it."""
    statuses = pod["status"].get("containerStatuses") or [{"state": {}}]
    return statuses[0]["state"]


def seconds_until_deleted(api: Api, name: str) -> float:
    began = time.monotonic()
    eventually(lambda: api.pod(name) is None, every=0.02)
    return time.monotonic() - began


def test_a_pod_starts_after_its_init_containers_and_has_the_status_of_a_real_kubelet(api):
    first = objects.container() | {"name": "first"}
    first.pop("readinessProbe")
    api.create(objects.pod("whole", nodeName=NODE, initContainers=[first]))
    eventually(lambda: is_ready(api.pod("whole")))
    status = api.pod("whole")["status"]
    assert status["phase"] == "Running"
    assert {"PodReadyToStartContainers", "Initialized", "ContainersReady", "Ready"} <= {
        kind for kind, condition in conditions({"status": status}).items() if condition["status"] == "True"
    }
    assert status["initContainerStatuses"][0]["state"]["terminated"]["reason"] == "Completed"
    container = status["containerStatuses"][0]
    assert container["ready"] is container["started"] is True
    assert "running" in container["state"]
    assert status["podIP"] != status["hostIP"] == "10.0.0.5"
    assert status["startTime"]
    assert status["qosClass"] == "BestEffort"


def test_no_two_pods_of_a_node_have_the_same_address(api):
    api.create(*[objects.pod(f"one-of-many-{number}", nodeName=NODE) for number in range(20)])
    pods = [f"one-of-many-{number}" for number in range(20)]
    eventually(lambda: all(is_ready(api.pod(name)) for name in pods))
    assert len({api.pod(name)["status"]["podIP"] for name in pods}) == 20
    api.delete(*[POD + name for name in pods], grace=0)


def test_readiness_is_held_back_and_let_go_by_an_annotation(api):
    api.create(objects.pod("held", nodeName=NODE, annotations={"lab.eks-cilium.io/ready": "false"}))
    eventually(lambda: api.pod("held")["status"]["phase"] == "Running")
    time.sleep(1)
    held = conditions(api.pod("held"))["Ready"]
    assert (held["status"], held["reason"]) == ("False", "ContainersNotReady")
    api.annotate(POD + "held", ready=None)
    eventually(lambda: is_ready(api.pod("held")))
    api.annotate(POD + "held", ready="false")
    eventually(lambda: not is_ready(api.pod("held")))


def test_a_crashing_pod_backs_off_and_recovers_with_one_restart(api):
    api.create(
        objects.pod("crashes", nodeName=NODE, annotations={"lab.eks-cilium.io/fail": "CrashLoopBackOff"})
    )
    eventually(
        lambda: (
            "waiting" in state_of(api.pod("crashes")) and api.pod("crashes")["status"]["phase"] == "Running"
        )
    )
    container = api.pod("crashes")["status"]["containerStatuses"][0]
    assert container["state"]["waiting"]["reason"] == "CrashLoopBackOff"
    assert container["lastState"]["terminated"]["exitCode"] == 1
    api.annotate(POD + "crashes", fail=None)
    eventually(lambda: is_ready(api.pod("crashes")))
    assert api.pod("crashes")["status"]["containerStatuses"][0]["restartCount"] == 1


def test_a_pod_whose_configuration_is_missing_waits_for_it(api):
    mount = {"volumes": [{"name": "c", "configMap": {"name": "later"}}]}
    api.create(objects.pod("configured", nodeName=NODE, **mount))
    events = "/api/v1/namespaces/default/events"
    eventually(lambda: any(event["reason"] == "FailedMount" for event in api.items(events)))
    assert api.pod("configured")["status"]["phase"] == "Pending"
    api.create(
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "later", "namespace": "default"}}
    )
    eventually(lambda: is_ready(api.pod("configured")))


def create_job(api, name, **annotations):
    template = objects.pod(name, restartPolicy="Never", containers=[objects.container(probed=False)])
    template["metadata"]["annotations"] = {
        f"lab.eks-cilium.io/{key.replace('_', '-')}": value for key, value in annotations.items()
    }
    template["metadata"]["labels"] = {"app": name}
    spec = {"template": {"metadata": template["metadata"], "spec": template["spec"]}, "backoffLimit": 0}
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "namespace": "default"},
        "spec": spec,
    }
    api.create(job)
    return f"/apis/batch/v1/namespaces/default/jobs/{name}"


@pytest.mark.parametrize(("code", "outcome"), [("0", "succeeded"), ("3", "failed")])
def test_a_job_completes_with_its_exit_code(api, code, outcome):
    path = create_job(api, f"job-{outcome}", exit_code=code, runs_for_seconds="0.5")
    eventually(lambda: api.get(path)["status"].get(outcome) == 1)


def test_a_job_whose_pod_is_evicted_has_not_succeeded(api):
    path = create_job(api, "interrupted", runs_for_seconds="forever")
    eventually(lambda: are_ready(api.pods(app="interrupted"), 1))
    (running,) = api.pods(app="interrupted")
    assert api.evict("default", running["metadata"]["name"]).status_code == 201
    eventually(lambda: api.get(path)["status"].get("failed") == 1)
    assert "succeeded" not in api.get(path)["status"]


@pytest.mark.parametrize(("grace", "needs", "lasts"), [(5, 1.5, 1.5), (2, 60, 2), (30, 0, 0)])
def test_a_deleted_pod_is_removed_when_it_has_exited_and_never_after_its_grace_period(
    api, grace, needs, lasts
):
    name = f"ends-{grace}-{needs}".replace(".", "-")
    api.create(
        objects.pod(name, nodeName=NODE, annotations={"lab.eks-cilium.io/termination-seconds": str(needs)})
    )
    eventually(lambda: is_ready(api.pod(name)))
    api.delete(POD + name, grace=grace)
    assert seconds_until_deleted(api, name) == pytest.approx(lasts, abs=0.4)


def test_a_pod_of_the_same_name_is_never_taken_for_the_one_before_it(api):
    """The final deletion names the pod's UID, so it does not delete a successor of a pod deleted by force."""
    slow = {"lab.eks-cilium.io/termination-seconds": "1"}
    api.create(objects.pod("again", nodeName=NODE, annotations=slow))
    eventually(lambda: is_ready(api.pod("again")))
    api.delete(POD + "again", grace=30)
    api.delete(POD + "again", grace=0)
    (second,) = api.create(objects.pod("again", nodeName=NODE))
    eventually(lambda: is_ready(api.pod("again")))
    time.sleep(1.5)
    assert api.pod("again")["metadata"]["uid"] == second["metadata"]["uid"]


def test_a_disruption_budget_allows_one_eviction_and_the_next_when_a_successor_is_ready(api):
    labels = {"app": "guarded"}
    budget = {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "guarded", "namespace": "default"},
        "spec": {"maxUnavailable": 1, "selector": {"matchLabels": labels}},
    }
    api.create(budget, objects.workload("Deployment", "guarded", labels, replicas=2))
    eventually(lambda: are_ready(api.pods(**labels), 2))
    budget_path = "/apis/policy/v1/namespaces/default/poddisruptionbudgets/guarded"
    eventually(lambda: api.get(budget_path)["status"].get("disruptionsAllowed") == 1)
    first, second = (pod["metadata"]["name"] for pod in api.pods(**labels))

    assert api.evict("default", first).status_code == 201
    refused = api.evict("default", second)
    assert refused.status_code == 429
    assert "guarded" in refused.text
    eventually(lambda: api.evict("default", second).status_code == 201)
    survivors = [pod for pod in api.pods(**labels) if pod["metadata"]["name"] not in {first, second}]
    assert any(is_ready(pod) for pod in survivors)


def test_times_in_the_status_are_in_order(api):
    api.create(objects.pod("ordered", nodeName=NODE))
    eventually(lambda: is_ready(api.pod("ordered")))
    pod = api.pod("ordered")
    started = state_of(pod)["running"]["startedAt"]
    moments = [
        pod["metadata"]["creationTimestamp"],
        pod["status"]["startTime"],
        started,
        conditions(pod)["Ready"]["lastTransitionTime"],
    ]
    assert moments == sorted(moments, key=datetime.fromisoformat)
