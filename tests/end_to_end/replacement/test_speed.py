"""A preview of a cluster with 500 nodes and 15,000 pods takes at most 15 seconds."""

import time

import pytest

from eks_cilium.dynamic.replacement.node_batch import MOST_RESOURCES
from lab.sample_cluster.many_pods import run_pods
from lab.sample_cluster.spec import ClusterSpec
from tests.end_to_end.sample_cluster.cluster import MakeExisting

pytestmark = [pytest.mark.lab, pytest.mark.endurance, pytest.mark.timeout(2400)]

NODES, PODS = 500, 15_000
LIMIT = 15.0


def test_a_preview_of_500_nodes_takes_less_than_15_seconds(make_existing: MakeExisting) -> None:
    existing = make_existing(ClusterSpec(nodes=NODES, instance_type="m7i.xlarge", workloads=()), surge=3)
    daemon_set_pods = 3 * NODES
    run_pods(existing.kubectl, PODS - daemon_set_pods)

    started = time.monotonic()
    preview = existing.pulumi("preview")
    took = time.monotonic() - started

    assert preview.code == 0, preview.output[-4000:]
    assert 0 < preview.output.count("eks-cilium:NodeBatch") <= MOST_RESOURCES
    assert took < LIMIT, f"took {took:.1f} s"
