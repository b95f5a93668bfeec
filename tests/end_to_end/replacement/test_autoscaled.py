"""A Cluster Autoscaler grows and shrinks a group in the middle of its migration.

A load generator needs more nodes for some time. The API server's audit log and the cloud's call log show who
ended pods and instances.
"""

from dataclasses import dataclass

import pytest

from lab.demo.autoscaling import Growth, autoscaled, growth_of
from lab.demo.comparison import Snapshot, replacement_checks
from lab.demo.prober import Prober, watching
from lab.disturbances.autoscaler import scaler
from lab.disturbances.load import NAMESPACE
from lab.evidence.pods import ended_otherwise
from lab.sample_cluster.spec import ClusterSpec
from tests.end_to_end.sample_cluster import violations
from tests.end_to_end.sample_cluster.cluster import ENGINEER, ExistingCluster, MakeExisting

pytestmark = [pytest.mark.lab, pytest.mark.endurance, pytest.mark.timeout(1800)]


@dataclass
class Autoscaled:
    existing: ExistingCluster
    growth: Growth
    prober: Prober
    after: Snapshot


@pytest.fixture(scope="module")
def migrated(make_existing: MakeExisting) -> Autoscaled:
    existing = make_existing(ClusterSpec(nodes=6, spare=6, autoscaled=True))
    growth = growth_of(existing.kubectl, existing.before, "general")
    with watching(existing.kubectl) as prober, autoscaled(growth):
        run = existing.up()
        print(run.output)
        assert run.code == 0, run.output
    return Autoscaled(existing, growth, prober, existing.now())


def test_the_group_grew_and_shrank_beside_the_program(migrated: Autoscaled) -> None:
    assert [check for check in migrated.growth.checks() if not check.passed] == []
    assert migrated.growth.faults == []


def test_the_cluster_passes_all_checks_and_the_group_is_as_before(migrated: Autoscaled) -> None:
    checks = replacement_checks(migrated.existing.before, migrated.after)

    assert [check for check in checks if not check.passed] == []


def test_no_pod_ended_outside_an_eviction(migrated: Autoscaled) -> None:
    audit, after = migrated.existing.audit, migrated.after
    daemon_sets = {key.removeprefix("DaemonSet ") for key in after.workloads if key.startswith("DaemonSet ")}
    ended = ended_otherwise(
        audit,
        {*daemon_sets, "kube-system/aws-node"},
        scaled=[NAMESPACE],
        run_to_completion=["batch/clean-up"],
    )

    assert ended == []
    assert {event.user for event in audit.evictions()} <= {ENGINEER, scaler.ACTOR}


def test_no_budget_was_broken(migrated: Autoscaled) -> None:
    assert migrated.prober.breaches == []
    assert migrated.existing.audit.unallowed_evictions() == []


def test_each_old_instance_was_terminated_once_by_its_id(migrated: Autoscaled) -> None:
    existing = migrated.existing

    assert violations.each_instance_terminated_once(existing.calls, existing.before) == []
