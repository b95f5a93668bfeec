"""Rollback to the AWS VPC CNI from three stages: before the first drain, halfway, after aws-node was deleted.

One cluster is migrated and rolled back three times, one stage further each time. After each rollback it has
to be as it was at the beginning.
"""

from collections.abc import Callable

import pytest

from lab.demo.comparison import Snapshot, common_checks
from lab.demo.prober import watching
from lab.sample_cluster.spec import ClusterSpec
from tests.end_to_end.sample_cluster.cluster import ExistingCluster, MakeExisting, Running

pytestmark = [pytest.mark.lab, pytest.mark.endurance, pytest.mark.timeout(2400)]

AWS_NODE, CILIUM = "aws-vpc-cni", "cilium"


@pytest.fixture(scope="module")
def existing(make_existing: MakeExisting) -> ExistingCluster:
    return make_existing(
        ClusterSpec(nodes=3, groups=1, workloads=("storage", "small", "database")), surge=3, parallel=2
    )


def migrate_until(existing: ExistingCluster, reached: Callable[[Running], bool]) -> None:
    """Migrate to Cilium up to a stage, then interrupt the run."""
    existing.configure(target=CILIUM)
    with existing.started("up", "--yes", "--skip-preview") as running:
        running.wait_until(lambda: reached(running))
        running.interrupt()
        running.wait()


def roll_back(existing: ExistingCluster) -> Snapshot:
    """Preview and run the rollback while a prober watches every PodDisruptionBudget."""
    existing.configure(target=AWS_NODE)
    preview = existing.pulumi("preview")
    assert preview.code == 0, preview.output
    with watching(existing.kubectl) as prober:
        done = existing.up()
    assert done.code == 0, done.output
    assert prober.breaches == []
    return existing.now()


def assert_rolled_back(existing: ExistingCluster, after: Snapshot) -> None:
    """Assert that aws-node, labels, taints, sizes and workloads are as before, and that Cilium is deleted."""
    assert after.has("aws-node")
    assert after.agents("aws-node") == "3 of 3 ready"
    assert not after.has("cilium")
    assert "vpc-cni" in after.add_ons
    labelled = existing.kubectl("get", "nodes", "-l", "cni-plugin", "-o", "name")
    assert labelled == ""
    # A rollback before the first drain replaces no node.
    checks = [
        check for check in common_checks(existing.before, after) if check.description != "every node replaced"
    ]
    assert len(checks) == 5
    assert [check for check in checks if not check.passed] == []
    assert affinity(existing) == AFFINITY


def affinity(existing: ExistingCluster) -> str:
    path = "spec.template.spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution"
    return existing.kubectl("get", "ds", "aws-node", "-n", "kube-system", "-o", f"jsonpath={{.{path}}}")


AFFINITY = (
    '{"nodeSelectorTerms":[{"matchExpressions":['
    '{"key":"kubernetes.io/os","operator":"In","values":["linux"]},'
    '{"key":"kubernetes.io/arch","operator":"In","values":["amd64","arm64"]},'
    '{"key":"eks.amazonaws.com/compute-type","operator":"NotIn","values":["fargate","hybrid","auto"]}]}]}'
)


def test_rollback_before_the_first_drain(existing: ExistingCluster) -> None:
    migrate_until(existing, lambda running: "Surge existing created" in running.output_so_far())

    after = roll_back(existing)

    assert_rolled_back(existing, after)


def test_rollback_from_halfway(existing: ExistingCluster) -> None:
    migrate_until(existing, lambda running: "replaced ip-" in running.output_so_far())
    assert existing.now().has("cilium")

    assert_rolled_back(existing, roll_back(existing))


def test_rollback_after_aws_node_was_deleted(existing: ExistingCluster) -> None:
    existing.configure(target=CILIUM)
    migration = existing.up()
    assert migration.code == 0, migration.output
    assert not existing.now().has("aws-node")

    assert_rolled_back(existing, roll_back(existing))


def test_a_preview_after_the_rollback_finds_nothing_to_do(existing: ExistingCluster) -> None:
    again = existing.pulumi("preview", "--expect-no-changes")

    assert again.code == 0, again.output
