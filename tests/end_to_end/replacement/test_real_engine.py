"""A migration on the Pulumi CLI: the same plan, result and Ctrl-C behaviour as on the built-in engine.

Runs where `pulumi` is on PATH.
"""

import shutil

import pytest

from lab import program
from lab.demo.comparison import replacement_checks
from lab.sample_cluster.spec import ClusterSpec
from tests.end_to_end.modes.test_same_on_the_real_engine import operations
from tests.end_to_end.sample_cluster import violations
from tests.end_to_end.sample_cluster.cluster import ExistingCluster, MakeExisting

pytestmark = [
    pytest.mark.lab,
    pytest.mark.real_engine,
    pytest.mark.timeout(1500),
    pytest.mark.skipif(not shutil.which("pulumi"), reason="the Pulumi CLI is not on PATH"),
]


@pytest.fixture(scope="module")
def existing(make_existing: MakeExisting) -> ExistingCluster:
    spec = ClusterSpec(nodes=3, groups=1, workloads=("storage", "small", "database"))
    return make_existing(spec, engine=program.OFFICIAL, surge=3, parallel=1)


def test_both_engines_preview_the_same_migration(existing: ExistingCluster) -> None:
    official = existing.pulumi("preview", "--json")
    built_in = existing.on(program.BUILT_IN).pulumi("preview", "--json")

    assert official.code == 0, official.output
    assert operations(official.json()) == operations(built_in.json())


def test_a_second_run_completes_after_a_ctrl_c(existing: ExistingCluster) -> None:
    with existing.started("up", "--yes", "--skip-preview") as running:
        running.wait_until(lambda: "cordoned" in running.output_so_far())
        running.interrupt()
        assert running.wait() != 0
    assert len(existing.audit.cordons()) == 1

    again = existing.up()

    assert again.code == 0, again.output
    before = existing.before
    assert [check for check in replacement_checks(before, existing.now()) if not check.passed] == []
    assert violations.each_node_cordoned_once(existing.audit, sorted(before.nodes)) == []
    assert violations.no_pod_evicted_twice(existing.audit) == []
    assert violations.each_instance_terminated_once(existing.calls, before) == []


def test_a_second_preview_finds_nothing_to_do(existing: ExistingCluster) -> None:
    again = existing.pulumi("preview", "--expect-no-changes")

    assert again.code == 0, again.output
