"""A preview of a cluster with 500 nodes and 15,000 pods takes at most 15 seconds, on either engine."""

import shutil
import time

import pytest

from eks_cilium.dynamic.replacement.node_batch import MOST_RESOURCES
from lab import program
from lab.sample_cluster.many_pods import run_pods
from lab.sample_cluster.spec import ClusterSpec
from tests.end_to_end.sample_cluster.cluster import ExistingCluster, MakeExisting

pytestmark = [pytest.mark.lab, pytest.mark.endurance, pytest.mark.timeout(2400)]

NODES, PODS = 500, 15_000
LIMIT = 15.0
WITHOUT_CLI = pytest.mark.skipif(not shutil.which("pulumi"), reason="the Pulumi CLI is not on PATH")


@pytest.fixture(scope="module")
def existing(make_existing: MakeExisting) -> ExistingCluster:
    existing = make_existing(ClusterSpec(nodes=NODES, instance_type="m7i.xlarge", workloads=()), surge=3)
    daemon_set_pods = 3 * NODES
    run_pods(existing.kubectl, PODS - daemon_set_pods)
    return existing


@pytest.mark.parametrize("engine", [program.BUILT_IN, pytest.param(program.OFFICIAL, marks=WITHOUT_CLI)])
def test_a_preview_of_500_nodes_takes_less_than_15_seconds(existing: ExistingCluster, engine: str) -> None:
    existing.on(engine).pulumi(
        "stack", "ls"
    )  # the first start of a program of 100 MB takes as long as its disk

    started = time.monotonic()
    preview = existing.on(engine).pulumi("preview")
    took = time.monotonic() - started

    assert preview.code == 0, preview.output[-4000:]
    assert 0 < preview.output.count("eks-cilium:NodeBatch") <= MOST_RESOURCES
    assert took < LIMIT, f"took {took:.1f} s"
