"""A canary with the whole program, then a stop from another terminal, then the rest.

All tests share one cluster of three nodes and its history: a canary of one node, a second preview, the key is
removed and the run is stopped in the middle by `eks-cilium stop`, the request is withdrawn, the rest goes on.
"""

import json
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import pytest

from lab.demo.comparison import Snapshot, replacement_checks
from lab.environment import client_environment
from lab.sample_cluster.spec import ClusterSpec
from tests.end_to_end.modes.conftest import Run
from tests.end_to_end.sample_cluster import violations
from tests.end_to_end.sample_cluster.cluster import ExistingCluster, MakeExisting

pytestmark = [pytest.mark.lab, pytest.mark.endurance, pytest.mark.timeout(1800)]

COMMAND = "from eks_cilium.cli.main import main; main()"


@dataclass
class History:
    existing: ExistingCluster
    canary: Snapshot
    status: dict[str, Any]
    preview: Run
    stopped: str
    """What the run that was stopped printed."""
    cordoned: int
    """How many nodes were cordoned until the run had stopped."""
    refused: Run
    """The run after it, before the request was withdrawn."""
    after: Snapshot
    statuses: dict[str, int]
    """How each call of `eks-cilium` ended."""


def eks_cilium(existing: ExistingCluster, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command in a terminal of its own, which reaches the cluster by the lab's kubeconfig."""
    name = existing.kubectl.context
    return subprocess.run(
        [sys.executable, "-c", COMMAND, *arguments, "--cluster", name, "--context", name],
        env=client_environment(existing.places),
        cwd=existing.places.project,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def history(make_existing: MakeExisting) -> History:
    workloads = ("storage", "small", "database")
    existing = make_existing(
        ClusterSpec(nodes=3, groups=1, workloads=workloads), surge=3, parallel=1, only={"nodes": 1}
    )
    done = existing.up()
    assert done.code == 0, done.output
    canary, preview = existing.now(), existing.pulumi("preview", "--expect-no-changes")
    status = eks_cilium(existing, "status", "--output", "json")
    existing.change(lambda config: config["eks-cilium:migration"].pop("only"))
    with existing.started("up", "--yes", "--skip-preview") as running:
        running.wait_until(lambda: len(existing.audit.cordons()) == 2)
        asked = eks_cilium(existing, "stop", "--reason", "error rate of shop")
        running.wait()
        stopped, cordoned = running.output_so_far(), len(existing.audit.cordons())
    refused = existing.up()
    withdrawn = eks_cilium(existing, "stop", "--undo")
    rest = existing.up()
    assert rest.code == 0, rest.output
    return History(
        existing=existing,
        canary=canary,
        status=json.loads(status.stdout),
        preview=preview,
        stopped=stopped,
        cordoned=cordoned,
        refused=refused,
        after=existing.now(),
        statuses={"status": status.returncode, "stop": asked.returncode, "undo": withdrawn.returncode},
    )


def test_one_node_is_replaced_and_the_others_keep_aws_node(history: History) -> None:
    old = set(history.existing.before.nodes)

    assert len(old & set(history.canary.nodes)) == 2
    assert history.canary.has("aws-node")
    assert not any(node.cordoned for node in history.canary.nodes.values())


def test_a_second_preview_of_the_canary_is_empty(history: History) -> None:
    assert history.preview.code == 0, history.preview.output


def test_the_status_counts_it(history: History) -> None:
    migration = history.status["migration"]

    assert history.statuses == {"status": 0, "stop": 0, "undo": 0}
    assert (migration["nodes"], migration["done"], migration["left"]) == (3, 1, 2)
    assert history.status["policiesPaused"]
    assert migration["estimatedSecondsLeft"] > 0


def test_the_stop_lets_the_node_in_work_finish_and_begins_no_other(history: History) -> None:
    assert history.cordoned == 2
    assert "(error rate of shop)" in history.stopped
    assert "eks-cilium stop --undo --cluster" in history.stopped


def test_the_next_run_begins_nothing_until_the_request_is_withdrawn(history: History) -> None:
    assert history.refused.code != 0
    assert "that nothing further is begun" in history.refused.output


def test_the_rest_ends_as_a_migration_without_a_canary(history: History) -> None:
    before, audit = history.existing.before, history.existing.audit

    assert [check for check in replacement_checks(before, history.after) if not check.passed] == []
    assert violations.each_node_cordoned_once(audit, sorted(before.nodes)) == []
    assert violations.no_pod_evicted_twice(audit) == []
