"""Which status of each awaited kind counts as ready."""

import pytest

from lab.providers.kubernetes.objects.readiness import progress_of

pytestmark = pytest.mark.unit


def progress(api_version, kind, spec=None, status=None, *, endpoints=0, binds_late=False):
    live = {
        "apiVersion": api_version,
        "kind": kind,
        "metadata": {"name": "it", "generation": 2},
        "spec": spec or {},
        "status": status or {},
    }
    return progress_of(live, lambda: endpoints, lambda: binds_late)


def condition(kind, value="True", **more):
    return {"conditions": [{"type": kind, "status": value, **more}]}


DEPLOYED = {"observedGeneration": 2, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2}
SPREAD = {
    "observedGeneration": 2,
    "desiredNumberScheduled": 3,
    "updatedNumberScheduled": 3,
    "numberReady": 3,
    "numberAvailable": 3,
}


@pytest.mark.parametrize(
    ("api_version", "kind", "spec", "status", "ready"),
    [
        ("apps/v1", "Deployment", {"replicas": 2}, DEPLOYED, True),
        ("apps/v1", "Deployment", {"replicas": 2}, {**DEPLOYED, "observedGeneration": 1}, False),
        ("apps/v1", "Deployment", {"replicas": 2}, {**DEPLOYED, "availableReplicas": 1}, False),
        ("apps/v1", "Deployment", {"replicas": 2}, {**DEPLOYED, "updatedReplicas": 1}, False),
        ("apps/v1", "Deployment", {"replicas": 2}, {**DEPLOYED, "replicas": 3}, False),
        ("apps/v1", "Deployment", {"replicas": 0}, {"observedGeneration": 2}, True),
        ("apps/v1", "DaemonSet", {}, SPREAD, True),
        ("apps/v1", "DaemonSet", {}, {**SPREAD, "numberReady": 2}, False),
        ("apps/v1", "DaemonSet", {}, {**SPREAD, "updatedNumberScheduled": 1}, False),
        ("apps/v1", "DaemonSet", {}, {}, False),
        (
            "apps/v1",
            "StatefulSet",
            {"replicas": 1},
            {"observedGeneration": 2, "readyReplicas": 1, "updatedReplicas": 1},
            True,
        ),
        (
            "apps/v1",
            "StatefulSet",
            {"replicas": 1},
            {"observedGeneration": 2, "readyReplicas": 0, "updatedReplicas": 1},
            False,
        ),
        ("batch/v1", "Job", {}, condition("Complete"), True),
        ("batch/v1", "Job", {}, {}, False),
        ("v1", "Service", {"selector": {"a": "b"}}, {}, False),
        ("v1", "Service", {"selector": {"a": "b"}, "clusterIP": "None"}, {}, True),
        ("v1", "Service", {}, {}, True),
        ("v1", "Service", {"type": "LoadBalancer"}, {}, False),
        ("v1", "Service", {"type": "LoadBalancer"}, {"loadBalancer": {"ingress": [{"ip": "1.2.3.4"}]}}, True),
        ("v1", "PersistentVolumeClaim", {}, {"phase": "Bound"}, True),
        ("v1", "PersistentVolumeClaim", {}, {"phase": "Pending"}, False),
        ("v1", "Pod", {}, {"phase": "Running", **condition("Ready")}, True),
        ("v1", "Pod", {}, {"phase": "Running", **condition("Ready", "False")}, False),
        ("v1", "Namespace", {}, {"phase": "Active"}, True),
        ("v1", "Namespace", {}, {"phase": "Terminating"}, False),
        ("apiextensions.k8s.io/v1", "CustomResourceDefinition", {}, condition("Established"), True),
        ("apiextensions.k8s.io/v1", "CustomResourceDefinition", {}, {}, False),
        ("v1", "ConfigMap", {}, {}, True),
        ("cilium.io/v2", "CiliumNetworkPolicy", {}, {}, True),
    ],
)
def test_readiness(api_version, kind, spec, status, ready):
    assert progress(api_version, kind, spec, status).ready is ready


def test_service_with_a_ready_pod_serves():
    assert progress("v1", "Service", {"selector": {"a": "b"}}, endpoints=1).ready


def test_claim_that_binds_with_its_first_pod_is_not_waited_for():
    assert progress("v1", "PersistentVolumeClaim", {}, {"phase": "Pending"}, binds_late=True).ready


@pytest.mark.parametrize(
    ("api_version", "kind", "status"),
    [
        ("batch/v1", "Job", condition("Failed", message="BackoffLimitExceeded")),
        ("v1", "Pod", {"phase": "Failed", "message": "evicted"}),
        (
            "apps/v1",
            "Deployment",
            {"observedGeneration": 2, **condition("Progressing", "False", reason="ProgressDeadlineExceeded")},
        ),
        (
            "apiextensions.k8s.io/v1",
            "CustomResourceDefinition",
            condition("NamesAccepted", "False", reason="PluralConflict", message="taken"),
        ),
    ],
)
def test_what_cannot_get_ready_any_more_is_a_failure(api_version, kind, status):
    found = progress(api_version, kind, {}, status)

    assert found.failure
    assert not found.ready
