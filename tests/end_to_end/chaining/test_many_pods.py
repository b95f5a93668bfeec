"""Many pods are refreshed with few requests: 5,000 pods in 200 workloads, with watches instead of polls.

`EKS_CILIUM_PODS` makes it smaller.
"""

import os

import pytest

from lab.demo.chaining import chaining_checks
from lab.demo.prober import watching
from lab.sample_cluster.many_pods import run_pods
from lab.sample_cluster.spec import ClusterSpec
from tests.end_to_end.sample_cluster import violations
from tests.end_to_end.sample_cluster.cluster import ENGINEER, MakeExisting

pytestmark = [pytest.mark.lab, pytest.mark.endurance, pytest.mark.timeout(5400)]

PODS = int(os.environ.get("EKS_CILIUM_PODS", "5000"))
REPLICAS = 25
PODS_A_NODE = 50
REQUESTS_A_POD = 5


def test_a_refresh_asks_few_requests_for_each_pod_and_keeps_all_budgets(make_existing: MakeExisting) -> None:
    spec = ClusterSpec(nodes=PODS // PODS_A_NODE + 2, groups=1, instance_type="m7i.xlarge", workloads=())
    existing = make_existing(spec, parallel=16)
    run_pods(existing.kubectl, PODS, replicas=REPLICAS)
    existing = existing.from_now()

    with watching(existing.kubectl) as prober:
        done = existing.up()
    assert done.code == 0, done.output[-4000:]

    audit, after = existing.audit, existing.now()
    asked = len(audit.asked_by(ENGINEER))
    assert [check for check in chaining_checks(existing.before, after) if not check.passed] == []
    assert (prober.breaches, audit.unallowed_evictions()) == ([], [])
    assert violations.only_evicted(audit) == []
    assert asked / PODS <= REQUESTS_A_POD, f"{asked / PODS:.1f} requests a pod"
