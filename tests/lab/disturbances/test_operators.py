"""The operator that closes its budget: its decisions with a clock, and its work on a real API server."""

import pytest

from lab.disturbances import operators
from lab.disturbances.actors import act_as
from lab.disturbances.operators import ACTOR, NAME, NAMESPACE, SearchOperator
from tests.lab.nodeplayer import objects
from tests.lab.nodeplayer.conftest import eventually

BUDGET = f"/apis/policy/v1/namespaces/{NAMESPACE}/poddisruptionbudgets/{NAME}"
PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"


class FakeApi:
    """Pods that are ready or not, and the budget as last written."""

    def __init__(self):
        self.ready = [True, True, True]
        self.budget = None

    def list(self, path):
        return [
            {"metadata": {}, "status": {"conditions": [{"type": "Ready", "status": str(ready)}]}}
            for ready in self.ready
        ]

    def get(self, path):
        owner = {"apiVersion": "v1", "kind": "Elasticsearch", "metadata": {"uid": "1"}}
        return self.budget if "poddisruptionbudgets" in path else owner

    def apply(self, path, manifest, *, force):
        self.budget = manifest


@pytest.fixture
def now():
    return [100.0]


@pytest.fixture
def fake():
    return FakeApi()


@pytest.fixture
def operator(fake, now):
    return SearchOperator(fake, settle=5, clock=lambda: now[0])


def minimum(operator, fake):
    operator.step()
    return fake.budget["spec"]["minAvailable"]


@pytest.mark.unit
def test_the_budget_opens_when_all_pods_were_ready_for_some_seconds(operator, fake, now):
    assert minimum(operator, fake) == 3
    now[0] += 5
    assert minimum(operator, fake) == 2


@pytest.mark.unit
def test_the_budget_closes_after_a_lost_pod_and_the_seconds_count_anew(operator, fake, now):
    minimum(operator, fake)
    now[0] += 5
    fake.ready[1] = False
    assert minimum(operator, fake) == 3
    fake.ready[1] = True
    now[0] += 60
    assert minimum(operator, fake) == 3
    now[0] += 5
    assert minimum(operator, fake) == 2


@pytest.mark.unit
def test_the_budget_can_be_closed_for_some_time(operator, fake, now):
    minimum(operator, fake)
    now[0] += 5
    operator.close(60)
    assert minimum(operator, fake) == 3
    now[0] += 60
    assert minimum(operator, fake) == 2


@pytest.fixture(scope="module")
def cluster(start):
    cluster = start()
    cluster.api.create(objects.aws_node())
    cluster.api.create(*(objects.node(number) for number in range(1, 4)))
    return cluster


@pytest.mark.control_plane
def test_a_real_budget_closes_after_an_eviction_and_opens_again(cluster):
    api = act_as(cluster.kubeconfig, ACTOR)
    operator = SearchOperator(api, settle=1.0)
    operators.install(operator)
    faults = []
    with operators.running(operator, lambda *fault: faults.append(fault)):
        eventually(lambda: api.get(BUDGET)["status"].get("disruptionsAllowed") == 1)
        first, second = [pod["metadata"] for pod in api.list(PODS)][:2]
        assert api.evict(NAMESPACE, first["name"], uid=first["uid"]).status == 201
        eventually(lambda: api.get(BUDGET)["spec"]["minAvailable"] == 3)
        assert api.evict(NAMESPACE, second["name"], uid=second["uid"]).status == 429
        eventually(lambda: api.get(BUDGET)["status"].get("disruptionsAllowed") == 1)
    owner = api.get(f"/apis/apps/v1/namespaces/{NAMESPACE}/statefulsets/{NAME}")["metadata"][
        "ownerReferences"
    ][0]
    assert (owner["kind"], owner["controller"]) == ("Elasticsearch", True)
    assert faults == []
