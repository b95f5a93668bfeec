"""What a comparison counts of a DaemonSet: its pods on the nodes that there are."""

from typing import Any

import pytest

from lab.demo.comparison import counts

pytestmark = pytest.mark.unit

AGENT = {
    "kind": "DaemonSet",
    "metadata": {"uid": "cilium"},
    "status": {"desiredNumberScheduled": 3, "numberReady": 3},
}


def pod(owner: str = "cilium", ready: str = "True", **metadata: Any) -> dict[str, Any]:
    return {
        "metadata": {"ownerReferences": [{"uid": owner}], **metadata},
        "status": {"conditions": [{"type": "Ready", "status": ready}]},
    }


def test_a_node_that_has_left_is_not_counted_although_the_status_still_has_it() -> None:
    assert counts(AGENT, [pod(), pod()], nodes=2) == (2, 2)


def test_pods_that_are_not_ready_stop_or_are_of_another_owner_do_not_count() -> None:
    stops = pod(deletionTimestamp="2026-01-01T00:00:00Z")

    assert counts(AGENT, [pod(), pod(ready="False"), stops, pod("other")], nodes=3) == (1, 3)


def test_a_daemon_set_that_wants_too_few_nodes_is_seen() -> None:
    assert counts({**AGENT, "status": {"desiredNumberScheduled": 1}}, [pod()], nodes=2) == (1, 1)


def test_of_other_workloads_the_status_counts() -> None:
    web = {"kind": "Deployment", "spec": {"replicas": 3}, "status": {"readyReplicas": 2}}

    assert counts(web, [], nodes=2) == (2, 3)
