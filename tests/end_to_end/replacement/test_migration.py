"""Nodes with workloads are migrated from aws-node to Cilium; the audit and call logs show how.

All tests share one migration of six nodes; the endurance tests repeat it with twelve, as in the demo.
Meanwhile a prober watches the PodDisruptionBudgets and a second engineer runs the program too.
"""

import json
from dataclasses import dataclass

import pytest

from eks_cilium.rights.policies import REPLACEMENT
from lab.demo.comparison import Snapshot, replacement_checks
from lab.demo.prober import Prober, watching
from lab.sample_cluster.spec import ClusterSpec
from tests.end_to_end.modes.conftest import Run
from tests.end_to_end.rights import unlisted
from tests.end_to_end.sample_cluster import violations
from tests.end_to_end.sample_cluster.cluster import ENGINEER, ExistingCluster, MakeExisting

pytestmark = [pytest.mark.lab, pytest.mark.timeout(1800)]

STATE_A_NODE = 2_000


@dataclass
class Migrated:
    existing: ExistingCluster
    prober: Prober
    second: Run
    """The run of the second engineer, in the middle of the migration."""
    after: Snapshot

    @property
    def old_nodes(self) -> list[str]:
        return sorted(self.existing.before.nodes)


@pytest.fixture(scope="module", params=[6, pytest.param(12, marks=pytest.mark.endurance)])
def migrated(make_existing: MakeExisting, request: pytest.FixtureRequest) -> Migrated:
    existing = make_existing(ClusterSpec(nodes=request.param))
    with watching(existing.kubectl) as prober, existing.started("up", "--yes", "--skip-preview") as running:
        running.wait_until(lambda: "cordoned" in running.output_so_far())
        second = existing.of_another_engineer().up()
        assert running.wait() == 0, running.output_so_far()
    return Migrated(existing, prober, second, existing.now())


def test_the_cluster_passes_all_checks(migrated: Migrated) -> None:
    checks = replacement_checks(migrated.existing.before, migrated.after)

    assert [check for check in checks if not check.passed] == []


def test_no_pdb_was_violated(migrated: Migrated) -> None:
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

    assert violations.each_node_cordoned_once(audit, migrated.old_nodes) == []
    assert violations.no_pod_evicted_twice(audit) == []
    assert violations.evicted_only_where_cordoned(audit) == []


def test_pods_were_only_evicted_and_only_with_a_disruption_left(migrated: Migrated) -> None:
    audit = migrated.existing.audit

    assert {event.user for event in audit.evictions()} == {ENGINEER}
    assert violations.only_evicted(audit) == []
    assert audit.unallowed_evictions() == []


def test_aws_node_fell_to_zero_while_cilium_rose(migrated: Migrated) -> None:
    audit, nodes = migrated.existing.audit, len(migrated.old_nodes)

    assert violations.fell_to_zero(audit, "aws-node", nodes) == []
    assert violations.rose_to(audit, "cilium", nodes, most=nodes + 6) == []
    assert violations.deleted_after_last_node(audit, "aws-node") == []


def test_each_old_instance_was_terminated_once_by_its_id(migrated: Migrated) -> None:
    assert violations.each_instance_terminated_once(migrated.existing.calls, migrated.existing.before) == []


def test_it_needs_only_the_listed_rights(migrated: Migrated) -> None:
    assert unlisted(migrated.existing.calls, REPLACEMENT) == set()


def test_the_second_engineer_was_refused_and_told_who_holds_the_lease(migrated: Migrated) -> None:
    assert migrated.second.code != 0
    assert "eks-cilium-migration" in migrated.second.output
    assert "root@" in migrated.second.output or "process" in migrated.second.output


def test_a_second_preview_finds_nothing_to_do(migrated: Migrated) -> None:
    again = migrated.existing.pulumi("preview", "--expect-no-changes")

    assert again.code == 0, again.output


def test_a_node_takes_less_than_two_kilobytes_of_the_state(migrated: Migrated) -> None:
    """Besides what the stack's own file says: `options` is kept with the inputs and with the outputs."""
    resources = json.loads(migrated.existing.state_file.read_text())["checkpoint"]["latest"]["resources"]
    nodes = [each for each in resources if each["type"].endswith(":NodeRotation")]

    sizes = [len(json.dumps(each)) - 2 * len(json.dumps(each["inputs"]["options"])) for each in nodes]
    assert len(sizes) == len(migrated.old_nodes)
    assert max(sizes) < STATE_A_NODE
