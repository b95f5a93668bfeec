"""First chaining, then replacement: the same cluster and stack, with another mode in the stack's file."""

from dataclasses import dataclass
from typing import Any

import pytest

from lab.demo import chaining, comparison
from lab.demo.comparison import Snapshot
from lab.demo.prober import Prober, watching
from lab.sample_cluster.spec import ClusterSpec
from tests.end_to_end.sample_cluster import violations
from tests.end_to_end.sample_cluster.cluster import ExistingCluster, MakeExisting

pytestmark = [pytest.mark.lab, pytest.mark.endurance, pytest.mark.timeout(1800)]


@dataclass
class Moved:
    existing: ExistingCluster
    chained: Snapshot
    prober: Prober
    after: Snapshot


def to_replacement(config: dict[str, Any]) -> None:
    """Change the stack's file as docs/chaining.md describes."""
    allow = config.pop("eks-cilium:refresh")["allow"]
    config["eks-cilium:mode"] = "replacement"
    del config["eks-cilium:cluster"]["existing"]
    config["eks-cilium:migration"] = {"target": "cilium", "surge": 3, "parallel": 3, "allow": allow}


@pytest.fixture(scope="module")
def moved(make_existing: MakeExisting) -> Moved:
    existing = make_existing(ClusterSpec(nodes=3, groups=1, workloads=("storage", "small", "database")))
    with watching(existing.kubectl) as prober:
        first = existing.up()
        assert first.code == 0, first.output
        chained = existing.now()
        existing.change(to_replacement)
        second = existing.up()
        assert second.code == 0, second.output
    return Moved(existing, chained, prober, existing.now())


def test_the_chained_cluster_passed_all_checks(moved: Moved) -> None:
    before = moved.existing.before

    assert [check for check in chaining.chaining_checks(before, moved.chained) if not check.passed] == []


def test_the_migrated_cluster_passes_all_checks(moved: Moved) -> None:
    before = moved.existing.before

    assert [check for check in comparison.replacement_checks(before, moved.after) if not check.passed] == []


def test_no_pdb_was_violated(moved: Moved) -> None:
    audit = moved.existing.audit

    assert moved.prober.breaches == []
    assert audit.unallowed_evictions() == []
    assert violations.only_evicted(audit) == []
    assert violations.no_pod_evicted_twice(audit) == []


def test_each_node_was_replaced_once(moved: Moved) -> None:
    existing = moved.existing

    assert violations.each_node_cordoned_once(existing.audit, sorted(existing.before.nodes)) == []
    assert violations.each_instance_terminated_once(existing.calls, existing.before) == []


def test_the_agents_have_no_configuration_of_chaining_left(moved: Moved) -> None:
    kubectl = moved.existing.kubectl
    configuration = kubectl("get", "configmap", "cilium-config", "-n", "kube-system", "-o", "json")
    template = kubectl("get", "daemonset", "cilium", "-n", "kube-system", "-o", "jsonpath={.spec.template}")

    assert "aws-cni" not in configuration
    assert '"cni-uninstall": "true"' not in configuration
    assert "eks-cilium.io/leaving" not in template


def test_a_preview_finds_nothing_to_do(moved: Moved) -> None:
    again = moved.existing.pulumi("preview", "--expect-no-changes")

    assert again.code == 0, again.output
