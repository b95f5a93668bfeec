"""Nodes with workloads go from aws-node to Cilium; the witnesses tell how.

One migration for all tests, of six nodes; and one of twelve, as in the demo, among the tests of endurance.
While it runs, a prober watches the budgets and a second engineer tries to run the program on the same
cluster.
"""

from dataclasses import dataclass

import pytest

from lab.demo.comparison import Snapshot, promises
from lab.demo.prober import Prober, watching
from lab.existing.shape import Shape
from tests.end_to_end.existing import claims
from tests.end_to_end.existing.making import ENGINEER, Existing, MakeExisting
from tests.end_to_end.modes.conftest import Run

pytestmark = [pytest.mark.lab, pytest.mark.timeout(1800)]


@dataclass
class Migrated:
    existing: Existing
    prober: Prober
    second: Run
    """The program as run by somebody else in the middle of the migration."""
    after: Snapshot

    @property
    def old_nodes(self) -> list[str]:
        return sorted(self.existing.before.nodes)


@pytest.fixture(scope="module", params=[6, pytest.param(12, marks=pytest.mark.endurance)])
def migrated(make_existing: MakeExisting, request: pytest.FixtureRequest) -> Migrated:
    existing = make_existing(Shape(nodes=request.param))
    with watching(existing.kubectl) as prober, existing.started("up", "--yes", "--skip-preview") as running:
        running.wait_until(lambda: "cordoned" in running.says())
        second = existing.of_another_engineer().up()
        assert running.wait() == 0, running.says()
    return Migrated(existing, prober, second, existing.now())


def test_the_cluster_is_what_a_migration_promises(migrated: Migrated) -> None:
    broken = [fact for fact in promises(migrated.existing.before, migrated.after) if not fact.holds]

    assert broken == []


def test_no_budget_was_ever_broken(migrated: Migrated) -> None:
    assert migrated.prober.breaches == []
    assert {budget.key for budget in migrated.prober.budgets} == {
        "data/postgres",
        "kube-system/coredns",
        "kube-system/metrics-server",
        "shop/api",
        "shop/checkout",
        "shop/web",
    }


def test_each_old_node_was_cordoned_and_drained_exactly_once(migrated: Migrated) -> None:
    audit = migrated.existing.audit

    assert claims.each_node_cordoned_once(audit, migrated.old_nodes) == []
    assert claims.no_pod_evicted_twice(audit) == []
    assert claims.evicted_only_where_cordoned(audit) == []


def test_pods_left_by_eviction_only_and_never_without_a_disruption_left(migrated: Migrated) -> None:
    audit = migrated.existing.audit

    assert {event.user for event in audit.evictions()} == {ENGINEER}
    assert claims.only_evicted(audit) == []
    assert audit.unallowed_evictions() == []


def test_aws_node_fell_to_zero_while_cilium_rose(migrated: Migrated) -> None:
    audit, nodes = migrated.existing.audit, len(migrated.old_nodes)

    assert claims.fell_to_zero(audit, "aws-node", nodes) == []
    assert claims.rose_to(audit, "cilium", nodes, most=nodes + 6) == []
    assert claims.deleted_after_last_node(audit, "aws-node") == []


def test_each_old_instance_was_terminated_once_by_its_id(migrated: Migrated) -> None:
    assert claims.each_instance_terminated_once(migrated.existing.calls, migrated.existing.before) == []


def test_a_second_run_was_refused_by_the_lease_and_told_who_holds_it(migrated: Migrated) -> None:
    assert migrated.second.code != 0
    assert "eks-cilium-migration" in migrated.second.output
    assert "root@" in migrated.second.output or "process" in migrated.second.output


def test_a_second_preview_finds_nothing_to_do(migrated: Migrated) -> None:
    again = migrated.existing.pulumi("preview", "--expect-no-changes")

    assert again.code == 0, again.output
