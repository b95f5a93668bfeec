"""The plan that a demo shows while the lab is built: of recorded facts, by the command itself."""

from pathlib import Path

import pytest
import yaml

from eks_cilium.migration.facts.model import AddOn, Cluster, Facts
from eks_cilium.migration.plan.planner import plan
from eks_cilium.settings.model.migration import Capacity, MigrationOptions
from lab.environment import ROOT
from lab.sample_cluster import planned, recording
from lab.sample_cluster.spec import ClusterSpec
from tests.program.plan.builders import World

pytestmark = pytest.mark.unit


def with_a_pod() -> Facts:
    world = World(3)
    world.pod("one")
    return world.facts()


@pytest.mark.parametrize(
    "facts", [with_a_pod(), Facts(Cluster("a", "1.35"), add_on=AddOn("v1", "ACTIVE")), recording.recorded()]
)
def test_facts_are_read_as_they_were_recorded(facts: Facts, tmp_path: Path) -> None:
    file = tmp_path / "facts.json"

    recording.record(facts, file)

    assert recording.recorded(file) == facts


def test_the_plan_is_that_of_a_whole_sample_cluster(capsys: pytest.CaptureFixture[str]) -> None:
    spec, facts = ClusterSpec(), recording.recorded()

    planned.print_plan()

    shown = capsys.readouterr().out
    assert (facts.cluster.name, len(facts.nodes)) == (spec.name, spec.nodes)
    assert f"Cluster {spec.name}: {spec.nodes} nodes from the AWS VPC CNI to Cilium" in shown
    assert "Blockers:" in shown


def test_the_demo_does_what_the_plan_advises() -> None:
    stack = yaml.safe_load((ROOT / "lab" / "stacks" / "Pulumi.lab-replacement.yaml").read_text())
    options = MigrationOptions.model_validate(stack["config"]["eks-cilium:migration"])

    assert not plan(recording.recorded(), MigrationOptions(capacity=Capacity.DECREMENT)).clean
    assert plan(recording.recorded(), options).clean
