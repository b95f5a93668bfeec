"""A workload restarted on a real API server, as in mode `chaining`: watched while it is waited for."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread
from typing import Any

import pytest

from eks_cilium.cluster.objects import Reference
from eks_cilium.errors import ProgramError
from eks_cilium.migration.options import Limits
from eks_cilium.migration.refresh.model import Method
from eks_cilium.migration.refresh.restarting import restart
from eks_cilium.migration.run import RefreshRun
from eks_cilium.settings.model.migration import RefreshOptions

from .live import Live, eventually, is_ready, objects_path

pytestmark = [pytest.mark.control_plane, pytest.mark.usefixtures("own_namespace", "endpoints_exist")]

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
NAME = "ciliumendpoints.cilium.io"
SCHEMA = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
ENDPOINTS: dict[str, Any] = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": NAME},
    "spec": {
        "group": "cilium.io",
        "scope": "Namespaced",
        "names": {"kind": "CiliumEndpoint", "plural": "ciliumendpoints"},
        "versions": [
            {
                "name": "v2",
                "served": True,
                "storage": True,
                "schema": {
                    "openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
                },
            }
        ],
    },
}


@pytest.fixture
def endpoints_exist(live: Live) -> Iterator[None]:
    """The definition of CiliumEndpoints, which Cilium's operator registers in a cluster."""
    live.api.create(CRDS, ENDPOINTS)
    eventually(lambda: "storedVersions" in (live.api.get(f"{CRDS}/{NAME}") or {}).get("status", {}))
    yield
    live.api.delete(f"{CRDS}/{NAME}")


@contextmanager
def agents(live: Live, app: str) -> Iterator[None]:
    """Pods that become ready from now on get an endpoint, as Cilium's agents give it to them."""
    path = f"/apis/cilium.io/v2/namespaces/{live.namespace}/ciliumendpoints"
    done, before = Event(), {pod["metadata"]["uid"] for pod in live.pods(app)}

    def give() -> None:
        while not done.wait(0.2):
            for pod in live.pods(app):
                name, uid = pod["metadata"]["name"], pod["metadata"]["uid"]
                if uid in before or not is_ready(pod):
                    continue
                owner = {"apiVersion": "v1", "kind": "Pod", "name": name, "uid": uid}
                metadata = {"name": name, "ownerReferences": [owner]}
                with suppress(ProgramError):
                    body = {"apiVersion": "cilium.io/v2", "kind": "CiliumEndpoint", "metadata": metadata}
                    live.api.create(path, body)
                    before.add(uid)

    thread = Thread(target=give)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


@pytest.mark.parametrize("missing", [0, 1], ids=["rolled out", "evicted"])
def test_a_restart_watches_what_it_waits_for(live: Live, missing: int) -> None:
    live.deploy("web", replicas=4)
    strategy = {"rollingUpdate": {"maxUnavailable": missing, "maxSurge": 1}}
    live.api.merge(f"{objects_path('Deployment', live.namespace)}/web", {"spec": {"strategy": strategy}})
    live.budget("web", maxUnavailable=1)
    before = {pod["metadata"]["uid"] for pod in live.pods("web")}
    options = RefreshOptions(health_timeout_seconds=60, settle_readings=2)
    reported: list[str] = []
    run = RefreshRun(live.world(), options, reported.append, Limits(poll_interval=1.0))

    with agents(live, "web"):
        done = restart(run, Reference("Deployment", live.namespace, "web"), "2026-01-01T00:00:00.000+00:00")

    assert (done["how"], done["pods"]) == (Method.EVICT if missing else Method.ROLL_OUT, 4), reported
    after = live.pods("web")
    assert sum(map(is_ready, after)) == 4
    assert before.isdisjoint(pod["metadata"]["uid"] for pod in after)
    assert len(live.witnessed("get", "deployments")) <= 5
