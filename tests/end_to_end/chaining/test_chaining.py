"""Cilium is chained to the VPC CNI of a small cluster; the run is killed halfway, and done once more."""

from dataclasses import dataclass

import pytest

from lab.demo.chaining import promises
from lab.demo.comparison import Snapshot
from lab.demo.prober import Prober, watching
from lab.existing.shape import Shape
from tests.end_to_end.existing import claims
from tests.end_to_end.existing.making import ENGINEER, Existing, MakeExisting

pytestmark = [pytest.mark.lab, pytest.mark.timeout(900)]

RESTARTED = {"kube-system/coredns": 2, "small/web": 3, "small/db": 1}


@dataclass
class Chained:
    existing: Existing
    prober: Prober
    halfway: Snapshot
    after: Snapshot


@pytest.fixture(scope="module")
def chained(make_existing: MakeExisting) -> Chained:
    shape = Shape(nodes=3, groups=1, workloads=("storage", "small", "database"))
    existing = make_existing(shape, parallel=1)
    with watching(existing.kubectl) as prober:
        with existing.started("up", "--yes", "--skip-preview") as running:
            running.wait_until(lambda: running.says().count("restarted ") > 1)
            running.kill()
        halfway = existing.now()
        again = existing.up()
        assert again.code == 0, again.output
    return Chained(existing, prober, halfway, existing.now())


def test_the_cluster_is_what_a_chain_promises(chained: Chained) -> None:
    before = chained.existing.before

    assert [fact for fact in promises(before, chained.after) if not fact.holds] == []


def test_it_was_killed_before_its_end(chained: Chained) -> None:
    """Guards the test itself."""
    assert set(chained.halfway.ordinary_pods) - chained.halfway.endpoints


def test_no_pod_was_restarted_twice(chained: Chained) -> None:
    audit = chained.existing.audit

    assert claims.restarted_once(audit, RESTARTED) == []
    assert claims.rolled_out_once(audit) == []
    assert claims.no_pod_evicted_twice(audit) == []


def test_pods_left_by_eviction_or_roll_out_only_and_no_budget_was_broken(chained: Chained) -> None:
    audit = chained.existing.audit

    assert {event.user for event in audit.evictions()} == {ENGINEER}
    assert claims.only_evicted(audit) == []
    assert audit.unallowed_evictions() == []
    assert chained.prober.breaches == []


def test_aws_node_was_never_written_and_no_instance_ended(chained: Chained) -> None:
    existing = chained.existing

    assert claims.not_written(existing.audit, "aws-node") == []
    assert existing.calls.terminated() == []
    assert chained.after.instances == existing.before.instances


def test_a_preview_finds_nothing_to_do(chained: Chained) -> None:
    again = chained.existing.pulumi("preview", "--expect-no-changes")

    assert again.code == 0, again.output
