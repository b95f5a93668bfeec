"""Chained first, then on to Cilium alone: the same cluster, the same stack, another mode in its file."""

from dataclasses import dataclass
from typing import Any

import pytest

from lab.demo import chaining, comparison
from lab.demo.comparison import Snapshot
from lab.demo.prober import Prober, watching
from lab.existing.shape import Shape
from tests.end_to_end.existing import claims
from tests.end_to_end.existing.making import Existing, MakeExisting

pytestmark = [pytest.mark.lab, pytest.mark.endurance, pytest.mark.timeout(1800)]


@dataclass
class Moved:
    existing: Existing
    chained: Snapshot
    prober: Prober
    after: Snapshot


def to_replacement(config: dict[str, Any]) -> None:
    """What docs/chaining.md has people write into the stack's file."""
    allow = config.pop("eks-cilium:refresh")["allow"]
    config["eks-cilium:mode"] = "replacement"
    config["eks-cilium:migration"] = {"target": "cilium", "surge": 3, "parallel": 3, "allow": allow}


@pytest.fixture(scope="module")
def moved(make_existing: MakeExisting) -> Moved:
    existing = make_existing(Shape(nodes=3, groups=1, workloads=("storage", "small", "database")))
    with watching(existing.kubectl) as prober:
        first = existing.up()
        assert first.code == 0, first.output
        chained = existing.now()
        existing.change(to_replacement)
        second = existing.up()
        assert second.code == 0, second.output
    return Moved(existing, chained, prober, existing.now())


def test_the_chain_was_whole_before(moved: Moved) -> None:
    before = moved.existing.before

    assert [fact for fact in chaining.promises(before, moved.chained) if not fact.holds] == []


def test_the_cluster_is_what_a_migration_promises(moved: Moved) -> None:
    before = moved.existing.before

    assert [fact for fact in comparison.promises(before, moved.after) if not fact.holds] == []


def test_no_budget_was_ever_broken(moved: Moved) -> None:
    audit = moved.existing.audit

    assert moved.prober.breaches == []
    assert audit.unallowed_evictions() == []
    assert claims.only_evicted(audit) == []
    assert claims.no_pod_evicted_twice(audit) == []


def test_each_node_was_replaced_once(moved: Moved) -> None:
    existing = moved.existing

    assert claims.each_node_cordoned_once(existing.audit, sorted(existing.before.nodes)) == []
    assert claims.each_instance_terminated_once(existing.calls, existing.before) == []


def test_nothing_of_the_chain_is_left_in_the_agents(moved: Moved) -> None:
    kubectl = moved.existing.kubectl
    configuration = kubectl("get", "configmap", "cilium-config", "-n", "kube-system", "-o", "json")
    template = kubectl("get", "daemonset", "cilium", "-n", "kube-system", "-o", "jsonpath={.spec.template}")

    assert "aws-cni" not in configuration
    assert '"cni-uninstall": "true"' not in configuration
    assert "eks-cilium.io/leaving" not in template


def test_a_preview_finds_nothing_to_do(moved: Moved) -> None:
    again = moved.existing.pulumi("preview", "--expect-no-changes")

    assert again.code == 0, again.output
