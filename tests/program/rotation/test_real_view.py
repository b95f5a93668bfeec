"""The view of a cluster over a real API server: watches in threads, and what they bring."""

import pytest

from eks_cilium.clients.kubeconfig import api_of
from eks_cilium.runtime.clock import Time
from eks_cilium.runtime.view import View, in_threads

from .live import Live, eventually

pytestmark = [pytest.mark.control_plane, pytest.mark.usefixtures("own_namespace")]

LABEL = "example.com/seen"


def test_a_view_shows_what_changes_without_asking_again(live: Live) -> None:
    with api_of(live.plane.admin_kubeconfig) as api:
        view = View(api, Time(), in_threads)
        names = sorted(node["metadata"]["name"] for node in view.list("/api/v1/nodes"))

        live.api.merge(f"/api/v1/nodes/{names[0]}", {"metadata": {"labels": {LABEL: "yes"}}})

        eventually(lambda: LABEL in (view.get(f"/api/v1/nodes/{names[0]}") or {})["metadata"]["labels"])
        view.close()
    assert names == sorted(node["metadata"]["name"] for node in live.api.list("/api/v1/nodes"))


def test_pods_of_one_node_come_and_go(live: Live) -> None:
    live.deploy("seen", replicas=2)
    node = live.pods("seen")[0]["spec"]["nodeName"]
    with api_of(live.plane.admin_kubeconfig) as api:
        view = View(api, Time(), in_threads)
        selector = f"spec.nodeName={node}"

        def seen() -> set[str]:
            found = view.list("/api/v1/pods", fieldSelector=selector)
            return {pod["metadata"]["uid"] for pod in found if pod["metadata"]["namespace"] == live.namespace}

        before = seen()
        assert before
        uid = next(iter(before))
        pod = next(pod for pod in live.pods("seen") if pod["metadata"]["uid"] == uid)
        live.api.delete(f"/api/v1/namespaces/{live.namespace}/pods/{pod['metadata']['name']}")

        eventually(lambda: uid not in seen())
        view.close()
