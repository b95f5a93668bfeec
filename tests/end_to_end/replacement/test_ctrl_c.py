"""A migration of a cluster with a self-managed aws-node, interrupted by one Ctrl-C and then continued.

The interrupted run finishes its current node and starts no other; the second run continues from there.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass

import pytest

from lab.demo.comparison import Snapshot, replacement_checks
from lab.sample_cluster.spec import ClusterSpec, VpcCni
from tests.end_to_end.sample_cluster import violations
from tests.end_to_end.sample_cluster.cluster import ENGINEER, ExistingCluster, MakeExisting

pytestmark = [pytest.mark.lab, pytest.mark.endurance, pytest.mark.timeout(1500)]


@dataclass
class Interrupted:
    existing: ExistingCluster
    output: str
    code: int
    halfway: Snapshot
    cordoned_halfway: dict[str, list[bool]]
    after: Snapshot


@pytest.fixture(scope="module")
def interrupted(make_existing: MakeExisting) -> Interrupted:
    workloads = ("storage", "small", "database")
    spec = ClusterSpec(nodes=3, groups=1, vpc_cni=VpcCni.SELF_MANAGED, workloads=workloads)
    existing = make_existing(spec, surge=3, parallel=1)
    with existing.started("up", "--yes", "--skip-preview") as running:
        running.wait_until(lambda: "cordoned" in running.output_so_far())
        running.interrupt()
        code = running.wait()
        output = running.output_so_far()
    cordoned = existing.audit.cordons()
    halfway = once_gone(existing, cordoned)
    again = existing.up()
    assert again.code == 0, again.output
    return Interrupted(existing, output, code, halfway, cordoned, existing.now())


def once_gone(existing: ExistingCluster, nodes: Iterable[str]) -> Snapshot:
    """The cluster once these nodes are gone: a run does not wait for the end of an instance without pods."""
    ends = time.monotonic() + 60
    while True:
        now = existing.now()
        if now.nodes.keys().isdisjoint(nodes) or time.monotonic() > ends:
            return now
        time.sleep(1)


def test_ctrl_c_lets_the_current_node_finish_and_starts_no_other(interrupted: Interrupted) -> None:
    old = interrupted.existing.before.nodes

    assert interrupted.code != 0
    assert len(interrupted.cordoned_halfway) == 1, interrupted.output
    (node,) = interrupted.cordoned_halfway
    assert node not in interrupted.halfway.nodes
    assert len(set(old) & set(interrupted.halfway.nodes)) == len(old) - 1
    assert not any(node.cordoned for node in interrupted.halfway.nodes.values())


def test_the_next_run_finishes_the_rest(interrupted: Interrupted) -> None:
    before, audit = interrupted.existing.before, interrupted.existing.audit

    assert [check for check in replacement_checks(before, interrupted.after) if not check.passed] == []
    assert violations.each_node_cordoned_once(audit, sorted(before.nodes)) == []
    assert violations.no_pod_evicted_twice(audit) == []
    assert violations.each_instance_terminated_once(interrupted.existing.calls, before) == []


def test_only_the_program_writes_the_self_managed_daemon_set_and_deletes_it_last(
    interrupted: Interrupted,
) -> None:
    audit = interrupted.existing.audit
    written = [e for e in audit.of("daemonsets", "patch", "delete") if e.name == "aws-node"]

    assert {event.user for event in written} == {ENGINEER}
    assert violations.fell_to_zero(audit, "aws-node", 3) == []
    assert violations.deleted_after_last_node(audit, "aws-node") == []
