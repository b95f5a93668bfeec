"""How pods ended, by audit logs of a few lines."""

import json
from itertools import count

import pytest

from lab.evidence.audit import AuditLog
from lab.evidence.pods import ended_otherwise

pytestmark = pytest.mark.unit

COLLECTOR = "system:serviceaccount:kube-system:pod-garbage-collector"
REPLICAS = "system:serviceaccount:kube-system:replicaset-controller"
KUBELET = "lab:node-player"
ADMIN = {"username": "lab:admin"}


class Log:
    """An audit log that a test writes line by line."""

    def __init__(self, path):
        self.path = path
        self._second = count()

    def add(self, verb, name, user, *, subresource="", namespace="shop", code=200, actor=None):
        entry = {
            "requestReceivedTimestamp": f"2030-01-01T00:00:{next(self._second):02}.000000Z",
            "user": ADMIN if actor else {"username": user},
            "verb": verb,
            "objectRef": {
                "resource": "pods",
                "subresource": subresource,
                "namespace": namespace,
                "name": name,
            },
            "responseStatus": {"code": code},
        }
        if actor:
            entry["impersonatedUser"] = {"username": actor}
        with self.path.open("a") as stream:
            stream.write(json.dumps(entry) + "\n")

    def evict(self, name, code=201, **more):
        self.add("create", name, "engineer", subresource="eviction", code=code, **more)

    def delete(self, name, user, **more):
        self.add("delete", name, user, **more)

    def ended(self, **options):
        return ended_otherwise(AuditLog(self.path), {"kube-system/aws-node"}, **options)


@pytest.fixture
def log(tmp_path):
    return Log(tmp_path / "audit.jsonl")


def test_an_evicted_pod_may_be_removed_by_its_kubelet_or_collected_after_its_node(log):
    log.evict("web-1")
    log.delete("web-1", KUBELET)
    log.evict("web-2")
    log.delete("web-2", COLLECTOR)
    assert log.ended() == []


def test_a_pod_that_was_collected_without_an_eviction_was_lost(log):
    log.evict("web-1", code=429)
    log.delete("web-1", COLLECTOR)
    assert log.ended() == [f"shop/web-1 by {COLLECTOR}"]


def test_a_later_pod_of_the_same_name_has_its_own_eviction(log):
    log.evict("db-0")
    log.delete("db-0", KUBELET)
    log.add("create", "db-0", "system:kube-scheduler", subresource="binding", code=201)
    log.delete("db-0", "system:serviceaccount:kube-system:node-controller")
    assert len(log.ended()) == 1


def test_agents_and_finished_jobs_end_with_their_nodes(log):
    log.delete("aws-node-x", COLLECTOR, namespace="kube-system")
    log.delete("clean-up-1-x", COLLECTOR, namespace="batch")
    log.delete("import-1", "system:serviceaccount:kube-system:job-controller", namespace="batch")
    assert log.ended(run_to_completion=["batch/clean-up"]) == []
    assert len(log.ended()) == 1


def test_only_load_that_was_ended_on_purpose_may_be_scaled_down(log):
    log.delete("burst-1", REPLICAS, namespace="load")
    log.delete("web-1", REPLICAS)
    assert log.ended(scaled=["load"]) == [f"shop/web-1 by {REPLICAS}"]


def test_an_actor_is_named_by_whom_it_acts_for(log):
    log.delete("web-1", "", actor="lab:actor:person")
    assert log.ended() == ["shop/web-1 by lab:actor:person"]
