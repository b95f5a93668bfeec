"""The workloads of a sample cluster count as rolled out when `kubectl rollout status` would say so."""

from typing import Any

import pytest

from lab.sample_cluster.workloads import is_rolled_out

pytestmark = pytest.mark.unit


def workload(kind: str, status: dict[str, int]) -> dict[str, Any]:
    spec = {} if kind == "DaemonSet" else {"replicas": 3}
    return {
        "kind": kind,
        "metadata": {"generation": 2},
        "spec": spec,
        "status": {"observedGeneration": 2, **status},
    }


ALL = {"replicas": 3, "updatedReplicas": 3, "availableReplicas": 3}
ON_EVERY_NODE = {"desiredNumberScheduled": 3, "updatedNumberScheduled": 3, "numberAvailable": 3}


@pytest.mark.parametrize(
    ("kind", "status"), [("Deployment", ALL), ("StatefulSet", ALL), ("DaemonSet", ON_EVERY_NODE)]
)
def test_every_pod_has_to_be_new_and_ready_in_a_status_that_is_current(
    kind: str, status: dict[str, int]
) -> None:
    assert is_rolled_out(workload(kind, status))
    assert not is_rolled_out(workload(kind, {**status, "observedGeneration": 1}))
    for name in status:
        assert not is_rolled_out(workload(kind, {**status, name: 2})) or name == "desiredNumberScheduled"


def test_pods_of_an_older_template_that_still_run_count() -> None:
    assert not is_rolled_out(workload("Deployment", {**ALL, "replicas": 4}))
