"""Cilium is chained to the VPC CNI of a small cluster by a run that is killed halfway and a second run."""

from dataclasses import dataclass

import pytest

from eks_cilium.rights.policies import CHAINING
from lab.demo.chaining import chaining_checks
from lab.demo.comparison import Snapshot
from lab.demo.prober import Prober, watching
from lab.sample_cluster.spec import ClusterSpec
from tests.end_to_end.rights import unlisted
from tests.end_to_end.sample_cluster import violations
from tests.end_to_end.sample_cluster.cluster import ENGINEER, ExistingCluster, MakeExisting

pytestmark = [pytest.mark.lab, pytest.mark.timeout(900)]

RESTARTED = {"kube-system/coredns": 2, "small/web": 3, "small/db": 1}


@dataclass
class Chained:
    existing: ExistingCluster
    prober: Prober
    halfway: Snapshot
    after: Snapshot


@pytest.fixture(scope="module")
def chained(make_existing: MakeExisting) -> Chained:
    spec = ClusterSpec(nodes=3, groups=1, workloads=("storage", "small", "database"))
    existing = make_existing(spec, parallel=1)
    with watching(existing.kubectl) as prober:
        with existing.started("up", "--yes", "--skip-preview") as running:
            running.wait_until(lambda: running.output_so_far().count("restarted ") > 1)
            running.kill()
        halfway = existing.now()
        again = existing.up()
        assert again.code == 0, again.output
    return Chained(existing, prober, halfway, existing.now())


def test_the_cluster_passes_all_checks(chained: Chained) -> None:
    before = chained.existing.before

    assert [check for check in chaining_checks(before, chained.after) if not check.passed] == []


def test_the_first_run_was_killed_before_its_end(chained: Chained) -> None:
    # Guards the fixture: otherwise the other tests would not cover an interrupted run.
    assert set(chained.halfway.ordinary_pods) - chained.halfway.endpoints


def test_no_pod_was_restarted_twice(chained: Chained) -> None:
    audit = chained.existing.audit

    assert violations.restarted_once(audit, RESTARTED) == []
    assert violations.rolled_out_once(audit) == []
    assert violations.no_pod_evicted_twice(audit) == []


def test_pods_were_only_evicted_or_rolled_out_and_no_pdb_was_violated(chained: Chained) -> None:
    audit = chained.existing.audit

    assert {event.user for event in audit.evictions()} == {ENGINEER}
    assert violations.only_evicted(audit) == []
    assert audit.unallowed_evictions() == []
    assert chained.prober.breaches == []


def test_aws_node_was_not_written_and_no_instance_terminated(chained: Chained) -> None:
    existing = chained.existing

    assert violations.not_written(existing.audit, "aws-node") == []
    assert existing.calls.terminated() == []
    assert chained.after.instances == existing.before.instances


def test_it_needs_only_the_listed_rights(chained: Chained) -> None:
    assert unlisted(chained.existing.calls, CHAINING) == set()


def test_a_preview_finds_nothing_to_do(chained: Chained) -> None:
    again = chained.existing.pulumi("preview", "--expect-no-changes")

    assert again.code == 0, again.output
