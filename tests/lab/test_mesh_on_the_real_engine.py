"""Two clusters made and joined on the Pulumi CLI: the plan is the built-in engine's, and so is the end.

Runs where `pulumi` is on PATH. The mesh's stack reads the clusters' stacks by stack references, so the
built-in engine gets the state that the CLI wrote, as `stack export` and `stack import` move it.
"""

import shutil
from pathlib import Path

import pytest

from lab import program, report
from lab.demo import mesh, mesh_facts

from .conftest import LabOfTest
from .test_mesh import CLUSTERS
from .test_new_cluster import left_in_the_cloud
from .test_same_on_the_real_engine import operations

pytestmark = [
    pytest.mark.lab,
    pytest.mark.real_engine,
    pytest.mark.timeout(2400),
    pytest.mark.skipif(not shutil.which("pulumi"), reason="the Pulumi CLI is not on PATH"),
]


def on(engine: str, lab: LabOfTest, stack: str) -> LabOfTest:
    return LabOfTest(lab.places, engine, stack=stack)


def handed_over(lab: LabOfTest, stack: str) -> None:
    """Give the built-in engine the state that the CLI has of a stack."""
    exported = on(program.OFFICIAL, lab, stack).pulumi("stack", "export")
    assert exported.code == 0, exported.output
    file = Path(lab.places.directory) / f"{stack}.json"
    file.write_text(exported.output)
    imported = on(program.BUILT_IN, lab, stack).pulumi("stack", "import", "--file", str(file))
    assert imported.code == 0, imported.output


@pytest.fixture(scope="module")
def clusters(lab: LabOfTest) -> LabOfTest:
    """The lab, with both clusters made by the CLI."""
    for stack in mesh.CLUSTERS.values():
        made = on(program.OFFICIAL, lab, stack).pulumi("up", "--yes", "--skip-preview")
        assert made.code == 0, made.output
        handed_over(lab, stack)
    report.write_kubeconfig(lab.places)
    for cluster in CLUSTERS:
        mesh.deploy(lab.places, cluster)
    return lab


def test_both_engines_preview_the_same_mesh(clusters: LabOfTest) -> None:
    official = on(program.OFFICIAL, clusters, mesh.STACK).pulumi("preview", "--json")
    built_in = on(program.BUILT_IN, clusters, mesh.STACK).pulumi("preview", "--json")

    assert official.code == 0, official.output
    assert operations(official.json()) == operations(built_in.json())


def test_the_clusters_are_joined_and_both_engines_find_nothing_left_to_do(clusters: LabOfTest) -> None:
    joined = on(program.OFFICIAL, clusters, mesh.STACK)

    made = joined.pulumi("up", "--yes", "--skip-preview")

    assert made.code == 0, made.output
    assert [fact for fact in mesh_facts.mesh(clusters.places, CLUSTERS) if not fact.holds] == []
    handed_over(clusters, mesh.STACK)
    for engine in (program.OFFICIAL, program.BUILT_IN):
        again = on(engine, clusters, mesh.STACK).pulumi("preview", "--expect-no-changes")
        assert again.code == 0, again.output


def test_everything_goes_again(clusters: LabOfTest) -> None:
    for stack in (mesh.STACK, *mesh.CLUSTERS.values()):
        destroyed = on(program.OFFICIAL, clusters, stack).pulumi("destroy", "--yes")
        assert destroyed.code == 0, destroyed.output

    assert left_in_the_cloud(clusters) == {}
